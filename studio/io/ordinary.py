"""The people of an ordinary labelme file, straight from its JSON.

Nearly all files of a dataset hold nothing but outlines and joints that fit. For those there is
nothing to say, and their people are found here in a third of the time. Whatever else a file
holds makes the answer None; it is then read shape by shape, with a word on what is wrong. Both
ways give the same people.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.annotation import HIDDEN, VISIBLE, Instance
from studio.core.skeleton import Skeleton
from studio.io.plain import is_list, is_table

# Pixels; no picture is a tenth as wide.
FARTHEST = 1e7

_Row = tuple[float, float, int]
_NOWHERE: _Row = (0.0, 0.0, 0)
_NUMBERS = frozenset((int, float))
_NEEDED = frozenset({"label", "points", "group_id", "shape_type", "flags"})
# Other programs' keys that say nothing about a person.
_HARMLESS = frozenset({"attributes", "fill_color", "kie_linking", "line_color", "mask"})
# `type` itself, which the type checker would take for a hint on what the elements are.
_kind: Callable[[object], type] = type
_fields = itemgetter("label", "points", "group_id", "shape_type", "flags")


class _Draft:
    """A person while the shapes are gone through; `outlines` as the file has them."""

    __slots__ = ("extra", "group_id", "labelled", "outlines", "rows")

    def __init__(self, joints: int, group_id: int | None) -> None:
        self.rows = [_NOWHERE] * joints
        self.labelled = 0
        self.outlines: list[list[Any]] = []
        self.extra: dict[str, Any] = {}
        self.group_id = group_id


def ordinary_people(raw: Any, skeleton: Skeleton) -> tuple[Instance, ...] | None:
    """The people in a file's JSON value, at least one; None where the file is not ordinary.

    Ordinary are polygons of the skeleton's category and joints of it with a group id, each once,
    with finite coordinates and no keys that say more of a person.
    """
    shapes = raw.get("shapes") if is_table(raw) else None
    if not is_list(shapes) or not shapes:
        return None
    try:
        drafts = _drafts(shapes, skeleton)
        outlines = None if drafts is None else _outlines(drafts)
        rows = chain.from_iterable(chain.from_iterable(d.rows for d in drafts or ()))
        keypoints = np.array(list(rows), dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        # Something in the place of a pair of numbers, or one that is no float.
        return None
    if drafts is None or outlines is None or not _near(keypoints):
        return None
    places = keypoints.reshape(len(drafts), len(skeleton), 3)
    found: list[Instance] = []
    for draft, joints in zip(drafts, places, strict=True):
        polygons = tuple(outlines[: len(draft.outlines)])
        del outlines[: len(polygons)]
        person = Instance(
            category=skeleton.category,
            keypoints=joints,
            polygons=polygons,
            track_id=draft.group_id,
            extra=draft.extra,
        )
        person.__dict__["labelled"] = draft.labelled
        found.append(person)
    return tuple(found)


def _drafts(shapes: list[Any], skeleton: Skeleton) -> list[_Draft] | None:
    drafts: dict[Any, _Draft] = {}
    index, category, joints = skeleton.index, skeleton.category, len(skeleton)
    for number, shape in enumerate(shapes):
        others = _other_keys(tuple(shape)) if _kind(shape) is dict else None
        if others is None:
            return None
        label, points, group, kind, flags = _fields(shape)
        if _kind(label) is not str or _kind(flags) is not dict or _kind(points) is not list:
            return None
        description = shape.get("description")
        if description is not None and _kind(description) is not str:
            return None
        key = group
        if _kind(group) is not int:
            if group is not None or kind != "polygon":
                return None
            key = ("alone", number)
        draft = drafts.get(key)
        if draft is None:
            draft = drafts[key] = _Draft(joints, group)
        if kind == "point":
            joint = index.get(label)
            if joint is None or draft.rows[joint] is not _NOWHERE:
                return None
            ((x, y),) = points
            if _kind(x) not in _NUMBERS or _kind(y) not in _NUMBERS:
                return None
            draft.rows[joint] = (x, y, HIDDEN if flags and flags.get("occluded") else VISIBLE)
            draft.labelled += 1
        elif kind == "polygon" and label == category and len(points) >= 3:
            draft.outlines.append(points)
            draft.extra.update((key, shape[key]) for key in others)
        else:
            return None
    return list(drafts.values())


@lru_cache(maxsize=256)
def _other_keys(keys: tuple[str, ...]) -> tuple[str, ...] | None:
    """Those that travel along with an outline; None where a shape with these is not ordinary."""
    if not _NEEDED.issubset(keys) or not _NEEDED.union(_HARMLESS, ("description",)).issuperset(
        keys
    ):
        return None
    return tuple(key for key in keys if key in _HARMLESS)


def _outlines(drafts: list[_Draft]) -> list[npt.NDArray[np.float64]] | None:
    """(N, 2) pixels of each outline, person by person. Raises TypeError, OverflowError."""
    outlines = [outline for draft in drafts for outline in draft.outlines]
    pairs = list(chain.from_iterable(outlines))
    flat = list(chain.from_iterable(pairs))
    # An object in the place of a pair would give its names here, and a text its letters.
    if not _NUMBERS.issuperset(map(type, flat)) or any(map((2).__ne__, map(len, pairs))):
        return None
    points = np.array(flat, dtype=np.float64).reshape(-1, 2)
    if not _near(points):
        return None
    ends = np.cumsum([len(outline) for outline in outlines]).tolist()
    return [points[end - len(o) : end] for o, end in zip(outlines, ends, strict=True)]


def _near(values: npt.NDArray[np.float64]) -> bool:
    # Written so that what is no number is not near.
    return not values.size or bool(np.abs(values).max() < FARTHEST)
