"""Detection now and then, joints followed by their looks between."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from studio.registry.plugins import find
from studio.vision.synthetic.scene import coco17
from tests.tracking import BRIDGED, FPS, clip, found_in, moving_person, same_person, tracked


def started(**values: object) -> Any:
    contribution = find("tracker", "klt")
    tracker = contribution.load()
    tracker.start(contribution.options_class().from_mapping(values).validated(), coco17(), FPS)
    return tracker


def test_a_moving_person_is_followed_for_ten_frames_within_two_pixels() -> None:
    frames, person, seen = moving_person()
    tracker = started(every=BRIDGED + 1)
    worst, kept, shift = 0.0, 0, np.zeros(2)
    for index, frame in enumerate(frames):
        wanted = tracker.wants_people(index)
        assert wanted is (index == 0)
        (told,) = tracker.update(frame, [person] if wanted else [], index, index / FPS)
        assert told.track_id == 1
        shift = np.array([4, 2]) * index
        sure = told.keypoints[:, 2] > 0
        off = told.keypoints[:, :2] - (person.keypoints[:, :2] + shift)
        worst = max(worst, float(np.linalg.norm(off[sure & seen], axis=1).max()))
        kept = int((sure & seen).sum())
        # Who is lost goes along with the others.
        assert np.median(np.linalg.norm(off, axis=1)) < 2
        middle = (told.box[:2] + told.box[2:]) / 2
        assert middle == pytest.approx((person.box[:2] + person.box[2:]) / 2 + shift, abs=4)
    assert worst <= 2.0
    assert kept >= 0.6 * seen.sum()


def test_walkers_are_bridged_in_the_mean_within_two_pixels() -> None:
    """Limbs that swing and cover each other: what is still followed is near, the rest is lost."""
    pictures = clip(1, 60, people=2)
    told = tracked("klt", pictures, noise=0.0, missed=0.0, every=BRIDGED + 1)
    off: list[float] = []
    for index, (picture, people) in enumerate(zip(pictures, told, strict=True)):
        truth = {p.track_id: p for p in picture.people}
        for person in people if index % (BRIDGED + 1) else ():
            real = truth.get(int(person.box_score or 0))
            if real is not None:
                both = (real.keypoints[:, 2] == 2) & (person.keypoints[:, 2] > 0)
                off += np.linalg.norm(
                    real.keypoints[both, :2] - person.keypoints[both, :2], axis=1
                ).tolist()
    assert len(off) > 200
    assert np.mean(off) < 2.0
    assert np.median(off) < 1.0


def test_identities_last_from_detection_to_detection() -> None:
    pictures = clip(1, 60, people=2)
    told = tracked("klt", pictures, missed=0.0, every=5)
    assert all(len(ids) == 1 for ids in same_person(told).values())


def test_a_lost_joint_says_so_and_everybody_goes_with_a_cut() -> None:
    frames, person, _ = moving_person()
    tracker = started(every=50)
    tracker.update(frames[0], [person], 0, 0.0)
    covered = frames[1].copy()
    x, y = (int(v) for v in person.keypoints[0, :2])
    part = covered[max(0, y - 40) : y + 40, max(0, x - 40) : x + 40]
    part[:] = np.random.default_rng(1).integers(0, 255, part.shape)
    (told,) = tracker.update(covered, [], 1, 0.04)
    assert told.keypoints[0, 2] == 0
    assert (told.keypoints[:, 2] > 0).any()
    assert told.score < person.score
    assert tracker.update(255 - covered, [], 2, 0.08) == ()
    # The next detection finds the same person again: the cut was short.
    tracker = started(every=3)
    tracker.update(frames[0], [person], 0, 0.0)
    assert tracker.update(255 - frames[0], [], 1, 0.04) == ()
    assert tracker.update(frames[0], [], 2, 0.08) == ()
    assert [p.track_id for p in tracker.update(frames[0], [person], 3, 0.12)] == [1]


def test_who_is_unsure_begins_nobody_and_small_pictures_are_no_harm() -> None:
    pictures = clip(1, 3)
    people = found_in(pictures[0], np.random.default_rng(0))
    tracker = started(new_score=0.99)
    told = tracker.update(pictures[0].image, people, 0, 0.0)
    assert [p.track_id for p in told] == [None] * len(people)
    assert tracker.update(pictures[1].image, [], 1, 0.04) == ()
    tracker = started()
    tracker.update(pictures[0].image, people, 0, 0.0)
    # A frame that cannot be read, one of another size: nobody can be followed there.
    assert tracker.update(pictures[1].image[:100], [], 1, 0.04) == ()
    assert tracker.update(None, [], 2, 0.08) == ()
