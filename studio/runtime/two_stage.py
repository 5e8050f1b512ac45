"""A detector that finds people's boxes and a top-down model that finds their joints, as one.

`TwoStage` offers what jobs use of `Predictor`, so that pictures, videos and cameras go through
either in the same way.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.errors import ModelError, UsageError
from studio.core.prediction import Prediction
from studio.runtime.artifacts import load_artifact
from studio.runtime.engine import Engine
from studio.runtime.predictor import Found, Predictor, Ticket, Wishes
from studio.runtime.topdown import TopDown, without_doubles
from studio.vision.letterbox import Letterbox

Picture = npt.NDArray[np.uint8]
FINDS_PEOPLE = "pose"


class TwoStage:
    """People in pictures by two models. `artifact`, `engine` and `size` are the top-down model's.

    conf, iou and max_people belong to the detector and may be changed between pictures.
    """

    def __init__(self, detector: Predictor, joints: TopDown) -> None:
        self.detector = detector
        self.joints = joints
        self.artifact: ModelArtifact = joints.artifact
        self.engine: Engine = joints.engine
        self.size: tuple[int, int] = joints.artifact.input.size

    @property
    def conf(self) -> float:
        """The score from which on a box counts."""
        return self.detector.conf

    @conf.setter
    def conf(self, value: float) -> None:
        self.detector.conf = value

    @property
    def iou(self) -> float:
        """The overlap above which one of two boxes goes."""
        return self.detector.iou

    @iou.setter
    def iou(self, value: float) -> None:
        self.detector.iou = value

    @property
    def max_people(self) -> int:
        """How many people a picture gives at most."""
        return self.detector.max_people

    @max_people.setter
    def max_people(self, value: int) -> None:
        self.detector.max_people = value

    def predict(self, frame: Picture) -> tuple[Prediction, ...]:
        """The people in one picture, best first."""
        return self.submit([frame]).result()[0].predictions

    def predict_batch(self, frames: Sequence[Picture]) -> tuple[tuple[Prediction, ...], ...]:
        """The people in each picture."""
        return tuple(found.predictions for found in self.find_batch(frames))

    def find_batch(self, frames: Sequence[Picture]) -> tuple[Found, ...]:
        """`predict_batch` with the timings."""
        boxes = self.detector.find_batch(frames)
        return tuple(self.finish(f, b) for f, b in zip(frames, boxes, strict=True))

    def fit(self, frame: Picture) -> Letterbox:
        """How a picture lies in the detector's input."""
        return self.detector.fit(frame)

    def submit(self, frames: Sequence[Picture]) -> TwoStageTicket:
        """Start the detector on pictures that fill the same input (`fit(...).shape`)."""
        return TwoStageTicket(self, self.detector.submit(frames), frames)

    def finish(self, frame: Picture, found: Found) -> Found:
        """The joints of everybody whom the detector found."""
        started = time.perf_counter()
        people: tuple[Prediction, ...] = ()
        if found.predictions:
            boxes = np.stack([p.box for p in found.predictions])
            scores = [p.score for p in found.predictions]
            people = self.joints.predict(frame, boxes, scores)
            people = without_doubles(people, self.artifact.skeleton.oks_sigmas)
        spent = (time.perf_counter() - started) * 1000
        return Found(people, {**found.timings, "joints": spent})

    def close(self) -> None:
        """Let both engines go."""
        self.detector.close()
        self.joints.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()


class TwoStageTicket:
    """Boxes under way; `result` waits for them and finds the joints."""

    def __init__(self, owner: TwoStage, ticket: Ticket, frames: Sequence[Picture]) -> None:
        self._owner = owner
        self._ticket = ticket
        self._frames = frames

    def result(self) -> tuple[Found, ...]:
        """One `Found` a picture, in order. Raises ModelError."""
        boxes = self._ticket.result()
        return tuple(
            self._owner.finish(frame, found)
            for frame, found in zip(self._frames, boxes, strict=True)
        )


def two_stage_for(
    wishes: Wishes, artifact: ModelArtifact, *, max_people: int, throughput: bool
) -> TwoStage:
    """Both models of a job's options, whose `detector` names the first and `flip_test` says how
    the second looks. Raises UsageError where no detector is named, ModelError where it finds no
    people.
    """
    asked: Any = getattr(wishes, "detector", None)
    if not asked:
        raise UsageError(
            f"{artifact.family} finds the joints of people whose boxes are known.",
            where="detector",
            hint="Give --detector a model that finds people, such as one of yolo-pose.",
        )
    finder = detector_artifact(asked)
    detector = Predictor(
        finder,
        conf=wishes.conf,
        iou=wishes.iou,
        imgsz=wishes.imgsz,
        device=wishes.device,
        precision=wishes.precision,
        max_people=max_people,
        throughput=throughput,
    )
    try:
        joints = TopDown(
            artifact,
            device=wishes.device,
            precision=wishes.precision,
            flip_test=bool(getattr(wishes, "flip_test", False)),
        )
    except BaseException:
        detector.close()
        raise
    return TwoStage(detector, joints)


def detector_artifact(path: Any) -> ModelArtifact:
    """The model that finds people's boxes. Raises ModelError where it does not."""
    finder = load_artifact(path)
    if finder.task != FINDS_PEOPLE:
        raise ModelError(
            f"A {finder.task} model finds no people.",
            where=finder.weights,
            hint="Give --detector a model that does, such as one of yolo-pose.",
        )
    return finder
