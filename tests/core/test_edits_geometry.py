"""What lies under the cursor."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.core import geometry
from studio.core.annotation import AnnotatedImage, Shape

PERSON = AnnotatedImage(
    "a.jpg",
    640,
    480,
    (
        Shape("person", "polygon", ((0, 0), (100, 0), (100, 100), (0, 100)), 1),
        Shape("person", "rectangle", ((20, 20), (60, 60)), 2),
        Shape("nose", "point", ((40, 40),), 2),
        Shape("ball", "circle", ((200, 200), (230, 200))),
        Shape("path", "line", ((300, 300), (400, 300))),
    ),
)


def test_a_handle_comes_before_an_edge_and_an_edge_before_an_inside() -> None:
    hits = geometry.HitMap(PERSON)
    assert hits.at(41, 41, 5) == geometry.Hit("vertex", 2, 0, (40.0, 40.0), math.hypot(1, 1))
    corner = hits.at(59, 21, 5)
    assert corner is not None
    assert (corner.shape, corner.part) == (1, 1)
    edge = hits.at(80, 2, 5)
    assert edge is not None
    assert (edge.kind, edge.shape, edge.part, edge.at) == (
        "edge",
        0,
        0,
        (80, 0),
    )
    last = hits.at(0, 50, 5)
    assert last is not None
    assert last.part == 3
    inner = hits.at(30, 30, 5)
    assert inner is not None
    assert (inner.kind, inner.shape) == ("inside", 1)
    outer = hits.at(80, 80, 5)
    assert outer is not None
    assert (outer.kind, outer.shape) == ("inside", 0)
    rim = hits.at(200, 171, 3)
    assert rim is not None
    assert (rim.kind, rim.shape) == ("edge", 3)
    assert hits.at(500, 50, 5) is None
    line = hits.at(350, 303, 5)
    assert line is not None
    assert line.shape == 4


def test_hidden_shapes_are_not_there_and_only_limits_the_search() -> None:
    hits = geometry.HitMap(PERSON, hidden=frozenset({2}))
    assert hits.vertex(40, 40, 5) is None
    assert geometry.HitMap(PERSON).vertex(40, 40, 50, only=[0]) is None
    assert geometry.HitMap(PERSON).within(10, 10, 70, 70) == (1, 2)
    assert geometry.HitMap(AnnotatedImage("a.jpg")).at(1, 1, 5) is None


def test_broken_points_do_no_harm() -> None:
    odd = AnnotatedImage(
        "a.jpg",
        shapes=(
            Shape("a", "polygon", ((float("nan"), 1), (5, 5))),
            Shape("b", "polygon", ((1, 1),)),
            Shape("c", "polygon", ()),
            Shape("d", "rectangle", ((math.inf, 0), (3, 3))),
            Shape("e", "circle", ((3, 3),)),
            Shape("nose", "point", ((9, 9),)),
        ),
    )
    hit = geometry.HitMap(odd).at(9, 9, 3)
    assert hit is not None
    assert hit.shape == 5
    assert geometry.bounds(((math.nan, 3),)) is None


@given(st.floats(-2, 12), st.floats(-2, 12))
def test_inside_agrees_with_the_square(x: float, y: float) -> None:
    square = np.array([[0, 0], [10, 0], [10, 10], [0, 10]], dtype=float)
    if min(abs(x), abs(y), abs(x - 10), abs(y - 10)) > 1e-6:
        assert geometry.inside_polygon(x, y, square) == (0 < x < 10 and 0 < y < 10)


def test_measures() -> None:
    assert geometry.polygon_area(np.array([[0, 0], [4, 0], [4, 3]], dtype=float)) == 6
    assert geometry.rotated([(2, 1)], (1, 1), 90)[0] == pytest.approx((1, 2))


@given(
    st.lists(st.tuples(*[st.floats(-100, 100)] * 4), max_size=30),
    st.floats(-120, 120),
    st.floats(-120, 120),
    st.floats(0.1, 40),
)
def test_near_segments_are_all_that_a_look_at_each_would_find(
    lines: list[tuple[float, ...]], x: float, y: float, radius: float
) -> None:
    made = np.array(lines, dtype=np.float64).reshape(-1, 4)
    starts, ends = made[:, :2], made[:, 2:]
    distance, _ = geometry.segment_distances(x, y, starts, ends)
    near = geometry.Segments(starts, ends).near(x, y, radius)
    assert set(np.flatnonzero(distance <= radius)) <= set(near.tolist())
    assert near.tolist() == sorted(near.tolist())
