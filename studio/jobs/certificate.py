"""What an exported artefact is worth: it is run beside the weights that it was made from."""

from __future__ import annotations

import dataclasses
import platform
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.dataset import VAL, Dataset, Sample
from studio.core.job import JobContext
from studio.io.datasets import load_dataset
from studio.io.files import write_json
from studio.io.images import read_image
from studio.jobs.certificate_page import Compared, write_certificate_page
from studio.jobs.looking import check_comparable, open_looker
from studio.metrics.agreement import Agreement, Shift
from studio.metrics.evaluation import evaluate
from studio.runtime.clips import is_clip_model

Picture = npt.NDArray[np.uint8]

CERTIFICATE = "certificate.json"
# Where AP is asked for as well, more pictures only take longer.
MAX_PICTURES = 50
DRAWN_PICTURES = 8
_FILM = 2
WORST = 6
CONF = 0.25
# AP is counted over people down to this score, as COCO's judges do.
AP_CONF = 0.001
LIMITS = {"mean": 0.5, "ap": 0.005}


def certify(
    weights: ModelArtifact, artifact: ModelArtifact, data: Path | None, context: JobContext
) -> dict[str, Any]:
    """Hold `artifact` against `weights` on the dataset's validation pictures, or on drawn people.

    Both compute in f32 for the parity; the time is at the device's own precision. The AP of both
    stands beside it where there are labels. Writes certificate.json and certificate.html beside
    the artefact.
    """
    check_comparable(artifact)
    dataset = load_dataset(data) if data is not None else None
    pictures = list(_pictures(dataset, clip=is_clip_model(artifact)))
    compared: list[tuple[float, Compared]] = []
    size = artifact.input.size
    # The same frame around every picture: an artefact of one size fills it up with grey.
    framed = dataclasses.replace(weights.input, size=size, dynamic=artifact.input.dynamic)
    weights = dataclasses.replace(weights, input=framed)
    agreement = Agreement(artifact.skeleton.keypoints)
    started = time.perf_counter()
    with open_looker(artifact, conf=CONF, imgsz=size, precision="f32") as made:
        load_ms = (time.perf_counter() - started) * 1000
        with open_looker(weights, conf=CONF, imgsz=size, precision="f32") as original:
            for number, (picture, sample) in enumerate(pictures, 1):
                context.check()
                found = original.look(picture, sample), made.look(picture, sample)
                shift = agreement.add(*found, made.scale(sample))
                compared.append((shift.badness, (picture, *found, shift.worst)))
                context.progress("certify", number, len(pictures))
    ap = _both_ap((weights, artifact), dataset, context)
    summary = _parity(agreement)
    values = {
        "v": 1,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "weights": str(weights.weights),
        "artifact": artifact.weights.name,
        "precision": artifact.precision,
        "input": artifact.input.to_mapping(),
        "pictures": {
            "count": len(pictures),
            "source": str(data.absolute()) if data is not None else "drawn people",
        },
        "parity": summary,
        "ap": ap,
        "bytes": sum(
            p.stat().st_size for p in artifact.weights.parent.glob(f"{artifact.weights.stem}.*")
        ),
        "weights_bytes": weights.weights.stat().st_size,
        "load_ms": load_ms,
        "latency_ms": _latency(artifact, *pictures[0], context),
        "computed_in": "f32",
        "machine": platform.processor() or platform.machine(),
        "limits": LIMITS,
        "passed": _passed(summary, ap),
    }
    worst = sorted(compared, key=lambda c: -c[0])[:WORST]
    folder = artifact.weights.parent
    write_certificate_page(folder, values, [c for _, c in worst], artifact.skeleton)
    write_json(folder / CERTIFICATE, values)
    return values


def _parity(agreement: Agreement) -> dict[str, Any]:
    """Over the joints that the weights are sure of; null where nobody was found."""
    return {
        "people": agreement.people(),
        "shift_px": _shift(agreement.shift(visible=True)),
        "shift_input_px": _shift(agreement.shift(visible=True, input_pixels=True)),
        "joints": {name: _shift(shift) for name, shift in agreement.by_joint().items()},
        "scores": agreement.scores(),
    }


def _shift(shift: Shift) -> dict[str, Any]:
    values = dataclasses.asdict(shift)
    return values if shift.count else {**values, "mean": None, "p95": None, "max": None}


def _pictures(dataset: Dataset | None, *, clip: bool) -> Iterator[tuple[Picture, Sample]]:
    """Of the dataset, or drawn: for a model of clips the frames of a film of one person."""
    if dataset is None:
        from studio.vision.synthetic import make_clip, make_picture

        film = list(make_clip(_FILM, 3 * DRAWN_PICTURES, (480, 360), 1))[::3] if clip else []
        for seed in range(DRAWN_PICTURES):
            drawn = film[seed] if clip else make_picture(seed, (480, 360))
            height, width = drawn.image.shape[:2]
            yield (
                drawn.image,
                Sample(Path(f"drawn {seed}"), (width, height), tuple(drawn.people), 0),
            )
        return
    samples = dataset.split(VAL if VAL in dataset.splits else "all")
    for sample in samples[:MAX_PICTURES]:
        yield read_image(sample.image), sample


def _both_ap(
    sides: tuple[ModelArtifact, ModelArtifact], dataset: Dataset | None, context: JobContext
) -> dict[str, float] | None:
    """The AP of the weights and of the artefact, where there are labels of their joints."""
    if dataset is None or len(dataset.skeleton) != len(sides[1].skeleton):
        return None
    samples = dataset.split(VAL if VAL in dataset.splits else "all")[:MAX_PICTURES]
    found: dict[str, float] = {}
    size = sides[1].input.size
    for name, side in zip(("weights", "artifact"), sides, strict=True):

        def progress(done: int, total: int, name: str = name) -> None:
            context.check()
            context.progress(f"judge {name}", done, total)

        with open_looker(side, conf=AP_CONF, imgsz=size, precision="f32") as looker:
            judged = evaluate(samples, dataset.skeleton, looker.look, progress=progress)
        found[name] = judged.metrics["AP"]
    found["difference"] = found["artifact"] - found["weights"]
    return found


def _latency(
    artifact: ModelArtifact, picture: Picture, sample: Sample, context: JobContext
) -> dict[str, Any]:
    """One picture at a time as Live does it: the whole way, median of ten after two."""
    times: list[float] = []
    with open_looker(artifact, conf=CONF, imgsz=artifact.input.size) as looker:
        for number in range(12):
            context.check()
            started = time.perf_counter()
            looker.look(picture, sample)
            if number >= 2:
                times.append((time.perf_counter() - started) * 1000)
        return {
            "median": median(times),
            "device": looker.engine.device,
            "precision": looker.engine.precision,
            "picture": [picture.shape[1], picture.shape[0]],
        }


def _passed(summary: dict[str, Any], ap: dict[str, float] | None) -> bool | None:
    """None where nobody was found: then nothing is proved."""
    mean = summary["shift_px"]["mean"]
    if mean is None:
        return None
    near = mean <= LIMITS["mean"]
    return near and (ap is None or abs(ap["difference"]) <= LIMITS["ap"])
