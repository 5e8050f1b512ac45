"""One person followed through frames: joints by their looks, outline and box along with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from studio.core.annotation import Shape, box_around
from studio.core.interpolation import Motion, motion_of
from studio.vision.tracking import Frame, Tracker, TrackSettings

FloatArray = npt.NDArray[np.float64]
# A person with fewer joints in sight is followed by a grid of points inside its box as well.
FEW_JOINTS = 4
GRID = 5
# The person has grown or shrunk beyond belief since the frame before.
WILD = 1.5


@dataclass(frozen=True, eq=False)
class Step:
    """A person on one frame: its shapes, how many joints are set and were lost so far, and the
    lowest confidence of a joint.
    """

    shapes: tuple[Shape, ...]
    kept: int
    lost: int
    confidence: float


class FollowedPerson:
    """Follows a person from `frame` on; `stopped` says why it ended: "lost", "cut", "size" or
    "drift", "" while it goes on.
    """

    def __init__(
        self,
        frame: Frame,
        shapes: Sequence[Shape],
        settings: TrackSettings | None = None,
    ) -> None:
        self.shapes = tuple(shapes)
        self._seen = [
            i
            for i, s in enumerate(self.shapes)
            if s.shape_type == "point" and s.points and not s.occluded
        ]
        spots = [self.shapes[i].points[0] for i in self._seen]
        points = np.asarray(spots, np.float64).reshape(-1, 2)
        helpers = self._grid() if len(self._seen) < FEW_JOINTS else np.zeros((0, 2))
        self._start = np.concatenate([points, helpers])
        self.stopped = "" if len(self._start) else "lost"
        self._scale = 1.0
        self._tracker = Tracker(frame, self._start, settings) if len(self._start) else None

    def next(self, frame: Frame) -> Step | None:
        """The person on the following frame; None where following it stops."""
        if self._tracker is None:
            return None
        found = self._tracker.next(frame)
        if found is None:
            self.stopped = self._tracker.stopped
            return None
        kept = found.kept
        motion = motion_of(self._start[kept], found.points[kept])
        if not 1 / WILD < motion.scale / self._scale < WILD:
            self.stopped = "drift"
            return None
        self._scale = motion.scale
        return self._step(found.points, found.confidence, motion)

    def _step(self, points: FloatArray, confidence: FloatArray, motion: Motion) -> Step:
        place = {shape: n for n, shape in enumerate(self._seen)}
        shapes: list[Shape] = []
        scores: list[float] = []
        lost = 0
        # What no look can follow goes along with the rest, half as sure.
        carried = round(float(np.median(confidence[confidence > 0])) / 2, 3)
        for index, shape in enumerate(self.shapes):
            extra = {k: v for k, v in shape.extra.items() if k not in ("source", "score")}
            if index in place:
                score = float(confidence[place[index]])
                if score <= 0:
                    lost += 1
                    continue
                x, y = points[place[index]]
                extra["score"] = round(score, 3)
                scores.append(score)
                spot = ((round(float(x), 2), round(float(y), 2)),)
                shapes.append(replace(shape, points=spot, extra=extra))
                continue
            if shape.shape_type == "point":
                extra["score"] = carried
            moved = tuple((round(x, 2), round(y, 2)) for x, y in motion.moved(shape.points))
            shapes.append(replace(shape, points=moved, extra=extra))
        return Step(tuple(shapes), len(scores), lost, min(scores, default=carried))

    def _grid(self) -> FloatArray:
        outline = [
            p for s in self.shapes if s.shape_type in ("rectangle", "polygon") for p in s.points
        ]
        if len(outline) < 2:
            return np.zeros((0, 2))
        x, y, w, h = box_around(np.asarray(outline, np.float64))
        # The edges of a box are mostly background.
        parts = np.linspace(0.25, 0.75, GRID)
        return np.array([(x + w * a, y + h * b) for b in parts for a in parts])
