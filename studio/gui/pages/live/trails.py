"""Where people with an identity have been: lines that fade behind them."""

from __future__ import annotations

import itertools

from PySide6.QtCore import QLineF, QPointF
from PySide6.QtGui import QPainter

from studio.gui import style
from studio.gui.pages.live.layers import covering, edge_pen, faded
from studio.vision import trails as vision

LONGEST = 150
# A trail is drawn in so many pieces, each fainter than the one before it.
_PIECES = 6


class Trails(vision.Trails):
    """`studio.vision.trails.Trails`, drawn in the window."""

    def __init__(self) -> None:
        super().__init__(LONGEST)

    def clear(self) -> None:
        """Nobody has been anywhere."""
        self._spots.clear()
        self._newest = -1

    def paint(self, painter: QPainter, length: int, scale: float, origin: QPointF) -> None:
        """Draw all of them, `length` frames long; `scale` and `origin` lead to the widget."""
        painter.save()
        for identity in self._spots:
            spots = [QPointF(x * scale, y * scale) + origin for x, y in self.of(identity, length)]
            if len(spots) > 1:
                _paint_trail(painter, spots, identity)
        painter.restore()


def _paint_trail(painter: QPainter, spots: list[QPointF], identity: int) -> None:
    """Thinner and darker towards its tail; in lines that cover, for those are quick."""
    steps = [QLineF(a, b) for a, b in itertools.pairwise(spots)]
    size = -(-len(steps) // _PIECES)
    pieces = [steps[start : start + size] for start in range(0, len(steps), size)]
    color = style.person_color(identity)
    for edge in (True, False):
        for number, piece in enumerate(pieces, start=1):
            share = number / len(pieces)
            width = 1.0 + 1.8 * share
            own = covering(faded(color, 0.3 + 0.7 * share), width)
            painter.setPen(edge_pen(width + 1.8) if edge else own)
            painter.drawLines(piece)
