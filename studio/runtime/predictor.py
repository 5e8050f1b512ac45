"""People in pictures: letterbox, engine, decode, and back to the picture's own pixels."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self, cast

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.errors import UsageError
from studio.core.prediction import Prediction
from studio.io.buffers import Buffers
from studio.runtime.artifacts import configured_artifact, load_artifact
from studio.runtime.decode import decode, read_layout, to_predictions
from studio.runtime.engine import Engine, Outputs, Pending
from studio.runtime.opening import open_engine
from studio.runtime.raw_heads import RAW_HEADS, from_raw_heads
from studio.vision.letterbox import Letterbox, apply, fit, round_up

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Found:
    """The people of one picture, and the milliseconds by stage (preprocess, infer, decode)."""

    predictions: tuple[Prediction, ...]
    timings: dict[str, float]


class Ticket:
    """A batch under way; `result` waits for it."""

    def __init__(
        self, owner: Predictor, pending: Pending, boxes: Sequence[Letterbox], preprocess: float
    ) -> None:
        self._owner = owner
        self._pending = pending
        self._boxes = boxes
        self._preprocess = preprocess

    def result(self) -> tuple[Found, ...]:
        """One `Found` a picture, in order. Raises ModelError."""
        outputs = self._pending.result()
        infer = self._pending.milliseconds
        return self._owner.finish(outputs, self._boxes, self._preprocess, infer)


class Finding(Protocol):
    """Pictures being looked at."""

    def result(self) -> tuple[Found, ...]:
        """One `Found` a picture, in order. Raises ModelError."""
        ...


class PeopleFinder(Protocol):
    """Whatever finds people in pictures, by one model or by two: `Predictor` says what its parts
    mean.
    """

    artifact: ModelArtifact
    engine: Engine
    size: tuple[int, int]

    @property
    def conf(self) -> float: ...
    @conf.setter
    def conf(self, value: float) -> None: ...
    @property
    def iou(self) -> float: ...
    @iou.setter
    def iou(self, value: float) -> None: ...
    @property
    def max_people(self) -> int: ...
    @max_people.setter
    def max_people(self, value: int) -> None: ...

    def predict(self, frame: Picture) -> tuple[Prediction, ...]: ...
    def predict_batch(self, frames: Sequence[Picture]) -> tuple[tuple[Prediction, ...], ...]: ...
    def find_batch(self, frames: Sequence[Picture]) -> tuple[Found, ...]: ...
    def fit(self, frame: Picture) -> Letterbox: ...
    def submit(self, frames: Sequence[Picture]) -> Finding: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *details: object) -> None: ...


class Wishes(Protocol):
    """What jobs that run a model are asked alike."""

    @property
    def model(self) -> Path | str: ...
    @property
    def conf(self) -> float: ...
    @property
    def iou(self) -> float: ...
    @property
    def imgsz(self) -> Sequence[int] | None: ...
    @property
    def device(self) -> str: ...
    @property
    def precision(self) -> str: ...


def predictor_for(
    wishes: Wishes,
    artifact: ModelArtifact | None = None,
    *,
    max_people: int = 300,
    throughput: bool = False,
) -> PeopleFinder:
    """What finds people as a job's options ask; `artifact` where their model is opened already.

    A top-down model needs the options' `detector` besides. Raises UsageError without it.
    """
    from studio.runtime.clips import ClipPredictor, is_clip_model
    from studio.runtime.head_pose import TASK as HEADS
    from studio.runtime.topdown import is_topdown

    artifact = artifact or load_artifact(wishes.model)
    file: Path | None = getattr(wishes, "cfg", None)
    if file is not None:
        artifact = configured_artifact(artifact, file)
    if is_clip_model(artifact):
        return ClipPredictor(
            artifact,
            conf=wishes.conf,
            imgsz=wishes.imgsz,
            heatmap_size=getattr(wishes, "heatmap_size", None),
            device=wishes.device,
            precision=wishes.precision,
            throughput=throughput,
        )
    if artifact.task == HEADS and hasattr(wishes, "head_boxes"):
        from studio.runtime.heads import heads_only_for

        return heads_only_for(cast("Any", wishes), artifact, max_people=max_people)
    if is_topdown(artifact):
        from studio.runtime.two_stage import two_stage_for

        return two_stage_for(wishes, artifact, max_people=max_people, throughput=throughput)
    return Predictor(
        artifact,
        conf=wishes.conf,
        iou=wishes.iou,
        imgsz=wishes.imgsz,
        device=wishes.device,
        precision=wishes.precision,
        max_people=max_people,
        throughput=throughput,
    )


class Predictor:
    """A pose artefact ready to look at pictures.

    Pictures are (H, W, 3) uint8 BGR of any size. conf, iou and max_people may be changed between
    pictures. `size` (height, width) is the longest that a picture is shrunk or enlarged to;
    an artefact with open sizes gets the smallest multiple of its stride that holds the picture.
    engine: one that runs the artefact already, instead of one that is opened. Raises ModelError, DeviceError, MissingTool, UsageError.
    """

    def __init__(
        self,
        artifact: ModelArtifact | Path | str,
        *,
        conf: float = 0.25,
        iou: float = 0.7,
        imgsz: Sequence[int] | int | None = None,
        device: str = "auto",
        precision: str = "auto",
        max_people: int = 300,
        threads: int = 0,
        throughput: bool = False,
        engine: Engine | None = None,
    ) -> None:
        if not isinstance(artifact, ModelArtifact):
            artifact = load_artifact(artifact)
        self.artifact = artifact
        self.conf = conf
        self.iou = iou
        self.max_people = max_people
        self.size = input_size(artifact, imgsz)
        self._inputs = Buffers()
        self.engine: Engine = engine or open_engine(
            artifact, device=device, precision=precision, threads=threads, throughput=throughput
        )

    def predict(self, frame: Picture) -> tuple[Prediction, ...]:
        """The people in one picture, best first."""
        return self.submit([frame]).result()[0].predictions

    def predict_batch(self, frames: Sequence[Picture]) -> tuple[tuple[Prediction, ...], ...]:
        """The people in each picture. Pictures that fill the same input share one inference."""
        return tuple(found.predictions for found in self.find_batch(frames))

    def find_batch(self, frames: Sequence[Picture]) -> tuple[Found, ...]:
        """`predict_batch` with the timings."""
        groups: dict[tuple[int, int], list[int]] = {}
        for i, frame in enumerate(frames):
            groups.setdefault(self.fit(frame).shape, []).append(i)
        found: dict[int, Found] = {}
        for indices in groups.values():
            results = self.submit([frames[i] for i in indices]).result()
            found.update(zip(indices, results, strict=True))
        return tuple(found[i] for i in range(len(frames)))

    def fit(self, frame: Picture) -> Letterbox:
        """How a picture lies in the input."""
        spec = self.artifact.input
        height, width = frame.shape[:2]
        return fit((height, width), self.size, stride=spec.stride, rect=spec.dynamic)

    def submit(self, frames: Sequence[Picture]) -> Ticket:
        """Start one inference over pictures that fill the same input (`fit(...).shape`)."""
        started = time.perf_counter()
        boxes = [self.fit(frame) for frame in frames]
        batch = self._inputs.take((len(frames), *boxes[0].shape, frames[0].shape[2]))
        for frame, box, place in zip(frames, boxes, batch, strict=True):
            apply(frame, box, out=place)
        preprocess = (time.perf_counter() - started) * 1000
        return Ticket(self, self.engine.submit(batch), boxes, preprocess / len(frames))

    def finish(
        self, outputs: Outputs, boxes: Sequence[Letterbox], preprocess: float, infer: float
    ) -> tuple[Found, ...]:
        """People from an engine's outputs for pictures that lie as `boxes` say."""
        if self.artifact.output == RAW_HEADS:
            outputs = (from_raw_heads(outputs, self.artifact),)
        layout = read_layout(outputs[0].shape, self.artifact)
        found: list[Found] = []
        for output, box in zip(outputs[0], boxes, strict=True):
            started = time.perf_counter()
            people = decode(output, layout, conf=self.conf, iou=self.iou, limit=self.max_people)
            predictions = to_predictions(people, box)
            timings = {
                "preprocess": preprocess,
                "infer": infer / len(boxes),
                "decode": (time.perf_counter() - started) * 1000,
            }
            found.append(Found(predictions, timings))
        return tuple(found)

    def close(self) -> None:
        """Let the engine go."""
        self.engine.close()

    def __enter__(self) -> Predictor:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()


def input_size(artifact: ModelArtifact, imgsz: Sequence[int] | int | None) -> tuple[int, int]:
    """(height, width) for what was asked (one side, or height and width), rounded up to the
    stride. Raises UsageError where the artefact has one size and another was asked.
    """
    spec = artifact.input
    if imgsz is None or (not isinstance(imgsz, int) and not imgsz):
        return spec.size
    sides = (imgsz, imgsz) if isinstance(imgsz, int) else tuple(imgsz)
    if len(sides) == 1:
        sides = (sides[0], sides[0])
    if len(sides) != 2 or min(sides) < 1:
        raise UsageError("--imgsz is one side, or height and width.", where="imgsz")
    size = round_up(sides[0], spec.stride), round_up(sides[1], spec.stride)
    if not spec.dynamic and size != spec.size:
        raise UsageError(
            f"This artefact was exported for {spec.size[0]} x {spec.size[1]} only.",
            where=artifact.weights,
            hint="Leave --imgsz out, or export it with open sizes.",
        )
    return size
