"""Heads without a tracker's identities keep a number of their own."""

from __future__ import annotations

import numpy as np

from studio.vision.head_following import HeadNumbers


def box(x: float, y: float, side: float = 40.0) -> np.ndarray:
    return np.array([x, y, x + side, y + side])


def test_heads_keep_their_numbers_whatever_their_order() -> None:
    numbers = HeadNumbers()
    first = numbers([box(0, 0), box(100, 0), None], 0.0)
    assert first == [0, 1, None]
    assert numbers([box(105, 2), None, box(6, 1)], 0.04) == [1, None, 0]
    # A third comes in; the others are still who they were.
    assert numbers([box(300, 0), box(12, 2), box(110, 4)], 0.08) == [2, 0, 1]


def test_two_heads_are_not_one() -> None:
    numbers = HeadNumbers()
    assert numbers([box(0, 0)], 0.0) == [0]
    # Both overlap the one before: the nearer one is it.
    assert numbers([box(12, 0), box(3, 0)], 0.04) == [1, 0]


def test_a_head_that_is_hidden_for_a_moment_is_waited_for() -> None:
    numbers = HeadNumbers()
    numbers([box(0, 0)], 0.0)
    assert numbers([], 0.2) == []
    assert numbers([box(2, 0)], 0.4) == [0]
    assert numbers([box(2, 0)], 1.0) == [1]


def test_a_source_that_begins_again_has_other_heads() -> None:
    numbers = HeadNumbers()
    numbers([box(0, 0)], 5.0)
    assert numbers([box(0, 0)], 0.0) == [1]
    assert HeadNumbers()([None], 0.0) == [None]
