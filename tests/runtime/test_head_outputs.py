"""What head-pose networks answer, as rotations."""

from __future__ import annotations

import numpy as np
import pytest

from studio.core.head import Angles, rotation_of
from studio.metrics.head import geodesic
from studio.runtime.head_outputs import (
    degrees_of_bins,
    nearest_rotations,
    order_of,
    rotations_of_six,
)


def test_six_numbers_and_bent_rotations_become_true_ones() -> None:
    rng = np.random.default_rng(0)
    made = rotations_of_six(rng.normal(size=(20, 6)))
    assert np.abs(made @ np.swapaxes(made, 1, 2) - np.eye(3)).max() < 1e-12
    assert np.linalg.det(made) == pytest.approx(1)
    true = np.stack([rotation_of(Angles(*rng.uniform(-80, 80, 3))) for _ in range(20)])
    bent = true + rng.normal(0, 1e-3, true.shape)
    straight = nearest_rotations(bent)
    assert np.linalg.det(straight) == pytest.approx(1)
    assert geodesic(straight, true).max() < 0.3


def test_two_columns_of_a_rotation_are_that_rotation() -> None:
    true = np.stack([rotation_of(Angles(y, 10, -25)) for y in (-70, 0, 35)])
    six = np.concatenate([true[:, :, 0] * 3, true[:, :, 1]], axis=1)
    assert rotations_of_six(six) == pytest.approx(true)


@pytest.mark.parametrize(("count", "first", "last"), [(66, -99, 96), (120, -180, 177)])
def test_bins_of_three_degrees_lie_around_straight_ahead(count: int, first: int, last: int) -> None:
    sure = np.full((3, count), -50.0)
    sure[0, 0] = sure[1, -1] = sure[2, count // 2] = 50.0
    assert degrees_of_bins(sure) == pytest.approx([first, last, 0])
    # Two that are as likely as each other: the middle. Large scores do not overflow.
    both = np.full((1, count), -1e4)
    both[0, 10] = both[0, 20] = 1e4
    assert degrees_of_bins(both) == pytest.approx([first + 45])


def test_angles_may_stand_in_any_order_and_count_the_other_way() -> None:
    assert order_of(["yaw", "pitch", "roll"]) == ((0, 1.0), (1, 1.0), (2, 1.0))
    assert order_of(["Roll", "-Pitch", " yaw "]) == ((2, 1.0), (1, -1.0), (0, 1.0))
    for wrong in (["yaw", "pitch"], ["yaw", "yaw", "roll"], ["x", "y", "z"], []):
        with pytest.raises(ValueError, match=r"\["):
            order_of(wrong)
