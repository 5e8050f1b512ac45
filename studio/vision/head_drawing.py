"""A head's rotation drawn into a picture: a cube around it, or its three axes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from studio.core.head import seen

Picture = npt.NDArray[np.uint8]
Matrix = npt.NDArray[np.float64]
Color = tuple[int, int, int]

_DARK: Color = (24, 24, 24)
# Left, down and forward of the head, BGR.
_AXES: tuple[Color, ...] = ((60, 60, 230), (80, 190, 70), (230, 130, 40))
_FRONT: Color = (53, 165, 255)
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
    axes = seen(rotation)
    width = _width(frame, size)
    ends = np.array(centre) + size * axes[:2].T
    # The one that points away from the viewer first.
    for axis in np.argsort(axes[2]):
        if not thin:
            _line(frame, centre, ends[axis], _DARK, width + 2)
        _line(frame, centre, ends[axis], _AXES[axis], 1 if thin else width)


def draw_cube(frame: Picture, rotation: Matrix, centre: tuple[float, float], size: float) -> None:
    """A cube of `size` pixels around `centre` that is turned as the head, its face in orange, in
    place on (H, W, 3) uint8 BGR.
    """
    axes = seen(rotation)
    corners = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2
    placed = corners @ axes.T
    spots = np.array(centre) + size * placed[:, :2]
    depth = [placed[list(edge), 2].mean() for edge in _EDGES]
    width = _width(frame, size)
    for number in np.argsort(depth):
        a, b = _EDGES[number]
        front = corners[a, 2] > 0 and corners[b, 2] > 0
        _line(frame, spots[a], spots[b], _DARK, width + 2)
        _line(frame, spots[a], spots[b], _FRONT if front else _AXES[_axis_of(a, b)], width)


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
