"""What stands on the picture, prepared for drawing and for finding under the cursor."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter

from studio.core import people
from studio.core.annotation import OUTLINES, AnnotatedImage, Shape
from studio.core.geometry import HitMap, Segments, bounds, segment_distances
from studio.core.head import KEY, Matrix, head_of, head_rotation
from studio.core.skeleton import Skeleton
from studio.gui import style
from studio.gui.pages.annotate import painting
from studio.gui.pages.annotate.cube import paint_cube
from studio.gui.pages.annotate.view import View


class Limb(NamedTuple):
    """A limb by the shapes of its two joints; `edge` counts in the person's `skeleton`."""

    first: int
    second: int
    edge: int
    skeleton: Skeleton


@dataclass(frozen=True)
class Look:
    """What a person chose to see."""

    hidden_labels: frozenset[str] = frozenset()
    hide_all: bool = False
    names: bool = False


class Scene:
    """One content, the skeletons, one look. Made anew when any of them changes.

    `skeleton` is the one in hand; every person is drawn and hit with their own, see
    `skeleton_of`. `joints` maps a shape to its place in its person's skeleton.
    `live` maps shapes to how they stand while they are dragged; see `paint`.
    """

    def __init__(
        self,
        image: AnnotatedImage,
        skeleton: Skeleton,
        look: Look,
        before: HitMap | None = None,
        drawings: painting.Drawings | None = None,
        skeletons: Sequence[Skeleton] = (),
        person: int | None = None,
    ) -> None:
        """`before`, `drawings`: of the content before; what stayed is taken over. `skeletons`:
        what people may be made with, the likeliest first; `person`: who is worked on, with the
        skeleton in hand while nothing says otherwise.
        """
        self.image = image
        self.skeleton = skeleton
        self.look = look
        self.joints: dict[int, int] = {}
        self.groups: dict[int, list[int]] = {}
        self._people: dict[int, dict[int, int]] = {}
        self._skeletons: dict[int, Skeleton] = {}
        hidden: set[int] = set()
        for index, shape in enumerate(image.shapes):
            if look.hide_all or shape.label in look.hidden_labels:
                hidden.add(index)
            if shape.group_id is not None:
                self.groups.setdefault(shape.group_id, []).append(index)
            elif shape.shape_type == "point" and shape.points and shape.label in skeleton.index:
                self.joints[index] = skeleton.index[shape.label]
        self._find_people(skeletons or (skeleton,), person)
        self.hidden = frozenset(hidden)
        self.limbs = self._limbs()
        self.drawings = drawings or painting.Drawings()
        self.drawings.keep_only(image.shapes)
        self._limb_lines: painting.LimbLines | None = None
        self._hits: HitMap | None = None
        self._before = before
        self._limb_ends: tuple[np.ndarray, np.ndarray] | None = None
        self._near_limbs: Segments | None = None
        self._radius: dict[int, float] = {}

    def _find_people(self, skeletons: Sequence[Skeleton], person: int | None) -> None:
        shapes = self.image.shapes
        for group_id, own in self.groups.items():
            likely = (self.skeleton, *skeletons) if group_id == person else skeletons
            skeleton = people.fitting_skeleton((shapes[i] for i in own), likely)
            self._skeletons[group_id] = skeleton
            joints: dict[int, int] = {}
            for index in own:
                shape = shapes[index]
                joint = skeleton.index.get(shape.label) if shape.shape_type == "point" else None
                if joint is not None and shape.points:
                    self.joints[index] = joint
                    joints.setdefault(joint, index)
            self._people[group_id] = joints

    def skeleton_of(self, group_id: int | None) -> Skeleton:
        """The skeleton that a person has; the one in hand for nobody."""
        if group_id is None:
            return self.skeleton
        return self._skeletons.get(group_id, self.skeleton)

    def skeleton_at(self, index: int) -> Skeleton:
        """The skeleton of the person that a shape belongs to."""
        return self.skeleton_of(self.image.shapes[index].group_id)

    def _limbs(self) -> list[Limb]:
        found: list[Limb] = []
        for group_id, joints in self._people.items():
            skeleton = self._skeletons[group_id]
            for number, (a, b) in enumerate(skeleton.edges):
                if a in joints and b in joints:
                    first, second = joints[a], joints[b]
                    if first not in self.hidden and second not in self.hidden:
                        found.append(Limb(first, second, number, skeleton))
        return found

    # finding

    @property
    def hits(self) -> HitMap:
        """What lies where, hidden shapes left out."""
        if self._hits is None:
            self._hits = HitMap(self.image, self.hidden, self._before)
            self._before = None
        return self._hits

    @property
    def last_hits(self) -> HitMap | None:
        """The map that the next content's can take over from."""
        return self._hits or self._before

    def limb_at(self, x: float, y: float, radius: float) -> Limb | None:
        """The nearest limb within `radius` pixels of the picture."""
        if not self.limbs:
            return None
        if self._limb_ends is None:
            spots = [shape.points[0] if shape.points else (0.0, 0.0) for shape in self.image.shapes]
            self._limb_ends = (
                np.array([spots[limb.first] for limb in self.limbs], dtype=np.float64),
                np.array([spots[limb.second] for limb in self.limbs], dtype=np.float64),
            )
            self._near_limbs = Segments(*self._limb_ends)
        assert self._near_limbs is not None
        near = self._near_limbs.near(x, y, radius)
        if not len(near):
            return None
        starts, ends = self._limb_ends
        distance, _ = segment_distances(x, y, starts[near], ends[near])
        best = int(np.argmin(distance))
        return self.limbs[int(near[best])] if distance[best] <= radius else None

    def person_of(self, index: int) -> tuple[int, ...]:
        """All shapes of the person that the shape belongs to; itself where it has none."""
        group_id = self.image.shapes[index].group_id
        return (index,) if group_id is None else tuple(self.groups[group_id])

    def person_bounds(self, group_id: int) -> QRectF | None:
        """The box around a person on the picture."""
        shapes = (self.image.shapes[i] for i in self.groups.get(group_id, ()))
        around = bounds(p for s in shapes for p in s.points)
        return None if around is None else QRectF(QPointF(*around[:2]), QPointF(*around[2:]))

    # drawing

    def color_of(self, index: int) -> QColor:
        """The colour of a shape."""
        shape = self.image.shapes[index]
        if index in self.joints:
            return style.joint_color(self.skeleton_at(index), self.joints[index])
        if shape.group_id is not None and shape.shape_type in OUTLINES:
            return style.person_color(shape.group_id)
        return style.label_color(shape.label)

    def form_of(self, index: int) -> str:
        """The form of a point's mark."""
        if index not in self.joints:
            return "disc"
        return style.FORMS[self.skeleton_at(index).side(self.joints[index])]

    def paint(
        self,
        painter: QPainter,
        view: View,
        *,
        only: Collection[int] | None = None,
        without: Collection[int] = (),
        live: Mapping[int, Shape] | None = None,
        selected: Collection[int] = (),
        ratio: float = 1.0,
    ) -> None:
        """Draw the shapes (all, or `only` these, but not `without`), the limbs between them on
        top, the joints on top of those. A limb is drawn with the shapes of `only` where it
        touches one, else without.
        """
        moved = live or {}
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        points: list[tuple[int, Shape]] = []
        outlines: list[tuple[int, Shape]] = []
        indices = range(len(self.image.shapes)) if only is None else sorted(only)
        for index in indices:
            if index in self.hidden or index in without:
                continue
            shape = moved.get(index) or self.image.shapes[index]
            if not shape.points:
                continue
            (points if shape.shape_type == "point" else outlines).append((index, shape))
        painting.paint_outlines(self, painter, view, outlines, selected)
        painting.paint_limbs(painter, view, self._lines(only, without, moved))
        painting.paint_points(self, painter, view, points, selected, ratio)
        if only is None:
            self._paint_heads(painter, view, without)

    def _paint_heads(self, painter: QPainter, view: View, without: Collection[int]) -> None:
        for index, rotation in self._heads.items():
            group_id = self.image.shapes[index].group_id
            if group_id is not None and index not in self.hidden and index not in without:
                head = head_of(self.image, group_id)
                if head is not None:
                    paint_cube(painter, view, head, rotation)

    @cached_property
    def _heads(self) -> dict[int, Matrix]:
        """Head rotations by the shape that holds them."""
        found: dict[int, Matrix] = {}
        for index, shape in enumerate(self.image.shapes):
            if KEY in shape.extra and shape.group_id is not None:
                rotation = head_rotation(self.image, shape.group_id)
                if rotation is not None:
                    found[index] = rotation
        return found

    def _lines(
        self, only: Collection[int] | None, without: Collection[int], live: Mapping[int, Shape]
    ) -> painting.LimbLines:
        whole = only is None and not without and not live
        if whole and self._limb_lines is not None:
            return self._limb_lines
        limbs = (
            limb
            for limb in self.limbs
            if limb.first not in without
            and limb.second not in without
            and (only is None or limb.first in only or limb.second in only)
        )
        lines = painting.limb_lines(self.image.shapes, limbs, live)
        if whole:
            self._limb_lines = lines
        return lines

    def radius_of(self, index: int, view: View) -> float:
        """A joint's radius on the canvas: smaller on a small person, so that it stays legible."""
        group_id = self.image.shapes[index].group_id
        if group_id is None:
            return 4.5
        if group_id not in self._radius:
            box = self.person_bounds(group_id)
            self._radius[group_id] = 0.0 if box is None else max(box.width(), box.height())
        return round(min(max(self._radius[group_id] * view.scale / 60.0, 2.5), 5.0) * 2) / 2
