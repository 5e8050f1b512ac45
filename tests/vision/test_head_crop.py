"""Crops of heads: the published rules to the digit, and marks that stay where they are."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from studio.vision.head_crop import (
    REACH_300W,
    REACH_AFLW,
    centre_box,
    crop_of,
    cropped,
    enlarged,
    head_in,
    joints_of_head,
    judged_crop,
    keypoint_box,
    landmark_box,
    reaching,
    whole_pixels,
)


def test_landmarks_at_minus_one_are_missing() -> None:
    points = np.array([[10, 20], [-1, -1], [40, 5], [-1, 3], [30, -1]])
    assert landmark_box(points) == pytest.approx([10, 5, 40, 20])
    assert landmark_box(np.full((68, 2), -1.0)) is None
    assert landmark_box(np.array([[np.nan, 2], [3, 4.0]])) == pytest.approx([3, 4, 3, 4])


def test_each_side_of_the_published_crop_takes_the_box_as_the_last_left_it() -> None:
    # By hand: 100 wide, 50 high, k = .2.
    left = 200 - 0.6 * 0.2 * 100
    top = 300 - 2 * 0.2 * 50
    right = 300 + 0.6 * 0.2 * (300 - left)
    bottom = 350 + 0.6 * 0.2 * (350 - top)
    box = reaching([200, 300, 300, 350], 0.2, REACH_300W)
    assert box == pytest.approx([left, top, right, bottom])
    assert box == pytest.approx([188, 280, 313.44, 358.4])
    wide = reaching([200, 300, 300, 350], 0.2, REACH_AFLW)
    assert wide == pytest.approx([160, 280, 356, 358.4])


def test_a_box_that_is_cut_to_whole_pixels_keeps_one() -> None:
    assert whole_pixels([-3.7, 2.9, 10.2, 11.9]) == pytest.approx([-3, 2, 10, 11])
    assert whole_pixels([5.1, 5.1, 5.2, 5.2]) == pytest.approx([5, 5, 6, 6])


def test_a_margin_goes_to_every_side() -> None:
    assert enlarged([10, 20, 30, 60], 0.5) == pytest.approx([0, 0, 40, 80])


FACE = [(50, 40), (60, 30), (40, 30)]
SHOULDERS = [(80, 90), (20, 90)]


def test_the_keypoint_crop_is_a_square_around_the_face() -> None:
    box = keypoint_box(FACE, SHOULDERS, 0.5)
    assert box is not None
    # 20 wide, 10 high around (50, 35): a side of 20, half of it more at each side.
    assert box == pytest.approx([30, 15, 70, 55])


def test_with_two_joints_of_a_face_the_shoulders_join() -> None:
    box = keypoint_box(FACE[1:], SHOULDERS, 0.0)
    assert box is not None
    assert box == pytest.approx([20, 30, 80, 90])
    assert keypoint_box(FACE[1:], [], 0.6) is None
    assert keypoint_box([], SHOULDERS, 0.6) is None


def test_one_function_serves_named_joints_and_live_people() -> None:
    names = ("nose", "left_eye", "right_eye", "left_ear", "left_shoulder", "right_shoulder")
    live = np.array([(50, 40, 0.9), (60, 30, 0.9), (40, 30, 0.8), (90, 9, 0.1), (0, 0, 0.9),
                     (0, 0, 0.9)])  # fmt: skip
    face, shoulders = joints_of_head(live, names, (0, 1, 2, 3), 0.5)
    assert len(face) == 3
    assert len(shoulders) == 2
    table = {"Nose": (50.0, 40.0), "LEye": (60.0, 30.0), " REye": (40.0, 30.0), "Hip": (1.0, 1.0)}
    first, second = keypoint_box(face, shoulders, 0.6), head_in(table, 0.6)
    assert first is not None
    assert second is not None
    assert first == pytest.approx(second)
    by_name, _ = joints_of_head(live, names, (), 0.5)
    assert by_name == face


def test_the_middle_of_a_picture() -> None:
    assert centre_box((100, 60)) == pytest.approx([20, 0, 80, 60])


def dot_picture(x: float, y: float, size: tuple[int, int] = (480, 640)) -> np.ndarray:
    picture = np.zeros((*size, 3), np.uint8)
    cv2.circle(picture, (round((x - 0.5) * 16), round((y - 0.5) * 16)), 10 * 16, (255,) * 3, -1,
               cv2.LINE_AA, 4)  # fmt: skip
    return picture


def middle_of(picture: np.ndarray) -> tuple[float, float]:
    weight = picture[..., 0].astype(np.float64)
    rows, columns = np.indices(weight.shape)
    total = weight.sum()
    return (
        float((weight * (columns + 0.5)).sum() / total),
        float((weight * (rows + 0.5)).sum() / total),
    )


@pytest.mark.parametrize("size", [(224, 224), (64, 64), (40, 60)])
def test_a_drawn_dot_stays_on_its_place_in_a_crop(size: tuple[int, int]) -> None:
    box = np.array([100.0, 50.0, 500.0, 400.0])
    x, y = 260.3, 170.8
    seen = cropped(dot_picture(x, y), crop_of(box), size)
    wanted = (x - 100) / 400 * size[1], (y - 50) / 350 * size[0]
    assert middle_of(seen) == pytest.approx(wanted, abs=0.25)


def test_the_judged_crop_is_the_middle_of_256_of_224() -> None:
    box = np.array([100.0, 50.0, 500.0, 400.0])
    x, y = 260.0, 170.0
    seen = judged_crop(dot_picture(x, y), box, (224, 224))
    assert seen.shape == (224, 224, 3)
    wanted = (x - 100) / 400 * 256 - 16, (y - 50) / 350 * 256 - 16
    assert middle_of(seen) == pytest.approx(wanted, abs=0.25)


def test_a_crop_that_reaches_out_of_the_picture_is_black_there() -> None:
    picture = np.full((60, 80, 3), 200, np.uint8)
    seen = cropped(picture, crop_of((-40, -30, 40, 30)), (60, 80))
    assert (seen[:29, :39] == 0).all()
    assert (seen[31:, 41:] == 200).all()
