"""Our mask area is pycocotools' mask area, to the pixel."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as judge

from studio.io.masks import mask_areas

COORDINATE = st.floats(-20, 140, width=32) | st.integers(-5, 130).map(float)
POLYGON = st.lists(st.tuples(COORDINATE, COORDINATE), min_size=3, max_size=12)


def area_by_pycocotools(polygons: list[np.ndarray], width: int, height: int) -> float:
    rles = judge.frPyObjects([p.ravel().tolist() for p in polygons], height, width)
    return float(judge.decode(judge.merge(rles)).sum())


@settings(max_examples=150, deadline=None)
@given(
    people=st.lists(st.lists(POLYGON, min_size=1, max_size=3), min_size=1, max_size=3),
    size=st.tuples(st.integers(1, 128), st.integers(1, 128)),
)
def test_equal_to_pycocotools(
    people: list[list[list[tuple[float, float]]]], size: tuple[int, int]
) -> None:
    outlines = [[np.asarray(p, dtype=np.float64) for p in person] for person in people]
    expected = tuple(area_by_pycocotools(o, *size) for o in outlines)
    assert mask_areas(outlines, *size) == expected


def test_a_square_and_nothing() -> None:
    square = np.array([[2.0, 2.0], [12.0, 2.0], [12.0, 12.0], [2.0, 12.0]])
    assert mask_areas([[square]], 100, 50) == (100.0,)
    assert mask_areas([[square, square + 5]], 100, 50) == (175.0,)
    assert mask_areas([[square], []], 100, 50) == (100.0, 0.0)
    assert mask_areas([], 100, 50) == ()


def test_a_picture_that_claims_to_be_huge() -> None:
    square = np.array([[2.0, 2.0], [12.0, 2.0], [12.0, 12.0], [2.0, 12.0]])
    people = [[square], [square, square + 5], [square + 1]]
    assert mask_areas(people, 100, 2**57) == (100.0, 175.0, 100.0)
