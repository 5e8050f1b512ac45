"""How people's heads are turned, beside a model that finds the people: which heads, looked at in
one batch a frame, calm over time.

    heads = heads_for(options, predictor)        # None where nobody asked
    found = heads.told(picture, found, time)     # after the tracker: its identities tell who is who
"""

from __future__ import annotations

import math
import time as clock
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.errors import UsageError
from studio.core.prediction import HeadPose, Prediction
from studio.core.requests.shared import HEAD_AUTO, HEAD_FACES, HEAD_PICTURE, HEAD_POINTS
from studio.core.skeleton import Skeleton
from studio.runtime.artifacts import load_artifact
from studio.runtime.faces import FaceDetector, open_face_detector
from studio.runtime.head_only import HeadsOnly
from studio.runtime.head_pose import (
    FACE_MARGIN,
    JOINTS_MARGIN,
    HeadPoser,
    head_pose,
    people_boxes,
)
from studio.runtime.predictor import Found, PeopleFinder
from studio.runtime.sources import IMAGES, source_kind
from studio.vision.head_crop import enlarged, face_joints
from studio.vision.head_following import HeadNumbers
from studio.vision.head_matching import faces_of
from studio.vision.rotation_smoothing import SmoothRotations

Picture = npt.NDArray[np.uint8]
Box = npt.NDArray[np.float64]
# A face detector below it finds faces everywhere.
_ANY_FACE = 0.1
HeadBoxes = Callable[[Picture, Sequence[Prediction]], Sequence[Box | None]]


class HeadWishes(Protocol):
    """What jobs with heads are asked alike (`core.requests.shared`)."""

    @property
    def head_model(self) -> Path | None: ...
    @property
    def head_boxes(self) -> str: ...
    @property
    def face_model(self) -> Path | None: ...
    @property
    def head_margin(self) -> float | None: ...
    @property
    def head_smoothing(self) -> float: ...
    @property
    def device(self) -> str: ...
    @property
    def precision(self) -> str: ...


class HeadWatcher:
    """Adds `.head` to the people of frame after frame. Frames come in order, from one thread.

    smoothing: 0..1, may be changed between frames. boxes: where everybody's head is, (4,) x1, y1,
    x2, y2, or None.
    """

    def __init__(
        self, poser: HeadPoser, boxes: HeadBoxes, *, smoothing: float = 0.0, own: bool = True
    ) -> None:
        self.poser = poser
        self.smoothing = smoothing
        self._boxes = boxes
        self._own = own
        self._time = -math.inf
        self._anew()

    def told(self, picture: Picture, found: Found, time: float) -> Found:
        """What was found with heads where they are known, and the milliseconds as "head". time:
        the frame's, in seconds. Raises ModelError.
        """
        started = clock.perf_counter()
        people = found.predictions
        heads = self.poser.of_known(picture, self._boxes(picture, people))
        if self.smoothing > 0:
            heads = self._calmed(people, heads, time)
        told = tuple(replace(p, head=h) for p, h in zip(people, heads, strict=True))
        spent = (clock.perf_counter() - started) * 1000
        return replace(found, predictions=told, timings={**found.timings, "head": spent})

    def close(self) -> None:
        """Let the engine go, where it is the watcher's own."""
        if self._own:
            self.poser.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def _anew(self) -> None:
        self._smooth = SmoothRotations()
        self._numbers = HeadNumbers()

    def _calmed(
        self, people: Sequence[Prediction], heads: Sequence[HeadPose | None], time: float
    ) -> list[HeadPose | None]:
        if time <= self._time:
            # Pictures have no time between them, and a video that begins again has other people.
            self._anew()
        self._time = time
        numbers = self._numbers(
            [None if h is None or p.track_id is not None else h.box
             for p, h in zip(people, heads, strict=True)],
            time,
        )  # fmt: skip
        calm: list[HeadPose | None] = []
        for person, head, number in zip(people, heads, numbers, strict=True):
            if head is None:
                calm.append(None)
                continue
            key = ("track", person.track_id) if number is None else ("head", number)
            rotation = self._smooth(key, head.rotation, time, self.smoothing)
            calm.append(head_pose(rotation, head.box))
        self._smooth.forget(time)
        return calm


def heads_for(options: HeadWishes, predictor: PeopleFinder) -> HeadWatcher | None:
    """What tells how the heads of the people that `predictor` finds are turned; None where no
    model for it is asked. The device and the precision that are asked are the people's: a head-pose
    model of another engine runs where its engine likes, or on the processor where that is asked.
    Raises ModelError, DeviceError, MissingTool, UsageError.
    """
    if isinstance(predictor, HeadsOnly):
        if options.head_model is not None:
            raise UsageError(
                "--model is a head-pose model already.",
                where="head_model",
                hint="Give --model a model that finds people, or leave --head-model out.",
            )
        margin = 0.0 if predictor.whole else _margin(options, FACE_MARGIN)
        boxes: HeadBoxes = _OwnBoxes(margin)
        return HeadWatcher(predictor.poser, boxes, smoothing=options.head_smoothing, own=False)
    if options.head_model is None:
        return None
    boxes = _boxes_for(options, predictor.artifact.skeleton)
    artifact = load_artifact(options.head_model)
    # What one engine calls a device or computes in, another may not know.
    alike = artifact.engine == predictor.artifact.engine
    poser = HeadPoser(
        artifact,
        device=options.device if alike else _usual_device(options.device),
        precision=options.precision if alike else "auto",
    )
    return HeadWatcher(poser, boxes, smoothing=options.head_smoothing)


class HeadsOnlyWishes(HeadWishes, Protocol):
    """What jobs are asked that may run a head-pose model alone."""

    @property
    def source(self) -> str: ...
    @property
    def conf(self) -> float: ...


def heads_only_for(
    options: HeadsOnlyWishes, artifact: ModelArtifact, *, max_people: int
) -> HeadsOnly:
    """What finds the heads for a head-pose model that runs alone: pictures are a head each where
    nothing else is said. Raises ModelError, DeviceError, MissingTool, UsageError.
    """
    pictures = source_kind(options.source) == IMAGES
    asked = options.head_boxes
    if asked == HEAD_POINTS:
        raise UsageError(
            "A head-pose model alone finds no joints.",
            where="head_boxes",
            hint="Take faces or picture, or give the head-pose model as --head-model beside a "
            "--model that finds people.",
        )
    if asked == HEAD_AUTO:
        asked = HEAD_PICTURE if pictures and options.face_model is None else HEAD_FACES
    # `conf` may be lowered while it runs.
    least = min(options.conf, _ANY_FACE)
    detector = _detector(options, least) if asked == HEAD_FACES else None
    poser = HeadPoser(artifact, device=options.device, precision=options.precision)
    return HeadsOnly(poser, detector, conf=options.conf, max_people=max_people)


def _boxes_for(options: HeadWishes, skeleton: Skeleton) -> HeadBoxes:
    asked = options.head_boxes
    known = face_joints(skeleton.keypoints, skeleton.face_points)
    if asked == HEAD_PICTURE:
        raise UsageError(
            "Where people are found, the whole picture is nobody's head.",
            where="head_boxes",
            hint="Take points or faces, or give the head-pose model as --model alone.",
        )
    if asked == HEAD_POINTS and not known:
        raise UsageError(
            f"The skeleton {skeleton.name} has no joints of a face.",
            where="head_boxes",
            hint="Take --head-boxes faces with a face detector.",
        )
    if asked == HEAD_FACES or not known:
        return _FaceBoxes(_detector(options), skeleton, _margin(options, FACE_MARGIN))
    return _JointBoxes(skeleton, _margin(options, JOINTS_MARGIN))


def _detector(options: HeadWishes, conf: float | None = None) -> FaceDetector:
    if conf is None:
        return open_face_detector(model=options.face_model)
    return open_face_detector(model=options.face_model, conf=conf)


def _usual_device(asked: str) -> str:
    return "cpu" if asked.lower() in ("cpu", "-1") else "auto"


def _margin(options: HeadWishes, usual: float) -> float:
    return usual if options.head_margin is None else options.head_margin


class _JointBoxes:
    """Around the face's joints, as a conversion by keypoints crops."""

    def __init__(self, skeleton: Skeleton, margin: float) -> None:
        self._skeleton = skeleton
        self._margin = margin

    def __call__(self, picture: Picture, people: Sequence[Prediction]) -> list[Box | None]:
        del picture
        return people_boxes(people, self._skeleton, margin=self._margin)


class _FaceBoxes:
    """A face detector's, each given to the person whose face it is."""

    def __init__(self, detector: FaceDetector, skeleton: Skeleton, margin: float) -> None:
        self._detector = detector
        self._skeleton = skeleton
        self._margin = margin

    def __call__(self, picture: Picture, people: Sequence[Prediction]) -> list[Box | None]:
        if not people:
            return []
        faces = [face.box for face in self._detector.find(picture)]
        chosen = faces_of(people, faces, self._skeleton)
        return [None if box is None else enlarged(box, self._margin) for box in chosen]


class _OwnBoxes:
    """What was found is the head itself."""

    def __init__(self, margin: float) -> None:
        self._margin = margin

    def __call__(self, picture: Picture, people: Sequence[Prediction]) -> list[Box | None]:
        del picture
        return [enlarged(person.box, self._margin) for person in people]
