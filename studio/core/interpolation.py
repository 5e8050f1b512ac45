"""People between two keyframes, and people taken along from picture to picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.annotation import AnnotatedImage, Point, Shape, box_around

FloatArray = npt.NDArray[np.float64]
Key = tuple[str, str, int]


@dataclass(frozen=True)
class Motion:
    """How a person moved: points map to `scale * (p - pivot) + pivot + shift`, in pixels."""

    scale: float = 1.0
    shift: Point = (0.0, 0.0)
    pivot: Point = (0.0, 0.0)

    def moved(self, points: Iterable[Point]) -> tuple[Point, ...]:
        """The points where the motion takes them."""
        (px, py), (dx, dy) = self.pivot, self.shift
        return tuple(
            (self.scale * (x - px) + px + dx, self.scale * (y - py) + py + dy) for x, y in points
        )


def person(image: AnnotatedImage, group_id: int) -> tuple[Shape, ...]:
    """A person's shapes."""
    return tuple(s for s in image.shapes if s.group_id == group_id)


def with_people(image: AnnotatedImage, people: Mapping[int, Sequence[Shape]]) -> AnnotatedImage:
    """`image` with people added under their ids; one whose id is there already is left out."""
    there = set(image.group_ids())
    fresh = [s for group_id, shapes in people.items() if group_id not in there for s in shapes]
    return replace(image, shapes=(*image.shapes, *fresh)) if fresh else image


def between(first: Sequence[Shape], second: Sequence[Shape], part: float) -> tuple[Shape, ...]:
    """The person `part` (0..1) of the way from one keyframe to the next.

    Joints, boxes and outlines of as many corners move in straight lines; an outline whose corners
    changed in number moves and grows with the person. What stands in one keyframe alone (a joint
    that comes into sight) is left unset. Hidden or visible as in the nearer keyframe.
    """
    before, after = _keyed(first), _keyed(second)
    whole = _frame(first), _frame(second)
    made: list[Shape] = []
    for key, a in before.items():
        b = after.get(key)
        if b is None and a.shape_type not in ("polygon", "rectangle"):
            continue
        near = a if part <= 0.5 or b is None else b
        if b is not None and len(a.points) == len(b.points):
            points = _mixed(a.points, b.points, part)
        elif whole[0] is not None and whole[1] is not None:
            points = _carried(a.points, whole[0], whole[1], part)
        else:
            continue
        extra = {k: v for k, v in near.extra.items() if k not in ("source", "score")}
        if "head_rotation" in a.extra and b is not None and "head_rotation" in b.extra:
            ends = a.extra["head_rotation"], b.extra["head_rotation"]
            extra["head_rotation"] = rotation_between(*ends, part).tolist()
        made.append(replace(near, points=points, extra=extra))
    return tuple(made)


def rotation_between(first: Any, second: Any, part: float) -> FloatArray:
    """(3, 3) rotation `part` of the way along the shortest turn from `first` to `second`."""
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    turn = a.T @ b
    cosine = float(np.clip((np.trace(turn) - 1) / 2, -1, 1))
    angle = float(np.arccos(cosine))
    if angle < 1e-9:
        return a
    if np.pi - angle < 1e-6:
        # Half a turn: the axis is the column that turning leaves in place.
        values, vectors = np.linalg.eigh((turn + turn.T) / 2)
        axis = vectors[:, int(np.argmax(values))]
    else:
        raw = np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]])
        axis = raw / (2 * np.sin(angle))
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    theta = angle * part
    return a @ (np.eye(3) + np.sin(theta) * cross + (1 - np.cos(theta)) * cross @ cross)


def motion_of(before: FloatArray, after: FloatArray) -> Motion:
    """The shift and the scale that best take (N, 2) points to (N, 2) others; medians, so that a
    few points that went astray count little.
    """
    if len(before) == 0:
        return Motion()
    a, b = np.median(before, axis=0), np.median(after, axis=0)
    scale = 1.0
    if len(before) >= 3:
        spread = np.linalg.norm(before - a, axis=1)
        far = spread > spread.max() * 0.25
        if spread.max() > 1:
            scale = float(np.median(np.linalg.norm(after - b, axis=1)[far] / spread[far]))
    shift = b - a
    return Motion(scale, (float(shift[0]), float(shift[1])), (float(a[0]), float(a[1])))


def _keyed(shapes: Sequence[Shape]) -> dict[Key, Shape]:
    found: dict[Key, Shape] = {}
    for shape in shapes:
        number = sum(k[:2] == (shape.label, shape.shape_type) for k in found)
        found[shape.label, shape.shape_type, number] = shape
    return found


def _mixed(first: Sequence[Point], second: Sequence[Point], part: float) -> tuple[Point, ...]:
    return tuple(
        (x1 + (x2 - x1) * part, y1 + (y2 - y1) * part)
        for (x1, y1), (x2, y2) in zip(first, second, strict=True)
    )


def _frame(shapes: Sequence[Shape]) -> FloatArray | None:
    """x, y, w, h around a person: the box, else the outline, else the joints."""
    for kind in ("rectangle", "polygon", "point"):
        points = [p for s in shapes if s.shape_type == kind for p in s.points]
        if len(points) >= 2:
            return box_around(np.asarray(points, np.float64))
    return None


def _carried(
    points: Sequence[Point], first: FloatArray, second: FloatArray, part: float
) -> tuple[Point, ...]:
    at = first + (second - first) * part
    sx, sy = (at[i] / first[i] if first[i] > 0 else 1.0 for i in (2, 3))
    return tuple(
        (float((x - first[0]) * sx + at[0]), float((y - first[1]) * sy + at[1])) for x, y in points
    )
