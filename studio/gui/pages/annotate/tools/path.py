"""Shapes of any number of corners, clicked one after the other: polygons and line strips."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPolygonF

from studio.core.annotation import OUTLINES
from studio.core.options import N_
from studio.gui import style
from studio.gui.i18n import tr
from studio.gui.pages.annotate.tools.base import REACH, Pointer, Tool
from studio.gui.theme import theme


class PathTool(Tool):
    """Click the corners; Enter, a double click, or a click on the first one ends. A polygon drawn
    while a person is in hand is another part of that person; who gets it stands beside the
    cursor, and Enter or Esc without a corner, or the action "New person", lets go of them.
    """

    kind = "linestrip"
    least = 2

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._corners: list[tuple[float, float]] = []

    def enter(self) -> None:
        self._drop()

    def leave(self) -> None:
        self._drop()

    def hint(self) -> str:
        if not self._corners:
            group_id = self._group()
            if group_id is None or group_id != self.editor.person:
                return tr(self.help)
            return tr("Click the corners · part of person {id} · J: new person", id=group_id)
        return tr("Click the next corner · Enter: done · Backspace: back · Esc: drop")

    def press(self, pointer: Pointer) -> None:
        if pointer.button == Qt.MouseButton.RightButton:
            self.finish()
        elif pointer.left:
            if self._closes(pointer):
                self.finish()
            else:
                self._corners.append(pointer.point)
                self.canvas.view_changed.emit()

    def double(self, pointer: Pointer) -> None:
        # The second press of the double click added the last corner twice.
        if len(self._corners) > 1 and self._near(self._corners[-2], pointer):
            self._corners.pop()
        self.finish()

    def finish(self) -> None:
        if len(self._corners) >= self.least:
            corners, self._corners = self._corners, []
            self.editor.add(self.kind, corners)
        elif self._corners:
            self.editor.said.emit(
                tr("This shape needs at least {count} corners.", count=self.least)
            )

        elif self._in_hand():
            self.editor.new_person()

    def cancel(self) -> None:
        if self._corners:
            self._drop()
        elif self._in_hand():
            self.editor.new_person()

    def _drop(self) -> None:
        self._corners = []
        self.canvas.update()

    def _group(self) -> int | None:
        """Whose outline it becomes."""
        return self.editor.group_for_outline(self.kind) if self.kind in OUTLINES else None

    def _in_hand(self) -> bool:
        return self.kind in OUTLINES and self._group() in self.document.content.group_ids()

    def back(self) -> None:
        if self._corners:
            self._corners.pop()
            self.canvas.update()

    def _near(self, corner: tuple[float, float], pointer: Pointer) -> bool:
        away = self.canvas.view.to_canvas(*corner) - pointer.spot
        return math.hypot(away.x(), away.y()) < REACH

    def _closes(self, pointer: Pointer) -> bool:
        return (
            self.kind == "polygon"
            and len(self._corners) >= self.least
            and self._near(self._corners[0], pointer)
        )

    def paint(self, painter: QPainter) -> None:
        self._paint_owner(painter)
        if not self._corners:
            return
        spots = [self.canvas.view.to_canvas(*corner) for corner in self._corners]
        closes = self.pointer is not None and self._closes(self.pointer)
        line = [*spots, spots[0] if closes else self.pointer.spot] if self.pointer else spots
        group_id = self._group()
        own = style.label_color(self.editor.label)
        own = own if group_id is None else style.person_color(group_id)
        color = theme.color("accent") if closes else own
        if self.kind == "polygon" and len(line) > 2:
            fill = QColor(color)
            fill.setAlpha(40)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(fill)
            painter.drawPolygon(QPolygonF(line))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen_color, width in ((theme.color("overlay_dark"), 3.6), (color, 1.8)):
            painter.setPen(style.pen(pen_color, width))
            painter.drawPolyline(QPolygonF(line))
        painter.setPen(style.pen(theme.color("overlay_dark"), 1.2))
        for number, spot in enumerate(spots):
            large = number == 0 and closes
            painter.setBrush(color if large else theme.color("overlay_light"))
            painter.drawEllipse(QPointF(spot), 6.0 if large else 3.6, 6.0 if large else 3.6)

    def _paint_owner(self, painter: QPainter) -> None:
        """Who gets the outline, beside the cursor."""
        group_id = self._group()
        if group_id is None or self.pointer is None:
            return
        there = group_id in self.document.content.group_ids()
        style.tag(
            painter,
            self.pointer.spot + style.BESIDE,
            tr("Person {id}", id=group_id) if there else tr("New person"),
            color=style.person_color(group_id),
            bounds=self.canvas.rect().toRectF(),
        )


class PolygonTool(PathTool):
    """An outline."""

    id = "polygon"
    title = N_("Polygon")
    icon = "polygon"
    shortcut = "Ctrl+N"
    help = N_("Click the corners of the outline")
    kind = "polygon"
    least = 3


class LineStripTool(PathTool):
    """A line of several pieces."""

    id = "linestrip"
    title = N_("Line strip")
    icon = "vector-polyline"
    help = N_("Click the corners of the line")
