"""Poses carried from frame to frame by object keypoint similarity, Hungarian pairs and One-Euro."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from studio.core.prediction import Prediction
from studio.core.skeleton import Skeleton
from studio.vision.assignment import best_pairs
from studio.vision.nms import overlaps
from studio.vision.oks import seen_oks
from studio.vision.one_euro import OneEuro

from .config import OksOptions

FloatArray = npt.NDArray[np.float64]

DEFAULT_FPS = 25.0
# A joint below this says nothing of where it is.
_SEEN = 0.2
# COCO's sigmas are those of careful annotators; from frame to frame a body may move more.
_WIDER = 2.0
# Share of the newest move in the speed that is expected next.
_FRESH = 0.5
# A person out of sight is not expected to walk on for ever.
_SLOWING = 0.9
# How far beside the way that it was expected on a person may come back, in sides of its box, and
# how much more with each frame out of sight.
_BESIDE = 0.5
_STRAY = 0.02
# What is cut by the picture's edge looks smaller than it is: sides are forgotten slowly.
_SHRINKING = 0.97


@dataclass(eq=False)
class _Track:
    """One person: where the pose was last, and how it moves (pixels a frame)."""

    id: int
    person: Prediction
    pose: FloatArray
    speed: FloatArray
    side: float
    filter: OneEuro
    frame: int
    time: float

    def way(self, index: int) -> FloatArray:
        """(2,) pixels from the last place to where the person is expected on the frame `index`."""
        return self.speed * (1 - _SLOWING ** (index - self.frame)) / (1 - _SLOWING)

    def expected(self, index: int) -> FloatArray:
        """(K, 3) the pose on the frame `index`."""
        return np.concatenate([self.pose[:, :2] + self.way(index), self.pose[:, 2:]], axis=1)


class OksTracker:
    """See `studio.registry.interfaces.Tracker`."""

    needs_frames = False

    def start(self, options: OksOptions, skeleton: Skeleton, fps: float) -> None:
        """Begin a video."""
        self._options = options
        self._sigmas = skeleton.oks_sigmas
        self._fps = fps or DEFAULT_FPS
        self._tracks: list[_Track] = []
        self._next = 1

    def wants_people(self, index: int) -> bool:
        """Always."""
        del index
        return True

    def update(
        self,
        frame: npt.NDArray[np.uint8] | None,
        people: Sequence[Prediction],
        index: int,
        time: float,
    ) -> tuple[Prediction, ...]:
        """The people with their identities and, where asked for, calm joints."""
        del frame
        options = self._options
        self._tracks = [t for t in self._tracks if index - t.frame <= options.lost + 1]
        sure = [i for i, p in enumerate(people) if p.score >= options.new_score]
        unsure = [i for i, p in enumerate(people) if p.score < options.new_score]
        given: dict[int, Prediction] = {}
        free = list(self._tracks)
        # The sure ones first: a doubtful double must not take a person's place.
        for group in (sure, unsure):
            pairs = best_pairs(self._likeness(free, [people[i] for i in group], index),
                               options.least)  # fmt: skip
            for row, column in pairs:
                number = group[column]
                given[number] = self._carried(free[row], people[number], index, time)
            taken = {row for row, _ in pairs}
            free = [t for row, t in enumerate(free) if row not in taken]
        left = [number for number in sure if number not in given]
        gone = [t for t in free if index - t.frame > 1]
        near = self._nearness(gone, [people[i] for i in left], index)
        for row, column in best_pairs(near, options.least):
            given[left[column]] = self._carried(gone[row], people[left[column]], index, time)
        for number in left:
            if number not in given:
                given[number] = self._begun(people[number], index, time)
        return tuple(given.get(i, replace(p, track_id=None)) for i, p in enumerate(people))

    def _likeness(
        self, tracks: Sequence[_Track], people: Sequence[Prediction], index: int
    ) -> FloatArray:
        """(tracks, people) 0..1, 0 for another category; boxes where there are no joints."""
        if not tracks or not people:
            return np.zeros((len(tracks), len(people)))
        joints = people[0].keypoints.size
        similar = (self._poses if joints else self._boxes)(tracks, people, index)
        same = [[t.person.category_id == p.category_id for p in people] for t in tracks]
        return np.where(np.array(same), similar, 0.0)

    def _boxes(
        self, tracks: Sequence[_Track], people: Sequence[Prediction], index: int
    ) -> FloatArray:
        expected = np.array([t.person.box + np.tile(t.way(index), 2) for t in tracks], np.float32)
        return overlaps(expected, np.array([p.box for p in people], np.float32))

    def _poses(
        self, tracks: Sequence[_Track], people: Sequence[Prediction], index: int
    ) -> FloatArray:
        """OKS over the joints that both have; the boxes' IoU where there is no such joint."""
        expected = np.array([t.expected(index) for t in tracks])
        sides = np.array([t.side for t in tracks])
        # The longer nobody saw a person, the less is known of where the joints are.
        gone = np.array([index - t.frame for t in tracks])
        areas = sides**2 * (1 + 0.1 * (gone - 1))
        poses = np.array([p.keypoints for p in people], np.float64)
        seen = (expected[:, None, :, 2] >= _SEEN) & (poses[None, :, :, 2] >= _SEEN)
        similar = seen_oks(expected, poses, areas, self._sigmas * _WIDER, seen)
        shared = seen.any(axis=2)
        if shared.all():
            return similar
        return np.where(shared, similar, self._boxes(tracks, people, index))

    def _nearness(
        self, tracks: Sequence[_Track], people: Sequence[Prediction], index: int
    ) -> FloatArray:
        """(tracks, people) 0..1: how near to the way from where a person was last to where it is
        expected somebody is now. Who was behind something, or beyond the edge, stands otherwise
        than before, and may have turned round: the pose tells less than the place.
        """
        if not tracks or not people:
            return np.zeros((len(tracks), len(people)))
        shifts = np.array([[_shift(t.person, p) for p in people] for t in tracks])
        ways = np.array([t.way(index) for t in tracks])[:, None]
        length = np.maximum((ways**2).sum(axis=2), 1e-9)
        parts = np.clip((shifts * ways).sum(axis=2) / length, 0, 1)
        beside = np.linalg.norm(shifts - parts[:, :, None] * ways, axis=2)
        reach = np.array([t.side * (_BESIDE + _STRAY * (index - t.frame)) for t in tracks])
        near = np.exp(-((beside / reach[:, None]) ** 2) / 2)
        same = [[t.person.category_id == p.category_id for p in people] for t in tracks]
        return np.where(np.array(same), near, 0.0)

    def _begun(self, person: Prediction, index: int, time: float) -> Prediction:
        options = self._options
        pose = person.keypoints.astype(np.float64)
        track = _Track(
            self._next, person, pose, np.zeros(2), _size(person),
            OneEuro(options.min_cutoff, options.beta), index, time,
        )  # fmt: skip
        self._next += 1
        self._tracks.append(track)
        return self._told(track, person, 0.0)

    def _carried(self, track: _Track, person: Prediction, index: int, time: float) -> Prediction:
        frames = index - track.frame
        pose = person.keypoints.astype(np.float64)
        step = _shift(track.person, person) / frames
        track.speed = track.speed + _FRESH * (step - track.speed)
        seconds = time - track.time
        seconds = seconds if seconds > 0 else frames / self._fps
        track.side = max(_size(person), track.side * _SHRINKING)
        track.person, track.pose, track.frame, track.time = person, pose, index, time
        return self._told(track, person, seconds)

    def _told(self, track: _Track, person: Prediction, seconds: float) -> Prediction:
        if not self._options.smooth or not len(person.keypoints):
            return replace(person, track_id=track.id)
        points = person.keypoints.copy()
        points[:, :2] = track.filter(points[:, :2], seconds, _size(person))
        return replace(person, track_id=track.id, keypoints=points)


def _median(rows: FloatArray) -> FloatArray:
    """Of each column; numpy's own takes ten times as long on a handful of rows."""
    ordered = np.sort(rows, axis=0)
    return (ordered[(len(rows) - 1) // 2] + ordered[len(rows) // 2]) / 2


def _shift(before: Prediction, after: Prediction) -> FloatArray:
    """(2,) pixels that a person moved by: the median of the joints seen on both, else the box."""
    seen = (before.keypoints[:, 2] >= _SEEN) & (after.keypoints[:, 2] >= _SEEN)
    if seen.any():
        return _median((after.keypoints - before.keypoints)[seen, :2].astype(np.float64))
    corners = (after.box - before.box).astype(np.float64)
    return (corners[:2] + corners[2:]) / 2


def _size(person: Prediction) -> float:
    """Pixels: the side of a square as large as the person's box."""
    x1, y1, x2, y2 = person.box.tolist()
    return math.sqrt(max(x2 - x1, 1.0) * max(y2 - y1, 1.0))
