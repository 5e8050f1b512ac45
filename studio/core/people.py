"""What a person at the desk does with the people on a picture, each as one edit.

The functions read a picture and return the `Edit` that does what they are named after; nothing
here changes anything. A person is all shapes that share a group id. An index is a shape's place
in `AnnotatedImage.shapes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from studio.core.annotation import (
    HIDDEN,
    OUTLINES,
    VISIBLE,
    AnnotatedImage,
    Point,
    Shape,
)
from studio.core.edits import (
    Compound,
    Edit,
    InsertShapes,
    RemoveShapes,
    ReplaceShapes,
    compound,
)
from studio.core.geometry import bounds, rotated
from studio.core.options import N_
from studio.core.shape_edits import clipped
from studio.core.skeleton import Skeleton

Box = tuple[float, float, float, float]


def person_shapes(image: AnnotatedImage, group_id: int) -> tuple[int, ...]:
    """The indices of a person's shapes, in the file's order."""
    return tuple(i for i, s in enumerate(image.shapes) if s.group_id == group_id)


def fitting_skeleton(shapes: Iterable[Shape], skeletons: Sequence[Skeleton]) -> Skeleton:
    """Which of `skeletons` (at least one) a person's shapes are made with: one of the category
    that an outline says, and of those the one that knows most of the points; the earlier of two.
    """
    labels: set[str] = set()
    names: list[str] = []
    for shape in shapes:
        if shape.shape_type in OUTLINES:
            labels.add(shape.label)
        elif shape.shape_type == "point":
            names.append(shape.label)
    first = skeletons[0]
    if (not labels or first.category in labels) and all(name in first.index for name in names):
        return first
    return max(skeletons, key=lambda s: (s.category in labels, sum(n in s.index for n in names)))


def joints_of(image: AnnotatedImage, skeleton: Skeleton, group_id: int) -> dict[int, int]:
    """{joint: shape index} of a person; of a joint given twice the first counts."""
    found: dict[int, int] = {}
    for index in person_shapes(image, group_id):
        shape = image.shapes[index]
        joint = skeleton.index.get(shape.label)
        if shape.shape_type == "point" and shape.points and joint is not None:
            found.setdefault(joint, index)
    return found


def absent_of(image: AnnotatedImage, group_id: int) -> frozenset[str]:
    """The joints that are not there on purpose."""
    return frozenset(
        name
        for index in person_shapes(image, group_id)
        for name in _absent_list(image.shapes[index])
    )


def next_joint(
    image: AnnotatedImage, skeleton: Skeleton, group_id: int | None, after: int = -1
) -> int | None:
    """The next joint of a person that is neither set nor absent, round from `after`.

    None when all are dealt with. A person without any shape yet (or None) lacks them all.
    """
    done: set[int] = set()
    if group_id is not None:
        absent = absent_of(image, group_id)
        done = set(joints_of(image, skeleton, group_id))
        done |= {skeleton.index[name] for name in absent if name in skeleton.index}
    order = [*range(after + 1, len(skeleton)), *range(after + 1)]
    return next((joint for joint in order if joint not in done), None)


def set_joint(
    image: AnnotatedImage,
    skeleton: Skeleton,
    group_id: int,
    joint: int,
    point: Point,
    *,
    hidden: bool = False,
) -> Edit:
    """The joint at `point`: moved where it is set already, else added to the person.

    A new joint stands in the skeleton's order among the person's joints, so that the file reads
    the same whichever was clicked first. A joint that was absent no longer is.
    """
    name = skeleton.keypoints[joint]
    joints = joints_of(image, skeleton, group_id)
    if joint in joints:
        index = joints[joint]
        before = image.shapes[index]
        after = replace(before, points=(point,))
        if after.occluded != hidden:
            after = after.with_occluded(hidden)
        return ReplaceShapes(((index, before, after),), title=N_("Move joint"))
    flags: dict[str, Any] = {"occluded": True} if hidden else {}
    shape = Shape(name, "point", (point,), group_id, flags=flags)
    edits = _absent_edits(image, group_id, absent_of(image, group_id) - {name})
    insert = InsertShapes(((_joint_place(image, skeleton, group_id, joint), shape),))
    return compound([*edits, insert], title=N_("Add joint"))


def _joint_place(image: AnnotatedImage, skeleton: Skeleton, group_id: int, joint: int) -> int:
    before = [i for j, i in joints_of(image, skeleton, group_id).items() if j < joint]
    if before:
        return max(before) + 1
    after = [i for j, i in joints_of(image, skeleton, group_id).items() if j > joint]
    if after:
        return min(after)
    own = person_shapes(image, group_id)
    return own[-1] + 1 if own else len(image.shapes)


def set_absent(
    image: AnnotatedImage,
    skeleton: Skeleton,
    group_id: int,
    joints: Iterable[int],
    absent: bool = True,
) -> Edit:
    """Joints marked "not there on purpose" (their points go), or "not set yet" again.

    The list stands on the person's first outline; on its first joint where it has none. A
    person with no shape left cannot carry it: then only the points go.
    """
    chosen = list(joints)
    names = {skeleton.keypoints[j] for j in chosen}
    wanted = absent_of(image, group_id)
    wanted = wanted | names if absent else wanted - names
    here = joints_of(image, skeleton, group_id)
    gone = sorted(here[j] for j in chosen if absent and j in here)
    remove = RemoveShapes(tuple((i, image.shapes[i]) for i in gone))
    left = remove.apply(image)
    ordered = _absent_edits(left, group_id, wanted, skeleton)
    title = N_("Mark absent") if absent else N_("Mark not set")
    return compound([remove, *ordered], title=title)


def delete_shapes(image: AnnotatedImage, indices: Iterable[int]) -> Edit:
    """The shapes removed; a person's list of absent joints moves to a shape that stays."""
    gone = sorted(set(indices))
    remove = RemoveShapes(tuple((i, image.shapes[i]) for i in gone))
    left = remove.apply(image)
    edits: list[Edit] = [remove]
    for group_id in {image.shapes[i].group_id for i in gone if _absent_list(image.shapes[i])}:
        if group_id is not None:
            edits += _absent_edits(left, group_id, absent_of(image, group_id))
    title = N_("Delete shape") if len(gone) == 1 else N_("Delete shapes")
    return compound(edits, title=title)


def delete_person(image: AnnotatedImage, group_id: int) -> Edit:
    """All shapes of a person removed."""
    own = person_shapes(image, group_id)
    return RemoveShapes(tuple((i, image.shapes[i]) for i in own), title=N_("Delete person"))


def paste(image: AnnotatedImage, shapes: Sequence[Shape], offset: Point = (0.0, 0.0)) -> Edit:
    """Copies of `shapes` on top, moved by `offset`; each person among them becomes a new one.

    A copy keeps its id where that id is free here: a person taken to the next frame stays the
    same person.
    """
    used = set(image.group_ids())
    ids: dict[int, int] = {}
    fresh = max(used, default=0) + 1
    copies: list[Shape] = []
    for shape in shapes:
        group_id = shape.group_id
        if group_id is not None:
            if group_id not in ids:
                ids[group_id] = group_id if group_id not in used else fresh
                fresh = max(fresh, ids[group_id] + 1)
            group_id = ids[group_id]
        moved = tuple((x + offset[0], y + offset[1]) for x, y in shape.points)
        copies.append(replace(shape, points=moved, group_id=group_id))
    start = len(image.shapes)
    return InsertShapes(tuple((start + n, s) for n, s in enumerate(copies)), title=N_("Paste"))


def duplicate(image: AnnotatedImage, indices: Iterable[int], offset: Point = (10.0, 10.0)) -> Edit:
    """Copies of shapes of this picture beside them, as new people."""
    edit = paste(image, [image.shapes[i] for i in sorted(set(indices))], offset)
    return replace(edit, title=N_("Duplicate"))


def mirror_names(image: AnnotatedImage, skeleton: Skeleton, group_id: int) -> Edit:
    """Left and right exchanged in the names of a person's joints; nothing moves."""
    flip = skeleton.flip_idx
    names = {n: skeleton.keypoints[flip[i]] for n, i in skeleton.index.items() if flip[i] != i}
    items: list[tuple[int, Shape, Shape]] = []
    for index in person_shapes(image, group_id):
        shape = image.shapes[index]
        after = shape
        if shape.shape_type == "point" and shape.label in names:
            after = replace(shape, label=names[shape.label])
        listed = _absent_list(shape)
        if any(name in names for name in listed):
            other = [names.get(name, name) for name in listed]
            after = replace(after, extra={**shape.extra, "absent": other})
        if after is not shape:
            items.append((index, shape, after))
    return ReplaceShapes(tuple(items), title=N_("Mirror left and right"))


def fit_box(image: AnnotatedImage, skeleton: Skeleton, group_id: int, margin: float = 0.0) -> Edit:
    """The person's box set around its outline, else around its joints with `margin` (a part of
    the longer side) on each side, inside the picture. Empty where the person has neither.

    The box is made where there is none; joints never move with it.
    """
    own = [image.shapes[i] for i in person_shapes(image, group_id)]
    outline = [p for s in own if s.shape_type == "polygon" for p in s.points]
    joints = [p for s in own if s.shape_type == "point" for p in s.points]
    around = bounds(outline or joints)
    if around is None:
        return Compound((), title=N_("Fit box"))
    x1, y1, x2, y2 = around
    pad = 0.0 if outline else margin * max(x2 - x1, y2 - y1)
    corners = clipped(((x1 - pad, y1 - pad), (x2 + pad, y2 + pad)), image.width, image.height)
    for index in person_shapes(image, group_id):
        shape = image.shapes[index]
        if shape.shape_type == "rectangle" and shape.label == skeleton.category:
            after = replace(shape, points=corners)
            return ReplaceShapes(((index, shape, after),), title=N_("Fit box"))
    first = person_shapes(image, group_id)[0]
    box = Shape(skeleton.category, "rectangle", corners, group_id)
    edits: list[Edit] = [InsertShapes(((first, box),))]
    edits += _absent_edits(edits[0].apply(image), group_id, absent_of(image, group_id), skeleton)
    return compound(edits, title=N_("Fit box"))


def template_person(image: AnnotatedImage, skeleton: Skeleton, box: Box) -> Edit:
    """A new person: the skeleton's template stretched into the box x1, y1, x2, y2, and the box.

    A skeleton without a template sets its joints on an ellipse.
    """
    x1, y1 = min(box[0], box[2]), min(box[1], box[3])
    x2, y2 = max(box[0], box[2]), max(box[1], box[3])
    group_id = image.next_group_id()
    shapes = [Shape(skeleton.category, "rectangle", ((x1, y1), (x2, y2)), group_id)]
    for name, (u, v) in zip(skeleton.keypoints, template_of(skeleton), strict=True):
        point = (x1 + u * (x2 - x1), y1 + v * (y2 - y1))
        shapes.append(Shape(name, "point", (point,), group_id))
    start = len(image.shapes)
    items = tuple((start + n, s) for n, s in enumerate(shapes))
    return InsertShapes(items, title=N_("Add template person"))


def template_of(skeleton: Skeleton) -> tuple[Point, ...]:
    """A figure to start from: one (x, y) a joint in a unit box; an ellipse without a template."""
    if skeleton.template:
        return skeleton.template
    step = 360.0 / len(skeleton)
    return tuple(rotated([(0.5, 0.1)], (0.5, 0.5), n * step)[0] for n in range(len(skeleton)))


def visibility(image: AnnotatedImage, skeleton: Skeleton, group_id: int, joint: int) -> int | None:
    """2 visible, 1 hidden, 0 absent on purpose, None not set yet."""
    index = joints_of(image, skeleton, group_id).get(joint)
    if index is not None:
        return HIDDEN if image.shapes[index].occluded else VISIBLE
    return 0 if skeleton.keypoints[joint] in absent_of(image, group_id) else None


def _absent_list(shape: Shape) -> list[str]:
    listed = shape.extra.get("absent")
    if not isinstance(listed, list | tuple):
        return []
    return [str(name) for name in cast("Sequence[Any]", listed)]


def _absent_edits(
    image: AnnotatedImage,
    group_id: int,
    names: frozenset[str] | set[str],
    skeleton: Skeleton | None = None,
) -> list[Edit]:
    """The edits that leave exactly `names` on the person's carrying shape and none elsewhere."""
    own = person_shapes(image, group_id)
    outlines = [i for i in own if image.shapes[i].shape_type in OUTLINES]
    carrier = next(iter([*outlines, *own]), None)
    rank: Mapping[str, int] = skeleton.index if skeleton is not None else {}
    ordered = sorted(names, key=lambda name: (rank.get(name, len(rank)), name))
    items: list[tuple[int, Shape, Shape]] = []
    for index in own:
        shape = image.shapes[index]
        listed = ordered if index == carrier else []
        if set(_absent_list(shape)) == set(listed):
            continue
        extra = {k: v for k, v in shape.extra.items() if k != "absent"}
        if listed:
            extra["absent"] = listed
        items.append((index, shape, replace(shape, extra=extra)))
    return [ReplaceShapes(tuple(items))] if items else []
