"""How heads are turned, drawn over the live picture: a cube or three axes of constant width."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QLineF
from PySide6.QtGui import QPainter

from studio.core.prediction import Prediction
from studio.core.requests.shared import HEAD_AXIS, HEAD_CUBE
from studio.gui.pages.live.layers import Ground, covering, edge_pen
from studio.gui.theme import theme
from studio.vision.head_drawing import axis_lines, cube_lines, head_place

_WIDTH = 2.2
_EDGE = 2.4


def draw_heads(painter: QPainter, people: Sequence[Prediction], how: str, ground: Ground) -> None:
    """Cubes ("cube") or axes ("axis") of everyone whose head is known; "none" draws nothing."""
    lines_of = {HEAD_CUBE: cube_lines, HEAD_AXIS: axis_lines}.get(how)
    if lines_of is None:
        return
    for person in people:
        place = head_place(person)
        if person.head is None or place is None:
            continue
        centre, size = place
        lines = [
            (QLineF(ground.spot(*start), ground.spot(*end)), theme.color(f"overlay_head_{kind}"))
            for start, end, kind in lines_of(person.head.rotation, centre, size)
        ]
        painter.setPen(edge_pen(_WIDTH + _EDGE))
        painter.drawLines([line for line, _ in lines])
        for line, color in lines:
            painter.setPen(covering(color.rgba(), _WIDTH))
            painter.drawLine(line)
