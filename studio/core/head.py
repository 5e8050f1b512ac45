"""The rotation of a head: angles, what is drawn of it, and turning it with the mouse.

R = Rz(roll) Ry(yaw) Rx(pitch), degrees, as 300W-LP and 6DRepNet have it. With it the head's own
left, down and forward directions are drawn at diag(1, -1) R'[:2] diag(1, -1, 1).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from studio.core.annotation import AnnotatedImage, Point, Shape
from studio.core.edits import Edit, ReplaceShapes, compound
from studio.core.geometry import bounds
from studio.core.options import N_
from studio.core.people import fit_box, person_shapes
from studio.core.skeleton import Skeleton

Matrix = npt.NDArray[np.float64]
KEY = "head_rotation"
_FLIP = np.diag([1.0, -1.0, 1.0])
_MIRROR = np.diag([-1.0, 1.0, 1.0])
_FACE = ("nose", "eye", "ear")


class Angles(NamedTuple):
    """Degrees."""

    yaw: float
    pitch: float
    roll: float


class Head(NamedTuple):
    """Where a head is on the picture: its middle, and how far it reaches."""

    centre: Point
    radius: float


def rotation_of(angles: Angles) -> Matrix:
    """(3, 3) of the three angles."""
    (sy, cy), (sp, cp), (sr, cr) = (
        (math.sin(math.radians(a)), math.cos(math.radians(a))) for a in angles
    )
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    return about_z @ about_y @ about_x


def angles_of(rotation: Matrix) -> Angles:
    """The angles of a rotation; of the two ways to say it the one with less pitch and roll."""
    r = rotation
    yaw = math.degrees(math.asin(min(1.0, max(-1.0, -float(r[2, 0])))))
    if abs(r[2, 0]) > 1 - 1e-9:
        # Looking along the shoulders pitch and roll turn about the same line.
        return Angles(yaw, math.degrees(math.atan2(-r[1, 2], r[1, 1])), 0.0)
    pitch = math.degrees(math.atan2(r[2, 1], r[2, 2]))
    roll = math.degrees(math.atan2(r[1, 0], r[0, 0]))
    first = Angles(yaw, pitch, roll)
    second = Angles(_half_turn(-yaw), _half_turn(pitch), _half_turn(roll))
    return min(first, second, key=lambda a: abs(a.pitch) + abs(a.roll))


def _half_turn(degrees: float) -> float:
    turned = degrees + 180.0
    return turned - 360.0 if turned > 180.0 else turned


def seen(rotation: Matrix) -> Matrix:
    """(3, 3): its columns are the head's own left, down and forward directions as they are seen:
    right and down on the picture, and towards the eye. The first two rows are what is drawn.
    """
    return _FLIP @ rotation.T @ _FLIP


def from_seen(axes: Matrix) -> Matrix:
    """The rotation whose `seen` is `axes`."""
    return (_FLIP @ axes @ _FLIP).T


def mirrored(rotation: Matrix) -> Matrix:
    """The rotation of the head in the picture's mirror image (left for right); (..., 3, 3)."""
    return _MIRROR @ rotation @ _MIRROR


def rolled(rotation: Matrix, degrees: float) -> Matrix:
    """The rotation of the head after the picture was turned by `degrees`, clockwise as it is seen.
    All three angles change by it, not the roll alone.
    """
    s, c = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    return from_seen(turn @ seen(rotation))


def dragged(rotation: Matrix, head: Head, start: Point, end: Point) -> Matrix:
    """The rotation after a drag from `start` to `end`: the spot under the mouse is taken along
    as on a ball around the head; outside the ball the head rolls.
    """
    a, b = _on_ball(head, start), _on_ball(head, end)
    axis = np.cross(a, b)
    sine, cosine = float(np.linalg.norm(axis)), float(a @ b)
    if sine < 1e-12:
        return rotation
    x, y, z = axis / sine
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    turn = np.eye(3) + sine * skew + (1 - cosine) * (skew @ skew)
    return from_seen(_orthogonal(turn @ seen(rotation)))


def _on_ball(head: Head, spot: Point) -> Matrix:
    x = (spot[0] - head.centre[0]) / head.radius
    y = (spot[1] - head.centre[1]) / head.radius
    away = math.hypot(x, y)
    if away >= 1.0:
        return np.array([x / away, y / away, 0.0])
    return np.array([x, y, math.sqrt(1.0 - away * away)])


def _orthogonal(matrix: Matrix) -> Matrix:
    u, _, v = np.linalg.svd(matrix)
    return np.asarray(u @ v, dtype=np.float64)


def head_rotation(image: AnnotatedImage, group_id: int) -> Matrix | None:
    """(3, 3) of a person, where it is annotated and can be read."""
    for index in person_shapes(image, group_id):
        found = _matrix(image.shapes[index].extra.get(KEY))
        if found is not None:
            return found
    return None


def _matrix(value: Any) -> Matrix | None:
    try:
        matrix = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return matrix if matrix.shape == (3, 3) and bool(np.isfinite(matrix).all()) else None


def set_head_rotation(
    image: AnnotatedImage,
    skeleton: Skeleton,
    group_id: int,
    rotation: Matrix | None,
    *,
    gesture: str = "",
) -> Edit:
    """The person's head turned so, on its box (made where there is none); None takes it away."""
    title = N_("Turn the head") if rotation is not None else N_("Remove the head's rotation")
    edits: list[Edit] = []
    box = _box_of(image, skeleton, group_id)
    if box is None and rotation is not None:
        edits.append(fit_box(image, skeleton, group_id, 0.05))
        image = edits[0].apply(image)
        box = _box_of(image, skeleton, group_id)
    items: list[tuple[int, Shape, Shape]] = []
    for index in person_shapes(image, group_id):
        shape = image.shapes[index]
        extra = {k: v for k, v in shape.extra.items() if k != KEY}
        if index == box and rotation is not None:
            extra = {**shape.extra, KEY: [[round(float(v), 6) for v in row] for row in rotation]}
        if extra != shape.extra:
            items.append((index, shape, replace(shape, extra=extra)))
    edits.append(ReplaceShapes(tuple(items), title=title))
    return compound(edits, title=title, gesture=gesture)


def _box_of(image: AnnotatedImage, skeleton: Skeleton, group_id: int) -> int | None:
    for index in person_shapes(image, group_id):
        shape = image.shapes[index]
        if shape.shape_type == "rectangle" and shape.label == skeleton.category:
            return index
    return None


def head_of(image: AnnotatedImage, group_id: int) -> Head | None:
    """Where a person's head is: by its face's joints; else the top of a tall box, or the whole of
    one that is not tall. None for a person that has neither.
    """
    own = [image.shapes[i] for i in person_shapes(image, group_id)]
    face = [
        s.points[0]
        for s in own
        if s.shape_type == "point" and s.points and any(f in s.label for f in _FACE)
    ]
    around = bounds(p for s in own if s.shape_type != "point" for p in s.points)
    around = around or bounds(p for s in own for p in s.points)
    if around is None:
        return None
    x1, y1, x2, y2 = around
    width, height = x2 - x1, y2 - y1
    tall = height > 1.6 * width
    radius = max(0.09 * height if tall else 0.5 * max(width, height), 4.0)
    inside = bounds(face)
    if inside is not None and len(face) > 1:
        spread = math.hypot(inside[2] - inside[0], inside[3] - inside[1])
        middle = ((inside[0] + inside[2]) / 2, (inside[1] + inside[3]) / 2)
        return Head(middle, max(0.9 * spread, 0.04 * max(width, height), 4.0))
    if tall:
        return Head(((x1 + x2) / 2, y1 + radius), radius)
    return Head(((x1 + x2) / 2, (y1 + y2) / 2), radius)
