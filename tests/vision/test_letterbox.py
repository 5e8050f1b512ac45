"""Pictures laid into a network's input, and points laid back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.vision.letterbox import GREY, apply, fit, restore, round_up

sides = st.integers(1, 3000)


@given(sides, sides, st.sampled_from([320, 640, 1280]), st.booleans())
@settings(max_examples=300, deadline=None)
def test_the_picture_fits_and_is_centred(height: int, width: int, side: int, rect: bool) -> None:
    box = fit((height, width), (side, side), rect=rect)
    assert max(box.inner) == side
    assert min(box.inner) >= 1
    for inner, whole, before in zip(box.inner, box.shape, box.pad, strict=True):
        after = whole - inner - before
        assert before >= 0
        assert 0 <= after - before <= 1
    if rect:
        assert box.shape[0] % 32 == 0
        assert box.shape[1] % 32 == 0
        assert min(s - i for s, i in zip(box.shape, box.inner, strict=True)) < 32
    else:
        assert box.shape == (side, side)


@given(sides, sides, st.integers(0, 1000), st.integers(0, 1000))
@settings(max_examples=200, deadline=None)
def test_points_come_back(height: int, width: int, x: int, y: int) -> None:
    box = fit((height, width), (640, 640))
    point = np.array([x % width, y % height], np.float32)
    scale = np.array(box.scale, np.float32)
    there = point * scale + np.array(box.pad[::-1], np.float32)
    assert restore(there, box) == pytest.approx(point, abs=0.02)


def test_known_shapes() -> None:
    # Height, width of the two photographs everybody tests with, as their own predict lays them.
    assert fit((1080, 810), (640, 640)).shape == (640, 480)
    assert fit((720, 1280), (640, 640)).shape == (384, 640)
    assert fit((720, 1280), (640, 640)).pad == (12, 0)
    assert fit((1, 3000), (640, 640)).inner == (1, 640)


def test_grey_stands_around_the_picture() -> None:
    picture = np.full((50, 100, 3), 200, np.uint8)
    box = fit((50, 100), (320, 320))
    out = apply(picture, box)
    assert out.shape == (160, 320, 3)
    assert (out == 200).all()
    square = apply(picture, fit((50, 100), (320, 320), rect=False))
    assert square.shape == (320, 320, 3)
    assert (square[:80] == GREY).all()
    assert (square[80:240] == 200).all()
    assert (square[240:] == GREY).all()


def test_points_outside_are_clipped_to_the_picture() -> None:
    box = fit((100, 200), (640, 640))
    far = np.array([[-50.0, -50.0], [5000.0, 5000.0]], np.float32)
    assert restore(far, box).tolist() == [[0.0, 0.0], [200.0, 100.0]]


def test_sizes_are_rounded_up_to_the_stride() -> None:
    assert [round_up(v, 32) for v in (1, 32, 33, 640)] == [32, 32, 64, 640]


@pytest.mark.parametrize("channels", [3, 6])
@pytest.mark.parametrize(
    ("height", "width"), [(1, 700), (700, 1), (33, 64), (640, 640), (37, 501), (720, 1280)]
)
def test_a_place_given_is_filled_as_new_memory_is(height: int, width: int, channels: int) -> None:
    import cv2

    picture = np.random.default_rng(3).integers(0, 256, (height, width, channels), np.uint8)
    for rect in (True, False):
        box = fit((height, width), (640, 640), rect=rect)
        batch = np.zeros((2, *box.shape, channels), np.uint8)
        assert apply(picture, box, out=batch[1]).base is batch
        assert not batch[0].any()
        (top, left), (inner_height, inner_width) = box.pad, box.inner
        resized = cv2.resize(picture, (inner_width, inner_height)).reshape(*box.inner, channels)
        expected = np.full((*box.shape, channels), GREY, np.uint8)
        expected[top : top + inner_height, left : left + inner_width] = resized
        assert (batch[1] == expected).all()
        assert (apply(picture, box) == expected).all()
