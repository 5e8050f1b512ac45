"""Heads whose rotation is known to the last digit, because they were drawn with it.

A head is a few ellipsoids (skull, jaw, nose, ears, hair) with eyes, brows, a mouth, hair, and
sometimes a beard or glasses on them, lit, and seen by a camera with or without perspective. Its
unit is half of its height; its axes are the person's own left, down and forward.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from studio.core.head import Angles, rotation_of, seen
from studio.vision.synthetic.background import Camera, make_background, sample_light
from studio.vision.synthetic.canvas import Image, Light, noise
from studio.vision.synthetic.figure import any_color
from studio.vision.synthetic.raycast import FAR, Caster, Ellipsoid, Pose, Shell, View

Rng = np.random.Generator
Floats = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]
Color = tuple[float, float, float]

SKULL = Ellipsoid((0.0, -0.12, -0.08), (0.72, 0.86, 0.86))
JAW = Ellipsoid((0.0, 0.36, 0.16), (0.54, 0.62, 0.6))
NOSE = Ellipsoid((0.0, 0.16, 0.78), (0.13, 0.24, 0.22))
EARS = (Ellipsoid((0.72, 0.1, -0.12), (0.1, 0.23, 0.16)),
        Ellipsoid((-0.72, 0.1, -0.12), (0.1, 0.23, 0.16)))  # fmt: skip
# Points of the head by the names that skeletons of faces and bodies use.
POINTS: Mapping[str, tuple[float, float, float]] = {
    "nose": (0.0, 0.2, 1.0),
    "left_eye": (0.29, -0.06, 0.68),
    "right_eye": (-0.29, -0.06, 0.68),
    "left_ear": (0.8, 0.1, -0.12),
    "right_ear": (-0.8, 0.1, -0.12),
    "left_mouth": (0.2, 0.56, 0.66),
    "right_mouth": (-0.2, 0.56, 0.66),
}
# How far heads are turned, in degrees to either side.
WIDEST = Angles(yaw=75.0, pitch=45.0, roll=35.0)
_SKIN, _HAIR, _NECK, _SHIRT, _BALL = 1, 2, 3, 4, 5
_OVERSAMPLE = 2
_SKINS: Sequence[Color] = (
    (180, 205, 240), (150, 180, 225), (120, 155, 205), (90, 125, 180), (60, 90, 140), (40, 60, 100),
)  # fmt: skip
_HAIRS: Sequence[Color] = (
    (20, 22, 25), (30, 45, 70), (50, 80, 120), (110, 170, 205), (150, 155, 160), (40, 60, 140),
)  # fmt: skip


@dataclass(frozen=True)
class HeadLook:
    """What a head looks like; colours are BGR. style: "short", "long", "bald" or "cap"."""

    skin: Color = _SKINS[1]
    hair: Color = _HAIRS[1]
    iris: Color = (120, 90, 40)
    lips: Color = (90, 90, 190)
    shirt: Color = (150, 90, 60)
    style: str = "short"
    beard: float = 0.0
    glasses: bool = False
    hairline: float = 0.0

    @classmethod
    def sample(cls, rng: Rng) -> HeadLook:
        """Anybody."""
        skin = np.clip(
            np.array(_SKINS[int(rng.integers(len(_SKINS)))]) + rng.normal(0, 9, 3), 0, 255
        )
        hair = np.clip(
            np.array(_HAIRS[int(rng.integers(len(_HAIRS)))]) + rng.normal(0, 9, 3), 0, 255
        )
        lips = skin * (0.75, 0.7, 0.95)
        return cls(
            skin=_color(skin),
            hair=any_color(rng) if rng.random() < 0.12 else _color(hair),
            iris=(rng.uniform(30, 160), rng.uniform(40, 120), rng.uniform(20, 90)),
            lips=_color(lips),
            shirt=any_color(rng),
            style=str(rng.choice(["short", "long", "bald", "cap"], p=[0.45, 0.3, 0.12, 0.13])),
            beard=float(rng.uniform(0.3, 0.9)) if rng.random() < 0.2 else 0.0,
            glasses=bool(rng.random() < 0.2),
            hairline=float(rng.normal(0, 0.06)),
        )


@dataclass(frozen=True, eq=False)
class HeadPicture:
    """image: (H, W, 3) uint8 BGR. rotation: (3, 3) R as everywhere. box: (4,) x1, y1, x2, y2
    around the head without its neck. points: x, y by name; of a point that the head itself hides
    too. shown: the names of those that can be seen.
    """

    image: Image
    rotation: Matrix
    box: Matrix
    points: Mapping[str, tuple[float, float]]
    shown: frozenset[str]


@dataclass(frozen=True)
class Ball:
    """Something small and round at a place of the head, of one colour without shade."""

    place: tuple[float, float, float]
    radius: float
    color: Color


def make_head(rng: Rng | int, size: int = 128, *, widest: Angles = WIDEST) -> HeadPicture:
    """One head in a picture of `size` x `size`, with everything about it drawn from `rng`."""
    rng = np.random.default_rng(rng) if isinstance(rng, int) else rng
    yaw, pitch, roll = (float(rng.uniform(-a, a)) for a in widest)
    look, light = HeadLook.sample(rng), sample_light(rng)
    view = View(size, size * float(rng.uniform(0.27, 0.37)), float(rng.uniform(6, 20)))
    middle = rng.uniform(-0.12, 0.12, 2)
    ground = make_background(rng, size, size)
    rotation = rotation_of(Angles(yaw, pitch, roll))
    made = draw_head(rotation, look, view, light, ground, middle=(middle[0], middle[1]))
    image = Camera.sample(rng).take(rng, made.image)
    return HeadPicture(image, made.rotation, made.box, made.points, made.shown)


def draw_head(
    rotation: Matrix,
    look: HeadLook,
    view: View,
    light: Light,
    ground: Image,
    *,
    middle: tuple[float, float] = (0.0, 0.0),
    balls: Sequence[Ball] = (),
) -> HeadPicture:
    """A head of that rotation on `ground`, `middle` units off the picture's middle."""
    pose = Pose(seen(rotation), np.array([middle[0], middle[1], 0.0]))
    caster = Caster(view, _OVERSAMPLE)
    _show_body(caster, pose)
    for part in (SKULL, JAW, NOSE, *EARS):
        caster.show(part, pose, _SKIN)
    if look.style != "bald":
        caster.show(_hair(look), pose, _HAIR, _hair_shell(look))
    head = np.isin(caster.owner, (_SKIN, _HAIR))
    for number, ball in enumerate(balls):
        radii = ball.radius, ball.radius, ball.radius
        caster.show(Ellipsoid(ball.place, radii), pose, _BALL + number)
    image = _painted(caster, look, light, ground, balls)
    places = np.array(list(POINTS.values())) @ pose.axes.T + pose.place
    spots = view.project(places)
    return HeadPicture(
        image,
        np.asarray(rotation, np.float64),
        _box(head, view.size),
        {n: (float(x), float(y)) for n, (x, y) in zip(POINTS, spots, strict=True)},
        frozenset(n for n, p in zip(POINTS, places, strict=True) if _in_sight(pose, n, p, view)),
    )


def _color(values: npt.NDArray[np.floating]) -> Color:
    return float(values[0]), float(values[1]), float(values[2])


def _show_body(caster: Caster, pose: Pose) -> None:
    """A neck from the skull's foot downwards and shoulders: they do not turn with the head."""
    foot = pose.place + pose.axes @ np.array([0.0, 0.45, -0.25])
    still = Pose(np.eye(3), foot)
    caster.show(Ellipsoid((0.0, 0.55, -0.05), (0.4, 0.85, 0.4)), still, _NECK)
    caster.show(Ellipsoid((0.0, 1.75, -0.1), (1.5, 0.85, 0.6)), still, _SHIRT)


def _hair(look: HeadLook) -> Ellipsoid:
    grown = {"short": 1.06, "long": 1.12, "cap": 1.08}[look.style]
    x, y, z = SKULL.radii
    return Ellipsoid(SKULL.middle, (x * grown, y * grown, z * grown))


def _hair_shell(look: HeadLook) -> Shell:
    """Where hair or a cap is: behind a plane that leans back, and for long hair down the sides."""

    def there(spot: Floats) -> npt.NDArray[np.bool_]:
        _x, y, z = spot
        if look.style == "cap":
            return y < -0.42 + look.hairline - 0.12 * z
        top = z < -0.52 - 1.15 * (y - look.hairline)
        if look.style == "long":
            return (top & (y < 0.3)) | (z < -0.02)
        return top & ((y < 0.12) | (z < -0.3))

    return there


def _painted(
    caster: Caster, look: HeadLook, light: Light, ground: Image, balls: Sequence[Ball]
) -> Image:
    size = ground.shape[0]
    wide = (size * _OVERSAMPLE,) * 2
    base = cv2.resize(ground, wide, interpolation=cv2.INTER_NEAREST).reshape(-1, 3)
    colors = base.astype(np.float32)
    hit = np.flatnonzero(caster.depth < FAR)
    owner = caster.owner[hit]
    paint = np.zeros((len(hit), 3), np.float32)
    for number, color in ((_NECK, look.skin), (_SHIRT, look.shirt), (_HAIR, look.hair)):
        paint[owner == number] = color
    skin = owner == _SKIN
    paint[skin] = _face(caster.point[:, hit[skin]], look)
    x, y, z = caster.normal[:, hit]
    shade = light.ambient + (1 - light.ambient) * np.maximum(
        x * light.x + y * light.y + z * light.z, 0
    )
    rough = noise()[: wide[0], : wide[1]] if wide[0] <= noise().shape[0] else np.zeros(wide)
    grain = 0.06 + 0.16 * (owner == _HAIR)
    shade = shade + 0.12 + rough.reshape(-1)[hit] * grain
    paint *= np.clip(shade, 0.1, 1.3)[:, None]
    for number, ball in enumerate(balls):
        paint[owner == _BALL + number] = ball.color
    colors[hit] = paint
    whole = np.clip(colors, 0, 255).astype(np.uint8).reshape(*wide, 3)
    return np.asarray(cv2.resize(whole, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def _face(spot: Floats, look: HeadLook) -> Floats:
    """(n, 3) the skin's colour at (3, n) spots of the head: eyes, brows, mouth and the rest."""
    x, y, z = spot
    side = np.abs(x)
    front = z > 0.2
    paint = np.tile(np.array(look.skin, np.float32), (x.size, 1))
    if look.beard:
        bearded = front & (y > 0.4) & (side < 0.5) | ((y > 0.62) & (z > -0.1))
        paint[bearded] += look.beard * (np.array(look.hair, np.float32) - paint[bearded])
    cheeks = front & (np.hypot(side - 0.32, y - 0.28) < 0.12)
    paint[cheeks] *= np.array((0.92, 0.92, 1.03), np.float32)
    eye = np.hypot((side - 0.29) / 0.15, (y + 0.06) / 0.085)
    marks = (
        (np.hypot(side - 0.07, (y - 0.33) * 1.5) < 0.045, (30.0, 30.0, 50.0)),
        (np.hypot(x / 0.23, (y - 0.56) / 0.075) < 1, look.lips),
        ((np.abs(y - 0.56) < 0.015) & (side < 0.22), (40.0, 30.0, 60.0)),
        ((np.abs(y + 0.24 - 0.06 * side) < 0.035) & (np.abs(side - 0.3) < 0.17), look.hair),
        (eye < 1, (235.0, 235.0, 235.0)),
        ((eye < 1) & (np.hypot(side - 0.29, y + 0.06) < 0.075), look.iris),
        ((eye < 1) & (np.hypot(side - 0.29, y + 0.06) < 0.035), (12.0, 12.0, 12.0)),
    )
    for where, color in marks:
        paint[front & where] = color
    if look.glasses:
        rim = np.abs(np.hypot((side - 0.29) / 1.15, y + 0.05) - 0.17) < 0.028
        bridge = (side < 0.12) & (np.abs(y + 0.08) < 0.025)
        arm = (np.abs(y + 0.06) < 0.025) & (side > 0.45) & (z > -0.1)
        paint[(front & (rim | bridge)) | arm] = (25.0, 25.0, 30.0)
    return paint


def _box(head: npt.NDArray[np.bool_], size: int) -> Matrix:
    mask = head.reshape(size * _OVERSAMPLE, -1)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return np.zeros(4)
    edges = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    return np.array(edges, np.float64) / _OVERSAMPLE


def _in_sight(pose: Pose, name: str, place: Matrix, view: View) -> bool:
    """Whether the head itself does not hide a point: its surface there is turned to the viewer."""
    outward = np.array(POINTS[name]) * ((0.35, 0.35, 1.0) if "ear" not in name else (1.0, 0.2, 0.4))
    to_viewer = np.array([0.0, 0.0, 1.0])
    if np.isfinite(view.distance):
        to_viewer = np.array([0.0, 0.0, view.distance]) - place
    return float(pose.axes @ outward @ to_viewer) > 0
