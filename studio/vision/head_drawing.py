"""A head's rotation drawn into a picture: a cube around it, or its three axes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from studio.core.head import seen
from studio.core.prediction import Prediction

Picture = npt.NDArray[np.uint8]
Matrix = npt.NDArray[np.float64]
Color = tuple[int, int, int]
Spot = tuple[float, float]


class Line(NamedTuple):
    """A stroke on the picture. kind: "left", "down", "forward" (along that direction of the head)
    or "front" (an edge of the cube's face side).
    """

    start: Spot
    end: Spot
    kind: str


KINDS = ("left", "down", "forward")
FRONT = "front"

_DARK: Color = (24, 24, 24)
# By a line's kind, BGR.
COLORS: Mapping[str, Color] = {
    "left": (60, 60, 230),
    "down": (80, 190, 70),
    "forward": (230, 130, 40),
    "front": (53, 165, 255),
}
# How much of what the model looked at the drawn cube takes: about the head itself.
_OF_BOX = 0.6
_EDGES = (
    (0, 1), (1, 3), (3, 2), (2, 0), (4, 5), (5, 7), (7, 6), (6, 4), (0, 4), (1, 5), (2, 6), (3, 7),
)  # fmt: skip


def draw_axes(
    frame: Picture,
    rotation: Matrix,
    centre: tuple[float, float],
    size: float,
    *,
    thin: bool = False,
) -> None:
    """The head's left (red), down (green) and forward (blue) from `centre`, `size` pixels long, in
    place on (H, W, 3) uint8 BGR. thin: for the truth beside a prediction.
    """
    width = _width(frame, size)
    for line in axis_lines(rotation, centre, size):
        if not thin:
            _line(frame, line.start, line.end, _DARK, width + 2)
        _line(frame, line.start, line.end, COLORS[line.kind], 1 if thin else width)


def draw_cube(frame: Picture, rotation: Matrix, centre: tuple[float, float], size: float) -> None:
    """A cube of `size` pixels around `centre` that is turned as the head, its face in orange, in
    place on (H, W, 3) uint8 BGR.
    """
    width = _width(frame, size)
    for line in cube_lines(rotation, centre, size):
        _line(frame, line.start, line.end, _DARK, width + 2)
        _line(frame, line.start, line.end, COLORS[line.kind], width)


def axis_lines(rotation: Matrix, centre: Spot, size: float) -> tuple[Line, ...]:
    """The head's left, down and forward from `centre`, the one that points away first."""
    axes = seen(rotation)
    x, y = centre
    return tuple(
        Line((x, y), (x + size * float(axes[0, i]), y + size * float(axes[1, i])), KINDS[i])
        for i in np.argsort(axes[2])
    )


def cube_lines(rotation: Matrix, centre: Spot, size: float) -> tuple[Line, ...]:
    """The edges of a cube of `size` around `centre`, those farthest from the viewer first."""
    corners = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2
    placed = corners @ seen(rotation).T
    spots = [(float(x), float(y)) for x, y in np.array(centre) + size * placed[:, :2]]
    depth = [placed[list(edge), 2].mean() for edge in _EDGES]
    lines: list[Line] = []
    for number in np.argsort(depth):
        a, b = _EDGES[number]
        front = corners[a, 2] > 0 and corners[b, 2] > 0
        lines.append(Line(spots[a], spots[b], FRONT if front else KINDS[_axis_of(a, b)]))
    return tuple(lines)


def head_place(person: Prediction) -> tuple[Spot, float] | None:
    """The middle of a person's head and the size of its cube, in pixels; None where it is not known
    how the head is turned, or where it is.
    """
    if person.head is None or person.head.box is None:
        return None
    x1, y1, x2, y2 = (float(v) for v in person.head.box)
    return ((x1 + x2) / 2, (y1 + y2) / 2), _OF_BOX * max(x2 - x1, y2 - y1)


def cube_sides(rotation: Matrix, centre: tuple[float, float], size: float) -> tuple[Matrix, ...]:
    """The outlines of the sides of `draw_cube`'s cube that are turned to the viewer, (4, 2) each."""
    axes = seen(rotation)
    sides: list[Matrix] = []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            if sign * axes[2, axis] <= 0:
                continue
            first, second = (a for a in range(3) if a != axis)
            corners = np.zeros((4, 3))
            corners[:, axis] = sign
            corners[:, first] = (-1, 1, 1, -1)
            corners[:, second] = (-1, -1, 1, 1)
            sides.append(np.array(centre) + size / 2 * (corners @ axes.T)[:, :2])
    return tuple(sides)


def _axis_of(a: int, b: int) -> int:
    """Which axis an edge runs along; corners count in binary, left first."""
    return {4: 0, 2: 1, 1: 2}[a ^ b]


def _width(frame: Picture, size: float) -> int:
    return max(1, min(round(size / 40), round(min(frame.shape[:2]) / 60)))


def _line(
    frame: Picture, start: npt.ArrayLike, end: npt.ArrayLike, color: Color, width: int
) -> None:
    import cv2

    # Sixteenths of a pixel; OpenCV counts from pixel centres.
    a, b = (np.rint((np.asarray(p, np.float64) - 0.5) * 16).astype(int) for p in (start, end))
    first, last = (int(a[0]), int(a[1])), (int(b[0]), int(b[1]))
    cv2.line(frame, first, last, color, width, cv2.LINE_AA, 4)
