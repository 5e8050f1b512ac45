"""A head's rotation drawn as a cube: its face to the front, the nose's direction out of it."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QLineF, QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPolygonF

from studio.core.head import Head, Matrix, seen
from studio.gui import style
from studio.gui.pages.annotate.view import View
from studio.gui.theme import theme

# Corners of a cube whose axes are the head's own left, down and forward; the front ones last.
_CORNERS = np.array(
    [[x, y, z] for z in (-1, 1) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))], dtype=np.float64
)
_EDGES = [(0, 1), (1, 2), (2, 3), (3, 0), (0, 4), (1, 5), (2, 6), (3, 7)]
_FRONT = (4, 5, 6, 7)
# Half an edge, as a part of the head's radius.
_HALF = 0.72


def paint_cube(
    painter: QPainter, view: View, head: Head, rotation: Matrix, *, active: bool = False
) -> None:
    """The cube over a head; `active`: it is in hand."""
    axes = seen(rotation)
    centre = view.to_canvas(*head.centre)
    half = max(head.radius * view.scale * _HALF, 9.0)
    flat = _CORNERS @ axes[:2].T * half
    corners = [centre + QPointF(x, y) for x, y in flat.tolist()]
    back = [QLineF(corners[a], corners[b]) for a, b in _EDGES]
    nose = centre + QPointF(*(axes[:2, 2] * half * 1.9).tolist())
    dark, light = theme.color("overlay_dark"), theme.color("overlay_light")
    face = QColor(theme.color("accent"))
    face.setAlpha(110 if active else 64)
    # The face is seen only where it looks towards the eye.
    towards = axes[2, 2] > 0
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for color, wide in ((dark, 3.2), (light, 1.4)):
        painter.setPen(style.pen(color, wide + (0.4 if active else 0.0)))
        painter.drawLines(back)
    painter.setBrush(face if towards else Qt.BrushStyle.NoBrush)
    for color, wide in ((dark, 3.6), (theme.color("accent"), 2.0)):
        painter.setPen(style.pen(color, wide, dashed=not towards and color != dark))
        painter.drawPolygon(QPolygonF([corners[i] for i in _FRONT]))
        painter.setBrush(Qt.BrushStyle.NoBrush)
    for color, wide in ((dark, 4.2), (light, 2.4)):
        painter.setPen(style.pen(color, wide))
        painter.drawLine(centre, nose)
    painter.setPen(style.pen(dark, 1.2))
    painter.setBrush(light)
    painter.drawEllipse(nose, 3.4, 3.4)
