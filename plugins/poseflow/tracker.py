"""PoseFlow's rules (Y. Xiu et al., BMVC 2018), as AlphaPose's guide runs them, at video speed.

Who was on one of the last 100 frames is compared with each person of a frame by four terms, each
0..1, weighted 1, 2, 1, 2: the share of ORB features inside of the box that went on to the other
box; the boxes' IoU; the share of features around a joint that went on to the same joint; the IoU of
squares around the joints (both the mean of the best seven joints). Features are only followed
from one frame to the next: who was last seen earlier is compared by the two IoUs, weighted half.
Pairs are Hungarian, and go together where the sum is above .2; who is left is somebody new.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.prediction import Prediction
from studio.core.skeleton import Skeleton
from studio.vision.assignment import best_pairs
from studio.vision.nms import overlaps

from .config import PoseFlowOptions
from .features import Features, features_of, same_features

FloatArray = npt.NDArray[np.float64]
Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class _Seen:
    """A person where it was last. squares: (K, 4) x1, y1, x2, y2 around its joints."""

    id: int
    frame: int
    category: int
    box: FloatArray
    squares: FloatArray


class PoseFlow:
    """See `studio.registry.interfaces.Tracker`."""

    needs_frames = True

    def start(self, options: PoseFlowOptions, skeleton: Skeleton, fps: float) -> None:
        """Begin a video."""
        del skeleton, fps
        import cv2

        self._options = options
        self._orb: Any = cv2.ORB.create(nfeatures=options.features)
        self._features: Features | None = None
        self._linked: list[_Seen] = []
        self._next = 1

    def wants_people(self, index: int) -> bool:
        """Always."""
        del index
        return True

    def update(
        self, frame: Picture | None, people: Sequence[Prediction], index: int, time: float
    ) -> tuple[Prediction, ...]:
        """The people with their identities; everybody gets one."""
        del time
        options = self._options
        features = features_of(frame, self._orb) if frame is not None else None
        pairs = (np.zeros((0, 2)), np.zeros((0, 2)))
        if features is not None and self._features is not None:
            pairs = same_features(self._features, features)
        self._features = features
        linked = self._linked = [s for s in self._linked if index - s.frame <= options.link]
        seen = [self._seen(person, index) for person in people]
        scores = self._scores(linked, seen, pairs, index)
        # Paired first and accepted after: what is too little alike takes part in the pairing.
        chosen = [(r, c) for r, c in best_pairs(scores, 0.0) if scores[r, c] > options.match]
        given = {column: linked[row].id for row, column in chosen}
        for number in range(len(people)):
            if number not in given:
                given[number] = self._next
                self._next += 1
        now = [replace(s, id=given[i]) for i, s in enumerate(seen)]
        fresh = {s.id for s in now}
        self._linked = [s for s in linked if s.id not in fresh] + now
        return tuple(replace(p, track_id=given[i]) for i, p in enumerate(people))

    def _seen(self, person: Prediction, index: int) -> _Seen:
        box = person.box.astype(np.float64)
        half = self._options.joint_box * np.sqrt(np.prod(np.maximum(box[2:] - box[:2], 1.0))) / 2
        points = person.keypoints[:, :2].astype(np.float64)
        squares = np.concatenate([points - half, points + half], axis=1)
        return _Seen(0, index, person.category_id, box, squares)

    def _scores(
        self, linked: Sequence[_Seen], seen: Sequence[_Seen],
        pairs: tuple[FloatArray, FloatArray], index: int,
    ) -> FloatArray:  # fmt: skip
        """(linked, seen) weighted sums of the terms; 0 for another category."""
        scores = np.zeros((len(linked), len(seen)))
        if not scores.size:
            return scores
        orb_box, box, orb_pose, pose = self._options.weights
        iou = overlaps(np.array([s.box for s in linked]), np.array([s.box for s in seen]))
        squares = _iou(
            np.array([s.squares for s in linked])[:, None], np.array([s.squares for s in seen])
        )
        poses = _best(squares, self._options.joints)
        recent = np.array([s.frame == index - 1 for s in linked])[:, None]
        scores = np.where(recent, 1.0, 0.5) * (box * iou + pose * poses)
        near = [s for s in linked if s.frame == index - 1]
        if near:
            boxes = _shares([s.box[None] for s in near], [s.box[None] for s in seen], pairs)
            joints = _shares([s.squares for s in near], [s.squares for s in seen], pairs)
            terms = orb_box * boxes[..., 0] + orb_pose * _best(joints, self._options.joints)
            scores[recent[:, 0]] += terms
        same = [[a.category == b.category for b in seen] for a in linked]
        return np.where(np.array(same), scores, 0.0)


def _best(values: FloatArray, count: int) -> FloatArray:
    """(A, B) means of the `count` largest of (A, B, K); 0 without joints."""
    if not values.shape[-1]:
        return np.zeros(values.shape[:2])
    return np.sort(values, axis=-1)[..., -count:].mean(axis=-1)


def _iou(first: FloatArray, second: FloatArray) -> FloatArray:
    """(..., K) IoU of squares (..., K, 4) with the other poses' of the same joint."""
    low = np.maximum(first[..., :2], second[..., :2])
    high = np.minimum(first[..., 2:], second[..., 2:])
    shared = np.clip(high - low, 0, None).prod(axis=-1)
    union = sum((s[..., 2:] - s[..., :2]).prod(axis=-1) for s in (first, second)) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def _shares(
    before: Sequence[FloatArray], after: Sequence[FloatArray], pairs: tuple[FloatArray, FloatArray]
) -> FloatArray:
    """(A, B, R): of the features that lie in a region (R regions of a person, (R, 4)) before or
    after, the share that lies in it on both; 0 where there is none.
    """
    first = np.array([_inside(regions, pairs[0]) for regions in before], np.float64)
    second = np.array([_inside(regions, pairs[1]) for regions in after], np.float64)
    both = np.einsum("arm,brm->abr", first, second)
    either = first.sum(axis=2)[:, None] + second.sum(axis=2)[None] - both
    return np.divide(both, either, out=np.zeros_like(both), where=either > 0)


def _inside(regions: FloatArray, points: FloatArray) -> npt.NDArray[np.bool_]:
    """(R, M) which points lie in which regions."""
    x, y = points[None, :, 0], points[None, :, 1]
    x1, y1, x2, y2 = (regions[:, n, None] for n in range(4))
    return np.asarray((x >= x1) & (x <= x2) & (y >= y1) & (y <= y2), np.bool_)
