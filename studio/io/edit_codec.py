"""Edits as plain JSON values and back, for the journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from studio.core.annotation import AnnotatedImage, Point, Shape
from studio.core.edits import (
    Compound,
    Edit,
    InsertShapes,
    MovePoints,
    RemoveShapes,
    ReorderShapes,
    ReplaceContent,
    ReplaceShapes,
    SetImageFlags,
)
from studio.core.errors import FormatError


def encode(edit: Edit) -> dict[str, Any]:
    """`edit` as values that JSON holds. Raises FormatError for a kind that has no spelling."""
    value: dict[str, Any] = {"title": edit.title}
    match edit:
        case InsertShapes() | RemoveShapes():
            value["kind"] = "insert" if isinstance(edit, InsertShapes) else "remove"
            value["items"] = [[i, encode_shape(s)] for i, s in edit.items]
        case ReplaceShapes():
            value["kind"] = "replace"
            value["items"] = [[i, encode_shape(a), encode_shape(b)] for i, a, b in edit.items]
        case MovePoints():
            value["kind"] = "move"
            value["moves"] = [[i, n, *a, *b] for i, n, a, b in edit.moves]
        case ReorderShapes():
            value |= {"kind": "reorder", "order": list(edit.order)}
        case SetImageFlags():
            value |= {"kind": "flags", "before": dict(edit.before), "after": dict(edit.after)}
        case ReplaceContent():
            value["kind"] = "content"
            value["before"] = encode_image(edit.before)
            value["after"] = encode_image(edit.after)
        case Compound():
            value |= {"kind": "compound", "edits": [encode(e) for e in edit.edits]}
        case _:
            raise FormatError(f"The journal has no spelling for {type(edit).__name__}.")
    return value


def decode(value: Any) -> Edit:
    """The inverse of `encode`. Raises FormatError where `value` is not one of its results."""
    try:
        return _DECODERS[value["kind"]](value, value.get("title", ""))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError(f"A step in the journal cannot be read: {error!r}.") from error


def encode_shape(shape: Shape) -> dict[str, Any]:
    """Every field of a shape; those at rest are left out."""
    value: dict[str, Any] = {
        "label": shape.label,
        "type": shape.shape_type,
        "points": [list(p) for p in shape.points],
    }
    rest = {
        "group": shape.group_id,
        "flags": dict(shape.flags),
        "description": shape.description,
        "extra": dict(shape.extra),
        "keys": list(shape.key_order),
    }
    return value | {k: v for k, v in rest.items() if v not in (None, {}, [])}


def decode_shape(value: Mapping[str, Any]) -> Shape:
    """The inverse of `encode_shape`."""
    return Shape(
        label=value["label"],
        shape_type=value["type"],
        points=tuple((x, y) for x, y in value["points"]),
        group_id=value.get("group"),
        flags=value.get("flags", {}),
        description=value.get("description"),
        extra=value.get("extra", {}),
        key_order=tuple(value.get("keys", ())),
    )


def encode_image(image: AnnotatedImage) -> dict[str, Any]:
    """Every field of an annotated picture."""
    return {
        "path": image.image_path,
        "size": [image.width, image.height],
        "shapes": [encode_shape(s) for s in image.shapes],
        "flags": dict(image.flags),
        "version": image.version,
        "extra": dict(image.extra),
        "keys": list(image.key_order),
    }


def decode_image(value: Mapping[str, Any]) -> AnnotatedImage:
    """The inverse of `encode_image`."""
    width, height = value["size"]
    return AnnotatedImage(
        image_path=value["path"],
        width=width,
        height=height,
        shapes=tuple(decode_shape(s) for s in value["shapes"]),
        flags=value["flags"],
        version=value["version"],
        extra=value["extra"],
        key_order=tuple(value["keys"]),
    )


def _items(value: Mapping[str, Any]) -> tuple[tuple[int, Shape], ...]:
    return tuple((i, decode_shape(s)) for i, s in value["items"])


def _pairs(value: Mapping[str, Any]) -> tuple[tuple[int, Shape, Shape], ...]:
    return tuple((i, decode_shape(a), decode_shape(b)) for i, a, b in value["items"])


def _moves(value: Mapping[str, Any]) -> tuple[tuple[int, int, Point, Point], ...]:
    return tuple((i, n, (x, y), (u, v)) for i, n, x, y, u, v in value["moves"])


_DECODERS: dict[str, Callable[[Any, str], Edit]] = {
    "insert": lambda v, title: InsertShapes(_items(v), title=title),
    "remove": lambda v, title: RemoveShapes(_items(v), title=title),
    "replace": lambda v, title: ReplaceShapes(_pairs(v), title=title),
    "move": lambda v, title: MovePoints(_moves(v), title=title),
    "reorder": lambda v, title: ReorderShapes(tuple(v["order"]), title=title),
    "flags": lambda v, title: SetImageFlags(v["before"], v["after"], title=title),
    "content": lambda v, title: ReplaceContent(
        decode_image(v["before"]), decode_image(v["after"]), title=title
    ),
    "compound": lambda v, title: Compound(tuple(decode(e) for e in v["edits"]), title=title),
}
