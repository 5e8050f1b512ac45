"""From a posed skeleton and a set of clothes to the parts that are painted, back to front."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from studio.vision.synthetic.body import SIDES, Build, Posed
from studio.vision.synthetic.canvas import Color, Detail, Paint, Part

# What the low five bits of the owner map say; the bits above count the people from 1.
PART_NAMES = (
    "torso", "pelvis", "neck", "head", "nose", "hair",
    "left_ear", "right_ear",
    "left_upper_arm", "right_upper_arm", "left_forearm", "right_forearm",
    "left_hand", "right_hand", "left_thigh", "right_thigh",
    "left_shin", "right_shin", "left_foot", "right_foot", "skirt",
)  # fmt: skip
PART_BITS = 5
PART_ID = {name: i for i, name in enumerate(PART_NAMES)}

Vector = npt.NDArray[np.float64]
Legs = Literal["trousers", "shorts", "skirt"]
Hair = Literal["short", "long", "bald", "cap", "bun"]


@dataclass(frozen=True)
class Look:
    """What one person wears and looks like; it stays the same through a clip."""

    build: Build
    skin: Color
    hair_color: Color
    hair: Hair
    top: Paint
    bottom: Paint
    shoes: Color
    legs: Legs
    long_sleeves: bool
    front: str
    glasses: bool

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Look:
        """Anybody."""
        hairs: tuple[Hair, ...] = ("short", "long", "bald", "cap", "bun")
        legs: tuple[Legs, ...] = ("trousers", "shorts", "skirt")
        return cls(
            build=Build.sample(rng),
            skin=_skin(rng),
            hair_color=_hair_color(rng),
            hair=hairs[int(rng.choice(5, p=[0.44, 0.26, 0.06, 0.14, 0.10]))],
            top=_cloth(rng, 0.5),
            bottom=_cloth(rng, 0.2),
            shoes=_cloth(rng, 0).color,
            legs=legs[int(rng.choice(3, p=[0.66, 0.20, 0.14]))],
            long_sleeves=bool(rng.random() < 0.5),
            front=str(rng.choice(["neck", "zip", "logo", "shirt", "plain"])),
            glasses=bool(rng.random() < 0.15),
        )


def _skin(rng: np.random.Generator) -> Color:
    tones = np.array(
        [
            (200, 220, 245),
            (160, 190, 230),
            (120, 160, 212),
            (85, 125, 180),
            (58, 88, 135),
            (38, 55, 88),
        ]
    )
    at = rng.uniform(0, len(tones) - 1)
    low = int(at)
    high = min(low + 1, len(tones) - 1)
    tone = tones[low] + (at - low) * (tones[high] - tones[low]) + rng.normal(0, 6, 3)
    return _color(tone)


def _hair_color(rng: np.random.Generator) -> Color:
    tones = [
        (22, 22, 26),
        (30, 48, 72),
        (40, 80, 125),
        (85, 150, 195),
        (165, 170, 175),
        (40, 60, 150),
    ]
    base = np.array(tones[int(rng.choice(6, p=[0.34, 0.28, 0.15, 0.1, 0.08, 0.05]))], float)
    return _color(base + rng.normal(0, 8, 3))


def _cloth(rng: np.random.Generator, patterned: float) -> Paint:
    names = ["stripes", "rings", "checks", "dots", "band"]
    pattern = str(rng.choice(names)) if rng.random() < patterned else "plain"
    return Paint(
        color=any_color(rng),
        pattern=pattern,
        second=any_color(rng),
        period=float(rng.uniform(0.025, 0.09)),
        phase=float(rng.random()),
        rough=float(rng.uniform(0.02, 0.12)),
    )


def any_color(rng: np.random.Generator) -> Color:
    """A colour of cloth or paint, dull ones more often than loud ones."""
    grey = rng.uniform(20, 235)
    tint = rng.normal(0, 1, 3) * rng.uniform(5, 85)
    return _color(grey + tint)


def _color(values: npt.NDArray[np.float64]) -> Color:
    b, g, r = np.clip(values, 8, 250)
    return float(b), float(g), float(r)


@dataclass(frozen=True)
class Projected:
    """A posed figure in the picture: points by name as (x, y, z) in pixels, z towards the viewer;
    `scale` pixels a stature.
    """

    points: dict[str, Vector]
    posed: Posed
    scale: float


def project(posed: Posed, at: tuple[float, float], scale: float, distance: float) -> Projected:
    """The figure with the middle of its hips at `at` pixels; `scale` pixels a stature;
    `distance` in statures says how strong the perspective is.
    """
    names = list(posed.points)
    points = np.array([posed.points[n] for n in names])
    nearer = distance / (distance - points[:, 2:])
    flat = points * scale
    flat[:, :2] *= nearer
    flat[:, 0] += at[0]
    flat[:, 1] += at[1]
    return Projected(dict(zip(names, flat, strict=True)), posed, scale)


class Tailor:
    """Makes the parts of one figure. `person` counts from 1."""

    def __init__(self, look: Look, figure: Projected, person: int) -> None:
        self.look = look
        self.figure = figure
        self.person = person
        self.parts: list[Part] = []

    def build(self) -> list[Part]:
        """All parts, the farthest first."""
        for side, sign in SIDES:
            self._arm(side)
            self._leg(side)
            self._ear(side, sign)
        self._trunk()
        self._head()
        return sorted(self.parts, key=lambda part: part.depth)

    def _add(
        self,
        name: str,
        balls: list[tuple[str, float]],
        paint: Paint,
        *,
        bias: float = 0.0,
        axis: tuple[str, str] | None = None,
        details: tuple[Detail, ...] = (),
    ) -> None:
        """`balls`: point names and radii in statures; `bias` in statures moves it nearer."""
        figure = self.figure
        where = np.array([figure.points[n] for n, _ in balls])
        radii = np.array([r for _, r in balls]) * figure.scale
        first, last = axis or (balls[0][0], balls[-1][0])
        depth = float(where[:, 2].mean())
        # What is farther from the viewer is a little darker: it sets limbs off from each other.
        shade = 1.0 + 0.35 * float(np.clip(depth / figure.scale, -0.35, 0.2))
        self.parts.append(
            Part(
                balls=np.column_stack([where[:, :2], np.maximum(radii, 0.45)]),
                paint=_scaled(paint, figure.scale),
                owner=(self.person << PART_BITS) | PART_ID[name],
                depth=depth + bias * figure.scale,
                axis=np.array([figure.points[first][:2], figure.points[last][:2]]),
                details=details,
                shade=shade,
            )
        )

    def _arm(self, side: str) -> None:
        look, limb = self.look, self.look.build.limb
        skin = Paint(look.skin, rough=0.03)
        lower = look.top if look.long_sleeves else skin
        shoulder, elbow, wrist, hand = (
            f"{side}_{n}" for n in ("shoulder", "elbow", "wrist", "hand")
        )
        self._add(
            f"{side}_upper_arm",
            [(shoulder, 0.033 * limb), (elbow, 0.024 * limb)],
            look.top,
            bias=0.012,
        )
        self._add(
            f"{side}_forearm", [(elbow, 0.0235 * limb), (wrist, 0.0165 * limb)], lower, bias=0.016
        )
        self._add(f"{side}_hand", [(wrist, 0.016 * limb), (hand, 0.021)], skin, bias=0.02)

    def _leg(self, side: str) -> None:
        look, limb = self.look, self.look.build.limb
        skin = Paint(look.skin, rough=0.03)
        upper = skin if look.legs == "skirt" else look.bottom
        lower = look.bottom if look.legs == "trousers" else skin
        hip, knee, ankle = (f"{side}_{n}" for n in ("hip", "knee", "ankle"))
        self._add(f"{side}_thigh", [(hip, 0.051 * limb), (knee, 0.034 * limb)], upper)
        self._add(f"{side}_shin", [(knee, 0.033 * limb), (ankle, 0.021 * limb)], lower, bias=-0.004)
        self._add(
            f"{side}_foot",
            [(f"{side}_heel", 0.021), (f"{side}_toe", 0.0165)],
            Paint(look.shoes, rough=0.03),
            bias=-0.006,
        )

    def _ear(self, side: str, sign: float) -> None:
        size = self.look.build.head
        name = f"{side}_ear"
        r, g, b = (0.86 * c for c in self.look.skin)
        outward = self.figure.posed.head[2, 0] * sign
        self._add(
            name,
            [(name, 0.22 * size)],
            Paint((r, g, b), rough=0.02),
            bias=0.9 * size if outward > 0.25 else -0.9 * size,
            axis=(name, "chin"),
        )

    def _trunk(self) -> None:
        look = self.look
        girth = look.build.girth
        self._add(
            "torso",
            [
                ("left_shoulder", 0.03),
                ("right_shoulder", 0.03),
                ("left_collar", 0.022),
                ("right_collar", 0.022),
                ("chest", 0.062 * girth),
                ("back", 0.060 * girth),
                ("waist", 0.066 * girth),
            ],
            look.top,
            axis=("shoulders", "waist"),
            details=tuple(self._front_marks()),
        )
        hips = [("left_hip", 0.045), ("right_hip", 0.045), ("waist", 0.062 * girth)]
        self._add("pelvis", hips, look.bottom, bias=-0.012, axis=("waist", "pelvis"))
        if look.legs == "skirt":
            hems = [("left_hem", 0.062), ("right_hem", 0.062)]
            self._add("skirt", [*hips, *hems], look.bottom, bias=0.035, axis=("waist", "left_hem"))
        self._add("neck", [("collar", 0.026), ("skull", 0.026)], Paint(look.skin), bias=-0.02)

    def _front_marks(self) -> list[Detail]:
        """What tells a chest from a back: a neckline, a zip, buttons, a mark."""
        look, figure = self.look, self.figure
        facing = float(figure.posed.chest[2, 2])
        p, scale = figure.points, figure.scale
        if facing < 0.12:
            if facing > -0.12:
                return []
            seam = tuple(0.7 * c for c in look.top.color)
            return [Detail(self._line("spine", "spine_low"), _as_color(seam), 0.008 * scale)]
        marks: list[Detail] = []
        dark = _as_color([0.45 * c for c in look.top.color])
        if look.front in ("neck", "zip", "shirt"):
            corners = [p["left_collar"][:2], p["neckline"][:2], p["right_collar"][:2]]
            marks.append(Detail(np.array(corners), look.skin))
        if look.front in ("zip", "shirt"):
            marks.append(Detail(self._line("neckline", "zip"), dark, 0.011 * scale))
        if look.front == "logo":
            marks.append(Detail(p["logo"][None, :2], look.top.second, 0.06 * scale))
        return marks

    def _line(self, start: str, end: str) -> Vector:
        return np.array([self.figure.points[start][:2], self.figure.points[end][:2]])

    def _head(self) -> None:
        look, size = self.look, self.look.build.head
        forward = float(self.figure.posed.head[2, 2])
        skin = Paint(look.skin, rough=0.03)
        # Seen from behind the hair lies over the face, else the face over the hair.
        bias = 0.03
        self._add(
            "head",
            [("skull", 0.98 * size), ("chin", 0.60 * size)],
            skin,
            bias=bias,
            details=tuple(self._face()),
        )
        if forward > -0.35:
            nose = Paint(_as_color([0.93 * c for c in look.skin]), rough=0.02)
            self._add(
                "nose", [("nose_root", 0.10 * size), ("nose", 0.15 * size)], nose, bias=bias + 0.02
            )
        self._hair(size, bias + (0.03 if forward < -0.1 else -0.05))

    def _hair(self, size: float, bias: float) -> None:
        look, head = self.look, self.figure.posed.head
        if look.hair == "bald":
            return
        paint = Paint(look.hair_color, rough=0.18)
        balls = [("hair", 1.0 * size), ("nape", 0.5 * size)]
        if look.hair == "long":
            balls += [("left_lock", 0.30 * size), ("right_lock", 0.30 * size)]
        self._add("hair", balls, paint, bias=bias, axis=("hair", "nape"))
        if head[2, 2] < 0.55:  # from the side the back half of the head is hair
            back = [("crown", 0.68 * size), ("nape", 0.42 * size)]
            self._add("hair", back, paint, bias=0.075, axis=("crown", "nape"))
        front = 0.06
        fringe = [
            ("fringe", 0.36 * size),
            ("left_fringe", 0.34 * size),
            ("right_fringe", 0.34 * size),
        ]
        if look.hair == "cap":
            fringe.append(("peak", 0.22 * size))
        if head[2, 2] > -0.25:
            self._add("hair", fringe, paint, bias=front, axis=("left_fringe", "right_fringe"))
            if look.hair == "long":
                for side, sign in SIDES:
                    if head[2, 0] * sign > -0.45:
                        lock = [(f"{side}_fringe", 0.26 * size), (f"{side}_lock", 0.24 * size)]
                        self._add("hair", lock, paint, bias=0.08)

    def _face(self) -> list[Detail]:
        """Eyes, brows and mouth where they are turned to the viewer."""
        p, head = self.figure.points, self.figure.posed.head
        size = self.look.build.head * self.figure.scale
        if head[2, 2] < -0.2 or size < 1.5:
            return []
        marks: list[Detail] = []
        lips = _as_color(
            [0.55 * self.look.skin[0], 0.5 * self.look.skin[1], 0.8 * self.look.skin[2]]
        )
        if head[2, 2] > 0.15:
            marks.append(Detail(self._line("left_mouth", "right_mouth"), lips, 0.16 * size))
        for side in ("left", "right"):
            if not eye_turned_to_viewer(head, side):
                continue
            eye = p[f"{side}_eye"][None, :2]
            if size > 4:
                brow = np.array(
                    [p[f"{side}_brow"][:2], 0.5 * (p[f"{side}_brow"] + p["nose_root"])[:2]]
                )
                marks.append(Detail(brow, self.look.hair_color, 0.10 * size))
            if self.look.glasses:
                marks.append(Detail(eye, (25.0, 25.0, 25.0), 0.56 * size))
            else:
                marks.append(Detail(eye, (240.0, 242.0, 240.0), 0.44 * size))
                marks.append(Detail(eye, (35.0, 28.0, 22.0), 0.26 * size))
        return marks


def eye_turned_to_viewer(head: npt.NDArray[np.float64], side: str) -> bool:
    """Whether the head's surface at that eye faces the viewer."""
    normal = np.array([0.42 if side == "left" else -0.42, 0.0, 0.9])
    return float(head[2] @ normal) > 0.12


def _scaled(paint: Paint, scale: float) -> Paint:
    if paint.pattern == "plain":
        return paint
    return Paint(
        paint.color, paint.pattern, paint.second, paint.period * scale, paint.phase, paint.rough
    )


def _as_color(values: list[float] | tuple[float, ...]) -> Color:
    return values[0], values[1], values[2]
