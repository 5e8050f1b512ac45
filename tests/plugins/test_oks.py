"""The tracker by poses: people keep their identities through crossings, gaps and comings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from studio.core.prediction import Prediction
from studio.registry.interfaces import Tracker
from studio.registry.plugins import find
from studio.vision.one_euro import OneEuro
from studio.vision.synthetic.scene import coco17
from tests.tracking import FPS, clip, hota, judged, same_person, tracked


@pytest.mark.parametrize("seed", [1, 3])
def test_people_who_cross_keep_their_identities(seed: int) -> None:
    pictures = clip(seed, 150)
    told = tracked("oks", pictures)
    assert hota(pictures, told) > 0.9
    # Who walks out of the picture and comes back seconds later may be somebody new.
    assert sum(len(ids) for ids in same_person(told).values()) <= 5


@pytest.mark.parametrize("seed", [41, 44])
def test_who_leaves_the_picture_and_comes_back_is_known_again(seed: int) -> None:
    """Walkers turn round a second's way beyond the edge; the clips are none the tracker was made
    with.
    """
    pictures = clip(seed, 250)
    boxes = judged(pictures, tracked("bytetrack", pictures))
    told = tracked("oks", pictures)
    poses = judged(pictures, told)
    assert all(len(ids) == 1 for ids in same_person(told).values())
    assert poses.switches == 0
    assert poses.hota > max(0.92, boxes.hota)


def test_behind_each_other_poses_are_kept_apart_better_than_boxes() -> None:
    pictures = clip(42, 100, people=6)
    poses, boxes = (
        judged(pictures, tracked(n, pictures, seed=7, noise=2.0, missed=0.1, sight=6))
        for n in ("oks", "bytetrack")
    )
    assert poses.association > boxes.association
    assert poses.hota > boxes.hota


def test_poses_without_a_joint_in_common_are_compared_by_their_boxes() -> None:
    """Joints that nobody sees stand at 0, 0 in many files: they are alike and mean nothing."""
    half, other = person(0), person(400)
    half.keypoints[8:] = other.keypoints[:8] = 0
    tracker = oks()
    assert ids(tracker, 0, half) == [1]
    assert ids(tracker, 1, other) == [2]
    legs = person(3)
    legs.keypoints[:8] = 0
    assert ids(tracker, 2, legs) == [1]


def test_the_same_frames_give_the_same_identities() -> None:
    pictures = clip(1, 60)
    first, again = (tracked("oks", pictures) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        assert [p.track_id for p in one] == [p.track_id for p in other]
        assert all((p.keypoints == q.keypoints).all() for p, q in zip(one, other, strict=True))


def person(x: float, score: float = 0.9, category: int = 0) -> Prediction:
    rng = np.random.default_rng(4)
    points = np.concatenate([rng.uniform(0, 100, (17, 2)), np.full((17, 1), 0.9)], axis=1)
    points[:, 0] += x
    box = np.array([x, 0, x + 100, 100], np.float32)
    return Prediction(box, score, points.astype(np.float32), category)


def oks(**values: object) -> Tracker:
    contribution = find("tracker", "oks")
    tracker = contribution.load()
    assert isinstance(tracker, Tracker)
    tracker.start(contribution.options_class().from_mapping(values).validated(), coco17(), FPS)
    return tracker


def ids(tracker: Tracker, index: int, *people: Prediction) -> list[int | None]:
    return [p.track_id for p in tracker.update(None, people, index, index / FPS)]


def test_a_person_out_of_sight_is_known_again_for_so_many_frames() -> None:
    for lost, again in ((5, 1), (4, 2)):
        tracker = oks(lost=lost)
        assert ids(tracker, 0, person(0)) == [1]
        for index in range(1, 6):
            assert ids(tracker, index) == []
        assert ids(tracker, 6, person(0)) == [again]


def test_a_walker_is_expected_where_the_way_goes_on() -> None:
    tracker = oks()
    for index in range(6):
        assert ids(tracker, index, person(30 * index)) == [1]
    # Three frames behind a tree: 120 pixels on, farther than the person is wide.
    assert ids(tracker, 9, person(30 * 9 - 15)) == [1]


def test_who_is_unsure_carries_on_but_does_not_begin() -> None:
    tracker = oks(new_score=0.5)
    assert ids(tracker, 0, person(0), person(300, 0.4)) == [1, None]
    assert ids(tracker, 1, person(300, 0.4), person(2, 0.4)) == [None, 1]
    # A doubtful double never takes the place of the sure one.
    assert ids(tracker, 2, person(4, 0.4), person(5, 0.9)) == [None, 1]


def test_another_category_is_somebody_else() -> None:
    tracker = oks()
    assert ids(tracker, 0, person(0), person(0, category=1)) == [1, 2]
    assert ids(tracker, 1, person(0, category=1), person(0)) == [2, 1]


def test_people_without_joints_are_told_apart_by_their_boxes() -> None:
    tracker = oks()
    bare = [replace(person(x), keypoints=np.zeros((0, 3), np.float32)) for x in (0, 300)]
    assert ids(tracker, 0, *bare) == [1, 2]
    assert ids(tracker, 1, *reversed(bare)) == [2, 1]


def test_a_new_video_begins_with_nobody() -> None:
    tracker = oks()
    ids(tracker, 0, person(0), person(300))
    tracker.start(find("tracker", "oks").options_class()(), coco17(), FPS)
    assert ids(tracker, 0, person(300)) == [1]


def test_trembling_joints_become_calm_and_quick_ones_are_followed() -> None:
    rng = np.random.default_rng(2)
    still = person(0)
    tracker, moved = oks(), []
    for index in range(50):
        noisy = still.keypoints.copy()
        noisy[:, :2] += rng.normal(0, 2, (17, 2)).astype(np.float32)
        (told,) = tracker.update(None, [replace(still, keypoints=noisy)], index, index / FPS)
        moved.append(told.keypoints[:, :2] - still.keypoints[:, :2])
    assert np.std(np.array(moved)[10:]) < 1.4
    tracker, behind = oks(), 0.0
    for index in range(30):
        walker = person(10 * index)
        (told,) = tracker.update(None, [walker], index, index / FPS)
        behind = float(np.abs(told.keypoints[:, :2] - walker.keypoints[:, :2]).max())
    # 250 pixels a second, two and a half bodies: no more than a fifth of a frame's way behind.
    assert behind < 4


def test_one_euro_as_its_paper_has_it() -> None:
    """A plain loop over one value, with the paper's formulas."""
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, 40).cumsum()
    own = OneEuro(min_cutoff=1.5, beta=0.3)
    shown, speed = values[0], 0.0
    rate = 30.0

    def alpha(cutoff: float) -> float:
        tau = 1 / (2 * np.pi * cutoff)
        return 1 / (1 + tau * rate)

    for number, value in enumerate(values):
        if number:
            speed = alpha(1.0) * (value - shown) * rate + (1 - alpha(1.0)) * speed
            a = alpha(1.5 + 0.3 * abs(speed))
            shown = a * value + (1 - a) * shown
        assert float(own(np.array([value]), 1 / rate)[0]) == pytest.approx(shown)
