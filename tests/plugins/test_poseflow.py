"""PoseFlow: the same identities as a plain reimplementation of its rules, without arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from studio.core.errors import UsageError
from studio.core.prediction import Prediction
from studio.registry.plugins import find
from studio.vision.synthetic.scene import coco17
from tests.tracking import FPS, clip, found_in, hota, tracked

Box = tuple[float, float, float, float]


class Plain:
    """The rules one by one: pairs of people, of joints, of features."""

    def __init__(self, link: int = 100) -> None:
        self.orb: Any = cv2.ORB.create(nfeatures=500)
        self.before: Any = None
        self.seen: dict[int, tuple[int, Box, list[Box]]] = {}
        self.next = 1
        self.link = link

    def ids(self, image: Any, people: Sequence[Prediction], frame: int) -> list[int]:
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        features = self.orb.detectAndCompute(grey, None)
        pairs = _pairs(self.before, features)
        self.before = features
        known = [i for i, (last, _, _) in self.seen.items() if frame - last <= self.link]
        now = [_regions(p) for p in people]
        scores = np.zeros((len(known), len(now)))
        for a, track in enumerate(known):
            last, box, joints = self.seen[track]
            for b, (other, others) in enumerate(now):
                score = 2 * _iou(box, other)
                score += 2 * _mean([_iou(p, q) for p, q in zip(joints, others, strict=True)])
                if last == frame - 1:
                    score += _share(box, other, pairs)
                    score += _mean(
                        [_share(p, q, pairs) for p, q in zip(joints, others, strict=True)]
                    )
                else:
                    score /= 2
                scores[a, b] = score
        given: dict[int, int] = {}
        for a, b in zip(*linear_sum_assignment(-scores), strict=True):
            if scores[a, b] > 0.2:
                given[int(b)] = known[int(a)]
        for b, (box, joints) in enumerate(now):
            if b not in given:
                given[b] = self.next
                self.next += 1
            self.seen[given[b]] = (frame, box, joints)
        return [given[b] for b in range(len(now))]


def _regions(person: Prediction) -> tuple[Box, list[Box]]:
    x1, y1, x2, y2 = (float(v) for v in person.box)
    half = 0.05 * ((x2 - x1) * (y2 - y1)) ** 0.5
    joints = [(x - half, y - half, x + half, y + half)
              for x, y, _ in person.keypoints.astype(float)]  # fmt: skip
    return (x1, y1, x2, y2), joints


def _pairs(before: Any, after: Any) -> list[tuple[Any, Any]]:
    if before is None or before[1] is None or after[1] is None:
        return []
    first = np.unpackbits(before[1], axis=1).astype(np.int32)
    second = np.unpackbits(after[1], axis=1).astype(np.int32)
    distance = (first[:, None] != second[None]).sum(axis=2)
    there, back = distance.argmin(axis=1), distance.argmin(axis=0)
    return [
        ([v + 0.5 for v in before[0][i].pt], [v + 0.5 for v in after[0][j].pt])
        for i, j in enumerate(there)
        if back[j] == i
    ]


def _inside(box: Box, point: Any) -> bool:
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]


def _share(box: Box, other: Box, pairs: list[tuple[Any, Any]]) -> float:
    both = sum(_inside(box, p) and _inside(other, q) for p, q in pairs)
    either = sum(_inside(box, p) or _inside(other, q) for p, q in pairs)
    return both / either if either else 0.0


def _iou(a: Box, b: Box) -> float:
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    union = sum((c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)) - width * height
    return width * height / union if union > 0 else 0.0


def _mean(values: list[float]) -> float:
    best = sorted(values)[-7:]
    return sum(best) / len(best)


def started(**values: object) -> Any:
    contribution = find("tracker", "poseflow")
    tracker = contribution.load()
    tracker.start(contribution.options_class().from_mapping(values).validated(), coco17(), FPS)
    return tracker


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_identities_are_those_of_the_plain_rules(seed: int) -> None:
    """With crossings, gaps and people who come; 60 frames each."""
    tracker, plain = started(), Plain()
    rng = np.random.default_rng(seed)
    told: list[list[int | None]] = []
    for index, picture in enumerate(clip(seed, 150)[60:120]):
        people = found_in(picture, rng, noise=1.0, missed=0.1)
        mine = [p.track_id for p in tracker.update(picture.image, people, index, index / FPS)]
        assert mine == plain.ids(picture.image, people, index), f"frame {index}"
        told.append(mine)
    assert max(len(row) for row in told) >= 3
    assert len({i for row in told for i in row}) >= 3


def test_people_are_told_apart() -> None:
    assert np.mean([hota(clip(s, 150), tracked("poseflow", clip(s, 150))) for s in (2, 5)]) > 0.9


def test_the_link_ends_after_so_many_frames() -> None:
    picture = clip(1, 3)[0]
    people = found_in(picture, np.random.default_rng(0), missed=0.0)[:1]
    for gap, again in ((5, 1), (6, 2)):
        tracker = started(link=5)
        tracker.update(picture.image, people, 0, 0.0)
        for index in range(1, gap):
            assert tracker.update(picture.image, [], index, index / FPS) == ()
        assert [p.track_id for p in tracker.update(picture.image, people, gap, 1.0)] == [again]


def test_a_frame_without_features_is_no_harm() -> None:
    picture = clip(1, 3)[0]
    people = found_in(picture, np.random.default_rng(0), missed=0.0)
    tracker = started()
    grey = np.full_like(picture.image, 128)
    first = tracker.update(grey, people, 0, 0.0)
    again = tracker.update(picture.image, people, 1, 0.04)
    unread = tracker.update(None, people, 2, 0.08)
    assert [p.track_id for p in first] == [p.track_id for p in again]
    assert [p.track_id for p in first] == [p.track_id for p in unread]


def test_weights_are_four() -> None:
    with pytest.raises(UsageError, match="four"):
        started(weights="1,2,1")
