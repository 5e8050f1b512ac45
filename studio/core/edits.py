"""Edits of an annotated picture, as pure values that apply and revert.

An edit holds what stood before and what stands after, so that it can be undone exactly, written
to the journal, and refused where the picture is no longer the one it was made on. Every kind
says its own inverse; reverting is applying that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from studio.core.annotation import AnnotatedImage, Point, Shape
from studio.core.errors import DataError
from studio.core.options import N_

# (shape, point, before, after): indices into the shapes and into that shape's points.
PointMove = tuple[int, int, Point, Point]


@dataclass(frozen=True)
class Edit:
    """Base of every edit.

    `title` is the English source of what an undo list shows. Edits that follow each other with
    the same, non-empty `gesture` are one to the person who made them, see `merged`.
    """

    title: str = field(default="", kw_only=True)
    gesture: str = field(default="", kw_only=True)

    def apply(self, image: AnnotatedImage) -> AnnotatedImage:
        """The picture after the edit. Raises DataError where it does not fit `image`."""
        raise NotImplementedError

    def inverse(self) -> Edit:
        """The edit that takes this one back."""
        raise NotImplementedError

    def revert(self, image: AnnotatedImage) -> AnnotatedImage:
        """The picture before the edit. Raises DataError where it does not fit `image`."""
        return self.inverse().apply(image)

    def follow(self, index: int) -> int | None:
        """Where the shape at `index` stands after the edit; None where it is gone."""
        return index

    def changed(self) -> tuple[int, ...]:
        """The shapes, by their index after the edit, that it added or changed."""
        return ()

    @property
    def is_empty(self) -> bool:
        """Whether the edit changes nothing at all."""
        return False


@dataclass(frozen=True)
class InsertShapes(Edit):
    """Adds shapes; each item is (index after the edit, shape), the indices ascending."""

    items: tuple[tuple[int, Shape], ...]
    title: str = field(default=N_("Add shape"), kw_only=True)

    def apply(self, image: AnnotatedImage) -> AnnotatedImage:
        shapes = list(image.shapes)
        for index, shape in self.items:
            if not 0 <= index <= len(shapes):
                raise _misfit(image)
            shapes.insert(index, shape)
        return replace(image, shapes=tuple(shapes))

    def inverse(self) -> RemoveShapes:
        return RemoveShapes(self.items, title=self.title, gesture=self.gesture)

    def follow(self, index: int) -> int | None:
        for inserted, _ in self.items:
            if inserted <= index:
                index += 1
        return index

    def changed(self) -> tuple[int, ...]:
        return tuple(index for index, _ in self.items)

    @property
    def is_empty(self) -> bool:
        return not self.items


@dataclass(frozen=True)
class RemoveShapes(Edit):
    """Removes shapes; each item is (index before the edit, shape), the indices ascending."""

    items: tuple[tuple[int, Shape], ...]
    title: str = field(default=N_("Delete shape"), kw_only=True)

    def apply(self, image: AnnotatedImage) -> AnnotatedImage:
        shapes = list(image.shapes)
        for index, shape in reversed(self.items):
            _expect(image, index, shape)
            del shapes[index]
        return replace(image, shapes=tuple(shapes))

    def inverse(self) -> InsertShapes:
        return InsertShapes(self.items, title=self.title, gesture=self.gesture)

    def follow(self, index: int) -> int | None:
        removed = [i for i, _ in self.items]
        if index in removed:
            return None
        return index - sum(i < index for i in removed)

    @property
    def is_empty(self) -> bool:
        return not self.items


@dataclass(frozen=True)
class ReplaceShapes(Edit):
    """Changes shapes where they stand; each item is (index, before, after)."""

    items: tuple[tuple[int, Shape, Shape], ...]
    title: str = field(default=N_("Change shape"), kw_only=True)

    def apply(self, image: AnnotatedImage) -> AnnotatedImage:
        shapes = list(image.shapes)
        for index, before, after in self.items:
            _expect(image, index, before)
            shapes[index] = after
        return replace(image, shapes=tuple(shapes))

    def inverse(self) -> ReplaceShapes:
        return replace(self, items=tuple((i, after, before) for i, before, after in self.items))

    def changed(self) -> tuple[int, ...]:
        return tuple(index for index, _, _ in self.items)

    @property
    def is_empty(self) -> bool:
        return all(before == after for _, before, after in self.items)


@dataclass(frozen=True)
class MovePoints(Edit):
    """Moves points of shapes; pixels of the upright picture."""

    moves: tuple[PointMove, ...]
    title: str = field(default=N_("Move"), kw_only=True)

    def apply(self, image: AnnotatedImage) -> AnnotatedImage:
        points: dict[int, list[Point]] = {}
        for index, number, before, after in self.moves:
            if not 0 <= index < len(image.shapes):
                raise _misfit(image)
            moved = points.setdefault(index, list(image.shapes[index].points))
            if not 0 <= number < len(moved) or moved[number] != before:
                raise _misfit(image)
            moved[number] = after
        shapes = list(image.shapes)
        for index, moved in points.items():
            shapes[index] = replace(shapes[index], points=tuple(moved))
        return replace(image, shapes=tuple(shapes))

    def inverse(self) -> MovePoints:
        return replace(
            self, moves=tuple((i, n, after, before) for i, n, before, after in self.moves)
        )

    def changed(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(move[0] for move in self.moves))

    @property
    def is_empty(self) -> bool:
        return all(before == after for _, _, before, after in self.moves)


@dataclass(frozen=True)
class ReorderShapes(Edit):
    """Puts the shapes into another order: `order[i]` is the old index of the new shape i."""

    order: tuple[int, ...]
    title: str = field(default=N_("Reorder shapes"), kw_only=True)

    def apply(self, image: AnnotatedImage) -> AnnotatedImage:
        if sorted(self.order) != list(range(len(image.shapes))):
            raise _misfit(image)
        return replace(image, shapes=tuple(image.shapes[i] for i in self.order))

    def inverse(self) -> ReorderShapes:
        back = [0] * len(self.order)
        for new, old in enumerate(self.order):
            back[old] = new
        return replace(self, order=tuple(back))

    def follow(self, index: int) -> int | None:
        return self.order.index(index)

    @property
    def is_empty(self) -> bool:
        return self.order == tuple(range(len(self.order)))


@dataclass(frozen=True)
class SetImageFlags(Edit):
    """Sets the flags of the whole picture, such as `reviewed`."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    title: str = field(default=N_("Set picture flag"), kw_only=True)

    def apply(self, image: AnnotatedImage) -> AnnotatedImage:
        if image.flags != self.before:
            raise _misfit(image)
        return replace(image, flags=self.after)

    def inverse(self) -> SetImageFlags:
        return replace(self, before=self.after, after=self.before)

    @property
    def is_empty(self) -> bool:
        return self.before == self.after


@dataclass(frozen=True)
class ReplaceContent(Edit):
    """Sets the whole content: a picture read again from its file, or restored after a crash."""

    before: AnnotatedImage
    after: AnnotatedImage
    title: str = field(default=N_("Restore annotations"), kw_only=True)

    def apply(self, image: AnnotatedImage) -> AnnotatedImage:
        before = self.before
        if image != before:
            alike = len(image.shapes) == len(before.shapes) and all(
                _same(a, b) for a, b in zip(image.shapes, before.shapes, strict=True)
            )
            if not alike or _frame(image) != _frame(before):
                raise _misfit(image)
        return self.after

    def inverse(self) -> ReplaceContent:
        return replace(self, before=self.after, after=self.before)

    def follow(self, index: int) -> int | None:  # noqa: ARG002 - every shape is another one now
        return None

    @property
    def is_empty(self) -> bool:
        return self.before == self.after


@dataclass(frozen=True)
class Compound(Edit):
    """Several edits as one; each was made on the picture as the one before it left it."""

    edits: tuple[Edit, ...]
    title: str = field(default=N_("Several changes"), kw_only=True)

    def apply(self, image: AnnotatedImage) -> AnnotatedImage:
        for edit in self.edits:
            image = edit.apply(image)
        return image

    def inverse(self) -> Compound:
        return replace(self, edits=tuple(edit.inverse() for edit in reversed(self.edits)))

    def follow(self, index: int) -> int | None:
        place: int | None = index
        for edit in self.edits:
            place = None if place is None else edit.follow(place)
        return place

    def changed(self) -> tuple[int, ...]:
        indices: list[int] = []
        for edit in self.edits:
            moved = (edit.follow(i) for i in indices)
            indices = [i for i in moved if i is not None]
            indices += [i for i in edit.changed() if i not in indices]
        return tuple(indices)

    @property
    def is_empty(self) -> bool:
        return all(edit.is_empty for edit in self.edits)


def compound(edits: Iterable[Edit], *, title: str, gesture: str = "") -> Edit:
    """The edits as one: the only one itself where there is one, with the new title."""
    kept = tuple(edit for edit in edits if not edit.is_empty)
    if len(kept) == 1:
        return replace(kept[0], title=title, gesture=gesture)
    return Compound(kept, title=title, gesture=gesture)


def merged(first: Edit, second: Edit) -> Edit | None:
    """One edit in the place of two that belong to one gesture, or None where they do not.

    They do where both name the same gesture and touch the same things: a joint nudged by the
    arrow keys ten times is one step back.
    """
    if not first.gesture or first.gesture != second.gesture:
        return None
    match first, second:
        case MovePoints(), MovePoints():
            if [m[:2] for m in first.moves] != [m[:2] for m in second.moves]:
                return None
            pairs = zip(first.moves, second.moves, strict=True)
            return replace(first, moves=tuple((*a[:3], b[3]) for a, b in pairs))
        case ReplaceShapes(), ReplaceShapes():
            if [item[0] for item in first.items] != [item[0] for item in second.items]:
                return None
            both = zip(first.items, second.items, strict=True)
            return replace(first, items=tuple((*a[:2], b[2]) for a, b in both))
        case SetImageFlags(), SetImageFlags():
            return replace(first, after=second.after)
        case ReplaceContent(), ReplaceContent():
            return replace(first, after=second.after)
        case _:
            return None


def _expect(image: AnnotatedImage, index: int, shape: Shape) -> None:
    if not 0 <= index < len(image.shapes) or not _same(image.shapes[index], shape):
        raise _misfit(image)


def _same(a: Shape, b: Shape) -> bool:
    """Whether two shapes say the same: a new shape comes back from its file with an order of
    keys and an empty description, and a journal's steps must fit either.
    """
    return a == b or _plain(a) == _plain(b)


def _plain(shape: Shape) -> Shape:
    return replace(shape, description=shape.description or None, key_order=())


def _frame(image: AnnotatedImage) -> AnnotatedImage:
    return replace(image, shapes=(), key_order=())


def _misfit(image: AnnotatedImage) -> DataError:
    return DataError(
        "This step was made on other annotations than the picture has now.",
        where=image.image_path,
        hint="The file was changed by another program; the step is dropped.",
    )
