"""Trackers by boxes: doubtful boxes carry on, a moving camera is taken out."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from studio.core.prediction import Prediction
from studio.registry.plugins import find
from studio.vision.kalman import BoxFilter
from studio.vision.synthetic.scene import coco17
from tests.tracking import FPS, clip, hota, tracked


def box(x: float, score: float, side: float = 60, category: int = 0) -> Prediction:
    edges = np.array([x, 50, x + side, 50 + 2 * side], np.float32)
    return Prediction(edges, score, np.zeros((0, 3), np.float32), category)


def started(name: str, **values: object) -> Any:
    contribution = find("tracker", name)
    tracker = contribution.load()
    tracker.start(contribution.options_class().from_mapping(values).validated(), coco17(), FPS)
    return tracker


def ids(tracker: Any, index: int, *people: Prediction, frame: Any = None) -> list[int | None]:
    return [p.track_id for p in tracker.update(frame, people, index, index / FPS)]


def test_poses_tell_people_apart_better_than_boxes() -> None:
    scores = {n: [hota(clip(s, 150), tracked(n, clip(s, 150))) for s in (1, 3)]
              for n in ("oks", "bytetrack")}  # fmt: skip
    assert min(scores["bytetrack"]) > 0.85
    assert np.mean(scores["oks"]) > np.mean(scores["bytetrack"])


def test_a_doubtful_box_carries_on_and_begins_nobody() -> None:
    tracker = started("bytetrack")
    assert ids(tracker, 0, box(0, 0.9), box(300, 0.3)) == [1, None]
    assert ids(tracker, 1, box(300, 0.3), box(3, 0.3)) == [None, 1]
    assert ids(tracker, 2, box(6, 0.05)) == [None]


def test_who_comes_later_is_on_trial_for_a_frame() -> None:
    tracker = started("bytetrack")
    assert ids(tracker, 0, box(0, 0.9)) == [1]
    assert ids(tracker, 1, box(1, 0.9), box(300, 0.9)) == [1, None]
    assert ids(tracker, 2, box(302, 0.9), box(2, 0.9)) == [2, 1]
    # Seen once and then no more: it was nothing.
    assert ids(tracker, 3, box(304, 0.9), box(3, 0.9), box(600, 0.9)) == [2, 1, None]
    assert ids(tracker, 4, box(306, 0.9), box(4, 0.9)) == [2, 1]
    assert ids(tracker, 5, box(308, 0.9), box(5, 0.9), box(600, 0.9)) == [2, 1, None]


@pytest.mark.parametrize(("gap", "known"), [(5, True), (12, False)])
def test_a_walker_out_of_sight_is_expected_further_on(gap: int, known: bool) -> None:
    tracker = started("bytetrack", lost=8)
    for index in range(12):
        assert ids(tracker, index, box(8 * index, 0.9)) == [1]
    for index in range(12, 12 + gap):
        ids(tracker, index)
    back = 12 + gap
    first = ids(tracker, back, box(8 * back, 0.9))
    assert (first == [1]) is known


def test_categories_never_mix() -> None:
    tracker = started("bytetrack")
    assert ids(tracker, 0, box(0, 0.9), box(0, 0.9, category=1)) == [1, 2]
    assert ids(tracker, 1, box(0, 0.9, category=1), box(0, 0.9)) == [2, 1]


def test_the_filter_learns_the_speed() -> None:
    filtered = BoxFilter(np.array([0, 0, 40, 80.0]))
    for step in range(1, 40):
        filtered.predict()
        filtered.update(np.array([5 * step, 0, 5 * step + 40, 80.0]))
    filtered.predict()
    assert filtered.box == pytest.approx([200, 0, 240, 80], abs=1.0)


def test_a_camera_that_jerks_is_taken_out() -> None:
    """The whole picture jumps by more than a person's width; the person stands still in it."""
    rng = np.random.default_rng(0)
    small = rng.integers(0, 255, (40, 60, 3), np.uint8)
    world = cv2.resize(small, (900, 600), interpolation=cv2.INTER_CUBIC)
    places = [100, 102, 101, 145, 146, 90, 92]
    told: dict[str, list[list[int | None]]] = {}
    for name in ("bytetrack", "botsort"):
        tracker = started(name)
        told[name] = [
            ids(tracker, i, box(300 - x, 0.9, 30), frame=world[100:400, x : x + 480].copy())
            for i, x in enumerate(places)
        ]
    assert told["botsort"] == [[1]] * len(places)
    assert told["bytetrack"] != told["botsort"]
