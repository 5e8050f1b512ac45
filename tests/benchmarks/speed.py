"""A video through our own loop, through a peer's and through the bare engine, in one process and in
turn: what else the machine does meanwhile slows all of them.
"""

from __future__ import annotations

import itertools
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self
from unittest import mock

import numpy as np

from studio.core.job import JobContext, JobEvent
from studio.core.requests.predict import PredictOptions
from studio.io.video import VideoReader
from studio.jobs import predict
from studio.runtime.predictor import Predictor
from studio.runtime.sources import Source, SourceFrame, VideoSource, open_source
from studio.runtime.stages import one_opencv_thread
from tests.runtime.oracle import WEIGHTS

SIDE = 640
EXPORT = """
import sys
from ultralytics import YOLO
print(YOLO(sys.argv[1]).export(format="openvino", half=True, imgsz=640))
"""


class Bare:
    """The engine alone on random bytes, as many requests under way as it asks for itself."""

    def __init__(self, model: Path, shape: tuple[int, int]) -> None:
        from studio.runtime.artifacts import load_artifact
        from studio.runtime.engines.openvino import OpenVinoEngine, import_openvino

        self._ov: Any = import_openvino()
        engine = OpenVinoEngine(load_artifact(model), "cpu", "auto", 0, throughput=True)
        network = engine.network_for((1, *shape, 3))
        self.precision = engine.precision
        self._queue = self._ov.AsyncInferQueue(network, 0)
        self._input = np.random.default_rng(0).integers(0, 256, (1, *shape, 3), np.uint8)
        for _ in range(8):
            self._queue.start_async(self._input)
        self._queue.wait_all()

    def fps(self, seconds: float, beside: Callable[[], object] = lambda: None) -> float:
        """Inferences a second; `beside` is called before each."""
        done = 0
        started = time.perf_counter()
        while time.perf_counter() - started < seconds:
            beside()
            self._queue.start_async(self._input)
            done += 1
        self._queue.wait_all()
        return done / (time.perf_counter() - started)


@contextmanager
def decoding(video: Path) -> Generator[Callable[[], object]]:
    """A frame of `video` each call, decoded on a thread, the video again and again."""
    frames: queue.Queue[Any] = queue.Queue(4)
    halt = threading.Event()

    def read() -> None:
        while not halt.is_set():
            with VideoReader(video) as reader:
                for item in reader:
                    frames.put(item)
                    if halt.is_set():
                        return

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        yield frames.get
    finally:
        halt.set()
        while thread.is_alive():
            try:
                frames.get(timeout=0.1)
            except queue.Empty:
                continue


@dataclass
class Ours:
    """`predict` with the model loaded and its network compiled."""

    model: Path
    folder: Path
    track: str = "oks"
    side: int = SIDE

    def __enter__(self) -> Self:
        self._predictor = Predictor(self.model, imgsz=self.side, throughput=True)
        return self

    def __exit__(self, *details: object) -> None:
        self._predictor.close()

    def fps(self, source: Path, *, written: bool = False, **options: Any) -> float:
        """Frames a second through all of `source`, drawn unless told otherwise; `written`: into
        result.mp4.
        """
        return float(self.run(open_source(str(source)), written=written, **options)["fps"])

    def run(
        self,
        opened: Source,
        *,
        written: bool = False,
        tell: Callable[[JobEvent], None] = lambda _: None,
        **options: Any,
    ) -> dict[str, Any]:
        """The job's result; the source is closed. tell: hears the job's events."""
        asked = PredictOptions(
            model=self.model, source=opened.name, save_dir=self.folder, track=self.track, **options
        )
        context = JobContext(tell)
        sink = predict.FrameVideo if written else _Nowhere
        try:
            with one_opencv_thread(), mock.patch.object(predict, "FrameVideo", sink):
                return predict.PredictRun(
                    asked, context, opened, self._predictor, self.folder, {}, {}
                ).run()
        finally:
            opened.close()


class AgainAndAgain:
    """A video `times` times, as one source."""

    kind = "video"
    live = False

    def __init__(self, path: Path, times: int) -> None:
        self._path = path
        self._times = times
        first = VideoSource(path)
        self.name, self.fps, self.size = first.name, first.fps, first.size
        self.count = first.count * times
        first.close()

    def __iter__(self) -> Iterator[SourceFrame]:
        number = itertools.count()
        for _ in range(self._times):
            source = VideoSource(self._path)
            for frame in source:
                index = next(number)
                yield replace(frame, index=index, time=index / self.fps)
            source.close()

    def close(self) -> None:
        """Nothing is held between the times."""


class Ultralytics:
    """Its own artefact in its own loop, drawn by itself."""

    def __init__(self, folder: Path) -> None:
        os.environ.update(offline(folder))
        weights = folder / "peer" / WEIGHTS.name
        weights.parent.mkdir()
        weights.write_bytes(WEIGHTS.read_bytes())
        command = [sys.executable, "-c", EXPORT, str(weights)]
        subprocess.run(command, check=True, capture_output=True, cwd=weights.parent)
        from ultralytics import YOLO

        self._model: Any = YOLO(weights.with_name(f"{weights.stem}_openvino_model"), task="pose")
        self._model.predict(np.zeros((720, 1280, 3), np.uint8), imgsz=SIDE, verbose=False)

    def fps(self, source: Path, *, drawn: bool = True) -> float:
        """Frames a second through all of `source`."""
        done = 0
        started = time.perf_counter()
        for found in self._model.predict(source, stream=True, imgsz=SIDE, verbose=False):
            if drawn:
                found.plot()
            done += 1
        return done / (time.perf_counter() - started)


def offline(folder: Path) -> dict[str, str]:
    """What keeps ultralytics from the network, and its settings out of the home folder."""
    return {"YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "False", "YOLO_CONFIG_DIR": str(folder)}


class _Nowhere:
    """Takes the frames that would be written."""

    def __init__(self, path: Path, fps: float, *, timed: bool) -> None:
        del path, fps, timed
        self.paths: list[Path] = []

    def write(self, frame: object, time: float) -> None:
        del frame, time

    def close(self) -> None:
        pass

    def abandon(self) -> None:
        pass
