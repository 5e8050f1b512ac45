"""People found now and then and followed between: detection every K frames, points in the frames
between them.

A joint that is lost goes along with the rest of its person and its score is 0 as long as it is. A
person whose every joint is lost is left out, and everybody is from where following stops (a cut, a
frame of another size, one that cannot be read) till the next detection.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from studio.core.interpolation import motion_of
from studio.core.prediction import Prediction
from studio.core.skeleton import Skeleton
from studio.vision.assignment import best_pairs
from studio.vision.oks import seen_oks
from studio.vision.tracking import Tracked

FloatArray = npt.NDArray[np.float64]
Picture = npt.NDArray[np.uint8]

# A joint below this score is not followed: nobody knows where it is.
SEEN = 0.2
# COCO's sigmas are those of careful annotators; what was followed for frames may be off by more.
_WIDER = 2.0


class Follower(Protocol):
    """Follows points from the frame on that it was made for."""

    def next(self, frame: Picture) -> Tracked | None:
        """The points on the following (H, W, 3) uint8 BGR frame; None where following stops."""
        ...


@dataclass(frozen=True, eq=False)
class _Known:
    """A person as on the frame where it was last told of."""

    person: Prediction
    frame: int


class BridgingTracker(ABC):
    """See `studio.registry.interfaces.Tracker`. The options are those of
    `studio.core.requests.tracking`: every, least, new_score and lost.
    """

    needs_frames = True
    options: Any

    @abstractmethod
    def follower(
        self, frame: Picture, points: FloatArray, people: Sequence[Prediction]
    ) -> Follower:
        """What follows `points`, (N, 2) x, y in pixels: the joints of `people` that are seen."""

    def start(self, options: Any, skeleton: Skeleton, fps: float) -> None:
        """Begin a video."""
        del fps
        self.options = options
        self._sigmas = skeleton.oks_sigmas * _WIDER
        self._next = 1
        self._known: list[_Known] = []
        self._found: tuple[Prediction, ...] = ()
        self._points: Follower | None = None

    def wants_people(self, index: int) -> bool:
        """Every so many frames."""
        return index % self.options.every == 0

    def update(
        self, frame: Picture | None, people: Sequence[Prediction], index: int, time: float
    ) -> tuple[Prediction, ...]:
        """The people found on this frame, or where those found before have gone."""
        del time
        followed = self._followed(frame)
        if not self.wants_people(index):
            self._remember(followed, index)
            return followed
        self._known = [k for k in self._known if index - k.frame <= self.options.lost]
        self._remember(followed, index)
        told = self._identified(people)
        self._found = tuple(p for p in told if p.track_id is not None)
        self._remember(self._found, index)
        self._points = None
        joints = self._joints()
        if frame is not None and joints.any():
            points = np.concatenate([p.keypoints[:, :2] for p in self._found]).astype(np.float64)
            self._points = self.follower(frame, points[joints], self._found)
        return told

    def _joints(self) -> npt.NDArray[np.bool_]:
        """Which of the found people's joints, one person after the other, are followed."""
        if not self._found:
            return np.zeros(0, bool)
        return np.concatenate([p.keypoints[:, 2] >= SEEN for p in self._found])

    def _followed(self, frame: Picture | None) -> tuple[Prediction, ...]:
        """The people last found, where their joints are now."""
        now = self._points.next(frame) if self._points is not None and frame is not None else None
        if now is None:
            self._points = None
            return ()
        people: list[Prediction] = []
        done = 0
        for person in self._found:
            seen = person.keypoints[:, 2] >= SEEN
            part = slice(done, done + int(seen.sum()))
            done = part.stop
            moved = _moved(person, seen, Tracked(now.points[part], now.confidence[part]))
            if moved is not None:
                people.append(moved)
        return tuple(people)

    def _identified(self, people: Sequence[Prediction]) -> tuple[Prediction, ...]:
        """New detections under the identities of who is known."""
        options = self.options
        similar = self._likeness(people)
        given = {
            column: self._known[row].person.track_id
            for row, column in best_pairs(similar, options.least)
        }
        told: list[Prediction] = []
        for number, person in enumerate(people):
            track = given.get(number)
            if track is None and person.score >= options.new_score:
                track = self._next
                self._next += 1
            told.append(replace(person, track_id=track))
        return tuple(told)

    def _likeness(self, people: Sequence[Prediction]) -> FloatArray:
        """(known, people) OKS; 0 for another category."""
        if not self._known or not people:
            return np.zeros((len(self._known), len(people)))
        known = [k.person for k in self._known]
        poses = np.array([p.keypoints for p in people], np.float64)
        before = np.array([p.keypoints for p in known], np.float64)
        areas = np.array([side_of(p) ** 2 for p in known])
        # A lost joint went along with the others: it is worth comparing, too.
        seen = np.broadcast_to(poses[None, :, :, 2] >= SEEN, (len(known), *poses.shape[:2]))
        similar = seen_oks(before, poses, areas, self._sigmas, seen)
        same = [[a.category_id == b.category_id for b in people] for a in known]
        return np.where(np.array(same), similar, 0.0)

    def _remember(self, people: Sequence[Prediction], index: int) -> None:
        fresh = {p.track_id for p in people}
        self._known = [k for k in self._known if k.person.track_id not in fresh]
        self._known += [_Known(p, index) for p in people]


def side_of(person: Prediction) -> float:
    """Pixels: the side of a square as large as the person's box."""
    width, height = np.maximum(person.box[2:] - person.box[:2], 1.0)
    return float(np.sqrt(width * height))


def _moved(person: Prediction, seen: npt.NDArray[np.bool_], now: Tracked) -> Prediction | None:
    """The person with its joints where they are now; None where all are lost."""
    kept = now.kept
    if not kept.any():
        return None
    start = person.keypoints[:, :2].astype(np.float64)
    motion = motion_of(start[seen][kept], now.points[kept])
    places = np.flatnonzero(seen)
    points = person.keypoints.copy()
    points[:, :2] = motion.moved(start)
    points[:, 2] = 0.0
    points[places[kept], :2] = now.points[kept]
    points[places[kept], 2] = person.keypoints[places[kept], 2] * now.confidence[kept]
    x1, y1, x2, y2 = (float(v) for v in person.box)
    ((x, y),) = motion.moved((((x1 + x2) / 2, (y1 + y2) / 2),))
    half = np.array([x2 - x1, y2 - y1]) * motion.scale / 2
    box = np.array([x - half[0], y - half[1], x + half[0], y + half[1]], np.float32)
    score = person.score * float(now.confidence[kept].mean())
    return replace(person, box=box, keypoints=points, score=score, head=None)
