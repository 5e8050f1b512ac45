"""People out of shapes, and shapes out of people."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from studio.core.annotation import AnnotatedImage, Instance, Shape, instances_of, shapes_of
from studio.core.skeleton import Skeleton

SKELETON = Skeleton("s", ("nose", "left", "right"), flip_pairs=((1, 2),))


def point(label: str, x: float, y: float, group: int | None, **extra) -> Shape:
    return Shape(label, "point", ((x, y),), group, **extra)


def test_a_group_is_a_person() -> None:
    image = AnnotatedImage(
        "a.jpg",
        shapes=(
            point("nose", 5, 6, 1),
            Shape("person", "polygon", ((0, 0), (10, 0), (10, 20)), 1, extra={"absent": ["left"]}),
            point("right", 7, 8, 1, flags={"occluded": True}),
            point("right", 1, 1, 1),
            point("nose", 50, 60, 2, extra={"difficult": True}),
            point("wheel", 1, 2, 2),
            point("nose", 9, 9, None),
            Shape("person", "rectangle", ((30, 40), (20, 10)), None),
            Shape("car", "polygon", ((0, 0), (10, 0), (10, 20)), 7),
        ),
    )
    first, second, third = instances_of(image, SKELETON)
    assert first.keypoints.tolist() == [[5, 6, 2], [0, 0, 0], [7, 8, 1]]
    assert first.absent == {"left"}
    assert first.tight_box().tolist() == [0, 0, 10, 20]
    assert second.keypoints[0].tolist() == [50, 60, 1]
    assert second.tight_box().tolist() == [50, 60, 0, 0]
    assert third.track_id is None
    assert third.box.tolist() == [20, 10, 10, 30]
    assert image.next_group_id() == 8


def test_marking_hidden_keeps_the_files_spelling() -> None:
    theirs = point("nose", 1, 2, 1, extra={"difficult": False})
    assert theirs.with_occluded(True).extra == {"difficult": True}
    assert theirs.with_occluded(True).with_occluded(False) == theirs
    assert point("nose", 1, 2, 1).with_occluded(True).flags == {"occluded": True}


coordinate = st.floats(0, 5000, allow_nan=False)


@given(
    st.lists(st.tuples(coordinate, coordinate, st.sampled_from([0, 1, 2])), min_size=3, max_size=3),
    st.integers(1, 10**6),
)
def test_there_and_back(joints, group: int) -> None:
    keypoints = np.array([(x, y, v) if v else (0, 0, 0) for x, y, v in joints], dtype=float)
    person = Instance(
        "person",
        keypoints,
        box=np.array([1.0, 2.0, 3.0, 4.0]),
        polygons=(np.array([[0.0, 0.0], [4.0, 0.5], [4.0, 9.0]]),),
        absent=frozenset({"left"}) if keypoints[1, 2] == 0 else frozenset(),
        head_rotation=np.eye(3),
        score=0.5,
        source="model",
    )
    (back,) = instances_of(
        AnnotatedImage("a.jpg", shapes=shapes_of(person, SKELETON, group)), SKELETON
    )
    np.testing.assert_array_equal(back.keypoints, keypoints)
    np.testing.assert_allclose(back.box, person.box, atol=1e-9)
    np.testing.assert_array_equal(back.polygons[0], person.polygons[0])
    np.testing.assert_array_equal(back.head_rotation, np.eye(3))
    assert (back.absent, back.score, back.source, back.track_id) == (
        person.absent,
        0.5,
        "model",
        group,
    )
