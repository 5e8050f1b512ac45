"""Head errors against scipy's rotations and hand-made cases."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from studio.core import head as one
from studio.core.errors import DataError
from studio.metrics.head import ANGLES, angles_of, bins_mapping, geodesic, head_errors


def rotations(yaw, pitch, roll):
    """(n, 3, 3) by scipy: extrinsic x (pitch), y (yaw), z (roll)."""
    return Rotation.from_euler("xyz", np.c_[pitch, yaw, roll], degrees=True).as_matrix()


def some(n: int = 400, seed: int = 0):
    rng = np.random.default_rng(seed)
    return rng.uniform(-99, 99, n), rng.uniform(-60, 60, n), rng.uniform(-60, 60, n)


def test_angles_are_those_of_one_rotation():
    true = rotations(*some())
    many = angles_of(true)
    assert np.allclose(many, [one.angles_of(r) for r in true], atol=1e-9)
    locked = rotations([90, -90], [20, 30], [10, -40])
    assert np.allclose(angles_of(locked), [one.angles_of(r) for r in locked], atol=1e-6)


def test_geodesic_is_the_turn_between_them():
    a, b = rotations(*some()), rotations(*some(seed=1))
    assert geodesic(a, b) == pytest.approx(
        np.degrees((Rotation.from_matrix(a).inv() * Rotation.from_matrix(b)).magnitude())
    )
    tiny = rotations([1e-7], [0], [0])
    assert geodesic(tiny, np.eye(3)[None])[0] == pytest.approx(1e-7, rel=1e-6)
    assert geodesic(rotations([180], [0], [0]), np.eye(3)[None])[0] == pytest.approx(180)


def test_known_errors():
    yaw, pitch, roll = some()
    narrow = np.abs(yaw) < 80
    yaw, pitch, roll = yaw[narrow], pitch[narrow], roll[narrow]
    errors = head_errors(rotations(yaw + 3, pitch - 2, roll + 1), rotations(yaw, pitch, roll))
    metrics = errors.metrics()
    assert [metrics[f"MAE-{a}"] for a in ANGLES] == pytest.approx([3, 2, 1])
    assert metrics["MAE"] == pytest.approx(2)
    assert [metrics[f"official-MAE-{a}"] for a in ANGLES] == pytest.approx([3, 2, 1])
    assert 2 < metrics["geodesic"] < 6


def test_the_official_figure_forgives_a_half_turn_and_ours_does_not():
    errors = head_errors(rotations([0], [0], [178]), rotations([0], [0], [0]))
    metrics = errors.metrics()
    assert metrics["official-MAE-roll"] == pytest.approx(2)
    assert metrics["MAE-roll"] == pytest.approx(178)
    assert metrics["geodesic"] == pytest.approx(178)


def test_a_full_turn_is_no_error():
    errors = head_errors(rotations([0], [0], [-179]), rotations([0], [0], [179]))
    assert errors.metrics()["MAE-roll"] == pytest.approx(2)


def test_stated_angles_take_the_place_of_those_worked_out():
    true = rotations([10], [0], [0])
    errors = head_errors(true, true, [[12.0, 0.0, 0.0]])
    assert errors.metrics()["MAE-yaw"] == pytest.approx(2)
    assert errors.metrics()["geodesic"] == pytest.approx(0)


def test_errors_against_the_angle():
    yaw = np.array([-50.0, -47, 0, 5, 70])
    zero, off = np.zeros(5), np.array([1, 3, 2, 0, 8])
    errors = head_errors(rotations(yaw + off, zero, zero), rotations(yaw, zero, zero))
    bins = errors.bins((-60, -30, 0, 30, 60, 90))["yaw"]
    assert bins.count.tolist() == [2, 0, 2, 0, 1]
    assert bins.error == pytest.approx([2, np.nan, 1, np.nan, 8], nan_ok=True)
    assert bins.geodesic == pytest.approx([2, np.nan, 1, np.nan, 8], nan_ok=True)
    assert bins.middles.tolist() == [-45, -15, 15, 45, 75]
    assert bins_mapping({"yaw": bins})["yaw"]["error"][1] is None


def test_what_does_not_fit_is_said():
    with pytest.raises(DataError, match="do not fit"):
        head_errors(np.eye(3)[None], np.zeros((2, 3, 3)))
    with pytest.raises(DataError, match="no head"):
        head_errors(np.zeros((0, 3, 3)), np.zeros((0, 3, 3)))
    with pytest.raises(DataError, match="finite"):
        head_errors(np.full((1, 3, 3), np.nan), np.eye(3)[None])
