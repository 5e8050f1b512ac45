"""Horizontal bars with names and numbers, painted quietly; values may be stacked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QToolTip, QWidget

from studio.gui.i18n import tr, translator
from studio.gui.theme import theme

ROW = 22
GAP = 12


@dataclass(frozen=True)
class Bar:
    """One row: stacked `values`, the text at its right end and what the tooltip adds."""

    name: str
    values: tuple[float, ...]
    text: str = ""
    tooltip: str = ""


class Legend(QLabel):
    """Coloured dots with what they stand for; `entries` are theme tokens and source strings."""

    def __init__(self, entries: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._entries = tuple(entries)
        self.setProperty("role", "hint")
        self.setTextFormat(Qt.TextFormat.RichText)
        theme.changed.connect(self._retext)
        translator.language_changed.connect(self._retext)
        self._retext()

    def _retext(self) -> None:
        words = [
            f"<span style='color:{theme.color(token).name()}'>●</span>&nbsp;{tr(name)}"
            for token, name in self._entries
        ]
        self.setText("&nbsp;&nbsp; ".join(words))


class Bars(QWidget):
    """Bars on one scale. `colors` are theme tokens, one for each stacked value."""

    def __init__(self, colors: Sequence[str] = ("series_1", "series_7")) -> None:
        super().__init__()
        self._colors = tuple(colors)
        self._bars: tuple[Bar, ...] = ()
        self._top = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFont(theme.font("small"))
        theme.changed.connect(self.update)

    def set_bars(self, bars: Sequence[Bar], *, top: float = 0.0) -> None:
        """Show these; `top` fixes the value of a whole bar (0: the largest of them)."""
        self._bars, self._top = tuple(bars), top
        self.setAccessibleName("; ".join(f"{tr(b.name)}: {b.text}" for b in bars))
        self.updateGeometry()
        self.update()

    def bars(self) -> tuple[Bar, ...]:
        """What is shown."""
        return self._bars

    def sizeHint(self) -> QSize:
        return QSize(240, max(1, len(self._bars)) * ROW)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, max(1, len(self._bars)) * ROW)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics = painter.fontMetrics()
        names = max((metrics.horizontalAdvance(tr(b.name)) for b in self._bars), default=0)
        numbers = max((metrics.horizontalAdvance(b.text) for b in self._bars), default=0)
        names = min(names + 2, self.width() // 2)
        room = self.width() - names - numbers - 2 * GAP
        most = self._top or max((sum(b.values) for b in self._bars), default=0.0) or 1.0
        for number, bar in enumerate(self._bars):
            top = number * ROW
            middle = Qt.AlignmentFlag.AlignVCenter
            name = metrics.elidedText(tr(bar.name), Qt.TextElideMode.ElideRight, names)
            painter.setPen(theme.color("muted"))
            painter.drawText(QRectF(0, top, names, ROW), middle, name)
            left = names + GAP
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("sunken"))
            painter.drawRoundedRect(QRectF(left, top + 6, room, ROW - 12), 3, 3)
            for value, color in zip(bar.values, self._colors, strict=False):
                width = max(0.0, min(1.0, value / most)) * room
                painter.setBrush(theme.color(color))
                painter.drawRoundedRect(QRectF(left, top + 6, width, ROW - 12), 3, 3)
                left += width
            painter.setPen(theme.color("text"))
            box = QRectF(self.width() - numbers, top, numbers, ROW)
            painter.drawText(box, middle | Qt.AlignmentFlag.AlignRight, bar.text)
        painter.end()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent):
            place: QPoint = event.pos()
            row = place.y() // ROW
            if 0 <= row < len(self._bars):
                bar = self._bars[row]
                text = bar.tooltip or f"{tr(bar.name)}: {bar.text}"
                QToolTip.showText(event.globalPos(), text, self)
                return True
        return super().event(event)
