"""Drawn heads: the rotation that stands in the label is the one that is seen.

The judge of it is independent of the drawing: coloured balls at known places of a head are found in
the picture by their colour, and the rotation is worked out of where they are.
"""

from __future__ import annotations

import numpy as np
import pytest

from studio.core.head import Angles, mirrored, rolled, rotation_of, seen
from studio.metrics.head import geodesic
from studio.ml.augment import Chances, View, draw_view, make_view, random_crop
from studio.vision.affine import crop_matrix
from studio.vision.head_crop import warped
from studio.vision.synthetic.canvas import Light
from studio.vision.synthetic.head import WIDEST, Ball, HeadLook, draw_head, make_head
from studio.vision.synthetic.raycast import View as Camera

SIZE = 480
SCALE = 130.0
# Places before and around the face that nothing hides while the head looks about the viewer.
PLACES = np.array(
    [(0.0, 0.0, 1.5), (0.9, 0.0, 1.0), (-0.9, 0.0, 1.0), (0.0, 0.9, 1.2), (0.0, -1.1, 0.9),
     (0.7, 0.7, 1.1)]
)  # fmt: skip
COLORS = ((0, 0, 255), (0, 255, 0), (255, 0, 0), (0, 255, 255), (255, 0, 255), (255, 255, 0))


def marked_head(rotation: np.ndarray) -> np.ndarray:
    """A dark head with balls before it, without perspective."""
    balls = [Ball((p[0], p[1], p[2]), 0.06, c) for p, c in zip(PLACES, COLORS, strict=True)]
    dark = HeadLook((20.0,) * 3, (20.0,) * 3, (20.0,) * 3, (20.0,) * 3, (20.0,) * 3, "bald")
    ground = np.full((SIZE, SIZE, 3), 10, np.uint8)
    light = Light(ambient=0.6)
    return draw_head(rotation, dark, Camera(SIZE, SCALE), light, ground, balls=balls).image


def places_seen(picture: np.ndarray) -> np.ndarray:
    """(n, 2) the middle of each ball, by its colour."""
    found = []
    rows, columns = np.indices(picture.shape[:2])
    values = picture.astype(np.float64)
    for color in COLORS:
        wanted = np.array(color) > 0
        bright = np.where(wanted, values, 255 - values).min(axis=2)
        weight = np.clip(bright - 128, 0, None)
        total = weight.sum()
        assert total > 255 * 20, "a ball is hidden"
        found.append(
            ((weight * (columns + 0.5)).sum() / total, (weight * (rows + 0.5)).sum() / total)
        )
    return np.array(found)


def rotation_seen(picture: np.ndarray, *, flipped: bool = False) -> np.ndarray:
    """(3, 3) R of a marked head: the two rows that are seen by least squares, the third upright.
    flipped: it is a head whose balls are at the mirrored places.
    """
    places = PLACES * (-1, 1, 1) if flipped else PLACES
    spots = places_seen(picture)
    spread, offset = places - places.mean(axis=0), spots - spots.mean(axis=0)
    rows = np.linalg.lstsq(spread, offset, rcond=None)[0].T
    u, _, v = np.linalg.svd(rows, full_matrices=False)
    right, down = u @ v
    axes = np.stack([right, down, np.cross(right, down)])
    flip = np.diag([1.0, -1.0, 1.0])
    return (flip @ axes @ flip).T


ANGLES = [Angles(0, 0, 0), Angles(20, 0, 0), Angles(0, 15, 0), Angles(0, 0, 30),
          Angles(-25, 12, -18), Angles(14, -16, 40)]  # fmt: skip


@pytest.mark.parametrize("angles", ANGLES)
def test_the_label_is_what_is_drawn(angles: Angles) -> None:
    rotation = rotation_of(angles)
    found = rotation_seen(marked_head(rotation))
    assert geodesic(found[None], rotation[None])[0] < 0.1


def test_angles_turn_the_way_the_convention_says() -> None:
    for angles, where in (
        (Angles(30, 0, 0), lambda a: a[0, 2] < 0),  # looks to the picture's left
        (Angles(0, 30, 0), lambda a: a[1, 2] < 0),  # looks up
        (Angles(0, 0, 30), lambda a: a[0, 1] < 0),  # chin to the left, top to the right
    ):
        assert where(seen(rotation_of(angles)))
        assert where(seen(rotation_seen(marked_head(rotation_of(angles)))))


@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("turn", [0.0, 17.0, -38.0, 90.0])
def test_turning_and_mirroring_a_picture_turns_its_rotation(turn: float, flipped: bool) -> None:
    rotation = rotation_of(Angles(18, -9, 11))
    base = crop_matrix((SIZE / 2, SIZE / 2, SIZE * 0.9, SIZE * 0.9), (SIZE, SIZE))
    view = make_view(base, (SIZE, SIZE), angle=turn, flipped=flipped, factor=1.05, shift=(5, -7))
    picture = warped(marked_head(rotation), view.matrix, view.size)
    found = rotation_seen(picture, flipped=flipped)
    wanted = rolled(mirrored(rotation) if flipped else rotation, turn)
    assert geodesic(found[None], wanted[None])[0] < 0.1


def test_views_by_chance_keep_the_rotation_to_a_tenth_of_a_degree() -> None:
    rng = np.random.default_rng(4)
    chances = Chances(flip=0.5, rotation=20, scale=0.05, shift=0.03)
    seen_views: list[View] = []
    for number in range(12):
        angles = Angles(*(float(v) for v in rng.uniform(-20, 20, 3)))
        rotation = rotation_of(angles)
        base = random_crop(rng, (SIZE, SIZE), (SIZE, SIZE), (0.9, 1.0), stretch=1.0)
        view = draw_view(rng, base, (SIZE, SIZE), chances)
        seen_views.append(view)
        wanted = rolled(mirrored(rotation) if view.flipped else rotation, view.angle)
        picture = warped(marked_head(rotation), view.matrix, view.size)
        found = rotation_seen(picture, flipped=view.flipped)
        assert geodesic(found[None], wanted[None])[0] < 0.1, (number, view)
    assert {v.flipped for v in seen_views} == {False, True}
    assert max(abs(v.angle) for v in seen_views) > 15


def test_the_same_seed_gives_the_same_bytes() -> None:
    first, again, other = make_head(3, 64), make_head(3, 64), make_head(4, 64)
    assert (first.image == again.image).all()
    assert (first.rotation == again.rotation).all()
    assert (first.image != other.image).any()


def test_a_drawn_head_is_where_its_box_and_points_say() -> None:
    for seed in range(20):
        head = make_head(seed, 96)
        x1, y1, x2, y2 = head.box
        assert 0 <= x1 < x2 <= 96
        assert 0 <= y1 < y2 <= 96
        assert 30 < x2 - x1 < 90
        for name in ("left_eye", "right_eye"):
            x, y = head.points[name]
            assert x1 - 2 < x < x2 + 2, (seed, name)
            assert y1 - 2 < y < y2 + 2, (seed, name)
        assert np.linalg.det(head.rotation) == pytest.approx(1)


def test_a_head_that_looks_aside_hides_its_far_ear() -> None:
    camera, light = Camera(64, 20.0), Light()
    ground = np.zeros((64, 64, 3), np.uint8)
    left = draw_head(rotation_of(Angles(60, 0, 0)), HeadLook(), camera, light, ground)
    # It looks to the picture's left: the person's left ear, on the picture's right, is seen.
    assert "left_ear" in left.shown
    assert "right_ear" not in left.shown


def test_heads_look_everywhere_up_to_the_widest() -> None:
    from studio.core.head import angles_of

    angles = np.array([angles_of(make_head(seed, 32).rotation) for seed in range(60)])
    for column, limit in enumerate((WIDEST.yaw, WIDEST.pitch, WIDEST.roll)):
        assert np.abs(angles[:, column]).max() <= limit + 1e-6
        assert angles[:, column].min() < -limit / 2
        assert angles[:, column].max() > limit / 2
