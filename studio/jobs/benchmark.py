"""Benchmark: how fast an artefact is on this machine, the bare engine and our whole pipeline.

Latency is one picture after the other with the latency set-up; throughput has as many under way as
the engine takes. "pipeline" is what stands around the network at run time, without reading or
drawing: letterbox, decoding and NMS of whole pictures; motion of a clip's frames; the crop of one
person or one head a picture and reading its joints or rotation. The result (also `benchmark.json`) is {"model", "task", "engine", "device", "precision", "threads", "streams" (0: as the engine thinks best),
"requests" (under way at once for throughput), "input":
[h, w], "picture": [h, w], "batch", "load_ms", "first_ms", "size_mb", "engine_latency_ms" and
"pipeline_latency_ms": {median, p95, min}, "engine_fps", "pipeline_fps", "overhead_ms", "stages_ms",
"peak_memory_mb"}.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections import defaultdict, deque
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import psutil

from studio.core.artifact import ModelArtifact
from studio.core.errors import FileProblem
from studio.core.job import JobContext
from studio.core.requests.benchmark import BenchmarkOptions
from studio.io.files import write_json
from studio.jobs.benchmark_subjects import Subject, subject_of
from studio.jobs.looking import bytes_on_disk
from studio.runtime.artifacts import load_artifact
from studio.runtime.opening import open_engine
from studio.runtime.sources import open_source

Picture = npt.NDArray[np.uint8]

_PICTURES = 16
_SYNTHETIC = f"synthetic:?frames={_PICTURES}"
_WARM_UP = 3


def run(options: BenchmarkOptions, context: JobContext) -> dict[str, Any]:
    """See the module. Raises ModelError, DeviceError, FileProblem."""
    artifact = load_artifact(options.model)
    context.progress("read", 0, 4)
    pictures = _pictures(options.source or _SYNTHETIC)
    values = _latency(options, artifact, pictures, context)
    values |= _throughput(options, artifact, pictures, context)
    stages = values["stages_ms"]
    # Summed from its parts: the difference of two latencies drowns in a busy machine's noise.
    values["overhead_ms"] = round(stages["preprocess"] + stages["decode"], 3)
    values["peak_memory_mb"] = round(psutil.Process().memory_info().rss / 2**20, 1)
    context.progress("measure", 4, 4)
    out = options.out or (context.run_dir or Path.cwd()) / "benchmark.json"
    write_json(out, values)
    context.artifact("report", out)
    return values | {"report": str(out)}


def _latency(
    options: BenchmarkOptions,
    artifact: ModelArtifact,
    pictures: list[Picture],
    context: JobContext,
) -> dict[str, Any]:
    started = time.perf_counter()
    with _subject(options, artifact, pictures, throughput=False) as subject:
        loaded = time.perf_counter()
        subject.engine.infer(subject.batch)
        first = time.perf_counter()
        engine = _measure(lambda _: subject.engine.infer(subject.batch), options.seconds, context)
        context.progress("measure", 1, 4)
        stages: defaultdict[str, list[float]] = defaultdict(list)

        def whole(number: int) -> None:
            for timings in subject.start(number).result():
                for stage, milliseconds in timings.items():
                    stages[stage].append(milliseconds)

        pipeline = _measure(whole, options.seconds, context)
        context.progress("measure", 2, 4)
        return {
            "model": str(artifact.weights),
            "task": artifact.task,
            "engine": subject.engine.name,
            "device": subject.engine.device,
            "precision": subject.engine.precision,
            "threads": options.threads,
            "streams": options.streams,
            "input": list(subject.shape),
            "picture": list(pictures[0].shape[:2]),
            "batch": options.batch,
            "load_ms": round((loaded - started) * 1000, 1),
            "first_ms": round((first - loaded) * 1000, 1),
            "size_mb": round(bytes_on_disk(artifact) / 1e6, 3),
            "engine_latency_ms": _spread(engine),
            "pipeline_latency_ms": _spread(pipeline),
            "stages_ms": {k: round(statistics.median(v), 3) for k, v in stages.items()},
        }


def _throughput(
    options: BenchmarkOptions,
    artifact: ModelArtifact,
    pictures: list[Picture],
    context: JobContext,
) -> dict[str, Any]:
    with _subject(options, artifact, pictures, throughput=True) as subject:
        engine, batch = subject.engine, subject.batch
        # How many it takes at once may be known only after the first.
        engine.infer(batch)
        depth = engine.requests
        bare = _rate(lambda _: engine.submit(batch), depth, options, context)
        context.progress("measure", 3, 4)
        full = _rate(subject.start, depth, options, context)
    return {"engine_fps": round(bare, 2), "pipeline_fps": round(full, 2), "requests": depth}


@contextlib.contextmanager
def _subject(
    options: BenchmarkOptions,
    artifact: ModelArtifact,
    pictures: list[Picture],
    *,
    throughput: bool,
) -> Generator[Subject]:
    engine = open_engine(
        artifact,
        device=options.device,
        precision=options.precision,
        threads=options.threads,
        throughput=throughput,
        streams=options.streams if throughput else 0,
    )
    try:
        yield subject_of(artifact, engine, pictures, options)
    finally:
        engine.close()


def _pictures(source_text: str) -> list[Picture]:
    """Up to 16 pictures of one size."""
    source = open_source(source_text)
    found: list[Picture] = []
    try:
        for frame in source:
            if frame.picture is not None and (not found or frame.picture.shape == found[0].shape):
                found.append(frame.picture)
            if len(found) == _PICTURES:
                break
    finally:
        source.close()
    if not found:
        raise FileProblem("There is nothing here to measure with.", where=source_text)
    return found


def _measure(work: Callable[[int], object], seconds: float, context: JobContext) -> list[float]:
    """Milliseconds of each call, after a warm-up."""
    for number in range(_WARM_UP):
        work(number)
    times: list[float] = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        context.check()
        started = time.perf_counter()
        work(len(times))
        times.append((time.perf_counter() - started) * 1000)
    return times


def _rate(
    start: Callable[[int], Any], depth: int, options: BenchmarkOptions, context: JobContext
) -> float:
    """Pictures a second with `depth` under way."""
    for number in range(_WARM_UP):
        start(number).result()
    waiting: deque[Any] = deque()
    done = 0
    started = time.perf_counter()
    end = started + options.seconds
    while not done or time.perf_counter() < end:
        context.check()
        waiting.append(start(done))
        if len(waiting) >= depth:
            waiting.popleft().result()
        done += 1
    while waiting:
        waiting.popleft().result()
    return done * options.batch / (time.perf_counter() - started)


def _spread(times: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(times), 3),
        "p95": round(float(np.percentile(times, 95)), 3),
        "min": round(min(times), 3),
    }
