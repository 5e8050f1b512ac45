"""How two artefacts of one model are let look at the same pictures.

A model that finds people itself gets the picture; a top-down model gets the labelled people's boxes
too, so that the two are told apart by their networks and not by a detector. A model of clips gets
the pictures in their order, each after the one before, so that its motion channels count as well.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.dataset import Sample
from studio.core.errors import ModelError
from studio.core.prediction import Prediction
from studio.io.video_keypoints import frame_of
from studio.jobs.evaluate_people import labelled_boxes
from studio.runtime.clips import ClipPredictor, is_clip_model
from studio.runtime.engine import Engine
from studio.runtime.predictor import Predictor
from studio.runtime.topdown import TopDown, is_topdown
from studio.vision.affine import box_matrix
from studio.vision.letterbox import fit

Picture = npt.NDArray[np.uint8]
POSE = "pose"


class Looker(Protocol):
    """An artefact that looks at pictures with their labels at hand. `milliseconds`: of each."""

    engine: Engine
    size: tuple[int, int]
    milliseconds: list[float]

    def look(self, picture: Picture, sample: Sample) -> tuple[Prediction, ...]:
        """The people of (H, W, 3) uint8 BGR."""
        ...

    def scale(self, sample: Sample) -> float:
        """Pixels of the network's input for each pixel of the picture."""
        ...

    def forget(self) -> None:
        """The next picture has nothing before it."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(self, *details: object) -> None: ...


def check_comparable(artifact: ModelArtifact) -> None:
    """Raises ModelError where the model is of a kind that cannot be compared here."""
    if artifact.task != POSE and not is_topdown(artifact) and not is_clip_model(artifact):
        raise ModelError(
            f"Artefacts of a {artifact.task} model cannot be compared here.",
            where=artifact.weights,
        )


def bytes_on_disk(artifact: ModelArtifact) -> int:
    """Of the weights and of what some formats keep of them in a second file."""
    weights = artifact.weights
    beside = (weights.with_suffix(".bin"), weights.with_name(f"{weights.name}.data"))
    return sum(p.stat().st_size for p in (weights, *beside) if p.is_file())


def named(path: str) -> str:
    """A model's file with its folder: most exports are called alike."""
    return "/".join(Path(path).parts[-2:])


def open_looker(
    artifact: ModelArtifact,
    *,
    conf: float,
    iou: float = 0.7,
    imgsz: Sequence[int] | None = None,
    device: str = "auto",
    precision: str = "auto",
) -> Looker:
    """Whatever the artefact's kind needs. Raises ModelError, DeviceError, UsageError."""
    check_comparable(artifact)
    if is_topdown(artifact):
        return _InBoxes(TopDown(artifact, device=device, precision=precision, flip_test=False))
    if is_clip_model(artifact):
        return _Moving(ClipPredictor(artifact, conf=conf, device=device, precision=precision))
    return _Alone(
        Predictor(artifact, conf=conf, iou=iou, imgsz=imgsz, device=device, precision=precision)
    )


class _Base:
    """What the kinds have alike."""

    def __init__(self, looks: Predictor | ClipPredictor | TopDown, size: tuple[int, int]) -> None:
        self._closing = looks
        self.engine: Engine = looks.engine
        self.size = size
        self.milliseconds: list[float] = []

    def forget(self) -> None:
        """See `Looker.forget`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self._closing.close()


class _Alone(_Base):
    """A model that finds people itself."""

    def __init__(self, predictor: Predictor) -> None:
        super().__init__(predictor, predictor.size)
        self._predictor = predictor

    def look(self, picture: Picture, sample: Sample) -> tuple[Prediction, ...]:
        del sample
        found = self._predictor.submit([picture]).result()[0]
        self.milliseconds.append(sum(found.timings.values()))
        return found.predictions

    def scale(self, sample: Sample) -> float:
        width, height = sample.size
        return fit((height, width), self.size).scale[0]


class _Moving(_Base):
    """A model that looks at whole frames of a clip."""

    def __init__(self, predictor: ClipPredictor) -> None:
        super().__init__(predictor, predictor.size)
        self._predictor = predictor
        self._count = 0

    def look(self, picture: Picture, sample: Sample) -> tuple[Prediction, ...]:
        # Pictures that are no frames of a video follow one another.
        place = frame_of(sample.image.stem) or ("", self._count)
        self._count += 1
        found = self._predictor.submit([picture], [place]).result()[0]
        self.milliseconds.append(sum(found.timings.values()))
        return found.predictions

    def scale(self, sample: Sample) -> float:
        return self.size[1] / sample.size[0]

    def forget(self) -> None:
        self._predictor.reset()
        self._count = 0


class _InBoxes(_Base):
    """A model that looks at people in their labelled boxes."""

    def __init__(self, joints: TopDown) -> None:
        super().__init__(joints, joints.artifact.input.size)
        self._joints = joints

    def look(self, picture: Picture, sample: Sample) -> tuple[Prediction, ...]:
        boxes, scores = labelled_boxes(picture, sample)
        started = time.perf_counter()
        found = self._joints.predict(picture, boxes, scores)
        self.milliseconds.append((time.perf_counter() - started) * 1000)
        return found

    def scale(self, sample: Sample) -> float:
        scales: list[Any] = [box_matrix(box, self.size)[0, 0] for box in sample.people_boxes()]
        return float(np.mean(scales)) if scales else 1.0
