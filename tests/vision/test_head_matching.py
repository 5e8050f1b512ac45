"""Faces go to the people whose faces they are."""

from __future__ import annotations

import numpy as np
import pytest

from studio.core.prediction import Prediction
from studio.io.skeletons import load_skeleton
from studio.vision.head_matching import faces_of

BODY = load_skeleton("coco17")


def person(
    box: tuple[float, float, float, float], eyes: tuple[float, float] | None = None
) -> Prediction:
    joints = np.zeros((17, 3), np.float32)
    if eyes is not None:
        for number, (x, y) in enumerate([(0, 8), (6, 0), (-6, 0), (14, 2), (-14, 2)]):
            joints[number] = eyes[0] + x, eyes[1] + y, 0.9
    return Prediction(np.array(box, np.float32), 0.9, joints)


def face(x: float, y: float, side: float = 40.0) -> np.ndarray:
    return np.array([x - side / 2, y - side / 2, x + side / 2, y + side / 2])


def test_each_face_goes_to_whose_joints_it_is_around() -> None:
    left, right = person((0, 0, 200, 400), (60, 50)), person((50, 0, 250, 400), (160, 60))
    faces = [face(162, 62), face(58, 55)]
    chosen = faces_of([left, right], faces, BODY)
    assert chosen[0] is faces[1]
    assert chosen[1] is faces[0]


def test_somebody_whose_back_is_seen_has_no_face() -> None:
    """The only face lies in both boxes and belongs to the one with joints there."""
    near, behind = person((0, 0, 300, 400)), person((40, 20, 240, 380), (150, 70))
    (seen,) = [face(150, 72)]
    chosen = faces_of([near, behind], [seen], BODY)
    assert chosen[0] is None
    assert chosen[1] is seen


def test_without_joints_it_is_the_face_at_the_top_of_the_box() -> None:
    somebody = person((0, 0, 200, 400))
    faces = [face(100, 300), face(100, 40)]
    (chosen,) = faces_of([somebody], faces, BODY)
    assert chosen is faces[1]


@pytest.mark.parametrize("spot", [(300, 50), (205, 50)])
def test_a_face_beside_the_box_is_somebody_elses(spot: tuple[float, float]) -> None:
    assert faces_of([person((0, 0, 200, 400), (100, 50))], [face(*spot)], BODY) == [None]


def test_a_face_far_from_the_face_joints_is_another_one() -> None:
    assert faces_of([person((0, 0, 200, 400), (60, 50))], [face(150, 200)], BODY) == [None]


def test_nobody_and_no_face() -> None:
    assert faces_of([], [face(10, 10)], BODY) == []
    assert faces_of([person((0, 0, 200, 400))], [], BODY) == [None]
