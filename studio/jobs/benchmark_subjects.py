"""What a benchmark runs: whole pictures, frames of a clip, one person's or one head's crop, each as
the runtime shows it to its network and reads the answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.requests.benchmark import BenchmarkOptions
from studio.runtime.clips import ClipPredictor, is_clip_model
from studio.runtime.engine import Batch, Engine, Outputs, Pending
from studio.runtime.head_outputs import rotations_in
from studio.runtime.head_pose import TASK as HEADS
from studio.runtime.predictor import Predictor
from studio.runtime.topdown import CropModel, in_picture, is_topdown
from studio.vision.head_crop import judged_crop
from studio.vision.letterbox import apply

Picture = npt.NDArray[np.uint8]
Stages = dict[str, float]


class Running(Protocol):
    """A batch under way."""

    def result(self) -> Sequence[Stages]:
        """Wait for it: milliseconds of each stage ("preprocess", "infer", "decode"), a picture."""
        ...


class Subject(Protocol):
    """An artefact in its pipeline. batch: what its bare network is given; `shape`: that input's
    (height, width).
    """

    engine: Engine
    batch: Batch
    shape: tuple[int, int]

    def start(self, number: int) -> Running:
        """Show it the next pictures, the `number`th time."""
        ...


def subject_of(
    artifact: ModelArtifact, engine: Engine, pictures: Sequence[Picture], options: BenchmarkOptions
) -> Subject:
    """Raises ModelError, UsageError where the artefact cannot be run so."""
    count = options.batch
    if artifact.task == HEADS:
        return _heads(artifact, engine, pictures, count)
    if is_topdown(artifact):
        return _crops(artifact, engine, pictures, count)
    if is_clip_model(artifact):
        return _Whole(ClipPredictor(artifact, engine=engine, imgsz=options.imgsz), pictures, count)
    return _Whole(Predictor(artifact, engine=engine, imgsz=options.imgsz), pictures, count)


@dataclass
class _Found:
    ticket: Any

    def result(self) -> Sequence[Stages]:
        return [found.timings for found in self.ticket.result()]


class _Whole:
    """A model that looks at whole pictures."""

    def __init__(
        self, predictor: Predictor | ClipPredictor, pictures: Sequence[Picture], count: int
    ) -> None:
        self._predictor, self._pictures, self._count = predictor, pictures, count
        self.engine = predictor.engine
        if isinstance(predictor, ClipPredictor):
            one = predictor.laid(pictures[0], ("", 0))
            predictor.reset()
        else:
            one = apply(pictures[0], predictor.fit(pictures[0]))
        self.batch = np.stack([one] * count)
        self.shape: tuple[int, int] = (one.shape[0], one.shape[1])

    def start(self, number: int) -> Running:
        # The pictures of a batch follow one another, as those of a film do.
        first = number * self._count
        frames = [self._pictures[(first + i) % len(self._pictures)] for i in range(self._count)]
        return _Found(self._predictor.submit(frames))


Cut = Callable[[Picture], tuple[Picture, Any]]
Read = Callable[[Outputs, Sequence[Any]], object]


@dataclass
class _Read:
    pending: Pending
    kept: Sequence[Any]
    preprocess: float
    read: Read

    def result(self) -> Sequence[Stages]:
        outputs = self.pending.result()
        started = time.perf_counter()
        self.read(outputs, self.kept)
        decode = (time.perf_counter() - started) * 1000
        count = len(self.kept)
        stages = {
            "preprocess": self.preprocess / count,
            "infer": self.pending.milliseconds / count,
            "decode": decode / count,
        }
        return [stages] * count


class _Cropping:
    """A model that looks at a part of each picture: one a picture."""

    def __init__(
        self, engine: Engine, pictures: Sequence[Picture], count: int, cut: Cut, read: Read
    ) -> None:
        self._pictures, self._count, self._cut, self._read = pictures, count, cut, read
        self.engine = engine
        one = cut(pictures[0])[0]
        self.batch = np.stack([one] * count)
        self.shape: tuple[int, int] = (one.shape[0], one.shape[1])

    def start(self, number: int) -> Running:
        started = time.perf_counter()
        first = number * self._count
        cuts = [
            self._cut(self._pictures[(first + i) % len(self._pictures)]) for i in range(self._count)
        ]
        batch = np.stack([crop for crop, _ in cuts])
        preprocess = (time.perf_counter() - started) * 1000
        pending = self.engine.submit(batch)
        return _Read(pending, [kept for _, kept in cuts], preprocess, self._read)


def _whole_box(picture: Picture) -> npt.NDArray[np.float64]:
    return np.array([0.0, 0.0, picture.shape[1], picture.shape[0]])


def _crops(
    artifact: ModelArtifact, engine: Engine, pictures: Sequence[Picture], count: int
) -> Subject:
    model = CropModel.of(artifact)

    def cut(picture: Picture) -> tuple[Picture, Any]:
        crops, matrices = model.cut(picture, _whole_box(picture)[None])
        return crops[0], matrices[0]

    def read(outputs: Outputs, matrices: Sequence[Any]) -> object:
        return in_picture(model.joints(outputs), np.stack(matrices))

    return _Cropping(engine, pictures, count, cut, read)


def _heads(
    artifact: ModelArtifact, engine: Engine, pictures: Sequence[Picture], count: int
) -> Subject:
    def cut(picture: Picture) -> tuple[Picture, Any]:
        return judged_crop(picture, _whole_box(picture), artifact.input.size), None

    def read(outputs: Outputs, kept: Sequence[Any]) -> object:
        return rotations_in(outputs, artifact)[: len(kept)]

    return _Cropping(engine, pictures, count, cut, read)
