"""What becomes of annotated people when their skeleton changes: a pure function of a picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, cast

from studio.core.annotation import OUTLINES, AnnotatedImage, Shape
from studio.core.errors import DataError
from studio.core.skeleton import Skeleton


@dataclass(frozen=True)
class SkeletonChange:
    """From one skeleton to another.

    renamed: new names by old ones; two may change places. joined: joints that become one, by the
    name (in `new`) of the one that stays: where a person lacks it, the first of them that is set
    takes its place. A joint of `old` that is in neither and not in `new` is removed; a new joint
    is not set anywhere. Raises DataError where the names do not fit the skeletons.
    """

    old: Skeleton
    new: Skeleton
    renamed: Mapping[str, str] = field(default_factory=dict[str, str])
    joined: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])

    def __post_init__(self) -> None:
        gone = [name for names in self.joined.values() for name in names]
        for name in (*self.renamed, *gone):
            if name not in self.old.index:
                raise DataError(f"The old skeleton has no joint {name!r}.", where=self.old.name)
        for name in (*self.renamed.values(), *self.joined):
            if name not in self.new.index:
                raise DataError(f"The new skeleton has no joint {name!r}.", where=self.new.name)
        twice = [n for n, count in Counter([*self.renamed, *gone]).items() if count > 1]
        targets = Counter(v for v in self.names.values() if v is not None)
        doubled = [n for n, count in targets.items() if count > 1 and n not in self.joined]
        if twice or doubled:
            raise DataError(
                f"Two joints would become one: {', '.join(twice or doubled)}.",
                where=self.new.name,
                hint="Say that they are joined, or give one of them another name.",
            )

    @cached_property
    def names(self) -> Mapping[str, str | None]:
        """What each old joint is called now; None where it is removed."""
        names: dict[str, str | None] = {}
        joined = {gone: kept for kept, many in self.joined.items() for gone in many}
        for name in self.old.keypoints:
            kept = name if name in self.new.index else None
            names[name] = self.renamed.get(name) or joined.get(name) or kept
        return names

    @property
    def removed(self) -> tuple[str, ...]:
        """Old joints that go."""
        return tuple(name for name, now in self.names.items() if now is None)

    @property
    def added(self) -> tuple[str, ...]:
        """New joints that nobody has yet."""
        known = set(self.names.values())
        return tuple(name for name in self.new.keypoints if name not in known)

    @cached_property
    def rank(self) -> Mapping[str, int]:
        """For each new name which of the joints that become it counts first."""
        gone = [name for names in self.joined.values() for name in names]
        return {name: gone.index(name) + 1 if name in gone else 0 for name in self.old.keypoints}


def migrated(image: AnnotatedImage, change: SkeletonChange) -> tuple[AnnotatedImage, Counter[str]]:
    """The picture's people with the new skeleton, and what was done: counts of "people",
    "renamed", "removed", "joined", "reordered" (people) and "category" (outlines).

    People of another category, and points that are no joints of the old skeleton, stay as they
    are. The same image where nothing changes.
    """
    counts: Counter[str] = Counter()
    groups: dict[Any, list[int]] = {}
    for index, shape in enumerate(image.shapes):
        key: Any = shape.group_id if shape.group_id is not None else ("alone", index)
        groups.setdefault(key, []).append(index)
    shapes: list[Shape | None] = list(image.shapes)
    for members in groups.values():
        if not _is_meant([image.shapes[i] for i in members], change.old):
            continue
        before = counts.copy()
        _change_group(shapes, members, change, counts)
        if counts != before:
            counts["people"] += 1
    kept = tuple(s for s in shapes if s is not None)
    if kept == image.shapes:
        return image, Counter()
    return replace(image, shapes=kept), counts


def _is_meant(shapes: Sequence[Shape], old: Skeleton) -> bool:
    outlines = {s.label for s in shapes if s.shape_type in OUTLINES}
    if outlines:
        return old.category in outlines
    return any(_joint_of(s, old) for s in shapes)


def _joint_of(shape: Shape, skeleton: Skeleton) -> bool:
    return shape.shape_type == "point" and shape.label in skeleton.index


def _change_group(
    shapes: list[Shape | None], members: list[int], change: SkeletonChange, counts: Counter[str]
) -> None:
    absent: set[str] = set()
    joints: dict[str, tuple[int, int]] = {}
    category = change.new.category
    for index in members:
        shape = shapes[index]
        assert shape is not None
        absent |= _absent_names(shape)
        if _joint_of(shape, change.old):
            _change_joint(shapes, index, joints, change, counts)
        elif shape.shape_type in OUTLINES and shape.label == change.old.category != category:
            shapes[index] = replace(shape, label=category)
            counts["category"] += 1
    _write_absent(shapes, members, absent, set(joints), change)
    _sort_joints(shapes, members, change, counts)


def _change_joint(
    shapes: list[Shape | None],
    index: int,
    joints: dict[str, tuple[int, int]],
    change: SkeletonChange,
    counts: Counter[str],
) -> None:
    """One joint's point: renamed, removed, or joined with another; `joints`: (rank, index) of
    those that stay.
    """
    shape = shapes[index]
    assert shape is not None
    name, rank = change.names[shape.label], change.rank[shape.label]
    if name is None:
        shapes[index] = None
        counts["removed"] += 1
        return
    other = joints.get(name)
    if other is not None and (rank or other[0]):
        counts["joined"] += 1
        if other[0] <= rank:
            shapes[index] = None
            return
        shapes[other[1]] = None
    joints[name] = (rank, index)
    if name != shape.label:
        shapes[index] = replace(shape, label=name)
        counts["renamed"] += 1


def _absent_names(shape: Shape) -> set[str]:
    listed: Any = shape.extra.get("absent")
    return set(map(str, cast("list[Any]", listed))) if isinstance(listed, list | tuple) else set()


def _write_absent(
    shapes: list[Shape | None],
    members: list[int],
    absent: set[str],
    joints: set[str],
    change: SkeletonChange,
) -> None:
    """The list of joints that are absent on purpose, under their new names, on the shape that
    carries it, or on the person's first where that one went.
    """
    if not absent:
        return
    now = {change.names.get(name, name) for name in absent} - joints
    order = [name for name in change.new.keypoints if name in now]
    order += sorted(name for name in now if name is not None and name not in change.new.index)
    left = [i for i in members if shapes[i] is not None]
    carriers = [i for i in left if "absent" in cast("Shape", shapes[i]).extra] or left[:1]
    for place, index in enumerate(carriers):
        shape = cast("Shape", shapes[index])
        extra = {k: v for k, v in shape.extra.items() if k != "absent"}
        if order and place == 0:
            extra = {k: order if k == "absent" else v for k, v in shape.extra.items()}
            extra.setdefault("absent", order)
        if extra != dict(shape.extra):
            shapes[index] = replace(shape, extra=extra)


def _sort_joints(
    shapes: list[Shape | None], members: list[int], change: SkeletonChange, counts: Counter[str]
) -> None:
    """A person's joints in the new order, in the places where its joints stand."""
    if [n for n in change.old.keypoints if n in change.new.index] == [
        n for n in change.new.keypoints if n in change.old.index
    ] and not change.renamed:
        return
    places = [i for i in members if (s := shapes[i]) is not None and _joint_of(s, change.new)]
    here = [cast("Shape", shapes[i]) for i in places]
    ordered = sorted(here, key=lambda shape: change.new.index[shape.label])
    if ordered != here:
        counts["reordered"] += 1
        for place, shape in zip(places, ordered, strict=True):
            shapes[place] = shape
