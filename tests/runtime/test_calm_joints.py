"""Calm joints: less trembling, no lag to speak of, nobody mixed up."""

from __future__ import annotations

import numpy as np
import pytest

from studio.core.prediction import Prediction
from studio.runtime.calm_joints import CalmJoints

FPS = 30.0


def person(points: np.ndarray, track: int | None = 1) -> Prediction:
    joints = np.column_stack([points, np.full(len(points), 0.9)]).astype(np.float32)
    return Prediction(np.array([0, 0, 100, 200], np.float32), 0.9, joints, track_id=track)


def path(strength: float, frames: np.ndarray, track: int | None = 1) -> np.ndarray:
    """(N, K, 2) of (N, K, 2) as they come, at 30 frames a second."""
    calm = CalmJoints()
    told = [calm.told([person(p, track)], i / FPS, strength)[0] for i, p in enumerate(frames)]
    return np.array([t.keypoints[:, :2] for t in told])


def test_joints_that_tremble_tremble_less() -> None:
    random = np.random.default_rng(0)
    truth = np.full((300, 5, 2), 100.0)
    noisy = truth + random.normal(0, 1.5, truth.shape)
    before, half, calmest = (np.abs(path(s, noisy) - truth).mean() for s in (0.0, 0.5, 1.0))
    assert before == pytest.approx(np.abs(noisy - truth).mean(), abs=1e-4)
    assert half < 0.8 * before
    assert calmest < 0.5 * before


def test_quick_joints_are_followed() -> None:
    steps = np.arange(60)[:, None, None] * np.array([8.0, 0.0])
    moving = np.broadcast_to(steps, (60, 3, 2)).copy()
    lag = np.abs(path(1.0, moving)[-1] - moving[-1]).max()
    assert lag < 8.0, "less than a frame behind"


def test_who_has_no_number_is_left_alone() -> None:
    noisy = np.random.default_rng(0).normal(100, 5, (10, 3, 2))
    assert path(1.0, noisy, None) == pytest.approx(noisy, abs=1e-4)


def test_who_comes_back_after_a_while_begins_anew() -> None:
    calm = CalmJoints()
    calm.told([person(np.zeros((3, 2)))], 0.0, 1.0)
    (told,) = calm.told([person(np.full((3, 2), 300.0))], 5.0, 1.0)
    assert told.keypoints[:, :2] == pytest.approx(300.0)
