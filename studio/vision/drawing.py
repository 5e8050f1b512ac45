"""People drawn into a picture so that they are seen on any photograph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from studio.core.prediction import Prediction
from studio.core.requests.shared import HEAD_AXIS, HEAD_CUBE, HEAD_NONE
from studio.core.skeleton import Skeleton
from studio.vision.head_drawing import draw_axes, draw_cube, head_place

Picture = npt.NDArray[np.uint8]
Color = tuple[int, int, int]

_DARK: Color = (24, 24, 24)
_LIGHT: Color = (245, 245, 245)
# Colours of people and of joints without a colour of their own, BGR.
_SERIES: tuple[Color, ...] = (
    (255, 155, 47), (53, 107, 255), (151, 220, 61), (129, 79, 255), (24, 197, 245), (240, 201, 76),
)  # fmt: skip

# Drawing takes no coordinates beyond 16 bits; those of limbs are told in sixteenths of a pixel.
_FAR = 32767
_SHIFT = 4


@dataclass(frozen=True)
class DrawStyle:
    """How people are drawn. Lengths are pixels; 0 chooses by the picture's size.

    kp_conf: joints whose own score is below it are left out. heads: "cube", "axis" or "none".
    """

    kp_radius: int = 0
    line_thickness: int = 0
    kp_conf: float = 0.5
    boxes: bool = True
    labels: bool = True
    heads: str = HEAD_CUBE
    head_size: int = 0


def draw_people(
    frame: Picture,
    people: Sequence[Prediction],
    skeleton: Skeleton,
    style: DrawStyle | None = None,
    categories: Sequence[str] = (),
    *,
    into: Picture | None = None,
) -> Picture:
    """A copy of `frame` (H, W, 3) uint8 BGR with boxes, limbs and joints; with `into`, which may be
    `frame` itself, no copy: that holds the frame already.

    Limbs have a dark edge and joints a dark and a light one; a left joint is round and a right
    one square, so that the sides are told apart by more than colour.
    """
    style = style or DrawStyle()
    out = frame.copy() if into is None else into
    thickness = style.line_thickness or line_thickness_for(out)
    # A joint covers the ends of its limbs.
    radius = max(style.kp_radius or max(2, round(thickness * 1.5)), (thickness + 1) // 2)
    look = _look(skeleton)
    for number, person in enumerate(people):
        color = person_color(person.track_id or number)
        if style.boxes:
            _box(out, person, color, thickness, _caption(person, categories, style))
        shown = (person.keypoints[:, 2] >= style.kp_conf).tolist()
        points = _points(person)
        _limbs(out, points, shown, look, thickness)
        _joints(out, points, shown, look, radius)
    for person in people:
        _head(out, person, style)
    return out


def person_color(identity: int) -> Color:
    """The colour of a person's box and trail, BGR."""
    return _SERIES[identity % len(_SERIES)]


def draw_text(frame: Picture, lines: Sequence[str]) -> None:
    """Write lines into the upper left corner of `frame`, in place, light on dark."""
    size = max(0.5, line_thickness_for(frame) * 0.25)
    top = 0
    for line in lines:
        top = _text(frame, line, 0, top, _LIGHT, _DARK, size)


def line_thickness_for(frame: Picture) -> int:
    """A limb's width in pixels that suits the picture's size."""
    return max(2, round((frame.shape[0] + frame.shape[1]) / 2 * 0.003))


@dataclass(frozen=True)
class _Look:
    """A skeleton's limbs, each with its colour; each joint's colour and whether it is a right one."""

    limbs: tuple[tuple[int, int, Color], ...]
    joints: tuple[tuple[Color, bool], ...]


@lru_cache(maxsize=16)
def _look(skeleton: Skeleton) -> _Look:
    limbs = zip(skeleton.edges, _limb_colors(skeleton), strict=True)
    colors = _joint_colors(skeleton)
    joints = [(colors[i % len(colors)], skeleton.side(i) == "right") for i in range(len(skeleton))]
    return _Look(tuple((a, b, color) for (a, b), color in limbs), tuple(joints))


def _limbs(
    frame: Picture, points: list[list[int]], shown: list[bool], look: _Look, width: int
) -> None:
    """Bars from joint to joint. Their ends are under the joints, so that they need none of the
    round ones that OpenCV gives a line, for half of the line's price.
    """
    import cv2

    known = len(points)
    limbs = [(a, b, c) for a, b, c in look.limbs if max(a, b) < known and shown[a] and shown[b]]
    if not limbs:
        return
    ends = np.array([[points[a], points[b]] for a, b, _ in limbs], np.float64)
    along = ends[:, 1] - ends[:, 0]
    across = along[:, ::-1] * (-0.5, 0.5) / np.maximum(np.hypot(*along.T), 1.0)[:, None]
    # First all of the dark edges, then all that is coloured.
    sides = across * np.array([width + 2, width])[:, None, None]
    bars = np.stack(
        (ends[:, 0] + sides, ends[:, 1] + sides, ends[:, 1] - sides, ends[:, 0] - sides), axis=2
    )
    inks = [_DARK] * len(limbs) + [color for _, _, color in limbs]
    for bar, ink in zip(_sixteenths(bars).reshape(-1, 4, 2), inks, strict=True):
        cv2.fillConvexPoly(frame, bar, ink, cv2.LINE_AA, _SHIFT)


def _sixteenths(points: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
    return np.rint(points * (1 << _SHIFT)).astype(np.int32)


def _joints(
    frame: Picture, points: list[list[int]], shown: list[bool], look: _Look, size: int
) -> None:
    import cv2

    for (x, y), is_shown, (color, right) in zip(points, shown, look.joints, strict=False):
        if not is_shown:
            continue
        for reach, ink in ((size + 2, _DARK), (size + 1, _LIGHT), (size, color)):
            if right:
                low, high = (x - reach, y - reach), (x + reach, y + reach)
                cv2.rectangle(frame, low, high, ink, cv2.FILLED)
            else:
                cv2.circle(frame, (x, y), reach, ink, cv2.FILLED, cv2.LINE_AA)


def _head(frame: Picture, person: Prediction, style: DrawStyle) -> None:
    place = head_place(person)
    if place is None or person.head is None or style.heads == HEAD_NONE:
        return
    centre, size = place
    draw = draw_axes if style.heads == HEAD_AXIS else draw_cube
    draw(frame, person.head.rotation, centre, float(style.head_size or size))


def _box(frame: Picture, person: Prediction, color: Color, thickness: int, caption: str) -> None:
    import cv2

    x1, y1, x2, y2 = (round(v) for v in np.clip(person.box, -_FAR, _FAR).tolist())
    inner = max(1, thickness // 2)
    # Frames of one pixel, one in the other: a thick one has round corners and costs four times.
    for step in range(-1, inner + 1):
        ink = color if 0 <= step < inner else _DARK
        shift = step - inner // 2
        cv2.rectangle(frame, (x1 + shift, y1 + shift), (x2 - shift, y2 - shift), ink, 1)
    if caption:
        _text(frame, caption, x1, y1, _DARK, color, max(0.4, thickness * 0.2), above=True)


def _caption(person: Prediction, categories: Sequence[str], style: DrawStyle) -> str:
    if not style.labels:
        return ""
    known = person.category_id < len(categories) and len(categories) > 1
    name = categories[person.category_id] if known else ""
    number = "" if person.track_id is None else f"#{person.track_id}"
    return " ".join(part for part in (name, number, f"{person.score:.2f}") if part)


def _text(
    frame: Picture,
    text: str,
    x: int,
    y: int,
    ink: Color,
    ground: Color,
    size: float,
    *,
    above: bool = False,
) -> int:
    """Write on a filled ground, kept inside the picture; returns the y below it."""
    import cv2

    font, width = cv2.FONT_HERSHEY_SIMPLEX, max(1, round(size * 1.6))
    (text_width, text_height), base = cv2.getTextSize(text, font, size, width)
    height = text_height + base + 4
    x = max(0, min(x, frame.shape[1] - text_width - 6))
    y = max(0, y - height) if above else min(y, frame.shape[0] - height)
    cv2.rectangle(frame, (x, y), (x + text_width + 6, y + height), ground, cv2.FILLED)
    place = (x + 3, y + text_height + 2)
    cv2.putText(frame, text, place, font, size, ink, width, cv2.LINE_AA)
    return y + height


def _points(person: Prediction) -> list[list[int]]:
    """Joints as whole pixels, kept in what drawing can take."""
    near = np.fmin(np.fmax(person.keypoints[:, :2], -_FAR), _FAR)
    return np.rint(near).astype(np.int64).tolist()


@lru_cache(maxsize=16)
def _bgr(colors: tuple[str, ...]) -> tuple[Color, ...]:
    values = [c.lstrip("#") for c in colors]
    return tuple((int(v[4:6], 16), int(v[2:4], 16), int(v[0:2], 16)) for v in values)


def _joint_colors(skeleton: Skeleton) -> tuple[Color, ...]:
    return _bgr(skeleton.colors) or _SERIES


def _limb_colors(skeleton: Skeleton) -> tuple[Color, ...]:
    if skeleton.edge_colors:
        return _bgr(skeleton.edge_colors)
    joints = _joint_colors(skeleton)
    return tuple(joints[b % len(joints)] for _, b in skeleton.edges)
