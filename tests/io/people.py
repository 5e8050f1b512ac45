"""People drawn at random, for round trips through the formats."""

from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from studio.core.annotation import Instance
from studio.io.records import Record
from studio.io.skeletons import load_skeleton

SKELETON = load_skeleton("coco17")
SIZE = (1234, 567)


def coordinates(limit: int) -> st.SearchStrategy[float]:
    return st.floats(0, limit, allow_nan=False, width=64) | st.integers(0, limit).map(float)


@st.composite
def points(draw: st.DrawFn, count: int) -> np.ndarray:
    xs = draw(st.lists(coordinates(SIZE[0]), min_size=count, max_size=count))
    ys = draw(st.lists(coordinates(SIZE[1]), min_size=count, max_size=count))
    return np.array([xs, ys]).T


@st.composite
def people(draw: st.DrawFn) -> Instance:
    keypoints = np.zeros((17, 3))
    keypoints[:, :2] = draw(points(17))
    keypoints[:, 2] = draw(st.lists(st.sampled_from([0, 1, 2]), min_size=17, max_size=17))
    keypoints[keypoints[:, 2] == 0] = 0
    polygons = tuple(draw(points(n)) for n in draw(st.lists(st.integers(3, 6), max_size=3)))
    box = None
    if not polygons:
        a, b = draw(points(2))
        box = np.concatenate([np.minimum(a, b), np.abs(a - b) + 1e-3])
        box[2:] = np.minimum(box[2:], np.array(SIZE) - box[:2])
    return Instance(
        category="person",
        keypoints=keypoints,
        box=box,
        polygons=polygons,
        absent=frozenset(draw(st.sets(st.sampled_from(SKELETON.keypoints), max_size=2))),
        track_id=draw(st.none() | st.integers(0, 50)),
        score=draw(st.none() | st.floats(0, 1)),
    )


def record(instances: list[Instance], name: str = "a.jpg", picture: Path | None = None) -> Record:
    return Record(name, picture, SIZE, tuple(instances), origin=f"{name}.json")
