"""Shapes of two points, dragged or clicked: rectangles, circles and lines."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPolygonF

from studio.core.annotation import Shape
from studio.core.geometry import outline_of
from studio.core.options import N_
from studio.gui import style
from studio.gui.i18n import tr
from studio.gui.pages.annotate.tools.base import CLICK, Pointer, Tool
from studio.gui.theme import theme


class TwoPointTool(Tool):
    """Drag from one point to the other, or click each."""

    kind = "line"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._start: Pointer | None = None
        self._pressed = False

    def hint(self) -> str:
        return tr(self.help)

    def press(self, pointer: Pointer) -> None:
        if not pointer.left:
            return
        if self._start is None:
            self._start = pointer
            self._pressed = True
        else:
            self._complete(pointer)

    def release(self, pointer: Pointer) -> None:
        if self._start is None or not self._pressed:
            return
        self._pressed = False
        away = pointer.spot - self._start.spot
        if math.hypot(away.x(), away.y()) > CLICK:
            self._complete(pointer)

    def _complete(self, pointer: Pointer) -> None:
        start, self._start = self._start, None
        self._pressed = False
        if start is not None and start.point != pointer.point:
            self.make(start, pointer)

    def make(self, start: Pointer, end: Pointer) -> None:
        """Both points are known."""
        points = [start.point, end.point]
        if self.kind == "rectangle":
            xs, ys = sorted((start.x, end.x)), sorted((start.y, end.y))
            points = [(xs[0], ys[0]), (xs[1], ys[1])]
        self.editor.add(self.kind, points)

    def finish(self) -> None:
        if self._start is not None and self.pointer is not None:
            self._complete(self.pointer)

    def cancel(self) -> None:
        self._start = None
        self._pressed = False
        self.canvas.update()

    def back(self) -> None:
        self.cancel()

    def paint(self, painter: QPainter) -> None:
        if self._start is None or self.pointer is None:
            return
        shape = Shape(self.editor.label, self.kind, (self._start.point, self.pointer.point))
        line, closed = outline_of(shape)
        polygon = QPolygonF([self.canvas.view.to_canvas(x, y) for x, y in line.tolist()])
        color = style.label_color(self.editor.label)
        fill = QColor(color)
        fill.setAlpha(40)
        painter.setBrush(fill if closed else Qt.BrushStyle.NoBrush)
        for pen_color, width in ((theme.color("overlay_dark"), 3.6), (color, 1.8)):
            painter.setPen(style.pen(pen_color, width))
            if closed:
                painter.drawPolygon(polygon)
            else:
                painter.drawPolyline(polygon)
            painter.setBrush(Qt.BrushStyle.NoBrush)
        wide = abs(self.pointer.x - self._start.x), abs(self.pointer.y - self._start.y)
        text = f"{wide[0]:.0f} × {wide[1]:.0f}"
        if self.kind in ("circle", "line"):
            text = f"{math.hypot(*wide):.0f}"
        area = self.canvas.rect().toRectF()
        style.tag(painter, self.pointer.spot + style.BESIDE, text, bounds=area)


class RectangleTool(TwoPointTool):
    """A box."""

    id = "rectangle"
    title = N_("Rectangle")
    icon = "rectangle"
    shortcut = "Ctrl+R"
    help = N_("Drag a box, or click two opposite corners")
    kind = "rectangle"


class CircleTool(TwoPointTool):
    """A circle by its centre and a point on its rim."""

    id = "circle"
    title = N_("Circle")
    icon = "vector-circle"
    help = N_("Drag from the centre to the rim")
    kind = "circle"


class LineTool(TwoPointTool):
    """A line of two points."""

    id = "line"
    title = N_("Line")
    icon = "vector-line"
    help = N_("Drag from one end to the other")
    kind = "line"
