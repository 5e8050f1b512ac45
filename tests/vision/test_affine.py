"""Crops that keep points on their drawn marks."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from studio.vision.affine import (
    box_matrix,
    crop_matrix,
    enlarged_box,
    inverse,
    moved,
    then,
    warp,
)


def test_a_box_grows_to_the_aspect_and_then_by_the_scale() -> None:
    assert enlarged_box((10, 20, 30, 120), 0.75, 1.25) == pytest.approx((20, 70, 93.75, 125))
    assert enlarged_box((0, 0, 90, 20), 0.75, 1.0) == pytest.approx((45, 10, 90, 120))


def test_the_crop_fills_the_input_and_comes_back() -> None:
    matrix = crop_matrix((50, 60, 30, 40), (256, 192))
    corners = np.array([[35.0, 40.0], [65.0, 80.0]])
    assert moved(corners, matrix) == pytest.approx(np.array([[0, 0], [192, 256]]))
    assert moved(moved(corners, matrix), inverse(matrix)) == pytest.approx(corners)
    assert then(matrix, inverse(matrix)) == pytest.approx(np.array([[1, 0, 0], [0, 1, 0]]))


def test_many_people_each_by_its_own_matrix() -> None:
    boxes = np.array([[10, 10, 40, 90], [50, 30, 90, 100]])
    matrices = np.stack([box_matrix(b, (256, 192)) for b in boxes])
    points = np.array([[[25.0, 50.0]], [[70.0, 65.0]]])
    assert moved(points, matrices) == pytest.approx(np.array([[[96, 128]], [[96, 128]]]))


@pytest.mark.parametrize("scale", [0.3, 1.0, 3.7])
@pytest.mark.parametrize("degrees", [0.0, 33.0, 180.0])
def test_a_drawn_mark_stays_under_its_point(scale: float, degrees: float) -> None:
    picture = np.zeros((400, 400), np.uint8)
    cv2.circle(picture, (251, 142), 12, 255, -1)
    cos, sin = math.cos(math.radians(degrees)) * scale, math.sin(math.radians(degrees)) * scale
    turn = np.array([[cos, -sin, 0.0], [sin, cos, 0.0]])
    turn[:, 2] = (320, 240) - turn[:, :2] @ (251.5, 142.5)
    drawn = warp(picture, turn, (480, 640)).astype(float)
    rows, columns = np.mgrid[:480, :640] + 0.5
    centre = (columns * drawn).sum() / drawn.sum(), (rows * drawn).sum() / drawn.sum()
    assert centre == pytest.approx((320, 240), abs=0.1)
