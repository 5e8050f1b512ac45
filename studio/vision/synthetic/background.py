"""What stands behind, between and before the people: places, clutter, and things that look a
little like people and are none.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, sin

import cv2
import numpy as np
import numpy.typing as npt

from studio.vision.synthetic.canvas import NOISE_SIDE, Canvas, Image, Light, Paint, Part, noise
from studio.vision.synthetic.figure import any_color

Rng = np.random.Generator
Floats = npt.NDArray[np.float32]


def make_background(rng: Rng, width: int, height: int) -> Image:
    """(H, W, 3) uint8 BGR of a place with clutter, without people."""
    makers = (_wash, _room, _outdoors, _texture, _stripes)
    make = makers[int(rng.choice(5, p=[0.2, 0.26, 0.24, 0.18, 0.12]))]
    image = make(rng, width, height)
    for _ in range(int(rng.integers(0, 12))):
        _clutter(rng, image)
    # The brush of the noise gives every surface some grain.
    grain = _patch(rng, width, height, rng.uniform(0.4, 2.0)) * np.float32(rng.uniform(0, 26))
    return np.clip(image + grain[..., None], 0, 255).astype(np.uint8)


def _patch(rng: Rng, width: int, height: int, zoom: float) -> Floats:
    """(H, W) float32 cut from the noise, `zoom` times as large."""
    w = min(max(int(width / zoom), 4), NOISE_SIDE)
    h = min(max(int(height / zoom), 4), NOISE_SIDE)
    x = int(rng.integers(0, NOISE_SIDE - w + 1))
    y = int(rng.integers(0, NOISE_SIDE - h + 1))
    tile = noise()[y : y + h, x : x + w]
    wide = cv2.resize(tile, (width, height), interpolation=cv2.INTER_LINEAR)
    return wide.astype(np.float32, copy=False)


def _gradient(first: Floats, second: Floats, width: int, height: int, angle: float) -> Floats:
    ys, xs = np.linspace(-0.5, 0.5, height), np.linspace(-0.5, 0.5, width)
    t = np.clip(0.5 + cos(angle) * xs[None] + sin(angle) * ys[:, None], 0, 1).astype(np.float32)
    return (first + (second - first) * t[..., None]).astype(np.float32, copy=False)


def _pick(rng: Rng) -> Floats:
    return np.array(any_color(rng), np.float32)


def _wash(rng: Rng, width: int, height: int) -> Image:
    field = _gradient(_pick(rng), _pick(rng), width, height, rng.uniform(0, 6.3))
    return np.clip(field, 0, 255).astype(np.uint8)


def _room(rng: Rng, width: int, height: int) -> Image:
    horizon = int(height * rng.uniform(0.45, 0.85))
    wall, floor = _pick(rng), _pick(rng)
    image = np.empty((height, width, 3), np.uint8)
    image[:horizon] = _gradient(wall, wall * 0.8, width, horizon, rng.uniform(0, 6.3)).astype(
        np.uint8
    )
    image[horizon:] = _gradient(floor * 0.7, floor, width, height - horizon, 1.57).astype(np.uint8)
    if rng.random() < 0.6:  # boards or tiles that run towards the viewer
        vanish = (int(rng.uniform(0, width)), int(horizon - 0.3 * height))
        dark = tuple(float(c) for c in floor * 0.6)
        for x in np.arange(-width, 2 * width, rng.uniform(14, 46)):
            cv2.line(image, vanish, (int(x), height), dark, 1, cv2.LINE_AA)
        image[:horizon] = wall.astype(np.uint8)
    for _ in range(int(rng.integers(0, 5))):  # windows, pictures, doors
        x, y = int(rng.uniform(-20, width)), int(rng.uniform(-10, horizon * 0.8))
        w, h = (int(v) for v in rng.uniform(0.08, 0.35, 2) * width)
        y1 = min(y + h, horizon)
        cv2.rectangle(image, (x, y), (x + w, y1), any_color(rng), -1)
        cv2.rectangle(image, (x, y), (x + w, y1), any_color(rng), int(rng.integers(1, 5)))
    return image


def _outdoors(rng: Rng, width: int, height: int) -> Image:
    horizon = int(height * rng.uniform(0.3, 0.75))
    sky = np.array([rng.uniform(150, 255), rng.uniform(130, 225), rng.uniform(90, 210)], np.float32)
    ground = np.array(
        [rng.uniform(30, 150), rng.uniform(60, 170), rng.uniform(40, 160)], np.float32
    )
    image = np.empty((height, width, 3), np.uint8)
    image[:horizon] = _gradient(sky, np.minimum(sky * 1.2, 255), width, horizon, 1.57).astype(
        np.uint8
    )
    soil = _gradient(ground * 0.7, ground, width, height - horizon, 1.57)
    soil += _patch(rng, width, height - horizon, rng.uniform(0.4, 1.5))[..., None] * 22
    image[horizon:] = np.clip(soil, 0, 255).astype(np.uint8)
    for _ in range(int(rng.integers(1, 7))):
        if rng.random() < 0.5:
            _house(rng, image, horizon)
        else:
            _tree(rng, image, horizon)
    return image


def _house(rng: Rng, image: Image, horizon: int) -> None:
    width = image.shape[1]
    x, w = int(rng.uniform(-0.2, 1) * width), int(rng.uniform(0.12, 0.4) * width)
    top = int(horizon * rng.uniform(0.05, 0.8))
    cv2.rectangle(image, (x, top), (x + w, horizon), any_color(rng), -1)
    glass, step = any_color(rng), int(rng.uniform(8, 24))
    for wx in range(x + 4, x + w - step // 2, step):
        for wy in range(top + 4, horizon - step // 2, step):
            cv2.rectangle(image, (wx, wy), (wx + step // 2, wy + step // 2), glass, -1)


def _tree(rng: Rng, image: Image, horizon: int) -> None:
    width = image.shape[1]
    x, size = int(rng.uniform(0, width)), rng.uniform(0.06, 0.22) * width
    trunk = (rng.uniform(20, 60), rng.uniform(40, 80), rng.uniform(60, 110))
    bottom = int(horizon + rng.uniform(0, 0.12) * width)
    cv2.line(image, (x, bottom), (x, int(bottom - 2 * size)), trunk, max(2, int(size / 5)))
    green = np.array([rng.uniform(20, 90), rng.uniform(70, 160), rng.uniform(20, 110)])
    for _ in range(6):
        center = rng.normal((x, bottom - 2.2 * size), size * 0.4)
        leaf = tuple(float(c) for c in np.clip(green + rng.normal(0, 14), 0, 255))
        cv2.circle(
            image, (int(center[0]), int(center[1])), int(size * rng.uniform(0.3, 0.7)), leaf, -1
        )


def _texture(rng: Rng, width: int, height: int) -> Image:
    first, second = _pick(rng), _pick(rng)
    t = 0.5 + 0.6 * _patch(rng, width, height, rng.uniform(0.8, 6.0))
    if rng.random() < 0.3:
        t = (t > 0.5).astype(np.float32)
    return np.clip(first + (second - first) * t[..., None], 0, 255).astype(np.uint8)


def _stripes(rng: Rng, width: int, height: int) -> Image:
    angle, period = rng.uniform(0, 3.14), rng.uniform(6, 60)
    xs, ys = np.arange(width) / period, np.arange(height) / period
    u = xs[None] * cos(angle) + ys[:, None] * sin(angle)
    mask = (u - np.floor(u)) < rng.uniform(0.2, 0.8)
    if rng.random() < 0.4:
        v = ys[:, None] * cos(angle) - xs[None] * sin(angle)
        mask ^= (v - np.floor(v)) < 0.5
    image = np.where(mask[..., None], _pick(rng), _pick(rng))
    return image.astype(np.uint8)


def _clutter(rng: Rng, image: Image) -> None:
    """One thing: a box, a ball, a leaf, a wire, a post with a ball on it, crossed sticks."""
    height, width = image.shape[:2]
    at = rng.uniform((0, 0), (width, height))
    x, y = int(at[0]), int(at[1])
    size = float(np.exp(rng.uniform(np.log(0.03), np.log(0.3)))) * width
    color, kind = any_color(rng), int(rng.integers(0, 7))
    if kind == 0:
        w, h = (int(v) for v in size * rng.uniform(0.3, 1.5, 2))
        cv2.rectangle(image, (x, y), (x + w, y + h), color, -1)
    elif kind == 1:
        axes = (max(1, int(size * rng.uniform(0.2, 0.7))), max(1, int(size * 0.4)))
        cv2.ellipse(image, (x, y), axes, rng.uniform(0, 180), 0, 360, color, -1, cv2.LINE_AA)
    elif kind == 2:
        corners = at + rng.normal(0, size * 0.5, (int(rng.integers(3, 7)), 2))
        cv2.fillPoly(image, [corners.astype(np.int32)], color, cv2.LINE_AA)
    elif kind == 3:
        end = rng.uniform((0, 0), (width, height)).astype(int)
        thick = int(rng.integers(1, 4))
        cv2.line(image, (x, y), (int(end[0]), int(end[1])), color, thick, cv2.LINE_AA)
    elif kind == 4:  # a lamp, a sign: nearly a head on a body
        thick = max(2, int(size * rng.uniform(0.08, 0.3)))
        cv2.line(image, (x, y), (x, y + int(2 * size)), color, thick)
        cv2.circle(image, (x, y), max(2, int(size * rng.uniform(0.15, 0.35))), any_color(rng), -1)
    elif kind == 5:  # sticks that meet: nearly limbs
        for _ in range(int(rng.integers(2, 5))):
            end = at + rng.normal(0, size, 2)
            thick = max(2, int(size * rng.uniform(0.05, 0.16)))
            cv2.line(image, (x, y), (int(end[0]), int(end[1])), color, thick, cv2.LINE_AA)
    else:
        _coat(rng, image, at, size, color)


def _coat(
    rng: Rng,
    image: Image,
    at: npt.NDArray[np.float64],
    size: float,
    color: tuple[float, float, float],
) -> None:
    """A coat on a hook: a trunk's shape without head and legs."""
    shape = np.array([(-0.4, 0), (0.4, 0), (0.5, 0.6), (0.35, 1.2), (-0.35, 1.2), (-0.5, 0.6)])
    corners = at + shape * size * rng.uniform(0.5, 0.9)
    cv2.fillPoly(image, [corners.astype(np.int32)], color, cv2.LINE_AA)


def draw_occluder(rng: Rng, canvas: Canvas, size: float) -> None:
    """Something in front of the people painted so far: it takes its pixels from their outlines.
    `size` in pixels is about a figure's height.
    """
    height, width = canvas.image.shape[:2]
    x, y = rng.uniform(0, width), rng.uniform(0.25, 1.05) * height
    kind = int(rng.integers(0, 4))
    if kind == 0:  # a post or a trunk
        radius = size * rng.uniform(0.015, 0.05)
        ends = np.array([(x, -20.0, radius), (x + rng.normal(0, 8), height + 20.0, radius)])
    elif kind == 1:  # a wall, a table, a car
        half = size * rng.uniform(0.2, 0.6)
        radius = size * rng.uniform(0.03, 0.15)
        low = y + size * rng.uniform(0.0, 0.3)
        ends = np.array([(x - half, y, radius), (x + half, y, radius),
                         (x - half, low, radius), (x + half, low, radius)])  # fmt: skip
    elif kind == 2:  # a bush, a ball
        count = int(rng.integers(1, 6))
        spots = rng.normal((x, y), 0.06 * size, (count, 2))
        ends = np.column_stack([spots, rng.uniform(0.03, 0.12, count) * size])
    else:  # a bar across
        radius = size * rng.uniform(0.008, 0.03)
        ends = np.array([(-20.0, y, radius), (width + 20.0, y + rng.normal(0, 10), radius)])
    pattern = str(rng.choice(["plain", "plain", "stripes", "checks", "rings"]))
    paint = Paint(any_color(rng), pattern, any_color(rng), rng.uniform(4, 24), 0.0, 0.15)
    canvas.draw(Part(ends, paint, 0, 0.0, ends[[0, -1], :2] + np.array([(0, 0), (0.1, 0.1)])))


def sample_light(rng: Rng) -> Light:
    """From above rather than from below, soft or hard."""
    x, y = rng.normal(0, 0.5), -abs(rng.normal(0.5, 0.3))
    z = rng.uniform(0.4, 1.0)
    length = float(np.sqrt(x * x + y * y + z * z))
    return Light(x / length, y / length, z / length, float(rng.uniform(0.35, 0.75)))


@dataclass(frozen=True)
class Camera:
    """What a camera adds: exposure, a cast, uneven light, blur and noise."""

    gain: Floats
    offset: float
    corners: Floats | None
    blur: float
    smear: int
    noise: float

    @classmethod
    def sample(cls, rng: Rng) -> Camera:
        """Any camera, the good ones more often."""
        kind = rng.random()
        return cls(
            gain=(rng.uniform(0.75, 1.2) * rng.normal(1, 0.05, 3)).astype(np.float32),
            offset=rng.normal(0, 9),
            corners=rng.uniform(0.65, 1.1, (2, 2)).astype(np.float32)
            if rng.random() < 0.4
            else None,
            blur=rng.uniform(0.3, 1.1) if kind < 0.3 else 0.0,
            smear=int(rng.integers(2, 5)) if 0.3 <= kind < 0.38 else 0,
            noise=abs(rng.normal(0, 6)) if rng.random() < 0.7 else 0.0,
        )

    def take(self, rng: Rng, image: Image) -> Image:
        """(H, W, 3) uint8 BGR as this camera gives it; only the noise is drawn from `rng`."""
        height, width = image.shape[:2]
        lit = image.astype(np.float32)
        if self.corners is not None:
            field = cv2.resize(self.corners, (width, height), interpolation=cv2.INTER_LINEAR)
            lit *= field[..., None]
        lit *= self.gain
        lit += np.float32(self.offset)
        if self.blur:
            lit = cv2.GaussianBlur(lit, (0, 0), self.blur)
        elif self.smear:
            lit = cv2.blur(lit, (self.smear, 1))
        if self.noise:
            speckle = rng.integers(-128, 128, lit.shape, np.int8)
            lit += speckle * np.float32(self.noise / 74)
        return np.clip(lit, 0, 255).astype(np.uint8)
