"""What a view does to a picture it does to the points, boxes and masks on it: shown on drawn marks."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from studio.core.skeleton import Skeleton
from studio.ml.augment import (
    Chances,
    Colours,
    View,
    draw_view,
    half_body,
    jitter,
    make_view,
    random_crop,
    upper_joints,
)
from studio.vision.affine import box_matrix, crop_matrix

HEIGHT, WIDTH = 240, 320
INPUT = (256, 192)
PERSON = (90.0, 40.0, 220.0, 200.0)
MARKS = np.array([[110.3, 60.7], [150.0, 95.5], [200.6, 120.2], [130.9, 180.4], [165.2, 140.1]])
SIGMA = 2.5


def marks_drawn() -> list[np.ndarray]:
    """A picture (H, W, 3) for each mark, with a smooth spot centred on it to sub-pixels."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    spots = [np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * SIGMA**2)) for px, py in MARKS]
    return [np.repeat((s * 255).astype(np.uint8)[..., None], 3, axis=2) for s in spots]


def centroid(picture: np.ndarray) -> np.ndarray:
    grey = picture[..., 0].astype(np.float64)
    y, x = np.mgrid[: grey.shape[0], : grey.shape[1]] + 0.5
    return np.array([(x * grey).sum(), (y * grey).sum()]) / grey.sum()


def whole() -> np.ndarray:
    return crop_matrix((WIDTH / 2, HEIGHT / 2, WIDTH, HEIGHT), (HEIGHT, WIDTH))


VIEWS = {
    "as it is": make_view(whole(), (HEIGHT, WIDTH)),
    "turned": make_view(whole(), (HEIGHT, WIDTH), angle=33.3, factor=0.7),
    "turned back": make_view(whole(), (HEIGHT, WIDTH), angle=-71, factor=0.6),
    "mirrored": make_view(whole(), (HEIGHT, WIDTH), flipped=True),
    "cropped": make_view(box_matrix(PERSON, INPUT), INPUT),
    "larger": make_view(whole(), (HEIGHT, WIDTH), factor=1.3, shift=(7.25, -4.5)),
    "all at once": make_view(
        box_matrix(PERSON, INPUT), INPUT, angle=-25, flipped=True, factor=0.8, shift=(5, -9)
    ),
    "stretched": make_view(
        random_crop(np.random.default_rng(1), (HEIGHT, WIDTH), (224, 224)), (224, 224)
    ),
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_points_stay_on_their_drawn_marks(view: View):
    expected = view.points(MARKS)
    shown = 0
    for picture, point in zip(marks_drawn(), expected, strict=True):
        margin = 12
        if not (
            margin < point[0] < view.size[1] - margin and margin < point[1] < view.size[0] - margin
        ):
            continue
        shown += 1
        assert np.linalg.norm(centroid(view.picture(picture)) - point) < 0.1
    assert shown >= 3


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_masks_stay_on_what_they_cover(view: View):
    shape = np.array([[100, 60], [220, 50], [250, 150], [170, 210], [90, 160]], np.float64)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.fillPoly(mask, [shape.astype(np.int32)], 3)
    picture = np.repeat((mask > 0).astype(np.uint8)[..., None] * 255, 3, axis=2)
    moved_mask = view.mask(mask)
    assert set(np.unique(moved_mask)) == {0, 3}
    seen = view.picture(picture)[..., 0] > 127
    assert iou(moved_mask == 3, seen) > 0.99
    # And on the polygon itself, moved as points are (drawn at 8 times the size).
    large = np.zeros((view.size[0] * 8, view.size[1] * 8), np.uint8)
    cv2.fillPoly(large, [np.round((view.points(shape + 0.5)) * 8).astype(np.int32)], 1)
    polygon = cv2.resize(large * 255, view.size[::-1], interpolation=cv2.INTER_AREA) > 127
    assert iou(moved_mask == 3, polygon) > 0.98


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return (a & b).sum() / (a | b).sum()


def test_left_and_right_change_places_in_a_mirrored_view():
    points = np.array([[10.0, 20.0, 2], [30.0, 40.0, 1], [50.0, 60.0, 0]])
    found = make_view(whole(), (HEIGHT, WIDTH), flipped=True).points(points, (1, 0, 2))
    assert found == pytest.approx(np.array([[290.0, 40, 1], [310, 20, 2], [270, 60, 0]]))
    plain = make_view(whole(), (HEIGHT, WIDTH)).points(points, (1, 0, 2))
    assert plain == pytest.approx(points)


def test_a_turn_is_clockwise_as_a_person_sees_it():
    view = make_view(whole(), (HEIGHT, WIDTH), angle=90)
    right_of_middle = np.array([[WIDTH / 2 + 50, HEIGHT / 2]])
    assert view.points(right_of_middle) == pytest.approx(np.array([[WIDTH / 2, HEIGHT / 2 + 50]]))
    assert view.angle == 90


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_boxes_hold_what_they_held(view: View):
    low, high = MARKS.min(axis=0), MARKS.max(axis=0)
    box = view.boxes(np.array([[*low, *high]]))[0]
    points = view.points(MARKS)
    points = points[view.inside(points)]
    assert (points >= box[:2] - 1e-9).all()
    assert (points <= box[2:] + 1e-9).all()
    assert (box >= 0).all()
    assert box[2] <= view.size[1]
    assert box[3] <= view.size[0]
    if view.angle == 0 and view is VIEWS["mirrored"]:
        assert box == pytest.approx([WIDTH - high[0], low[1], WIDTH - low[0], high[1]])


def test_the_same_chance_gives_the_same_view_and_stays_in_its_limits():
    chances = Chances(flip=0.5, rotation=40, rotated=0.6, scale=0.3, shift=0.1)
    views = [
        draw_view(np.random.default_rng(n), box_matrix(PERSON, INPUT), INPUT, chances)
        for n in range(600)
    ]
    again = draw_view(np.random.default_rng(5), box_matrix(PERSON, INPUT), INPUT, chances)
    assert np.array_equal(again.matrix, views[5].matrix)
    angles = np.array([v.angle for v in views])
    assert np.abs(angles).max() == pytest.approx(80, abs=8)
    assert np.abs(angles).max() <= 80
    assert (angles == 0).mean() == pytest.approx(0.4, abs=0.08)
    assert np.mean([v.flipped for v in views]) == pytest.approx(0.5, abs=0.08)
    base = np.linalg.det(box_matrix(PERSON, INPUT)[:, :2])
    factors = np.sqrt([abs(np.linalg.det(v.matrix[:, :2])) / base for v in views])
    assert factors.min() >= 0.7 - 1e-9
    assert factors.max() <= 1.3 + 1e-9
    still = draw_view(np.random.default_rng(0), whole(), (HEIGHT, WIDTH), Chances())
    assert still.matrix == pytest.approx(whole())


def test_a_random_crop_shows_a_part_of_the_picture():
    for number in range(100):
        base = random_crop(np.random.default_rng(number), (HEIGHT, WIDTH), (224, 224), (0.5, 1.0))
        corners = np.linalg.inv(np.vstack([base, [0, 0, 1]])) @ np.array(
            [[0, 224], [0, 224], [1, 1]]
        )
        assert (corners[:2] >= -1e-6).all()
        assert corners[0].max() <= WIDTH + 1e-6
        assert corners[1].max() <= HEIGHT + 1e-6
        share = np.prod(corners[:2, 1] - corners[:2, 0]) / (WIDTH * HEIGHT)
        assert 0.4 < share <= 1 + 1e-9


def test_half_a_body():
    skeleton = Skeleton(
        "stick", ("nose", "left_wrist", "right_wrist", "left_knee", "right_knee", "left_ankle")
    )
    upper = upper_joints(skeleton)
    assert upper == (0, 1, 2)
    points = np.array(
        [[50, 10, 2], [20, 40, 2], [80, 40, 1], [40, 90, 2], [60, 90, 2], [40, 130, 2.0]]
    )
    boxes = {
        tuple(half_body(np.random.default_rng(n), points, upper, margin=0.0)) for n in range(20)
    }
    assert boxes == {(19, 9, 81, 41), (39, 89, 61, 131)}
    points[:2, 2] = 0
    assert half_body(np.random.default_rng(0), points, upper, margin=0)[1] == 89
    points[3:, 2] = 0
    assert half_body(np.random.default_rng(0), points, upper) is None
    assert upper_joints(Skeleton.numbered(4)) == ()


def test_colours_change_and_motion_does_not():
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (40, 50, 6), dtype=np.uint8)
    wild = Colours(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)
    found = jitter(np.random.default_rng(1), picture, wild)
    assert found.dtype == np.uint8
    assert np.array_equal(found[..., 3:], picture[..., 3:])
    assert (found[..., :3] != picture[..., :3]).mean() > 0.5
    assert np.array_equal(found, jitter(np.random.default_rng(1), picture, wild))
    assert np.array_equal(jitter(np.random.default_rng(1), picture, Colours()), picture)
    grey = jitter(np.random.default_rng(1), picture, Colours(grey=1.0))
    assert np.ptp(grey[..., :3].astype(int), axis=2).max() == 0
    bright = [
        jitter(np.random.default_rng(n), picture, Colours(brightness=0.5))[..., :3].mean()
        for n in range(30)
    ]
    assert min(bright) < picture[..., :3].mean() < max(bright)
