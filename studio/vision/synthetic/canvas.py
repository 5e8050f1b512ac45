"""A picture that is painted part by part and remembers which part each pixel shows.

Points are in pixels, x right, y down, (0, 0) the outer corner of the first pixel; OpenCV draws
with (0, 0) in the middle of that pixel, so half a pixel is taken off before drawing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import cos, pi, sin

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Color = tuple[float, float, float]

SHIFT = 4
_ONE = 1 << SHIFT
NOISE_SIDE = 512
NOBODY = 0


@dataclass(frozen=True)
class Paint:
    """What a surface looks like. Colours are BGR, 0..255; `pattern` is "plain", "stripes",
    "rings", "checks", "dots" or "band"; `period` is the pattern's step in pixels.
    """

    color: Color
    pattern: str = "plain"
    second: Color = (0.0, 0.0, 0.0)
    period: float = 6.0
    phase: float = 0.0
    rough: float = 0.05


@dataclass(frozen=True)
class Light:
    """Where light comes from (unit x, y, z; z towards the viewer) and how much is all round."""

    x: float = -0.4
    y: float = -0.6
    z: float = 0.7
    ambient: float = 0.5


@dataclass(frozen=True)
class Detail:
    """A flat mark on a part: a polygon (N, 2) or, with two points or one, a line or a dot of
    `width` pixels.
    """

    points: npt.NDArray[np.float64]
    color: Color
    width: float = 0.0


@dataclass(frozen=True)
class Part:
    """The hull of some balls: `balls` is (N, 3) of x, y and radius in pixels.

    owner: what the owner map says where this part is on top. depth: larger is nearer.
    axis: from where to where the surface's grain runs, (2, 2).
    """

    balls: npt.NDArray[np.float64]
    paint: Paint
    owner: int
    depth: float
    axis: npt.NDArray[np.float64]
    details: tuple[Detail, ...] = ()
    shade: float = 1.0


@cache
def noise() -> npt.NDArray[np.float32]:
    """(512, 512) float32 in about -1..1, the same in every process; wraps at its edges."""
    rng = np.random.default_rng(20_240_817)
    total = np.zeros((NOISE_SIDE, NOISE_SIDE), np.float32)
    for octave, weight in ((8, 0.45), (32, 0.3), (128, 0.25), (512, 0.35)):
        layer = rng.standard_normal((octave, octave)).astype(np.float32)
        wide = np.pad(layer, 2, mode="wrap")
        scale = NOISE_SIDE // octave
        big = cv2.resize(wide, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        edge = 2 * scale
        total += weight * big[edge : edge + NOISE_SIDE, edge : edge + NOISE_SIDE]
    return total


@cache
def _circle(count: int) -> npt.NDArray[np.float64]:
    turns = [2 * pi * i / count for i in range(count)]
    return np.array([(cos(t), sin(t)) for t in turns])


class Canvas:
    """`image` (H, W, 3) uint8 BGR and `owner` (H, W) int16, 0 where nobody is."""

    def __init__(self, background: Image, light: Light) -> None:
        self.image = background
        self.owner = np.zeros(background.shape[:2], np.int16)
        self.light = light

    def draw(self, part: Part) -> tuple[slice, slice, npt.NDArray[np.bool_]] | None:
        """Paint one part; gives the rows, the columns and the mask it covers, if any."""
        outline = _outline(part.balls)
        height, width = self.image.shape[:2]
        low = np.floor(outline.min(axis=0) - 1).astype(int)
        high = np.ceil(outline.max(axis=0) + 1).astype(int) + 1
        x0, y0 = max(int(low[0]), 0), max(int(low[1]), 0)
        x1, y1 = min(int(high[0]), width), min(int(high[1]), height)
        if x0 >= x1 or y0 >= y1:
            return None
        alpha = np.zeros((y1 - y0, x1 - x0), np.uint8)
        corner = np.array([x0, y0])
        cv2.fillConvexPoly(alpha, _fixed(outline - corner), 255, cv2.LINE_AA, SHIFT)
        color = self._surface(part, x0, y0, alpha.shape)
        for detail in part.details:
            _draw_detail(color, detail, corner)
        rows, columns = slice(y0, y1), slice(x0, x1)
        weight = cv2.merge([alpha, alpha, alpha]).astype(np.float32)
        weight *= 1 / 255
        region = self.image[rows, columns]
        mixed = color.astype(np.float32)
        mixed -= region
        mixed *= weight
        mixed += region
        np.copyto(region, mixed, casting="unsafe")
        mask = alpha > 127
        self.owner[rows, columns][mask] = part.owner
        return rows, columns, mask

    def _surface(self, part: Part, x0: int, y0: int, shape: tuple[int, int]) -> Image:
        """(h, w, 3) uint8 of the part's lit and patterned surface."""
        height, width = shape
        start, end = part.axis
        along = end - start
        length = max(float(np.hypot(*along)), 1e-6)
        ux, uy = float(along[0]) / length, float(along[1]) / length
        radius = max(float(part.balls[:, 2].max()), 0.5)
        xs = np.arange(width, dtype=np.float32) + np.float32(x0 + 0.5 - start[0])
        ys = np.arange(height, dtype=np.float32)[:, None] + np.float32(y0 + 0.5 - start[1])
        spread = max(radius, _half_width(part.balls, start, -uy, ux))
        across = ((xs * -uy + ys * ux) / spread).astype(np.float32)
        light = self.light
        side = -uy * light.x + ux * light.y
        # A cylinder's normal is (t, sqrt(1 - t^2)); a parabola is close enough and cheap. A steep
        # one sets a limb off from a trunk in the same cloth.
        shade = across * (-0.85 * light.z * across + side)
        shade *= np.float32(1 - light.ambient)
        shade += np.float32(light.ambient + (1 - light.ambient) * light.z)
        if part.paint.rough:
            tile = noise()
            oy, ox = int(start[1]) % 256, int(start[0]) % 256
            patch = tile[oy : oy + height, ox : ox + width]
            if patch.shape == shape:
                shade += patch * np.float32(part.paint.rough)
        shade *= np.float32(part.shade)
        np.clip(shade, 0.12, 1.35, out=shade)
        along_px = (xs * ux + ys * uy).astype(np.float32)
        base = _pattern(part.paint, along_px, across * np.float32(spread))
        lit = base * shade[..., None]
        np.clip(lit, 0, 255, out=lit)
        return lit.astype(np.uint8)


def _half_width(
    balls: npt.NDArray[np.float64], start: npt.NDArray[np.float64], nx: float, ny: float
) -> float:
    off = (balls[:, 0] - start[0]) * nx + (balls[:, 1] - start[1]) * ny
    return float((np.abs(off) + balls[:, 2]).max())


def _pattern(paint: Paint, along: Floats, across: Floats) -> Floats:
    first = np.array(paint.color, np.float32)
    if paint.pattern == "plain":
        return first
    step = np.float32(1 / max(paint.period, 2.0))
    u, v = along * step + np.float32(paint.phase), across * step
    if paint.pattern == "rings":
        choose = (u - np.floor(u)) < 0.5
    elif paint.pattern == "stripes":
        choose = (v - np.floor(v)) < 0.45
    elif paint.pattern == "checks":
        choose = ((u - np.floor(u)) < 0.4) | ((v - np.floor(v)) < 0.4)
    elif paint.pattern == "dots":
        choose = (u - np.floor(u) - 0.5) ** 2 + (v - np.floor(v) - 0.5) ** 2 < 0.09
    else:  # two colours by the length: a band, a turn-up
        choose = (u - np.floor(u * 0.25) * 4) < 2
    return np.where(choose[..., None], np.array(paint.second, np.float32), first)


def _outline(balls: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """(N, 2) convex hull of all the circles."""
    ring = _circle(10 if balls[:, 2].max() < 6 else 18)
    # The polygon inside a circle is smaller than it; the factor gives it the same area.
    radii = balls[:, 2] * (1.034 if len(ring) == 10 else 1.01)
    points = balls[:, None, :2] + radii[:, None, None] * ring
    hull = cv2.convexHull(points.reshape(-1, 2).astype(np.float32))
    return hull.reshape(-1, 2).astype(np.float32, copy=False)


def _fixed(points: npt.NDArray[np.floating]) -> npt.NDArray[np.int32]:
    return np.rint((points - 0.5) * _ONE).astype(np.int32)


def _draw_detail(color: Image, detail: Detail, corner: npt.NDArray[np.int_]) -> None:
    points = _fixed(detail.points - corner)
    if detail.width <= 0:
        cv2.fillPoly(color, [points], detail.color, cv2.LINE_AA, SHIFT)
    elif len(points) == 1:
        center = (int(points[0, 0]), int(points[0, 1]))
        radius = max(int(detail.width * _ONE / 2), 1)
        cv2.circle(color, center, radius, detail.color, -1, cv2.LINE_AA, SHIFT)
    else:
        thickness = max(1, round(detail.width))
        cv2.polylines(color, [points], False, detail.color, thickness, cv2.LINE_AA, SHIFT)


def as_polygon(points: Sequence[Sequence[float]]) -> npt.NDArray[np.float64]:
    """(N, 2) float64 of points given one by one."""
    return np.asarray(points, dtype=np.float64)
