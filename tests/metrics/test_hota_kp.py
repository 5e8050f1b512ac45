"""HOTA-KP against its golden values, and the rules around it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from studio.core.errors import DataError
from studio.metrics.hota_kp import HotaKpJudging, Tracked, similarity, usual_groups

FRAMES, JOINTS = 20, 6


def clip(people: int = 2, seed: int = 0, visible: int = 2) -> list[Tracked]:
    """People far from each other, walking."""
    rng = np.random.default_rng(seed)
    shape = rng.uniform(0, 60, (people, JOINTS, 2)) + np.arange(people)[:, None, None] * 400
    frames = []
    for number in range(FRAMES):
        points = np.dstack([shape + 3.0 * number, np.full((people, JOINTS), float(visible))])
        frames.append(Tracked(np.arange(people, dtype=np.int64) + 11, points))
    return frames


def moved(frames: list[Tracked], pixels: float, angle: float = 0.7) -> list[Tracked]:
    way = np.array([np.cos(angle), np.sin(angle), 0.0]) * pixels
    return [Tracked(f.ids + 500, f.points + way) for f in frames]


def judged(truth, found, category="person", groups=None):
    judging = HotaKpJudging(groups)
    judging.add("clip", category, truth, found)
    return judging.result()


@pytest.mark.parametrize(
    ("pixels", "score"), [(0, 1), (5, 0.8947), (10, 0.6316), (15, 0.3158), (20, 0.1053), (25, 0)]
)
def test_a_constant_shift(pixels, score):
    truth = clip()
    found = judged(truth, moved(truth, pixels))
    assert found.all.mean() == pytest.approx(score, abs=1e-4)
    assert found.metrics()["HOTA-KP"] == found.all.mean()


@pytest.mark.parametrize("pixels", [26, 40, 1e6, np.inf, np.nan])
def test_farther_is_nothing(pixels):
    truth = clip()
    way = [Tracked(f.ids, f.points + np.array([pixels, 0, 0])) for f in truth]
    assert judged(truth, way).all.mean() == 0


def test_identities_swapped_at_half_time():
    truth = clip()
    swapped = [
        Tracked(f.ids if n < FRAMES // 2 else f.ids[::-1], f.points) for n, f in enumerate(truth)
    ]
    found = judged(truth, swapped).all
    assert found.mean() == pytest.approx(0.57735, abs=1e-5)
    assert found.mean("AssA") == pytest.approx(1 / 3, abs=1e-6)
    assert found.mean("DetA") == 1


def test_the_curve_over_alpha():
    truth = clip()
    found = judged(truth, moved(truth, 10)).all
    assert found.alphas == pytest.approx(np.arange(1, 20) * 0.05)
    alike = np.exp(-(10**2) / 200)
    assert found.curves["HOTA"] == pytest.approx((found.alphas <= alike).astype(float))


def test_only_visible_joints_of_the_truth_count():
    truth = clip(1)
    for frame in truth:
        frame.points[:, 3, 2] = 1
        frame.points[:, 4, 2] = 0
    far = [Tracked(f.ids, f.points.copy()) for f in truth]
    for frame in far:
        frame.points[:, 3:5, :2] += 900
    assert judged(truth, far).all.mean() == 1
    for frame in far:
        frame.points[:, 0, :2] += (24, 0)  # a quarter of the four that are seen
    assert judged(truth, far).all.mean() == pytest.approx(judged(truth, moved(truth, 6)).all.mean())


def test_nobody_is_asked_for_whom_no_joint_is_visible():
    truth = clip(2)
    for frame in truth:
        frame.points[1, :, 2] = 1
    only_first = [Tracked(f.ids[:1], f.points[:1]) for f in truth]
    assert judged(truth, only_first).all.mean() == 1
    # ... and finding it all the same is no fault, while one on an empty place is.
    assert judged(truth, [Tracked(f.ids, f.points.copy()) for f in truth]).all.mean() == 1
    away = np.array([[[0, 0, 0]], [[0, 300, 0]]])
    ghost = [Tracked(f.ids, f.points + away) for f in truth]
    assert judged(truth, ghost).all.mean("DetPr") == pytest.approx(0.5)


def test_classes_are_judged_apart_and_averaged():
    truth, other = clip(1), clip(1, seed=3)
    judging = HotaKpJudging({"hands": ("left hand", "right hand"), "tools": ("scissors",)})
    judging.add("a", "left hand", truth, moved(truth, 5))
    judging.add("a", "right hand", other, moved(other, 10))
    judging.add("a", "scissors", truth, truth)
    empty = [Tracked.empty(3)] * FRAMES
    judging.add("a", "knife", empty, empty)
    found = judging.result()
    assert found.classes["left hand"].mean() == pytest.approx(0.8947, abs=1e-4)
    assert found.groups["hands"].mean() == pytest.approx((0.8947 + 0.6316) / 2, abs=1e-4)
    assert found.groups["tools"].mean() == 1
    assert found.all.mean() == pytest.approx((0.8947 + 0.6316 + 1) / 3, abs=1e-4)
    assert found.metrics()["HOTA-KP/tools"] == 1
    # What is found though never labelled is no gap in the data: it counts 0.
    judging.add("b", "knife", empty, clip(1))
    assert judging.result().all.mean() == pytest.approx((0.8947 + 0.6316 + 1) / 4, abs=1e-4)


def test_videos_of_a_class_are_gathered():
    truth = clip(1)
    judging = HotaKpJudging()
    judging.add("a", "person", truth, truth)
    judging.add("b", "person", truth, [Tracked.empty(JOINTS)] * FRAMES)
    found = judging.result().all
    assert found.mean("DetA") == pytest.approx(0.5)
    assert found.mean("AssA") == pytest.approx(1)


def test_nobody_anywhere():
    empty = [Tracked.empty(JOINTS)] * 3
    assert judged(empty, empty).all.mean() == 0
    assert judged(clip(), [Tracked.empty(JOINTS)] * FRAMES).all.mean() == 0
    with pytest.raises(DataError, match="no clip"):
        HotaKpJudging().result()


def test_what_does_not_fit_is_named():
    truth = clip()
    with pytest.raises(DataError, match="joints"):
        judged(truth, [Tracked(f.ids, f.points[:, :4]) for f in truth])
    with pytest.raises(DataError, match="frames"):
        judged(truth, truth[:-1])
    twice = [Tracked(np.zeros(2, np.int64), f.points) for f in truth]
    with pytest.raises(DataError, match="twice on frame 0"):
        judged(truth, twice)


def test_hands_and_tools():
    names = ("Left Hand", "scissors", "right hand", "tweezers")
    assert usual_groups(names) == {
        "hands": ("Left Hand", "right hand"),
        "tools": ("scissors", "tweezers"),
    }
    assert usual_groups(("person",)) == {}


def test_similarity_by_hand():
    truth = np.array([[[0.0, 0, 2], [10, 0, 2], [50, 50, 1]]])
    found = np.array([[[0.0, 6, 1], [10, 8, 1], [0, 0, 0]]])
    assert similarity(truth, found) == pytest.approx(np.array([[np.exp(-49 / 200)]]))


def test_the_judge_says_nothing_and_draws_nothing():
    code = (
        "import sys, numpy as np\n"
        "from studio.metrics.hota_kp import HotaKpJudging, Tracked\n"
        "assert 'trackeval' not in sys.modules\n"
        "t = [Tracked(np.array([1]), np.ones((1, 2, 3)) * 2)] * 2\n"
        "j = HotaKpJudging(); j.add('v', 'c', t, t); assert j.result().all.mean() == 1\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
