"""Heads over time: calm where they are still, after them where they turn, no jump anywhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from studio.metrics.head import geodesic
from studio.vision.rotation_smoothing import (
    FORGOTTEN,
    SmoothRotation,
    SmoothRotations,
    rotation_about,
    rotation_vector,
)

FPS = 30
STRENGTHS = [0.25, 0.5, 1.0]


def turned(yaw: float, pitch: float = 0.0, roll: float = 0.0) -> np.ndarray:
    """R = Rz(roll) Ry(yaw) Rx(pitch), by another way than the studio's."""
    return Rotation.from_euler("xyz", [pitch, yaw, roll], degrees=True).as_matrix()


def smoothed(
    rotations: Sequence[np.ndarray] | np.ndarray, strength: float, seconds: float = 1 / FPS
) -> np.ndarray:
    smooth = SmoothRotation()
    return np.array([smooth(r, seconds, strength) for r in rotations])


def trembling(
    rotations: Sequence[np.ndarray] | np.ndarray, degrees: float, seed: int = 0
) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, np.radians(degrees), (len(rotations), 3))
    return Rotation.from_rotvec(noise).as_matrix() @ np.array(rotations)


@pytest.mark.parametrize("strength", STRENGTHS)
def test_a_head_that_is_still_stays_exactly_as_it_is(strength: float) -> None:
    still = turned(-40, 20, 65)
    assert smoothed([still] * 50, strength) == pytest.approx(np.array([still] * 50), abs=1e-12)


@pytest.mark.parametrize(("strength", "part"), [(0.25, 0.65), (0.5, 0.52), (1.0, 0.3)])
def test_trembling_becomes_less(strength: float, part: float) -> None:
    truth = np.array([turned(25, -10, 5)] * 600)
    seen = trembling(truth, 1.5)
    before = geodesic(seen, truth)[60:].mean()
    after = geodesic(smoothed(seen, strength), truth)[60:].mean()
    assert before > 2
    assert after < part * before


@pytest.mark.parametrize(("strength", "most"), [(0.25, 4.5), (0.5, 6.0), (1.0, 10.5)])
def test_a_quick_turn_is_followed(strength: float, most: float) -> None:
    """120 degrees in a second, then still."""
    turn = [turned(-60 + 4 * i) for i in range(31)] + [turned(60)] * 15
    behind = geodesic(smoothed(turn, strength), np.array(turn))
    assert behind.max() < most
    assert behind[-1] < 0.3


@pytest.mark.parametrize("strength", STRENGTHS)
def test_a_head_may_turn_all_the_way_round(strength: float) -> None:
    """Past 90, where yaw turns back, and past 180, where it changes its sign."""
    turn = [Rotation.from_euler("y", 3 * i, degrees=True).as_matrix() for i in range(240)]
    result = smoothed(turn, strength)
    steps = geodesic(result[1:], result[:-1])
    assert steps.max() < 3.5
    # Once it follows it goes neither faster nor slower than the head.
    assert steps[60:] == pytest.approx(3, abs=0.05)
    assert geodesic(result, np.array(turn)).max() < 8


@pytest.mark.parametrize("strength", STRENGTHS)
def test_every_result_is_a_rotation(strength: float) -> None:
    rng = np.random.default_rng(5)
    wild = Rotation.random(200, rng).as_matrix()
    result = smoothed(wild, strength)
    assert result @ np.swapaxes(result, 1, 2) == pytest.approx(np.array([np.eye(3)] * 200))
    assert np.linalg.det(result) == pytest.approx(1)


def test_the_same_turn_at_another_rate_is_followed_alike() -> None:
    def behind(fps: int) -> float:
        turn = [turned(60 * i / fps) for i in range(fps + 1)]
        return float(geodesic(smoothed(turn, 0.5, 1 / fps)[-1:], np.array(turn[-1:]))[0])

    assert behind(60) == pytest.approx(behind(25), abs=1.0)


def test_no_smoothing_no_time_and_a_long_gap_change_nothing() -> None:
    wild = Rotation.random(20, np.random.default_rng(1)).as_matrix()
    for strength, seconds in ((0.0, 1 / FPS), (0.5, 0.0), (0.5, FORGOTTEN + 0.1), (0.5, -1.0)):
        assert (smoothed(wild, strength, seconds) == wild).all()


def test_heads_do_not_mix_and_who_is_gone_is_forgotten() -> None:
    one, other = turned(50), turned(-50)
    smooth = SmoothRotations()
    for number in range(10):
        time = number / FPS
        assert smooth("a", one, time, 1.0) == pytest.approx(one)
        assert smooth("b", other, time, 1.0) == pytest.approx(other)
    assert smooth("a", other, 10 / FPS, 1.0) != pytest.approx(other)
    # After a while "a" is somebody else, and so is everybody in a video that begins again.
    smooth.forget(10 / FPS + FORGOTTEN + 0.1)
    assert (smooth("a", other, 10 / FPS + FORGOTTEN + 0.1, 1.0) == other).all()
    assert (smooth("b", one, 0.0, 1.0) == one).all()


def test_a_vector_is_the_rotation_about_it() -> None:
    vectors = np.random.default_rng(2).uniform(-1.5, 1.5, (50, 3))
    for vector in vectors:
        assert rotation_vector(rotation_about(vector)) == pytest.approx(vector)
