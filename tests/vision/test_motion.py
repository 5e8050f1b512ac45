"""Motion channels: which way they point, how they are stored, how they turn."""

from __future__ import annotations

import numpy as np
import pytest

from studio.vision import motion
from studio.vision.affine import warp


def _texture(seed: int = 0, size: tuple[int, int] = (160, 200)) -> np.ndarray:
    import cv2

    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 255, (*size, 3), dtype=np.uint8)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3).astype(np.float32)
    low, high = smooth.min(), smooth.max()
    return ((smooth - low) * (255 / (high - low))).astype(np.uint8)


def _shifted(picture: np.ndarray, x: float, y: float) -> np.ndarray:
    return warp(picture, np.array([[1.0, 0, x], [0, 1, y]]), picture.shape[:2], fill=127)


@pytest.mark.parametrize("method", [motion.DIS, motion.FARNEBACK])
def test_the_flow_points_to_where_a_thing_was(method: str) -> None:
    before = _texture()
    now = _shifted(before, 6, -4)
    flow = motion.flow_back(now, before, method)[30:-30, 30:-30]
    assert np.median(flow[..., 0]) == pytest.approx(-6, abs=0.3)
    assert np.median(flow[..., 1]) == pytest.approx(4, abs=0.3)


def test_the_first_frame_has_no_motion_and_a_still_one_hardly_any() -> None:
    frame = _texture()
    first = motion.motion_channels(frame, None)
    assert first.shape == (160, 200, 3)
    assert (first == (128, 128, 0)).all()
    again = motion.motion_channels(frame, frame)
    assert np.abs(motion.decoded(again[..., :2])).max() < 0.2
    assert again[..., 2].max() == 0


def test_change_is_the_difference_of_the_greys() -> None:
    before = np.full((40, 40, 3), 50, np.uint8)
    now = before.copy()
    now[10:20, 10:20] = 200
    change = motion.motion_channels(now, before)[..., 2]
    assert (change[10:20, 10:20] == 150).all()
    assert change.sum() == 150 * 100


def test_stored_flow_comes_back_and_long_ways_are_cut() -> None:
    flow = np.array([[[0.0, 0.0], [1.0, -7.3], [19.9, -20.0], [35.0, -90.0]]], np.float32)
    back = motion.decoded(motion.encoded(flow))
    assert np.abs(back - np.clip(flow, -20, 20)).max() <= 20 / 127 / 2 + 1e-5
    assert motion.encoded(flow)[0, 0].tolist() == [128, 128]


def test_arrows_turn_with_the_picture() -> None:
    flow = np.zeros((8, 8, 2), np.float32)
    flow[..., 0] = 10
    channels = np.concatenate([motion.encoded(flow), np.full((8, 8, 1), 9, np.uint8)], axis=2)
    # A quarter turn that takes x to y (down), and twice the size.
    turned = motion.turned(channels, np.array([[0.0, -2.0], [2.0, 0.0]]))
    assert motion.decoded(turned[..., :2])[3, 3].tolist() == pytest.approx([0, 20], abs=0.2)
    assert (turned[..., 2] == 9).all()


def test_an_unknown_method_is_refused() -> None:
    frame = _texture()
    with pytest.raises(ValueError, match="no optical flow"):
        motion.flow_back(frame, frame, "magic")
