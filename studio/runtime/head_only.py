"""Heads without people: a face detector, or pictures that show one head each, before a head-pose
model that runs alone.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Self

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.prediction import Prediction
from studio.io.skeletons import load_skeleton
from studio.runtime.engine import Engine
from studio.runtime.faces import Face, FaceDetector
from studio.runtime.head_pose import HeadPoser
from studio.runtime.predictor import Found
from studio.vision.letterbox import Letterbox, fit

Picture = npt.NDArray[np.uint8]

# A detector says the person's right before the left; the skeleton of faces has the left first.
_ORDER = [1, 0, 2, 4, 3]
_SKELETON = "face5"


class HeadsOnly:
    """A `PeopleFinder` whose people are faces, or whole pictures where there is no detector; how
    their heads are turned is added by the `HeadWatcher` that shares `poser`.

    conf: faces below it are left out. iou has no meaning: the detector has its own.
    """

    def __init__(
        self,
        poser: HeadPoser,
        detector: FaceDetector | None,
        *,
        conf: float = 0.25,
        max_people: int = 300,
    ) -> None:
        self.poser = poser
        self.detector = detector
        self.artifact: ModelArtifact = replace(
            poser.artifact, skeleton=load_skeleton(_SKELETON), categories=("head",)
        )
        self.engine: Engine = poser.engine
        self.size: tuple[int, int] = poser.artifact.input.size
        self.conf = conf
        self.iou = 1.0
        self.max_people = max_people

    @property
    def whole(self) -> bool:
        """Whether each picture is taken for a head."""
        return self.detector is None

    def predict(self, frame: Picture) -> tuple[Prediction, ...]:
        """The heads in one picture, the largest first."""
        return self._found(frame).predictions

    def predict_batch(self, frames: Sequence[Picture]) -> tuple[tuple[Prediction, ...], ...]:
        """The heads in each picture."""
        return tuple(found.predictions for found in self.find_batch(frames))

    def find_batch(self, frames: Sequence[Picture]) -> tuple[Found, ...]:
        """`predict_batch` with the timings."""
        return tuple(self._found(frame) for frame in frames)

    def fit(self, frame: Picture) -> Letterbox:
        """Any picture fills the same input: its heads are cut out of it."""
        height, width = frame.shape[:2]
        return fit((height, width), self.size, rect=False)

    def submit(self, frames: Sequence[Picture]) -> FacesTicket:
        """Pictures to look for faces in."""
        return FacesTicket(self, frames)

    def close(self) -> None:
        """Let the engine go."""
        self.poser.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def _found(self, frame: Picture) -> Found:
        started = time.perf_counter()
        if self.detector is None:
            people = (self._whole(frame),)
        else:
            faces = [f for f in self.detector.find(frame) if f.score >= self.conf]
            people = tuple(_person(f) for f in faces[: self.max_people])
        return Found(people, {"faces": (time.perf_counter() - started) * 1000})

    def _whole(self, frame: Picture) -> Prediction:
        box = np.array([0, 0, frame.shape[1], frame.shape[0]], np.float32)
        return Prediction(box, 1.0, np.zeros((len(self.artifact.skeleton), 3), np.float32))


class FacesTicket:
    """Pictures whose faces are looked for as soon as they are asked for."""

    def __init__(self, owner: HeadsOnly, frames: Sequence[Picture]) -> None:
        self._owner = owner
        self._frames = frames

    def result(self) -> tuple[Found, ...]:
        """One `Found` a picture, in order. Raises ModelError."""
        return self._owner.find_batch(self._frames)


def _person(face: Face) -> Prediction:
    """Joints score what the face does: the detector says no more."""
    scores = np.full((len(_ORDER), 1), face.score)
    joints = np.concatenate([face.points[_ORDER], scores], axis=1)
    return Prediction(face.box.astype(np.float32), face.score, joints.astype(np.float32))
