"""People between keyframes."""

from __future__ import annotations

import numpy as np
import pytest

from studio.core.annotation import AnnotatedImage, Shape
from studio.core.interpolation import between, motion_of, rotation_between, with_people


def _person(x: float, *, hidden: bool = False, corners: int = 3) -> tuple[Shape, ...]:
    flags = {"occluded": True} if hidden else {}
    polygon = tuple((x + n * 3.0, 10.0 * (n % 2)) for n in range(corners))
    return (
        Shape("person", "rectangle", ((x, 0.0), (x + 20, 40.0)), 3, extra={"source": "m"}),
        Shape("person", "polygon", polygon, 3),
        Shape("nose", "point", ((x + 5, 8.0),), 3, flags=flags),
    )


def test_halfway_is_halfway() -> None:
    first = (*_person(0), Shape("left_ear", "point", ((1.0, 1.0),), 3))
    made = between(first, _person(40, hidden=True), 0.25)
    assert [s.label for s in made] == ["person", "person", "nose"]
    assert made[0].points == ((10.0, 0.0), (30.0, 40.0))
    assert made[0].extra == {}
    assert made[2].points == ((15.0, 8.0),)
    assert not made[2].occluded
    assert between(first, _person(40, hidden=True), 0.75)[2].occluded


def test_an_outline_of_other_corners_is_carried() -> None:
    made = between(_person(0, corners=3), _person(40, corners=5), 0.5)
    assert len(made[1].points) == 3
    assert made[1].points[0] == pytest.approx((20.0, 0.0))


def test_the_ends_are_the_keyframes() -> None:
    assert between(_person(0), _person(40), 0.0)[2].points == ((5.0, 8.0),)
    assert between(_person(0), _person(40), 1.0)[2].points == ((45.0, 8.0),)


@pytest.mark.parametrize("degrees", [0.0, 30.0, 179.0, 180.0])
def test_rotations_turn_evenly(degrees: float) -> None:
    def about_z(angle: float) -> np.ndarray:
        c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])

    middle = rotation_between(about_z(10), about_z(10 + degrees), 0.5)
    assert middle @ middle.T == pytest.approx(np.eye(3), abs=1e-9)
    wanted = about_z(10 + degrees / 2)
    other = about_z(10 - degrees / 2)
    assert np.allclose(middle, wanted, atol=1e-6) or (
        degrees == 180 and np.allclose(middle, other, atol=1e-6)
    )


def test_people_that_are_there_stay() -> None:
    image = AnnotatedImage("a", shapes=_person(0))
    assert with_people(image, {3: _person(9)}) is image
    assert with_people(image, {4: _person(9)}).shapes[3:] == _person(9)


def test_motion_of_points() -> None:
    before = np.array([[0, 0], [10, 0], [10, 10], [0, 10.0]])
    motion = motion_of(before, before * 2 + np.array([3, 4]))
    assert motion.scale == pytest.approx(2)
    assert motion.moved([(10, 10)])[0] == pytest.approx((23, 24))
