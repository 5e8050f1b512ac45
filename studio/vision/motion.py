"""Motion as three more channels of a frame: optical flow u, v and what changed.

A 6-channel frame is (H, W, 6) uint8: blue, green, red, u, v, change. u and v are the flow from
the frame to the one before it, in its own pixels: what is seen at p stood at p + (u, v). They
are stored as 128 + round(127 * clip(u / 20, -1, 1)): a step is 0.16 pixels and a longer way than
20 pixels counts as 20. Change is the absolute difference of the two frames' greys. A frame
without one before it has no motion: 128, 128, 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

NONE, DIS, FARNEBACK = "none", "dis", "farneback"
METHODS = (NONE, DIS, FARNEBACK)

REACH = 20.0
STILL = 128
_STEPS = 127
CHANNELS = 3
# What fills the place where a turned frame does not reach: nothing moves there.
FILL = (STILL, STILL, 0)
# As `InputSpec.mean` and `.std` want them: u and v become -1..1, change 0..1.
MEAN = (STILL / 255, STILL / 255, 0.0)
STD = (_STEPS / 255, _STEPS / 255, 1.0)


def flow_back(frame: Picture, previous: Picture, method: str = DIS) -> Floats:
    """(H, W, 2) float32 u, v: for each pixel of `frame` where it was in `previous`, both (H, W, 3)
    uint8 BGR of one size. Raises ValueError for a method that is none of `METHODS`.
    """
    return _flow(_grey(frame), _grey(previous), method)


def motion_channels(frame: Picture, previous: Picture | None, method: str = DIS) -> Picture:
    """(H, W, 3) uint8 u, v, change of `frame` (H, W, 3) uint8 BGR; see the module."""
    if previous is None:
        return still(frame.shape[:2])
    grey, before = _grey(frame), _grey(previous)
    flow = _flow(grey, before, method)
    change = np.abs(grey.astype(np.int16) - before).astype(np.uint8)
    return np.concatenate([encoded(flow), change[..., None]], axis=2)


def still(size: Sequence[int]) -> Picture:
    """The motion channels (H, W, 3) of a frame of `size` (H, W) that has none before it."""
    return np.full((*size, CHANNELS), FILL, dtype=np.uint8)


def encoded(flow: Floats) -> Picture:
    """Flow (..., 2) in pixels as uint8."""
    return (STILL + np.rint(_STEPS * np.clip(flow / REACH, -1, 1))).astype(np.uint8)


def decoded(channels: npt.NDArray[Any]) -> Floats:
    """The inverse of `encoded`, to a twelfth of a pixel: (..., 2) uint8 to pixels."""
    return (channels.astype(np.float32) - STILL) * np.float32(REACH / _STEPS)


def turned(channels: Picture, linear: npt.NDArray[np.floating]) -> Picture:
    """Motion channels (H, W, 3) that were moved as a picture by a map whose linear part is the
    (2, 2) `linear`: the arrows themselves are turned and stretched with it.
    """
    flow = decoded(channels[..., :2]) @ np.asarray(linear, dtype=np.float32).T
    return np.concatenate([encoded(flow), channels[..., 2:]], axis=2)


def _grey(frame: Picture) -> Picture:
    import cv2

    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


def _flow(grey: Picture, before: Picture, method: str) -> Floats:
    import cv2

    if method == DIS:
        # A new object each time: it is not safe to share between threads and cheap to make.
        finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        return np.asarray(finder.calc(grey, before, None), dtype=np.float32)  # pyright: ignore[reportCallIssue, reportArgumentType]
    if method == FARNEBACK:
        start = np.zeros((*grey.shape, 2), dtype=np.float32)
        found = cv2.calcOpticalFlowFarneback(
            grey, before, start, 0.5, levels=3, winsize=15, iterations=3, poly_n=5, poly_sigma=1.2, flags=0
        )  # fmt: skip
        return np.asarray(found, dtype=np.float32)
    raise ValueError(f"no optical flow is called {method!r}")
