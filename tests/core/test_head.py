"""Head rotations: the angles' signs, what is drawn, and turning by the mouse."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from studio.core import head
from studio.core.annotation import AnnotatedImage, Shape
from studio.core.head import Angles, Head
from studio.core.skeleton import Skeleton

SKELETON = Skeleton(name="face", keypoints=("nose", "left_eye", "right_eye"))
DEGREES = st.floats(-175, 175)


@given(st.floats(-89, 89), DEGREES, DEGREES)
def test_angles_are_those_of_scipy_and_come_back(yaw: float, pitch: float, roll: float) -> None:
    made = head.rotation_of(Angles(yaw, pitch, roll))
    expected = Rotation.from_euler("xyz", [pitch, yaw, roll], degrees=True).as_matrix()
    assert made == pytest.approx(expected, abs=1e-9)
    assert head.rotation_of(head.angles_of(made)) == pytest.approx(made, abs=1e-6)
    assert head.from_seen(head.seen(made)) == pytest.approx(made, abs=1e-12)
    drawn = np.diag([1, -1]) @ made.T[:2] @ np.diag([1, -1, 1])
    assert head.seen(made)[:2] == pytest.approx(drawn, abs=1e-12)


@pytest.mark.parametrize("angles", [(0, 0, 0), (120, 5, -3), (-150, 0, 0), (60, -20, 30)])
def test_angles_said_as_a_person_would(angles: tuple[float, float, float]) -> None:
    made = head.rotation_of(Angles(*angles))
    assert head.angles_of(made) == pytest.approx(angles, abs=1e-6)


BALL = Head((100.0, 100.0), 50.0)


def test_a_drag_takes_the_nose_along() -> None:
    """From the middle to the right: the nose points right, which is a negative yaw."""
    turned = head.dragged(np.eye(3), BALL, (100.0, 100.0), (125.0, 100.0))
    assert head.angles_of(turned) == pytest.approx((-30.0, 0.0, 0.0), abs=1e-6)
    assert head.seen(turned)[:2, 2] == pytest.approx((0.5, 0.0), abs=1e-9)
    up = head.dragged(np.eye(3), BALL, (100.0, 100.0), (100.0, 75.0))
    assert head.angles_of(up) == pytest.approx((0.0, 30.0, 0.0), abs=1e-6)
    rolled = head.dragged(np.eye(3), BALL, (160.0, 100.0), (100.0, 160.0))
    assert head.angles_of(rolled) == pytest.approx((0.0, 0.0, 90.0), abs=1e-6)


@given(st.lists(st.tuples(st.floats(0, 200), st.floats(0, 200)), min_size=2, max_size=20))
def test_any_drag_leaves_a_rotation(spots: list[tuple[float, float]]) -> None:
    rotation = np.eye(3)
    for start, end in pairwise(spots):
        rotation = head.dragged(rotation, BALL, start, end)
    assert rotation @ rotation.T == pytest.approx(np.eye(3), abs=1e-9)
    assert np.linalg.det(rotation) == pytest.approx(1.0)


def test_it_stands_on_the_box_which_is_made_where_there_is_none() -> None:
    points = {"nose": (50.0, 50.0), "left_eye": (60.0, 40.0), "right_eye": (40.0, 40.0)}
    shapes = tuple(Shape(name, "point", (p,), 4) for name, p in points.items())
    image = AnnotatedImage("a.jpg", 200, 200, shapes)
    turn = head.rotation_of(Angles(10.0, -5.0, 3.0))
    edit = head.set_head_rotation(image, SKELETON, 4, turn)
    after = edit.apply(image)
    (box,) = [s for s in after.shapes if s.shape_type == "rectangle"]
    assert np.array(box.extra["head_rotation"]) == pytest.approx(turn, abs=1e-6)
    assert head.head_rotation(after, 4) == pytest.approx(turn, abs=1e-6)
    assert edit.revert(after) == image
    gone = head.set_head_rotation(after, SKELETON, 4, None).apply(after)
    assert head.head_rotation(gone, 4) is None
    found = head.head_of(after, 4)
    assert found is not None
    assert found.centre == (50.0, 45.0)


@pytest.mark.parametrize("value", [None, "x", [[1, 2]], [[float("nan")] * 3] * 3, 5])
def test_a_rotation_that_is_none_is_left_alone(value: object) -> None:
    shape = Shape("face", "rectangle", ((0.0, 0.0), (9.0, 9.0)), 1, extra={"head_rotation": value})
    assert head.head_rotation(AnnotatedImage("a.jpg", 20, 20, (shape,)), 1) is None


def test_a_mirror_image_turns_yaw_and_roll_the_other_way() -> None:
    rotation = head.rotation_of(Angles(20, -10, 35))
    assert head.angles_of(head.mirrored(rotation)) == pytest.approx((-20, -10, -35))
    assert head.mirrored(head.mirrored(rotation)) == pytest.approx(rotation)


def test_a_turned_picture_turns_the_head_in_it() -> None:
    straight = head.rotation_of(Angles(0, 0, 0))
    assert head.angles_of(head.rolled(straight, 25)) == pytest.approx((0, 0, 25))
    # The picture's right becomes its lower side: what looked there looks down.
    aside = head.rolled(head.rotation_of(Angles(-90, 0, 0)), 90)
    assert head.seen(aside)[:, 2] == pytest.approx((0, 1, 0), abs=1e-12)
    rotation = head.rotation_of(Angles(30, 20, 10))
    assert head.rolled(head.rolled(rotation, 50), -50) == pytest.approx(rotation)
    turned = np.array(head.angles_of(head.rolled(rotation, 50))) - (30, 20, 10)
    assert (np.abs(turned) > 1).all()
