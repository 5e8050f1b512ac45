"""Fitting a picture into a network's input without changing its aspect ratio, and back.

The arithmetic follows ultralytics' prediction step by step (the same roundings, the same grey),
so that an artefact of ours finds what its `.pt` finds there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

GREY = 114


@dataclass(frozen=True)
class Letterbox:
    """How a picture lies in the input: all sizes are (height, width) in pixels.

    source: the picture. inner: the picture resized. shape: the whole input.
    pad: (top, left), the grey before the picture.
    """

    source: tuple[int, int]
    inner: tuple[int, int]
    shape: tuple[int, int]
    pad: tuple[int, int]

    @property
    def scale(self) -> tuple[float, float]:
        """(x, y): input pixels per picture pixel, after rounding to whole pixels."""
        return self.inner[1] / self.source[1], self.inner[0] / self.source[0]


def round_up(value: int, stride: int) -> int:
    """The smallest multiple of `stride` that is at least `value`, and at least one stride."""
    return max(math.ceil(value / stride), 1) * stride


def fit(
    source: tuple[int, int], size: tuple[int, int], *, stride: int = 32, rect: bool = True
) -> Letterbox:
    """Lay a picture of `source` (height, width) into `size` (height, width).

    With `rect` the input shrinks to the smallest multiples of `stride` that hold the picture;
    else it is `size` itself.
    """
    height, width = source
    ratio = min(size[0] / height, size[1] / width)
    inner = max(round(height * ratio), 1), max(round(width * ratio), 1)
    rest_y, rest_x = size[0] - inner[0], size[1] - inner[1]
    if rect:
        rest_y, rest_x = rest_y % stride, rest_x % stride
    pad = round(rest_y / 2 - 0.1), round(rest_x / 2 - 0.1)
    return Letterbox(source, inner, (inner[0] + rest_y, inner[1] + rest_x), pad)


def apply(
    picture: npt.NDArray[np.uint8], box: Letterbox, out: npt.NDArray[np.uint8] | None = None
) -> npt.NDArray[np.uint8]:
    """`picture` (H, W, 3) uint8 as it lies in the input: (shape[0], shape[1], 3) uint8, the
    colour order unchanged, grey around it. out: where it is put, instead of new memory.
    """
    import cv2

    height, width = box.inner
    top, left = box.pad
    if out is None:
        out = np.empty((*box.shape, picture.shape[2]), dtype=np.uint8)
    out[:top] = out[top + height :] = GREY
    out[top : top + height, :left] = out[top : top + height, left + width :] = GREY
    inner = out[top : top + height, left : left + width]
    if picture.shape[:2] == box.inner:
        inner[...] = picture
    else:
        cv2.resize(picture, (width, height), dst=inner, interpolation=cv2.INTER_LINEAR)
    return out


def restore(xy: npt.NDArray[np.float32], box: Letterbox) -> npt.NDArray[np.float32]:
    """(..., 2) float32 points of the input as points of the picture, clipped to it."""
    scale_x, scale_y = box.scale
    top, left = box.pad
    out = np.empty_like(xy)
    out[..., 0] = np.clip((xy[..., 0] - left) / scale_x, 0, box.source[1])
    out[..., 1] = np.clip((xy[..., 1] - top) / scale_y, 0, box.source[0])
    return out
