"""Trails: where people with an identity have been."""

from __future__ import annotations

import numpy as np

from studio.core.prediction import Prediction
from studio.vision.trails import Trails


def person(x: float, track: int | None) -> Prediction:
    box = np.array([x - 10, 40, x + 10, 60], np.float32)
    return Prediction(box, 0.9, np.zeros((0, 3), np.float32), track_id=track)


def test_a_trail_is_as_long_as_was_asked() -> None:
    trails = Trails()
    for index in range(50):
        trails.take(index, [person(100 + 4 * index, 7), person(20, None)])
    assert trails.of(7, 3) == [(284.0, 50.0), (288.0, 50.0), (292.0, 50.0), (296.0, 50.0)]
    assert trails.of(1, 3) == []
    picture = np.zeros((100, 400, 3), np.uint8)
    trails.draw(picture, 20)
    drawn = np.flatnonzero(picture.any(axis=(0, 2)))
    assert abs(int(drawn.min()) - 216) <= 6
    assert abs(int(drawn.max()) - 296) <= 6
    rows = np.flatnonzero(picture.any(axis=(1, 2)))
    assert rows.min() > 42
    assert rows.max() < 58


def test_who_has_gone_is_forgotten_and_another_video_begins_anew() -> None:
    trails = Trails(longest=5)
    trails.take(0, [person(10, 1)])
    for index in range(1, 10):
        trails.take(index, [person(50, 2)])
    assert trails.of(1, 100) == []
    assert len(trails.of(2, 100)) == 5
    trails.take(0, [person(50, 2)])
    assert len(trails.of(2, 100)) == 1
