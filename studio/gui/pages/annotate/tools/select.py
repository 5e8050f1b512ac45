"""Select, move, turn and mend what is there."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from studio.core import people, shape_edits
from studio.core.edits import Edit
from studio.core.geometry import Hit
from studio.core.options import N_
from studio.gui import style
from studio.gui.pages.annotate.tools.base import CLICK, Pointer, Tool
from studio.gui.theme import theme


class Drag(Enum):
    """What a press has taken hold of."""

    HANDLE = auto()
    SHAPES = auto()
    TURN = auto()
    NEW_CORNER = auto()
    BAND = auto()


@dataclass
class Grip:
    """A press that may become a drag."""

    kind: Drag
    start: Pointer
    shapes: tuple[int, ...] = ()
    hit: Hit | None = None
    centre: tuple[float, float] = (0.0, 0.0)
    dragged: bool = False


class SelectTool(Tool):
    """Click selects, drag moves: a joint, a corner, a limb, a shape; with Shift the whole person,
    with Alt the person turns (and scales with Shift).
    """

    id = "select"
    title = N_("Select and edit")
    icon = "cursor-default-outline"
    shortcut = "Ctrl+J"
    help = N_("Drag joints, limbs, corners · Shift: whole person · Alt: turn · Q hidden · O absent")
    draws = False

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self._grip: Grip | None = None
        self._edge: Hit | None = None

    def cursor(self) -> Qt.CursorShape:
        if self._grip is not None and self._grip.dragged:
            return Qt.CursorShape.ClosedHandCursor
        if self._edge is not None or self.canvas.hovered is not None:
            return Qt.CursorShape.PointingHandCursor
        return Qt.CursorShape.ArrowCursor

    # the press

    def press(self, pointer: Pointer) -> None:
        if pointer.button == Qt.MouseButton.RightButton:
            self._take(pointer)
            self.canvas.menu_asked.emit(pointer.spot.toPoint())
            return
        if not pointer.left:
            return
        chosen = self.document.selection
        found = self._find(pointer)
        if found is None:
            if not pointer.control:
                self.document.select([])
                self.editor.set_person(None)
            self._grip = Grip(Drag.BAND, pointer)
            return
        hit, shapes = found
        if pointer.control:
            self._toggle(shapes)
            return
        person = self._person(shapes)
        if pointer.alt and hit is not None and hit.kind == "edge" and self._has_corners(hit):
            self._grip = Grip(Drag.NEW_CORNER, pointer, shapes, hit)
        elif pointer.alt:
            self._grip = Grip(Drag.TURN, pointer, person, centre=self._centre(person))
        elif pointer.shift:
            self._grip = Grip(Drag.SHAPES, pointer, person)
        elif hit is not None and hit.kind == "vertex" and len(chosen) <= 1:
            self._grip = Grip(Drag.HANDLE, pointer, shapes, hit)
        elif set(shapes) <= set(chosen):
            self._grip = Grip(Drag.SHAPES, pointer, chosen)
        elif hit is not None and hit.kind == "vertex":
            self._grip = Grip(Drag.HANDLE, pointer, shapes, hit)
        else:
            self._grip = Grip(Drag.SHAPES, pointer, shapes)
        if not set(shapes) <= set(chosen):
            self.document.select(person if pointer.shift or pointer.alt else shapes)

    def _find(self, pointer: Pointer) -> tuple[Hit | None, tuple[int, ...]] | None:
        """What is under the cursor: a handle, a limb, an edge or an inside, and its shapes."""
        scene = self.editor.scene
        hit = self.hit_vertex(pointer)
        if hit is not None:
            return hit, (hit.shape,)
        limb = scene.limb_at(pointer.x, pointer.y, self.reach * 0.7)
        if limb is not None:
            return None, (limb.first, limb.second)
        hit = scene.hits.edge(pointer.x, pointer.y, self.reach * 0.7)
        hit = hit or scene.hits.inside(pointer.x, pointer.y)
        return None if hit is None else (hit, (hit.shape,))

    def _take(self, pointer: Pointer) -> None:
        """Select what is under the cursor, unless it is part of the selection."""
        found = self._find(pointer)
        if found is not None and not set(found[1]) <= set(self.document.selection):
            self.document.select(found[1])

    def _toggle(self, shapes: tuple[int, ...]) -> None:
        chosen = self.document.selection
        if set(shapes) <= set(chosen):
            self.document.select(i for i in chosen if i not in shapes)
        else:
            self.document.select([*chosen, *shapes])

    def _person(self, shapes: tuple[int, ...]) -> tuple[int, ...]:
        own = [i for index in shapes for i in self.editor.scene.person_of(index)]
        return tuple(dict.fromkeys(own))

    def _centre(self, shapes: tuple[int, ...]) -> tuple[float, float]:
        points = [p for i in shapes for p in self.document.content.shapes[i].points]
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        return (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2

    def _has_corners(self, hit: Hit) -> bool:
        kind = self.document.content.shapes[hit.shape].shape_type
        return kind in ("polygon", "linestrip")

    # the drag

    def move(self, pointer: Pointer) -> None:
        grip = self._grip
        if grip is None:
            self._hover_edge(pointer)
            return
        away = pointer.spot - grip.start.spot
        if not grip.dragged and math.hypot(away.x(), away.y()) < CLICK:
            return
        grip.dragged = True
        self.canvas.hovered = None
        if grip.kind is not Drag.BAND:
            self.preview(self._edit(grip, pointer))

    def _hover_edge(self, pointer: Pointer) -> None:
        """The spot where a selected polygon would get a new corner."""
        self._edge = None
        chosen = self.document.selection
        if len(chosen) == 1 and self.canvas.hovered is None:
            hit = self.editor.scene.hits.edge(pointer.x, pointer.y, self.reach * 0.7, chosen)
            if hit is not None and self._has_corners(hit):
                self._edge = hit

    def _edit(self, grip: Grip, pointer: Pointer) -> Edit:
        content = self.document.content
        dx, dy = pointer.x - grip.start.x, pointer.y - grip.start.y
        makers: dict[Drag, Callable[[], Edit]] = {
            Drag.HANDLE: lambda: self._handle_edit(grip, dx, dy),
            Drag.SHAPES: lambda: shape_edits.move_shapes(
                content, grip.shapes, (dx, dy), title=self._move_title(grip.shapes)
            ),
            Drag.TURN: lambda: self._turn_edit(grip, pointer),
            Drag.NEW_CORNER: lambda: self._corner_edit(grip, pointer),
        }
        return makers[grip.kind]()

    def _handle_edit(self, grip: Grip, dx: float, dy: float) -> Edit:
        assert grip.hit is not None
        x, y = grip.hit.at
        return shape_edits.move_handle(
            self.document.content, grip.hit.shape, grip.hit.part, (x + dx, y + dy)
        )

    def _corner_edit(self, grip: Grip, pointer: Pointer) -> Edit:
        assert grip.hit is not None
        return shape_edits.insert_vertex(
            self.document.content, grip.hit.shape, grip.hit.part, pointer.point
        )

    def _turn_edit(self, grip: Grip, pointer: Pointer) -> Edit:
        cx, cy = grip.centre
        start, now = grip.start, pointer
        before = math.hypot(start.x - cx, start.y - cy)
        scale = math.hypot(now.x - cx, now.y - cy) / before if before > 1e-6 else 1.0
        turn = math.atan2(now.y - cy, now.x - cx) - math.atan2(start.y - cy, start.x - cx)
        if pointer.shift:
            turn = 0.0
        else:
            scale = 1.0
        return shape_edits.turn_shapes(
            self.document.content, grip.shapes, grip.centre, math.degrees(turn), max(scale, 0.02)
        )

    def _move_title(self, shapes: tuple[int, ...]) -> str:
        content = self.document.content
        groups = {content.shapes[i].group_id for i in shapes}
        if len(shapes) == 2 and all(i in self.editor.scene.joints for i in shapes):
            return N_("Move limb")
        if len(groups) == 1 and len(shapes) > 2:
            return N_("Move person")
        return N_("Move shape") if len(shapes) == 1 else N_("Move shapes")

    def release(self, pointer: Pointer) -> None:
        grip, self._grip = self._grip, None
        self.preview(None)
        if grip is None:
            return
        if grip.kind is Drag.BAND:
            if grip.dragged:
                self._select_band(grip.start, pointer)
        elif grip.dragged:
            self.editor.apply(self._edit(grip, pointer))
        elif grip.kind is Drag.NEW_CORNER:
            self.editor.apply(self._corner_edit(grip, pointer))
        elif not (pointer.shift or pointer.alt) and len(self.document.selection) > 1:
            found = self._find(pointer)
            # A click, not a drag, on one of several takes that one alone.
            if found is not None:
                self.document.select(found[1])

    def _select_band(self, start: Pointer, end: Pointer) -> None:
        found = self.editor.scene.hits.within(start.x, start.y, end.x, end.y)
        self.document.select([*(self.document.selection if end.control else ()), *found])

    def double(self, pointer: Pointer) -> None:
        self._grip = None
        found = self._find(pointer)
        if found is None:
            return
        hit, shapes = found
        if hit is not None and hit.kind == "edge" and self._has_corners(hit):
            edit = shape_edits.insert_vertex(
                self.document.content, hit.shape, hit.part, pointer.point
            )
            self.editor.apply(edit)
        else:
            self.document.select(self._person(shapes))

    # the keys

    def cancel(self) -> None:
        if self._grip is None and self.document.selection and self.pointer is not None:
            self.document.select([])
        self._grip = None
        self._edge = None
        self.preview(None)

    def enter(self) -> None:
        self._grip = None
        self._edge = None
        self.preview(None)

    def leave(self) -> None:
        self.enter()

    def content_changed(self) -> None:
        self._edge = None

    def back(self) -> None:
        """Remove the corner under the cursor; else the selected shapes."""
        hit = None if self.pointer is None else self.hit_vertex(self.pointer)
        if hit is None:
            self.delete()
            return
        content = self.document.content
        kind = content.shapes[hit.shape].shape_type
        if kind in ("polygon", "linestrip"):
            self.editor.apply(shape_edits.remove_vertex(content, hit.shape, hit.part))
        else:
            self.editor.apply(people.delete_shapes(content, [hit.shape]))

    # drawing

    def paint(self, painter: QPainter) -> None:
        grip = self._grip
        if grip is not None and grip.kind is Drag.BAND and grip.dragged and self.pointer:
            fill = QColor(theme.color("accent"))
            fill.setAlpha(40)
            painter.setBrush(fill)
            painter.setPen(style.pen(theme.color("accent"), 1.2))
            painter.drawRect(QRectF(grip.start.spot, self.pointer.spot).normalized())
        elif grip is not None and grip.kind is Drag.TURN:
            centre = self.canvas.view.to_canvas(*grip.centre)
            painter.setPen(style.pen(theme.color("overlay_light"), 1.2, dashed=True))
            if self.pointer is not None:
                painter.drawLine(centre, self.pointer.spot)
            painter.setBrush(theme.color("overlay_dark"))
            painter.drawEllipse(centre, 4.0, 4.0)
        if self._edge is not None and grip is None:
            spot = self.canvas.view.to_canvas(*self._edge.at)
            painter.setPen(style.pen(theme.color("overlay_dark"), 1.2))
            painter.setBrush(theme.color("overlay_light"))
            painter.drawEllipse(QPointF(spot), 3.6, 3.6)
