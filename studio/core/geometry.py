"""Where things are on a picture: distances, insides, and what lies under the cursor.

All in pixels of the upright picture, x right and y down; arrays are float64.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studio.core.annotation import AnnotatedImage, Point, Shape

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

CIRCLE_CORNERS = 48


def bounds(points: Iterable[Point]) -> tuple[float, float, float, float] | None:
    """x1, y1, x2, y2 around the finite points; None where there are none."""
    finite = [p for p in points if math.isfinite(p[0]) and math.isfinite(p[1])]
    if not finite:
        return None
    xs = [p[0] for p in finite]
    ys = [p[1] for p in finite]
    return min(xs), min(ys), max(xs), max(ys)


def segment_distances(
    x: float, y: float, starts: FloatArray, ends: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Distance of a point to N segments given as (N, 2) starts and ends.

    Returns (N,) distances and (N,) places along each segment, 0 at its start and 1 at its end.
    """
    along = ends - starts
    length = np.einsum("ij,ij->i", along, along)
    to_point = np.array([x, y]) - starts
    with np.errstate(invalid="ignore", divide="ignore"):
        place = np.einsum("ij,ij->i", to_point, along) / length
    place = np.clip(np.nan_to_num(place), 0.0, 1.0)
    nearest = starts + along * place[:, None]
    return np.hypot(nearest[:, 0] - x, nearest[:, 1] - y), place


def inside_polygon(x: float, y: float, corners: FloatArray) -> bool:
    """Whether the point lies inside the (N, 2) outline, by the even-odd rule."""
    if len(corners) < 3:
        return False
    x1, y1 = corners[:, 0], corners[:, 1]
    x2, y2 = np.roll(x1, -1), np.roll(y1, -1)
    crosses = (y1 > y) != (y2 > y)
    with np.errstate(invalid="ignore", divide="ignore"):
        at = x1 + (y - y1) / (y2 - y1) * (x2 - x1)
    return bool((crosses & (at > x)).sum() % 2)


def polygon_area(corners: FloatArray) -> float:
    """Area of the (N, 2) outline, never negative."""
    x, y = corners[:, 0], corners[:, 1]
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def rotated(
    points: Sequence[Point], centre: Point, degrees: float, scale: float = 1.0
) -> tuple[Point, ...]:
    """The points turned about `centre`, clockwise as seen on the picture, and scaled from it."""
    angle = math.radians(degrees)
    cos, sin = math.cos(angle) * scale, math.sin(angle) * scale
    cx, cy = centre
    return tuple(
        (cx + (x - cx) * cos - (y - cy) * sin, cy + (x - cx) * sin + (y - cy) * cos)
        for x, y in points
    )


def outline_of(shape: Shape) -> tuple[FloatArray, bool]:
    """The line that is drawn for a shape, (N, 2), and whether it closes.

    A rectangle of two corners becomes four, a circle (centre, point on the rim) a fine polygon.
    A shape whose points do not make its type gives the points as they are.
    """
    points = np.asarray(shape.points, dtype=np.float64).reshape(-1, 2)
    kind = shape.shape_type
    if kind == "rectangle" and len(points) == 2:
        (x1, y1), (x2, y2) = points
        return np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]]), True
    if kind == "circle" and len(points) == 2:
        radius = float(np.hypot(*(points[1] - points[0])))
        turn = np.linspace(0, 2 * np.pi, CIRCLE_CORNERS, endpoint=False)
        return points[0] + radius * np.column_stack([np.cos(turn), np.sin(turn)]), True
    closed = kind in ("polygon", "rectangle", "rotation", "quadrilateral") and len(points) > 2
    return points, closed


def handles_of(shape: Shape) -> tuple[Point, ...]:
    """The spots of a shape that can be dragged: all four corners of a two-point rectangle,
    else its points.
    """
    if shape.shape_type == "rectangle" and len(shape.points) == 2:
        (x1, y1), (x2, y2) = shape.points
        return (x1, y1), (x2, y1), (x2, y2), (x1, y2)
    return shape.points


def drag_handle(shape: Shape, handle: int, to: Point) -> tuple[Point, ...]:
    """The points of `shape` with its handle (see `handles_of`) at `to`.

    An upright rectangle stays upright; a circle dragged at its centre moves as a whole.
    """
    points = list(shape.points)
    if shape.shape_type == "rectangle" and len(points) == 2:
        (x1, y1), (x2, y2) = points
        x, y = to
        corners = {
            0: ((x, y), (x2, y2)),
            1: ((x1, y), (x, y2)),
            2: ((x1, y1), (x, y)),
            3: ((x, y1), (x2, y)),
        }
        return corners[handle]
    if shape.shape_type == "rectangle" and len(points) == 4 and _upright(points):
        return _drag_corner(points, handle, to)
    if shape.shape_type == "circle" and handle == 0 and len(points) == 2:
        dx, dy = to[0] - points[0][0], to[1] - points[0][1]
        return tuple((x + dx, y + dy) for x, y in points)
    points[handle] = to
    return tuple(points)


def _upright(points: Sequence[Point]) -> bool:
    return len({p[0] for p in points}) <= 2 and len({p[1] for p in points}) <= 2


def _drag_corner(points: list[Point], handle: int, to: Point) -> tuple[Point, ...]:
    old = points[handle]
    return tuple(
        (to[0] if p[0] == old[0] else p[0], to[1] if p[1] == old[1] else p[1]) for p in points
    )


@dataclass(frozen=True)
class Hit:
    """What lies under the cursor. `kind` is "vertex" (with its handle number in `part`),
    "edge" (`part` is the corner that the edge starts at, `at` the nearest spot on it) or
    "inside".
    """

    kind: str
    shape: int
    part: int = -1
    at: Point = (0.0, 0.0)
    distance: float = 0.0


@dataclass(frozen=True, eq=False)
class _Part:
    """What a shape adds to a HitMap: its handles, its edges, and its box where it closes."""

    shape: Shape
    spots: FloatArray
    line: FloatArray
    starts: FloatArray
    ends: FloatArray
    box: tuple[float, float, float, float] | None


def _part_of(shape: Shape) -> _Part:
    spots = np.asarray(handles_of(shape), dtype=np.float64).reshape(-1, 2)
    line, closed = outline_of(shape)
    if len(line) < 2:
        none = np.zeros((0, 2))
        return _Part(shape, spots, line, none, none, None)
    if not closed:
        return _Part(shape, spots, line, line[:-1], line[1:], None)
    (x1, y1), (x2, y2) = line.min(axis=0).tolist(), line.max(axis=0).tolist()
    return _Part(shape, spots, line, line, np.roll(line, -1, axis=0), (x1, y1, x2, y2))


def _joined(arrays: list[FloatArray], width: int) -> FloatArray:
    return np.concatenate(arrays) if arrays else np.zeros((0, width))


def _counted(counts: list[int]) -> IntArray:
    """0, 1, ... for each count, one after the other."""
    total = sum(counts)
    starts = np.repeat(np.cumsum([0, *counts])[:-1], counts)
    return np.arange(total, dtype=np.int64) - starts


class Segments:
    """N segments as (N, 2) starts and ends, sorted by where they begin from the left, so that those
    near a spot are found without a look at the others.
    """

    def __init__(self, starts: FloatArray, ends: FloatArray) -> None:
        low, high = np.minimum(starts, ends), np.maximum(starts, ends)
        self._order = np.argsort(low[:, 0], kind="stable")
        self._low, self._high = low[self._order], high[self._order]
        with np.errstate(invalid="ignore"):
            widths = self._high[:, 0] - self._low[:, 0]
        finite = widths[np.isfinite(widths)]
        self._widest = float(finite.max()) if len(finite) else 0.0

    def near(self, x: float, y: float, radius: float) -> IntArray:
        """The segments, ascending, whose box comes within `radius` of the spot."""
        first = int(np.searchsorted(self._low[:, 0], x - radius - self._widest, "left"))
        last = int(np.searchsorted(self._low[:, 0], x + radius, "right"))
        low, high = self._low[first:last], self._high[first:last]
        held = (high[:, 0] >= x - radius) & (low[:, 1] <= y + radius) & (high[:, 1] >= y - radius)
        return np.sort(self._order[first:last][held])


class HitMap:
    """Finds what lies under a point, for one content; 5,000 joints or 500 polygons in well
    under a millisecond.

    Built once for a content and asked at every movement of the mouse. Shapes that come later in
    the file lie on top. Shapes in `hidden` are not there.
    """

    def __init__(
        self,
        image: AnnotatedImage,
        hidden: frozenset[int] = frozenset(),
        before: HitMap | None = None,
    ) -> None:
        """`before`: the map of the content before an edit; shapes that stayed are taken over."""
        kept = {} if before is None else before._parts
        self._parts: dict[int, _Part] = {}
        parts: list[_Part] = []
        owners: list[int] = []
        for index, shape in enumerate(image.shapes):
            if index in hidden or not shape.points:
                continue
            part = kept.get(id(shape))
            if part is None or part.shape is not shape:
                part = _part_of(shape)
            self._parts[id(shape)] = part
            parts.append(part)
            owners.append(index)
        owner = np.asarray(owners, dtype=np.int64)
        self._spots = _joined([p.spots for p in parts], 2)
        counts = [len(p.spots) for p in parts]
        self._owners = np.column_stack([np.repeat(owner, counts), _counted(counts)])
        self._starts = _joined([p.starts for p in parts], 2)
        self._ends = _joined([p.ends for p in parts], 2)
        counts = [len(p.starts) for p in parts]
        self._edge_owner = np.repeat(owner, counts)
        self._edge_part = _counted(counts)
        self._edges = Segments(self._starts, self._ends)
        closed = [(i, p) for i, p in zip(owners, parts, strict=True) if p.box is not None]
        self._closed = {i: p.line for i, p in closed}
        self._boxes = np.asarray([p.box for _, p in closed], dtype=np.float64).reshape(-1, 4)
        self._box_owner = np.asarray([i for i, _ in closed], dtype=np.int64)

    def vertex(self, x: float, y: float, radius: float, only: Iterable[int] = ()) -> Hit | None:
        """The nearest handle within `radius`; with `only`, of those shapes alone."""
        if not len(self._spots):
            return None
        distance = np.hypot(self._spots[:, 0] - x, self._spots[:, 1] - y)
        wanted = list(only)
        if wanted:
            distance = np.where(np.isin(self._owners[:, 0], wanted), distance, np.inf)
        distance = np.nan_to_num(distance, nan=np.inf)
        # The last of equals lies on top.
        best = len(distance) - 1 - int(np.argmin(distance[::-1]))
        if distance[best] > radius:
            return None
        shape, part = (int(v) for v in self._owners[best])
        spot = (float(self._spots[best, 0]), float(self._spots[best, 1]))
        return Hit("vertex", shape, part, spot, float(distance[best]))

    def edge(self, x: float, y: float, radius: float, only: Iterable[int] = ()) -> Hit | None:
        """The nearest edge within `radius`; with `only`, of those shapes alone."""
        if not len(self._starts):
            return None
        near = self._edges.near(x, y, radius)
        wanted = list(only)
        if wanted:
            near = near[np.isin(self._edge_owner[near], wanted)]
        if not len(near):
            return None
        starts, ends = self._starts[near], self._ends[near]
        distance, place = segment_distances(x, y, starts, ends)
        distance = np.nan_to_num(distance, nan=np.inf)
        nearest = len(distance) - 1 - int(np.argmin(distance[::-1]))
        if distance[nearest] > radius:
            return None
        spot = starts[nearest] + (ends[nearest] - starts[nearest]) * place[nearest]
        best = int(near[nearest])
        at = (float(spot[0]), float(spot[1]))
        owner, part = int(self._edge_owner[best]), int(self._edge_part[best])
        return Hit("edge", owner, part, at, float(distance[nearest]))

    def inside(self, x: float, y: float) -> Hit | None:
        """The smallest closed shape around the point, so that none can hide another."""
        if not len(self._boxes):
            return None
        b = self._boxes
        near = (b[:, 0] <= x) & (x <= b[:, 2]) & (b[:, 1] <= y) & (y <= b[:, 3])
        found = [
            (polygon_area(corners), -index)
            for index in self._box_owner[near].tolist()
            if inside_polygon(x, y, corners := self._closed[index])
        ]
        if not found:
            return None
        return Hit("inside", -min(found)[1], at=(x, y))

    def at(self, x: float, y: float, radius: float) -> Hit | None:
        """What a click means: a handle before an edge, an edge before an inside."""
        return self.vertex(x, y, radius) or self.edge(x, y, radius) or self.inside(x, y)

    def within(self, x1: float, y1: float, x2: float, y2: float) -> tuple[int, ...]:
        """The shapes that lie wholly in the box of two opposite corners."""
        low, high = np.array([min(x1, x2), min(y1, y2)]), np.array([max(x1, x2), max(y1, y2)])
        if not len(self._spots):
            return ()
        held = ((self._spots >= low) & (self._spots <= high)).all(axis=1)
        outside = set(self._owners[~held, 0].tolist())
        return tuple(i for i in dict.fromkeys(self._owners[:, 0].tolist()) if i not in outside)
