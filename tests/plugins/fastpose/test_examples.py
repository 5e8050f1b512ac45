"""Examples: drawn points stay under their joints, and chance is a function of its seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

from studio.core.skeleton import Skeleton
from studio.plugins.fastpose.examples import PersonExamples, jittered
from studio.plugins.fastpose.people import Person
from tests.plugins.fastpose.folk import options

# Blue, green and red marks; the first two are each other's mirror image.
COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255))
SKELETON = Skeleton("three", ("left", "right", "middle"), flip_pairs=((0, 1),))
POINTS = np.array([[130.5, 100.5, 2], [230.5, 110.5, 1], [180.5, 300.5, 2]])


@pytest.fixture
def person(tmp_path: Path) -> Person:
    picture = np.zeros((420, 400, 3), np.uint8)
    for (x, y, _), colour in zip(POINTS, COLOURS, strict=True):
        cv2.circle(picture, (int(x), int(y)), 6, colour, -1)
    path = tmp_path / "person.png"
    cv2.imwrite(str(path), picture)
    return Person(path, np.array([110.0, 80.0, 250.0, 330.0]), POINTS)


def examples(person: Person, **values: Any) -> PersonExamples:
    return PersonExamples(options(imgsz=[256, 192], **values), SKELETON, [person])


def mark(picture: np.ndarray, channel: int) -> np.ndarray:
    """The centre of one colour's mark."""
    light = picture[..., channel].astype(float)
    rows, columns = np.mgrid[: light.shape[0], : light.shape[1]] + 0.5
    return np.array([(columns * light).sum(), (rows * light).sum()]) / light.sum()


@pytest.mark.parametrize("flip", [0.0, 1.0])
def test_every_point_stays_on_its_mark(person: Person, flip: float) -> None:
    made = examples(person, flip=flip, rotate_share=1.0, jitter_from=1)
    # In a mirrored picture the blue mark, once left, is the right joint.
    order = (1, 0, 2) if flip else (0, 1, 2)
    seen = 0
    for number in range(30):
        found = made.example(0, 5, np.random.default_rng(number))
        for joint, channel in enumerate(order):
            if not found["weight"][joint]:
                continue
            centre = found["points"][joint]
            if (centre < 12).any() or (centre > (180, 244)).any():
                continue  # its mark is cut off
            seen += 1
            assert mark(found["picture"], channel) == pytest.approx(centre, abs=0.5)
    assert seen > 40


def test_the_same_chance_gives_the_same_example(person: Person) -> None:
    made = examples(person, color=0.3, half_body=0.5)
    first, again = (made.example(0, 1, np.random.default_rng(7)) for _ in range(2))
    assert (first["picture"] == again["picture"]).all()
    assert (first["points"] == again["points"]).all()
    other = made.example(0, 1, np.random.default_rng(8))
    assert (first["picture"] != other["picture"]).any()


def test_boxes_jitter_only_in_the_late_epochs(person: Person) -> None:
    still: dict[str, Any] = {"flip": 0.0, "rotate": 0.0, "scale": 0.0, "jitter_from": 3}
    made = examples(person, **still)
    early = [made.example(0, 3, np.random.default_rng(n))["points"] for n in range(4)]
    late = [made.example(0, 4, np.random.default_rng(n))["points"] for n in range(4)]
    assert all((p == early[0]).all() for p in early)
    assert len({p.tobytes() for p in late}) == 4
    never = examples(person, **{**still, "jitter_from": 0})
    assert (never.example(0, 99, np.random.default_rng(0))["points"] == early[0]).all()


def test_without_chance_the_box_fills_the_crop(person: Person) -> None:
    made = examples(person, flip=0.0, rotate=0.0, scale=0.0, jitter_from=0)
    points = made.example(0, 1, np.random.default_rng(0))["points"]
    # The box is 140 x 250 around (180, 205): 250 x 1.25 high becomes 256.
    scale = 256 / (250 * 1.25)
    expected = (POINTS[:, :2] - (180, 205)) * scale + (96, 128)
    assert points == pytest.approx(expected, abs=1e-3)


def test_a_joint_outside_the_crop_is_not_learnt(person: Person) -> None:
    far = POINTS.copy()
    far[2, 1] = 415.0
    made = examples(
        Person(person.image, person.box, far), flip=0.0, rotate=0.0, scale=0.0, jitter_from=0
    )
    assert made.example(0, 1, np.random.default_rng(0))["weight"].tolist() == [1, 1, 0]


def test_a_jittered_box_keeps_some_of_the_person() -> None:
    box = np.array([10.0, 20.0, 110.0, 220.0])
    assert jittered(box, np.array([0.1, 0, 0, -0.1])) == pytest.approx((20, 20, 110, 200))
    crossed = jittered(box, np.array([0.9, 0.9, -0.9, -0.9]))
    assert (crossed[2:] > crossed[:2]).all()


def test_without_mirror_pairs_nothing_is_mirrored(person: Person) -> None:
    skeleton = Skeleton("three", ("left", "right", "middle"))
    made = PersonExamples(
        options(imgsz=[256, 192], flip=1.0, rotate=0.0, scale=0.0, jitter_from=0),
        skeleton,
        [person],
    )
    points = made.example(0, 1, np.random.default_rng(0))["points"]
    assert points[0, 0] < points[1, 0]
