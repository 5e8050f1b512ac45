"""labelme's annotation files: read and written so that nothing in them is lost.

The format is labelme's own (versions 3 to 7, X-AnyLabeling's additions included): one JSON
object with `shapes`, `imagePath` and the picture's size. What the studio adds to it is in the
help page on files. Opening a file never changes it; saving replaces it in one step.
"""

from __future__ import annotations

import base64
import binascii
import difflib
import math
import os
import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from studio.core.annotation import AnnotatedImage, Point, Shape
from studio.core.errors import FileProblem, FormatError
from studio.io.files import IMAGE_SUFFIXES, atomic_write_bytes, parse_json, read_bytes
from studio.io.jsonstyle import JsonStyle
from studio.io.plain import is_list, is_number, is_table, is_whole

SUFFIX = ".json"
# What new files say of themselves: the labelme release whose format this is.
FORMAT_VERSION = "5.5.0"

# What a JSON number may become; NaN and Infinity are none.
_NUMBERS = frozenset((int, float))
_MEND = "Mend the file in a text editor, or restore it from a copy."
_SHAPE_KEYS = ("label", "points", "group_id", "description", "shape_type", "flags")
_IMAGE_KEYS = (
    "version", "flags", "shapes", "imagePath", "imageData", "imageHeight", "imageWidth",
)  # fmt: skip


def read(path: Path | str) -> AnnotatedImage:
    """One annotation file. Raises FileProblem, or FormatError naming the file and the line."""
    return parse(read_bytes(path), path)


def parse(data: bytes, path: Path | str = "") -> AnnotatedImage:
    """`read` of a file's bytes; `path` is only for messages."""
    return of_value(parse_json(data, path), data, path)


def of_value(raw: Any, data: bytes, path: Path | str = "") -> AnnotatedImage:
    """`parse` of `data` whose JSON value is known; it belongs to the annotation from now on."""
    items = raw.get("shapes") if is_table(raw) else None
    if not is_table(raw) or not is_list(items):
        raise FormatError(
            'This is no labelme file: it has no list "shapes".',
            where=path,
            hint="Take it out of the folder, or restore the annotation from a copy.",
        )
    shapes: list[Shape] = []
    for number, item in enumerate(items):
        try:
            shapes.append(_shape(item))
        except _BadShape as error:
            line = _line_of_shape(data, number)
            raise FormatError(
                f"Shape {number + 1} (line {line}): {error}.", where=f"{path}:{line}", hint=_MEND
            ) from None
    return _image(raw, tuple(shapes), path)


class _BadShape(ValueError):
    """What is wrong with a shape, in words that follow "Shape 3: "."""


def without_shapes(raw: dict[str, Any], path: Path | str = "") -> AnnotatedImage:
    """What a file's JSON value says besides its shapes. Raises FormatError."""
    return _image(raw, (), path)


def _image(raw: dict[str, Any], shapes: tuple[Shape, ...], path: Path | str) -> AnnotatedImage:
    extra = {k: v for k, v in raw.items() if k not in _IMAGE_KEYS}
    if "imageData" in raw:
        extra["imageData"] = raw["imageData"]
    sizes: dict[str, int] = {}
    for key in ("imageWidth", "imageHeight"):
        value = raw.get(key)
        sizes[key] = max(0, int(value)) if is_number(value) else 0
        if key in raw and not (is_whole(value) and value > 0):
            extra[key] = value
    flags = raw.get("flags")
    if "flags" in raw and not is_table(flags):
        extra["flags"] = flags
    image_path = raw.get("imagePath", "")
    if image_path is not None and not isinstance(image_path, str):
        raise FormatError('"imagePath" is not text.', where=path, hint=_MEND)
    if "imagePath" in raw and image_path is None:
        extra["imagePath"] = None
    version = raw.get("version", "")
    if "version" in raw and not isinstance(version, str):
        extra["version"] = version
    return AnnotatedImage(
        image_path=image_path or "",
        width=sizes["imageWidth"],
        height=sizes["imageHeight"],
        shapes=shapes,
        flags=flags if is_table(flags) else {},
        version=version if isinstance(version, str) else "",
        extra=extra,
        key_order=tuple(raw),
    )


def _shape(raw: Any) -> Shape:
    """Raises _BadShape with what is wrong."""
    if not is_table(raw):
        raise _BadShape("it is not an object")
    label, group = raw.get("label"), raw.get("group_id")
    if not isinstance(label, str):
        raise _BadShape('it has no "label" that is text')
    if group is not None and not is_whole(group):
        raise _BadShape(f'its "group_id" is {group!r}, not a whole number or null')
    flags, description, kind = raw.get("flags"), raw.get("description"), raw.get("shape_type")
    order, others = _key_order(tuple(raw))
    extra = {k: raw[k] for k in others} if others else {}
    # Millions come through here: no call without need.
    if not isinstance(flags, dict):
        if flags is not None:
            raise _BadShape('its "flags" are no table of names and true or false')
        if "flags" in raw:
            extra["flags"] = None
        flags = {}
    if description is not None and not isinstance(description, str):
        raise _BadShape('its "description" is not text')
    if not isinstance(kind, str):
        kind = _missing_shape_type(raw)
    return Shape.of_fields(
        {
            "label": label,
            "shape_type": kind,
            "points": _points(raw.get("points")),
            "group_id": group,
            "flags": flags,
            "description": description,
            "extra": extra,
            "key_order": order,
        }
    )


@lru_cache(maxsize=256)
def _key_order(order: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The order itself, the same object for all shapes, and the keys in it that are not ours."""
    return order, tuple(k for k in order if k not in _SHAPE_KEYS)


def _missing_shape_type(raw: dict[str, Any]) -> str:
    near = difflib.get_close_matches("shape_type", raw, cutoff=0.8)
    if near and near[0] != "shape_type":
        raise _BadShape(f'it has no "shape_type"; "{near[0]}" is misspelt')
    if raw.get("shape_type") is not None:
        raise _BadShape('its "shape_type" is not text')
    # Before version 3.5 there was no other kind, and so none was written.
    return "polygon"


def _points(raw: Any) -> tuple[Point, ...]:
    # A JSON number is finite, so that only the kinds are asked for.
    try:
        if len(raw) == 1:
            ((x, y),) = raw
            if type(x) in _NUMBERS and type(y) in _NUMBERS:
                return ((x, y),)
        points: tuple[Point, ...] = tuple([(x, y) for x, y in raw])
    except (TypeError, ValueError):
        points = ()
    if not is_list(raw):
        raise _BadShape('it has no list "points"')
    if len(points) == len(raw) and _NUMBERS.issuperset(map(type, chain.from_iterable(points))):
        return points
    for number, point in enumerate(raw, 1):
        if not is_list(point) or len(point) != 2:
            raise _BadShape(f"its point {number} is not [x, y]")
        if not all(is_number(v) for v in point):
            raise _BadShape(f"its point {number} is not two finite numbers")
    return points


def write(path: Path | str, image: AnnotatedImage, *, project: Path | None = None) -> None:
    """Save `image`, atomically, laid out like the file that stands there already.

    `project`: refuse to write anywhere else. Raises FileProblem, or FormatError where a
    coordinate is not finite; the old file is then untouched.
    """
    path = Path(path)
    if project is not None and not path.parent.resolve().is_relative_to(project.resolve()):
        raise FileProblem(
            "This is outside the project; nothing was written.",
            where=path,
            hint=f"Open the folder of the picture itself, or work on a copy inside {project}.",
        )
    old = read_bytes(path) if path.is_file() else None
    atomic_write_bytes(path, dumps(image, like=old, path=path))


def dumps(image: AnnotatedImage, *, like: bytes | None = None, path: Path | str = "") -> bytes:
    """The file's bytes; `like` is a text whose layout and spelling of numbers are kept.

    Raises FormatError where a coordinate is not finite.
    """
    value = to_mapping(image, path)
    if like is None:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2)
    return JsonStyle.of(like).dumps(value)


def to_mapping(image: AnnotatedImage, path: Path | str = "") -> dict[str, Any]:
    """The file's JSON value, keys in their order. Raises FormatError as `dumps`."""
    values: dict[str, Any] = {
        "version": image.version or image.extra.get("version", FORMAT_VERSION),
        "flags": dict(image.flags) if image.flags else image.extra.get("flags", {}),
        "shapes": [_shape_mapping(s, n, path) for n, s in enumerate(image.shapes, 1)],
        "imagePath": image.image_path or image.extra.get("imagePath", ""),
        "imageData": image.extra.get("imageData"),
        "imageHeight": _size_as_written(image.height, image.extra, "imageHeight"),
        "imageWidth": _size_as_written(image.width, image.extra, "imageWidth"),
    }
    values.update({k: v for k, v in image.extra.items() if k not in values})
    if not image.key_order:
        return values
    # labelme itself refuses a file without these, so they are added where they were missing.
    wanted = {"version", "shapes", "imagePath", "imageData"}
    wanted |= {k for k in ("flags", "imageHeight", "imageWidth") if values[k]}
    wanted |= set(image.extra)
    return _in_order(values, image.key_order, wanted)


def _shape_mapping(shape: Shape, number: int, path: Path | str) -> dict[str, Any]:
    for x, y in shape.points:
        if not (math.isfinite(x) and math.isfinite(y)):
            raise FormatError(
                f'Shape {number} ("{shape.label}") has a coordinate that is not a finite number.',
                where=path,
                hint="Nothing was saved; undo the last edit of that shape.",
            )
    values: dict[str, Any] = {
        "label": shape.label,
        "points": [list(p) for p in shape.points],
        "group_id": shape.group_id,
        "description": shape.description,
        "shape_type": shape.shape_type,
        "flags": dict(shape.flags) if shape.flags else shape.extra.get("flags", {}),
    }
    values.update({k: v for k, v in shape.extra.items() if k not in values})
    if not shape.key_order:
        values["description"] = shape.description or ""
        return values
    wanted = {"label", "points", "shape_type"} | set(shape.extra)
    wanted |= {k for k in ("group_id", "description") if values[k] is not None}
    wanted |= {"flags"} if shape.flags else set()
    return _in_order(values, shape.key_order, wanted)


def _in_order(values: dict[str, Any], order: tuple[str, ...], wanted: set[str]) -> dict[str, Any]:
    """Keys as the file had them, without those that an edit removed; new ones at the end."""
    known = [k for k in order if k in values]
    return {k: values[k] for k in (*known, *(k for k in values if k in wanted and k not in order))}


def _size_as_written(size: int, extra: Mapping[str, Any], key: str) -> Any:
    raw = extra.get(key)
    same = is_number(raw) and int(raw) == size
    return raw if same or not size else size


def _line_of_shape(data: bytes, number: int) -> int:
    """The line, from 1, where the shape `number` (from 0) begins."""
    text = data.decode("utf-8", errors="replace")
    depth, seen, inside, key = 0, -1, False, ""
    for match in re.finditer(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', text, re.DOTALL):
        mark = match[0]
        if mark in "[{":
            inside = inside or (depth == 1 and key == '"shapes"')
            if inside and depth == 2:
                seen += 1
                if seen == number:
                    return text.count("\n", 0, match.start()) + 1
            depth += 1
        elif mark in "]}":
            depth -= 1
            inside = inside and depth > 1
        elif depth == 1:
            key = mark
    return 1


def annotation_path(picture: Path) -> Path:
    """Where the annotation of `picture` stands: beside it, under the same name."""
    return picture.with_suffix(SUFFIX)


def picture_path(annotation: Path, image: AnnotatedImage) -> Path | None:
    """The picture that an annotation file belongs to, for reading only.

    It is looked for where `imagePath` says (both kinds of slashes), then beside the annotation
    under that name, then under the annotation's own. None where there is none.
    """
    # Texts, not paths: this runs for every file of a conversion.
    folder = os.path.dirname(annotation)  # noqa: PTH120
    if image.image_path:
        said = image.image_path.replace("\\", "/")
        for name in (said, said.rpartition("/")[2]):
            candidate = os.path.join(folder, name)  # noqa: PTH118
            if os.path.isfile(candidate):  # noqa: PTH113
                return Path(candidate)
    for suffix in sorted(IMAGE_SUFFIXES):
        for candidate in (annotation.with_suffix(suffix), annotation.with_suffix(suffix.upper())):
            if candidate.is_file():
                return candidate
    return None


def embedded_picture(image: AnnotatedImage, path: Path | str = "") -> bytes | None:
    """The picture file inside `imageData`, or None. Raises FormatError where it is damaged."""
    text = image.extra.get("imageData")
    if not isinstance(text, str) or not text:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise FormatError(
            f'"imageData" is damaged: {error}.', where=path, hint="Put the picture beside the file."
        ) from error


def new_image(picture: Path, size: tuple[int, int]) -> AnnotatedImage:
    """An empty annotation for `picture`, whose upright `size` is (width, height)."""
    return AnnotatedImage(
        image_path=picture.name, width=size[0], height=size[1], version=FORMAT_VERSION
    )
