"""People drawn into pictures."""

from __future__ import annotations

import numpy as np
import pytest

from studio.core.prediction import Prediction
from studio.core.skeleton import Skeleton
from studio.io.skeletons import load_skeleton
from studio.vision.drawing import DrawStyle, draw_people, draw_text

COCO = load_skeleton("coco17")


def person(score: float = 0.9) -> Prediction:
    points = np.array([[x * 200 + 50, y * 200 + 20, 1.0] for x, y in COCO.template], np.float32)
    return Prediction(np.array([50, 20, 250, 220], np.float32), score, points)


@pytest.mark.parametrize("ground", [0, 127, 255])
def test_limbs_and_joints_are_seen_on_any_ground(ground: int) -> None:
    frame = np.full((300, 300, 3), ground, np.uint8)
    out = draw_people(frame, [person()], COCO)
    assert (frame == ground).all(), "the picture itself is not drawn into"
    contrast = np.abs(out.astype(int) - ground).max(axis=2)
    assert (contrast > 100).sum() > 1500


def test_a_frame_that_nobody_needs_is_drawn_into() -> None:
    frame = np.full((300, 300, 3), 127, np.uint8)
    copied = draw_people(frame, [person()], COCO)
    assert draw_people(frame, [person()], COCO, into=frame) is frame
    assert (frame == copied).all()


def test_joints_below_the_threshold_are_left_out() -> None:
    frame = np.zeros((300, 300, 3), np.uint8)
    someone = person()
    someone.keypoints[:, 2] = 0.3
    style = DrawStyle(kp_conf=0.5, boxes=False)
    assert not draw_people(frame, [someone], COCO, style).any()
    assert draw_people(frame, [someone], COCO, DrawStyle(kp_conf=0.2, boxes=False)).any()


def test_left_and_right_differ_in_shape() -> None:
    skeleton = Skeleton("pair", ("l", "r"), flip_pairs=((0, 1),), colors=("#808080", "#808080"))
    points = np.array([[40, 50, 1], [160, 50, 1]], np.float32)
    someone = Prediction(np.array([0, 0, 1, 1], np.float32), 1.0, points)
    style = DrawStyle(kp_radius=12, boxes=False)
    out = draw_people(np.full((100, 200, 3), 255, np.uint8), [someone], skeleton, style)
    left, right = (out[:, :100] < 250).any(axis=2).sum(), (out[:, 100:] < 250).any(axis=2).sum()
    assert right > left * 1.15, "a square covers more than the circle of its width"


def test_points_far_outside_and_no_points_do_not_fail() -> None:
    frame = np.zeros((60, 80, 3), np.uint8)
    wild = Prediction(
        np.array([-1e9, -5, 1e9, 50], np.float32).clip(-1e6, 1e6), 0.5, person().keypoints * 1e6
    )
    none = Prediction(np.array([1, 1, 9, 9], np.float32), 0.5, np.zeros((0, 3), np.float32))
    assert draw_people(frame, [wild, none], COCO).shape == frame.shape


def test_text_stands_in_the_corner() -> None:
    frame = np.full((200, 300, 3), 128, np.uint8)
    draw_text(frame, ["30.0 fps", "2 people"])
    assert (frame[:20, :60] != 128).any()
    assert (frame[150:] == 128).all()
