"""Augmentation in which a picture, its points, boxes and masks move together.

One affine matrix holds mirror, turn, scale, shift and crop at once, so nothing is resampled twice
and nothing can move apart: a `View` carries it and lays everything of an example into the network's
input. Coordinates are continuous as in `studio.vision.affine`: a picture of width W spans 0 to W
and the first pixel's centre is at .5, so a mirrored x is W - x. All chance comes from the caller's
generator.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.skeleton import Skeleton
from studio.vision.affine import Matrix, crop_matrix, moved, then, warp

Picture = npt.NDArray[np.uint8]
Points = npt.NDArray[np.floating[Any]]

# Parts of joint names that stand for the lower half of a body.
_LOWER = ("hip", "knee", "ankle", "foot", "toe", "heel", "leg", "pelvis")
# A half body is cut out only where it has so many labelled joints.
_HALF_JOINTS = 3


@dataclass(frozen=True)
class Chances:
    """How wildly an example is moved; the defaults leave it alone.

    flip: share of mirrored examples. rotation: standard deviation in degrees, never more than twice
    that, for `rotated` of the examples. scale: standard deviation of the factor 1 + N(0, scale),
    kept within 1 ± scale. shift: at most so much of the input's size, uniformly.
    """

    flip: float = 0.0
    rotation: float = 0.0
    rotated: float = 1.0
    scale: float = 0.0
    shift: float = 0.0


@dataclass(frozen=True)
class View:
    """How one example is seen: `matrix` (2, 3) takes coordinates of its picture to the input of
    `size` (height, width).

    angle: degrees the content is turned, clockwise as a person sees it. flipped: whether it was
    mirrored, before it was turned.
    """

    matrix: Matrix
    size: tuple[int, int]
    angle: float = 0.0
    flipped: bool = False

    def picture(self, picture: Picture, fill: int | tuple[int, ...] = 0) -> Picture:
        """(h, w, C) uint8 of `picture` (H, W, C)."""
        return warp(picture, self.matrix, self.size, fill=fill)

    def mask(self, mask: Picture, fill: int = 0) -> Picture:
        """(h, w) uint8 of a mask (H, W) of class numbers: the nearest one, never a mixture."""
        return warp(mask, self.matrix, self.size, fill=fill, nearest=True)

    def points(self, points: Points, flip_idx: Sequence[int] | None = None) -> npt.NDArray[Any]:
        """(..., K, 2 or 3) float64: moved x, y; what else a row holds (visibility) goes along.

        flip_idx: each joint's mirror image; in a mirrored view left and right change places.
        """
        out = np.asarray(points, dtype=np.float64).copy()
        out[..., :2] = moved(out[..., :2], self.matrix)
        if self.flipped and flip_idx is not None:
            out = out[..., list(flip_idx), :]
        return out

    def boxes(self, boxes: Points) -> npt.NDArray[np.float64]:
        """(N, 4) float64 x1, y1, x2, y2: the upright box around each moved box, cut off at the
        input's edges.
        """
        boxes = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
        corners = moved(boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2), self.matrix)
        limits = np.array([self.size[1], self.size[0]], dtype=np.float64)
        low, high = corners.min(axis=1), corners.max(axis=1)
        return np.concatenate([low.clip(0, limits), high.clip(0, limits)], axis=1)

    def inside(self, points: Points) -> npt.NDArray[np.bool_]:
        """(...) whether points of the input (already moved) lie in it."""
        x, y = points[..., 0], points[..., 1]
        return (x >= 0) & (y >= 0) & (x < self.size[1]) & (y < self.size[0])


def draw_view(
    rng: np.random.Generator, base: Matrix, size: tuple[int, int], chances: Chances
) -> View:
    """A view by chance: what `base` shows in the input of `size`, mirrored, turned and scaled about
    its middle, and shifted.

    Draws the same number of values whatever comes out, so that one option does not change the
    chance of the next.
    """
    flip, rotate = rng.random(2)
    turn, grow = rng.normal(0.0, 1.0, 2).clip(-2.0, 2.0)
    move = rng.uniform(-1.0, 1.0, 2)
    flipped = bool(flip < chances.flip)
    angle = float(turn * chances.rotation) if rotate < chances.rotated else 0.0
    factor = 1.0 + float(np.clip(grow * chances.scale, -chances.scale, chances.scale))
    # A spread of 1 and more would let a picture vanish.
    factor = max(factor, 0.1)
    shift = move * chances.shift * (size[1], size[0])
    return make_view(base, size, angle=angle, flipped=flipped, factor=factor, shift=shift)


def make_view(
    base: Matrix,
    size: tuple[int, int],
    *,
    angle: float = 0.0,
    flipped: bool = False,
    factor: float = 1.0,
    shift: npt.ArrayLike = (0.0, 0.0),
) -> View:
    """The view that mirrors, then turns by `angle` degrees clockwise, scales by `factor` about the
    input's middle and shifts by `shift` (x, y) pixels of the input.
    """
    middle = np.array([size[1] / 2, size[0] / 2])
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    linear = factor * np.array([[cos, -sin], [sin, cos]])
    if flipped:
        linear = linear @ np.diag([-1.0, 1.0])
    offset = middle - linear @ middle + np.asarray(shift, dtype=np.float64)
    return View(then(base, np.column_stack([linear, offset])), size, angle, flipped)


def random_crop(
    rng: np.random.Generator,
    picture: tuple[int, int],
    size: tuple[int, int],
    area: tuple[float, float] = (0.8, 1.0),
    stretch: float = 4 / 3,
) -> Matrix:
    """The base matrix of a random part of a picture (height, width) for an input of `size`: a share
    of its area between `area`, its sides' ratio changed by a factor up to `stretch` (as torchvision's
    RandomResizedCrop draws them).
    """
    height, width = picture
    share = float(rng.uniform(*area))
    ratio = math.exp(float(rng.uniform(-math.log(stretch), math.log(stretch)))) * width / height
    w = min(math.sqrt(share * width * height * ratio), float(width))
    h = min(math.sqrt(share * width * height / ratio), float(height))
    left, top = (float(v) for v in rng.uniform(0.0, 1.0, 2) * (width - w, height - h))
    return crop_matrix((left + w / 2, top + h / 2, w, h), size)


def upper_joints(skeleton: Skeleton) -> tuple[int, ...]:
    """The joints of the upper half of a body, told by their names; none where a skeleton is no
    body (all joints or none would be "upper").
    """
    lower = [any(word in name.lower() for word in _LOWER) for name in skeleton.keypoints]
    if not any(lower) or all(lower):
        return ()
    return tuple(i for i, low in enumerate(lower) if not low)


def half_body(
    rng: np.random.Generator, points: Points, upper: Sequence[int], margin: float = 0.5
) -> npt.NDArray[np.float64] | None:
    """The box x1, y1, x2, y2 around the labelled joints of one half of a body, or None where a half
    has too few of them.

    points: (K, 3) with v > 0 where labelled. upper: see `upper_joints`. margin: how much larger the
    box is than its points, as a share of their extent.
    """
    seen = np.asarray(points)[:, 2] > 0
    above = np.zeros(len(seen), dtype=bool)
    above[list(upper)] = True
    first = bool(rng.random() < 0.5)
    for half in (above, ~above) if first else (~above, above):
        chosen = np.asarray(points, dtype=np.float64)[half & seen, :2]
        if len(upper) and len(chosen) >= _HALF_JOINTS:
            low, high = chosen.min(axis=0), chosen.max(axis=0)
            room = np.maximum((high - low) * margin / 2, 1.0)
            return np.concatenate([low - room, high + room])
    return None


@dataclass(frozen=True)
class Colours:
    """How much colours change: factors between 1 - value and 1 + value; hue as a share of the
    circle (0 to .5); grey: share of examples without colour.
    """

    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    grey: float = 0.0


def jitter(rng: np.random.Generator, picture: Picture, colours: Colours) -> Picture:
    """A copy of (H, W, C) uint8, C >= 3, whose first three channels (BGR) have other colours;
    further channels (motion) stay.

    Draws the same number of values whatever comes out.
    """
    import cv2

    factors = 1 + rng.uniform(-1.0, 1.0, 3) * (
        colours.brightness,
        colours.contrast,
        colours.saturation,
    )
    hue = float(rng.uniform(-colours.hue, colours.hue)) if colours.hue else 0.0
    brightness, contrast, saturation = (max(float(f), 0.0) for f in factors)
    if rng.random() < colours.grey:
        saturation = 0.0
    bgr = np.ascontiguousarray(picture[..., :3])
    if hue:
        hsv = cv2.cvtColor(bgr, cv2.COLOR_BGR2HSV)
        # OpenCV's hue counts to 180 in 8 bits.
        hsv[..., 0] = (hsv[..., 0].astype(np.int16) + round(hue * 180)) % 180
        bgr = np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR))
    if saturation != 1:
        grey = cv2.cvtColor(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        bgr = np.asarray(cv2.addWeighted(bgr, saturation, grey, 1 - saturation, 0))
    if brightness != 1 or contrast != 1:
        middle = float(bgr.mean())
        levels = (np.arange(256) - middle) * contrast + middle
        table = (levels * brightness).round().clip(0, 255).astype(np.uint8)
        bgr = np.asarray(cv2.LUT(bgr, table))
    out = picture.copy()
    out[..., :3] = bgr
    return out
