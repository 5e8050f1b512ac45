"""Where people with an identity have been: lines that fade behind them."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Sequence

from PySide6.QtCore import QLineF, QPointF
from PySide6.QtGui import QPainter

from studio.core.prediction import Prediction
from studio.gui import style
from studio.gui.pages.live.layers import covering, edge_pen, faded

LONGEST = 150
# A trail is drawn in so many pieces, each fainter than the one before it.
_PIECES = 6


class Trails:
    """The middles of boxes by identity, in pixels of the frame, over the last frames."""

    def __init__(self) -> None:
        self._spots: dict[int, deque[tuple[int, float, float]]] = {}
        self._newest = -1

    def take(self, index: int, people: Sequence[Prediction]) -> None:
        """The people of the frame `index`; a frame before the newest one begins anew."""
        if index <= self._newest:
            self._spots.clear()
        self._newest = index
        for person in people:
            if person.track_id is None:
                continue
            x1, y1, x2, y2 = (float(v) for v in person.box)
            spots = self._spots.setdefault(person.track_id, deque(maxlen=LONGEST))
            spots.append((index, (x1 + x2) / 2, (y1 + y2) / 2))
        for gone in [i for i, s in self._spots.items() if s[-1][0] < index - LONGEST]:
            del self._spots[gone]

    def clear(self) -> None:
        """Nobody has been anywhere."""
        self._spots.clear()
        self._newest = -1

    def of(self, identity: int, length: int) -> list[tuple[float, float]]:
        """Where one was in the last `length` frames, oldest first."""
        oldest = self._newest - length
        return [(x, y) for index, x, y in self._spots.get(identity, ()) if index >= oldest]

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
