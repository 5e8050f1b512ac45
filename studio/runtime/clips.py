"""Models that look at whole frames of a clip: one instance of each category, with motion.

Such an artefact has the task "keypoints" and in its extra: "frame" true, "heatmap" [h, w], "parts"
[{"category", "joints": places in the skeleton}], "motion" "none", "dis" or "farneback", "motion_gap"
how many frames back the frame before may lie. Its first outputs are heatmaps (N, K, h, w) 0..1 and
visibility (N, K, 3), the chances of absent, hidden and visible. Frames are brought to the input's
size whatever their shape; motion is that between frames of this size (`studio.vision.motion`).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.errors import ModelError, UsageError
from studio.core.prediction import Prediction
from studio.runtime.artifacts import load_artifact
from studio.runtime.engine import Engine, Outputs, Pending
from studio.runtime.opening import open_engine
from studio.runtime.predictor import Found
from studio.vision import motion
from studio.vision.heatmaps import decode_maps
from studio.vision.letterbox import Letterbox, fit

Picture = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Place = tuple[str, int]
"""A frame's place: its video's name and its number there."""

TASK = "keypoints"
# A joint that is likelier absent than not has no say in its instance's box.
_THERE = 0.5


@dataclass(frozen=True)
class ClipFacts:
    """What an artefact says of how it is run. size, heatmap: (height, width)."""

    size: tuple[int, int]
    heatmap: tuple[int, int]
    parts: tuple[tuple[int, ...], ...]
    motion: str
    gap: int
    sigma: float

    @property
    def moving(self) -> bool:
        """Whether it takes motion channels."""
        return self.motion != motion.NONE


def is_clip_model(artifact: ModelArtifact) -> bool:
    """Whether it looks at whole frames of a clip."""
    return artifact.task == TASK and artifact.extra.get("frame") is True


def facts_of(artifact: ModelArtifact) -> ClipFacts:
    """Raises ModelError where the artefact is of another kind or does not say enough."""
    if not is_clip_model(artifact):
        raise ModelError("This model does not look at whole frames.", where=artifact.weights)
    extra = artifact.extra
    try:
        height, width = (int(v) for v in extra["heatmap"])
        parts = tuple(tuple(int(j) for j in part["joints"]) for part in extra["parts"])
        facts = ClipFacts(
            size=artifact.input.size,
            heatmap=(height, width),
            parts=parts,
            motion=str(extra.get("motion", motion.NONE)),
            gap=int(extra.get("motion_gap", 1)),
            sigma=float(extra.get("sigma", 2.0)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"The model does not say how it is run: {error!r}.", where=artifact.weights
        ) from error
    wanted = 3 + motion.CHANNELS * facts.moving
    joints = {j for part in parts for j in part}
    if facts.motion not in motion.METHODS or artifact.input.channels != wanted or not parts:
        raise ModelError("The model's motion does not fit its channels.", where=artifact.weights)
    if joints != set(range(len(artifact.skeleton))) or len(parts) != len(artifact.categories):
        raise ModelError("The model's parts do not fit its skeleton.", where=artifact.weights)
    return facts


def joints_of(artifact: ModelArtifact, prediction: Prediction) -> Floats:
    """(K, 3) the keypoints of the prediction's own category alone."""
    places = facts_of(artifact).parts[prediction.category_id]
    return prediction.keypoints[list(places)]


def shrunk(frame: Picture, size: tuple[int, int]) -> Picture:
    """(H, W, 3) uint8 brought to `size` (height, width), whatever its shape."""
    import cv2

    height, width = size
    if frame.shape[:2] == size:
        return frame
    smaller = frame.shape[0] >= height and frame.shape[1] >= width
    way = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(frame, (width, height), interpolation=way), dtype=np.uint8)


class History:
    """The shrunk frames that the next ones may have before them."""

    def __init__(self, gap: int) -> None:
        self._gap = gap
        self._kept: deque[tuple[Place, Picture]] = deque(maxlen=gap)

    def before(self, place: Place, frame: Picture) -> Picture | None:
        """The frame that stands before the one at `place`, and keep that one: of the same video
        the farthest that is at most `gap` back; None where there is none.
        """
        video, number = place
        found = [
            (other, kept)
            for (name, other), kept in self._kept
            if name == video and 0 < number - other <= self._gap
        ]
        self._kept.append((place, frame))
        return min(found, key=lambda f: f[0])[1] if found else None

    def clear(self) -> None:
        """Forget: another clip begins."""
        self._kept.clear()


def predictions_of(
    maps: Floats, seen: Floats, facts: ClipFacts, size: tuple[int, int], conf: float = 0.0
) -> tuple[Prediction, ...]:
    """What (K, h, w) heatmaps and (K, 3) visibility say of a frame of `size` (height, width), the
    categories in order. Keypoints are (K, 3) of the whole skeleton, zero but for the category's
    own; a joint's score is its peak times the chance that it is there, the instance's score the
    mean of these chances. Instances below `conf` are left out. track_id: the category's number
    from 1, as there is one instance of each.
    """
    points = decode_maps(maps, facts.sigma)
    scale = np.array([size[1] / maps.shape[2], size[0] / maps.shape[1]], dtype=np.float32)
    points[:, :2] *= scale
    there = 1 - seen[:, 0]
    points[:, 2] *= there
    found: list[Prediction] = []
    for category, places in enumerate(facts.parts):
        mine = list(places)
        score = float(there[mine].mean())
        if score < conf:
            continue
        keypoints = np.zeros_like(points)
        keypoints[mine] = points[mine]
        boxed = points[[j for j in mine if there[j] >= _THERE] or mine, :2]
        box = np.concatenate([boxed.min(axis=0), boxed.max(axis=0)]).astype(np.float32)
        found.append(Prediction(box, score, keypoints, category, category + 1))
    return tuple(found)


class ClipTicket:
    """Frames under way; `result` waits for them."""

    def __init__(
        self, owner: ClipPredictor, pending: Pending, sizes: Sequence[tuple[int, int]], spent: float
    ) -> None:
        self._owner, self._pending = owner, pending
        self._sizes, self._spent = sizes, spent

    def result(self) -> tuple[Found, ...]:
        """One `Found` a frame, in order. Raises ModelError."""
        outputs = self._pending.result()
        return self._owner.finish(outputs, self._sizes, self._spent, self._pending.milliseconds)


class ClipPredictor:
    """A whole-frame artefact that is shown a clip frame by frame and remembers the one before.

    Frames are (H, W, 3) uint8 BGR of any size. conf may be changed between frames. imgsz and
    heatmap_size: what somebody thinks the model is made for; other than its own is an error.
    engine: one that runs the artefact already.
    Raises ModelError, DeviceError, MissingTool, UsageError.
    """

    def __init__(
        self,
        artifact: ModelArtifact | Path | str,
        *,
        conf: float = 0.25,
        imgsz: Sequence[int] | None = None,
        heatmap_size: Sequence[int] | None = None,
        device: str = "auto",
        precision: str = "auto",
        throughput: bool = False,
        engine: Engine | None = None,
    ) -> None:
        if not isinstance(artifact, ModelArtifact):
            artifact = load_artifact(artifact)
        self.artifact = artifact
        self.conf = conf
        self.facts = facts_of(artifact)
        _check_asked(artifact, "--imgsz", imgsz, self.facts.size)
        _check_asked(artifact, "--heatmap-size", heatmap_size, self.facts.heatmap)
        self.engine: Engine = engine or open_engine(
            artifact, device=device, precision=precision, throughput=throughput
        )
        self.size: tuple[int, int] = self.facts.size
        # One instance a category: neither overlap nor a number of people is asked for.
        self.iou = 1.0
        self.max_people = len(self.facts.parts)
        self._history = History(self.facts.gap)
        self._last: Place = ("", -1)

    def predict(self, frame: Picture) -> tuple[Prediction, ...]:
        """The instances in the clip's next frame, in the order of the categories."""
        return self.submit([frame]).result()[0].predictions

    def predict_batch(self, frames: Sequence[Picture]) -> tuple[tuple[Prediction, ...], ...]:
        """The instances in each of the clip's next frames."""
        return tuple(found.predictions for found in self.find_batch(frames))

    def find_batch(self, frames: Sequence[Picture]) -> tuple[Found, ...]:
        """`predict_batch` with the timings."""
        return self.submit(frames).result()

    def remember(self, frame: Picture, place: Place) -> None:
        """Let a frame stand before the next ones without looking at it itself."""
        self._history.before(place, shrunk(frame, self.facts.size))
        self._last = place

    def reset(self) -> None:
        """The next frame begins another clip."""
        self._history.clear()
        self._last = ("", -1)

    def fit(self, frame: Picture) -> Letterbox:
        """Frames of every shape fill the one input; its `shape` says which frames go together."""
        del frame
        return fit(self.facts.size, self.facts.size, stride=1, rect=False)

    def submit(
        self, frames: Sequence[Picture], places: Sequence[Place] | None = None
    ) -> ClipTicket:
        """Start one inference over frames in their order. places: where each stands; without,
        they follow on the last one.
        """
        started = time.perf_counter()
        video, number = self._last
        places = places or [(video, number + 1 + i) for i in range(len(frames))]
        inputs = [self.laid(f, p) for f, p in zip(frames, places, strict=True)]
        spent = (time.perf_counter() - started) * 1000 / len(frames)
        return self.start(inputs, [(int(f.shape[0]), int(f.shape[1])) for f in frames], spent)

    def laid(self, frame: Picture, place: Place) -> Picture:
        """The frame at `place` as the network sees it, (H, W, 3 or 6) uint8; it stands before the
        next ones from here on.
        """
        self._last = place
        small = shrunk(frame, self.facts.size)
        if not self.facts.moving:
            return small
        before = self._history.before(place, small)
        channels = motion.motion_channels(small, before, self.facts.motion)
        return np.concatenate([small, channels], axis=2)

    def start(
        self, inputs: Sequence[Picture], sizes: Sequence[tuple[int, int]], spent: float = 0.0
    ) -> ClipTicket:
        """Start one inference over frames that were `laid`. sizes: theirs, (height, width); spent:
        milliseconds that laying took, a frame.
        """
        return ClipTicket(self, self.engine.submit(np.stack(inputs)), sizes, spent)

    def finish(
        self, outputs: Outputs, sizes: Sequence[tuple[int, int]], preprocess: float, infer: float
    ) -> tuple[Found, ...]:
        """Instances from an engine's outputs for frames of `sizes` (height, width)."""
        if len(outputs) < 2 or outputs[0].shape[2:] != self.facts.heatmap:
            shapes = [list(o.shape) for o in outputs]
            raise ModelError(
                f"The model gives {shapes}; heatmaps of {list(self.facts.heatmap)} and visibility "
                "were promised.",
                where=self.artifact.weights,
                hint="Does its model.json belong to these weights?",
            )
        found: list[Found] = []
        for maps, seen, size in zip(outputs[0], outputs[1], sizes, strict=True):
            started = time.perf_counter()
            people = predictions_of(maps, seen, self.facts, size, self.conf)
            decode = (time.perf_counter() - started) * 1000
            timings = {"preprocess": preprocess, "infer": infer / len(sizes), "decode": decode}
            found.append(Found(people, timings))
        return tuple(found)

    def close(self) -> None:
        """Let the engine go."""
        self.engine.close()

    def __enter__(self) -> ClipPredictor:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()


def _check_asked(
    artifact: ModelArtifact, flag: str, asked: Sequence[int] | None, own: tuple[int, int]
) -> None:
    if asked and (int(asked[0]), int(asked[-1])) != own:
        raise UsageError(
            f"{flag} {','.join(map(str, asked))} is not this model's: it was trained with "
            f"{own[0]},{own[1]}.",
            where=artifact.weights,
            hint=f"Leave {flag} out: the model knows it.",
        )
