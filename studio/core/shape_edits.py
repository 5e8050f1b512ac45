"""Edits of single shapes: moved, turned, given corners, labels and flags.

The functions read a picture and return the `Edit` that does what they are named after; nothing
here changes anything. An index is a shape's place in `AnnotatedImage.shapes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from studio.core.annotation import AnnotatedImage, Point, Shape
from studio.core.edits import (
    Edit,
    InsertShapes,
    MovePoints,
    RemoveShapes,
    ReplaceShapes,
    SetImageFlags,
)
from studio.core.geometry import bounds, drag_handle, rotated
from studio.core.options import N_


def add_shape(image: AnnotatedImage, shape: Shape, *, title: str = N_("Add shape")) -> Edit:
    """The shape on top of all others."""
    return InsertShapes(((len(image.shapes), shape),), title=title)


def set_hidden(image: AnnotatedImage, indices: Iterable[int], hidden: bool) -> Edit:
    """Points marked hidden (v=1) or visible (v=2)."""
    items = [
        (i, image.shapes[i], image.shapes[i].with_occluded(hidden))
        for i in indices
        if image.shapes[i].shape_type == "point" and image.shapes[i].occluded != hidden
    ]
    return ReplaceShapes(tuple(items), title=N_("Mark hidden") if hidden else N_("Mark visible"))


def move_shapes(
    image: AnnotatedImage,
    indices: Iterable[int],
    by: Point,
    *,
    title: str = N_("Move"),
    gesture: str = "",
) -> Edit:
    """Whole shapes moved by (x, y) pixels."""
    dx, dy = by
    moves = tuple(
        (i, n, (x, y), (x + dx, y + dy))
        for i in sorted(set(indices))
        for n, (x, y) in enumerate(image.shapes[i].points)
    )
    return MovePoints(moves, title=title, gesture=gesture)


def turn_shapes(
    image: AnnotatedImage,
    indices: Iterable[int],
    centre: Point,
    degrees: float,
    scale: float = 1.0,
    *,
    gesture: str = "",
) -> Edit:
    """Shapes turned clockwise about `centre` and scaled from it.

    An upright rectangle stays upright: its middle turns and its sides scale.
    """
    moves: list[tuple[int, int, Point, Point]] = []
    for i in sorted(set(indices)):
        before = image.shapes[i].points
        box = bounds(before) if image.shapes[i].shape_type == "rectangle" else None
        if box is None:
            after = rotated(before, centre, degrees, scale)
        else:
            mx, my = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
            ((nx, ny),) = rotated([(mx, my)], centre, degrees, scale)
            after = tuple((nx + (x - mx) * scale, ny + (y - my) * scale) for x, y in before)
        pairs = zip(before, after, strict=True)
        moves += [(i, n, a, b) for n, (a, b) in enumerate(pairs)]
    return MovePoints(tuple(moves), title=N_("Turn and scale"), gesture=gesture)


def move_handle(image: AnnotatedImage, index: int, handle: int, to: Point) -> Edit:
    """One handle of a shape (see geometry.handles_of) dragged to `to`."""
    shape = image.shapes[index]
    after = drag_handle(shape, handle, to)
    pairs = enumerate(zip(shape.points, after, strict=True))
    moves = tuple((index, n, a, b) for n, (a, b) in pairs if a != b)
    title = N_("Move joint") if shape.shape_type == "point" else N_("Move vertex")
    return MovePoints(moves, title=title)


def insert_vertex(image: AnnotatedImage, index: int, edge: int, point: Point) -> Edit:
    """A new corner on the edge that starts at corner `edge`."""
    shape = image.shapes[index]
    points = (*shape.points[: edge + 1], point, *shape.points[edge + 1 :])
    after = replace(shape, points=points)
    return ReplaceShapes(((index, shape, after),), title=N_("Insert vertex"))


def remove_vertex(image: AnnotatedImage, index: int, vertex: int) -> Edit:
    """A corner removed; the whole shape goes when too few would be left."""
    shape = image.shapes[index]
    least = 3 if shape.shape_type == "polygon" else 2
    if len(shape.points) <= least:
        return RemoveShapes(((index, shape),))
    after = replace(shape, points=shape.points[:vertex] + shape.points[vertex + 1 :])
    return ReplaceShapes(((index, shape, after),), title=N_("Delete vertex"))


def clipped(points: Sequence[Point], width: float, height: float) -> tuple[Point, ...]:
    """The points pulled inside the picture; unchanged where its size is not known (0)."""
    if width <= 0 or height <= 0:
        return tuple(points)
    return tuple(
        (min(max(x, 0.0), float(width)), min(max(y, 0.0), float(height))) for x, y in points
    )


def set_label(image: AnnotatedImage, indices: Iterable[int], label: str) -> Edit:
    """Another label for shapes."""
    return _change(image, indices, N_("Change label"), label=label)


def set_group(image: AnnotatedImage, indices: Iterable[int], group_id: int | None) -> Edit:
    """Shapes given to another person, or to none."""
    return _change(image, indices, N_("Change person"), group_id=group_id)


def set_description(image: AnnotatedImage, indices: Iterable[int], text: str | None) -> Edit:
    """Another description for shapes."""
    return _change(image, indices, N_("Change description"), description=text)


def set_shape_flag(image: AnnotatedImage, indices: Iterable[int], flag: str, on: bool) -> Edit:
    """A flag of shapes set, or taken away."""
    items: list[tuple[int, Shape, Shape]] = []
    for i in indices:
        shape = image.shapes[i]
        flags = {k: v for k, v in shape.flags.items() if k != flag}
        if on:
            flags[flag] = True
        items.append((i, shape, replace(shape, flags=flags)))
    return ReplaceShapes(tuple(items), title=N_("Set flag"))


def set_image_flag(image: AnnotatedImage, flag: str, on: bool) -> Edit:
    """A flag of the whole picture set, or taken away; `reviewed` is one of them."""
    if bool(image.flags.get(flag)) == on:
        return SetImageFlags(image.flags, image.flags)
    flags = dict(image.flags)
    if on or (flag in flags and flag != "reviewed"):
        flags[flag] = on
    else:
        flags.pop(flag, None)
    title = N_("Mark reviewed") if flag == "reviewed" else N_("Set picture flag")
    return SetImageFlags(image.flags, flags, title=title)


def _change(image: AnnotatedImage, indices: Iterable[int], title: str, **values: Any) -> Edit:
    items = tuple((i, image.shapes[i], replace(image.shapes[i], **values)) for i in indices)
    return ReplaceShapes(tuple(item for item in items if item[1] != item[2]), title=title)
