"""Annotated pictures: labelme's shapes as they stand in the file, and the people made of them.

`Shape` is what the file holds and what an edit changes; unknown keys travel along untouched.
`Instance` is the view that training, judging and the other formats need; it is derived by
`instances_of`, never stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from studio.core.skeleton import Skeleton

Point = tuple[float, float]
FloatArray = npt.NDArray[np.float64]

ABSENT, HIDDEN, VISIBLE = 0, 1, 2
_NOWHERE: tuple[float, float, int] = (0.0, 0.0, ABSENT)

# Shapes that outline a person, as against the points that are their joints.
OUTLINES = frozenset({"polygon", "rectangle"})


@dataclass(frozen=True)
class Shape:
    """One labelme shape. Coordinates are pixels of the upright picture, x right and y down,
    with (0, 0) at the outer corner of the first pixel.

    `extra` keeps every key that is not one of the fields, in the file's order; `key_order` is
    the file's own order of all keys, so that a save changes nothing but what was edited.
    """

    label: str
    shape_type: str
    points: tuple[Point, ...]
    group_id: int | None = None
    flags: Mapping[str, Any] = field(default_factory=dict[str, Any])
    description: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    key_order: tuple[str, ...] = ()

    @classmethod
    def of_fields(cls, fields: dict[str, Any]) -> Shape:
        """A shape that takes over `fields`, every one of them by name, unchecked: reading a
        hundred thousand files makes millions.
        """
        shape = object.__new__(cls)
        object.__setattr__(shape, "__dict__", fields)
        return shape

    @property
    def occluded(self) -> bool:
        """Hidden joint: our flag, or X-AnyLabeling's `difficult`."""
        return bool(self.flags.get("occluded")) or bool(self.extra.get("difficult"))

    def with_occluded(self, hidden: bool) -> Shape:
        """The same shape marked hidden or visible, in the spelling that this file uses."""
        flags = {k: v for k, v in self.flags.items() if k != "occluded"}
        if hidden:
            flags["occluded"] = True
        extra = dict(self.extra)
        if "difficult" in extra:
            extra["difficult"] = hidden
        return replace(self, flags=flags, extra=extra)

    @property
    def is_prelabel(self) -> bool:
        """Proposed by a model and not yet accepted by a person."""
        return "source" in self.extra


@dataclass(frozen=True)
class AnnotatedImage:
    """What one annotation file says of one picture.

    `image_path` is as written in the file; `width` and `height` are the upright picture's
    (0 where unknown). `extra` and `key_order` as for `Shape`; `imageData` stays in `extra`.
    """

    image_path: str
    width: int = 0
    height: int = 0
    shapes: tuple[Shape, ...] = ()
    flags: Mapping[str, Any] = field(default_factory=dict[str, Any])
    version: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    key_order: tuple[str, ...] = ()

    @property
    def reviewed(self) -> bool:
        """A person has looked at the whole picture and found it right."""
        return bool(self.flags.get("reviewed"))

    def group_ids(self) -> tuple[int, ...]:
        """All group ids in the order they first appear."""
        return tuple(dict.fromkeys(s.group_id for s in self.shapes if s.group_id is not None))

    def next_group_id(self) -> int:
        """The smallest id above every one in use; the first is 1."""
        return max((g for g in self.group_ids()), default=0) + 1


@dataclass(frozen=True, eq=False)
class Instance:
    """One person (or hand, tool, ...) in one picture.

    keypoints: (K, 3) float64 of x, y in pixels and v: 0 absent or not set, 1 hidden, 2 visible;
        x and y are 0 where v is 0.
    box: (4,) float64 x, y, width, height in pixels, or None.
    polygons: outlines, each (N, 2) float64.
    absent: joints that are not there on purpose, as against not set yet.
    track_id: the group id; in the frames of one video it names the person.
    area: pixels inside the outline where a file gives it.
    """

    category: str
    keypoints: FloatArray
    box: FloatArray | None = None
    polygons: tuple[FloatArray, ...] = ()
    absent: frozenset[str] = frozenset()
    track_id: int | None = None
    iscrowd: bool = False
    area: float | None = None
    score: float | None = None
    source: str | None = None
    head_rotation: FloatArray | None = None
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @cached_property
    def labelled(self) -> int:
        """How many joints are hidden or visible: COCO's `num_keypoints`."""
        return int((self.keypoints[:, 2] > 0).sum())

    @property
    def is_placed(self) -> bool:
        """Whether there is anything that tells where the person stands."""
        return bool(self.polygons) or self.box is not None or self.labelled > 0

    def tight_box(self) -> FloatArray | None:
        """(4,) x, y, w, h from the outline; else the given box; else the labelled joints."""
        return self._tight_box

    @cached_property
    def _tight_box(self) -> FloatArray | None:
        if len(self.polygons) == 1:
            return box_around(self.polygons[0])
        if self.polygons:
            return box_around(np.concatenate(self.polygons))
        if self.box is not None:
            return self.box
        points = self.keypoints[self.keypoints[:, 2] > 0, :2]
        return box_around(points) if len(points) else None


def box_around(points: FloatArray) -> FloatArray:
    """(4,) x, y, w, h of the smallest upright box around (N, 2) points, N >= 1."""
    low = points.min(axis=0)
    high = points.max(axis=0)
    # A damaged file may hold numbers whose difference is none.
    with np.errstate(over="ignore"):
        return np.concatenate([low, high - low])


def find_boxes(people: Sequence[Instance]) -> None:
    """What `tight_box` of each of them will answer, found for all at once: a call for each takes
    many times as long.
    """
    outlined = [p for p in people if p.polygons]
    if not outlined:
        return
    counts = [sum(map(len, p.polygons)) for p in outlined]
    starts = np.cumsum([0, *counts[:-1]])
    points = np.concatenate([polygon for p in outlined for polygon in p.polygons])
    low = np.minimum.reduceat(points, starts)
    high = np.maximum.reduceat(points, starts)
    with np.errstate(over="ignore"):
        boxes = np.concatenate([low, high - low], axis=1)
    for person, box in zip(outlined, boxes, strict=True):
        person.__dict__["_tight_box"] = box


def rectangle_points(shape: Shape) -> FloatArray:
    """(4, 2) corners of a labelme rectangle, whichever two or four corners the file gives."""
    x, y, w, h = box_around(np.asarray(shape.points, dtype=np.float64))
    return np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]])


def instances_of(image: AnnotatedImage, skeleton: Skeleton) -> tuple[Instance, ...]:
    """The people of `image`: shapes that share a group id, and lone outlines without one.

    A point whose label is no joint of `skeleton`, and a shape of another category, is left out
    here (the conversion's check reports it); a joint given twice keeps the first.
    """
    groups: dict[Any, list[Shape]] = {}
    for number, shape in enumerate(image.shapes):
        key: Any = shape.group_id
        if key is None:
            if shape.shape_type not in OUTLINES:
                continue
            key = ("alone", number)
        groups.setdefault(key, []).append(shape)
    drafts = [_draft(shapes, skeleton) for shapes in groups.values()]
    drafts = [d for d in drafts if d.outlined or d.labelled]
    # All at once: a call for each person takes as long as all the rest.
    flat = list(chain.from_iterable(chain.from_iterable(d.rows) for d in drafts))
    keypoints = np.array(flat, dtype=np.float64).reshape(len(drafts), len(skeleton), 3)
    return tuple(_instance(d, k, skeleton) for d, k in zip(drafts, keypoints, strict=True))


class _Draft:
    """A person while its shapes are gone through."""

    __slots__ = ("absent", "box", "extra", "group_id", "labelled", "outlined", "polygons", "rows")

    def __init__(self, joints: int, group_id: int | None) -> None:
        self.rows = [_NOWHERE] * joints
        self.labelled = 0
        self.outlined = False
        self.polygons: list[FloatArray] = []
        self.box: FloatArray | None = None
        self.absent: set[str] = set()
        self.extra: dict[str, Any] = {}
        self.group_id = group_id


def _draft(shapes: Sequence[Shape], skeleton: Skeleton) -> _Draft:
    index, category = skeleton.index, skeleton.category
    draft = _Draft(len(skeleton), shapes[0].group_id)
    rows = draft.rows
    for shape in shapes:
        if shape.extra:
            # A person without an outline carries the list on a joint.
            listed: Any = shape.extra.get("absent")
            if isinstance(listed, list | tuple):
                draft.absent.update(map(str, cast("Iterable[Any]", listed)))
        kind = shape.shape_type
        joint = index.get(shape.label) if kind == "point" else None
        if joint is not None:
            if shape.points and rows[joint] is _NOWHERE:
                hidden = (shape.flags or shape.extra) and shape.occluded
                rows[joint] = (*shape.points[0], HIDDEN if hidden else VISIBLE)
                draft.labelled += 1
        elif kind in OUTLINES and shape.label == category:
            draft.outlined = True
            _add_outline(draft, shape)
    return draft


def _add_outline(draft: _Draft, shape: Shape) -> None:
    draft.extra.update(shape.extra)
    count = len(shape.points)
    if count < (3 if shape.shape_type == "polygon" else 2):
        return
    flat = np.fromiter(chain.from_iterable(shape.points), np.float64, 2 * count)
    points = flat.reshape(count, 2)
    if shape.shape_type == "polygon":
        draft.polygons.append(points)
    else:
        draft.box = box_around(points)


def _instance(draft: _Draft, keypoints: FloatArray, skeleton: Skeleton) -> Instance:
    extra = draft.extra
    person = Instance(
        category=skeleton.category,
        keypoints=keypoints,
        box=draft.box,
        polygons=tuple(draft.polygons),
        absent=frozenset(draft.absent.intersection(skeleton.index)),
        track_id=draft.group_id,
        iscrowd=bool(extra.get("iscrowd")),
        score=float(extra["score"]) if isinstance(extra.get("score"), int | float) else None,
        source=str(extra["source"]) if "source" in extra else None,
        head_rotation=_rotation(extra["head_rotation"]) if "head_rotation" in extra else None,
        extra=extra,
    )
    person.__dict__["labelled"] = draft.labelled
    return person


def _rotation(value: Any) -> FloatArray | None:
    """(3, 3) of what a file holds; None where it is anything else."""
    try:
        matrix = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return matrix if matrix.shape == (3, 3) and bool(np.isfinite(matrix).all()) else None


def shapes_of(instance: Instance, skeleton: Skeleton, group_id: int) -> tuple[Shape, ...]:
    """The labelme shapes of one person: its outlines (or its box), then its joints in order."""
    extra: dict[str, Any] = {}
    if instance.absent:
        extra["absent"] = [k for k in skeleton.keypoints if k in instance.absent]
    if instance.score is not None:
        extra["score"] = instance.score
    if instance.source is not None:
        extra["source"] = instance.source
    if instance.iscrowd:
        extra["iscrowd"] = True
        if "segmentation" in instance.extra:
            extra["segmentation"] = instance.extra["segmentation"]
    if instance.head_rotation is not None:
        extra["head_rotation"] = instance.head_rotation.tolist()
    outlines = [
        Shape(instance.category, "polygon", _points(p), group_id) for p in instance.polygons
    ]
    if instance.box is not None:
        x, y, w, h = (float(v) for v in instance.box)
        outlines.append(Shape(instance.category, "rectangle", ((x, y), (x + w, y + h)), group_id))
    if outlines and extra:
        outlines[0] = replace(outlines[0], extra=extra)
    joints = [
        Shape(
            name,
            "point",
            ((float(x), float(y)),),
            group_id,
            flags={"occluded": True} if v == HIDDEN else {},
        )
        for name, (x, y, v) in zip(skeleton.keypoints, instance.keypoints, strict=True)
        if v > 0
    ]
    if joints and not outlines and instance.absent:
        joints[0] = replace(joints[0], extra={"absent": extra["absent"]})
    return (*outlines, *joints)


def _points(polygon: FloatArray) -> tuple[Point, ...]:
    return tuple((float(x), float(y)) for x, y in polygon)
