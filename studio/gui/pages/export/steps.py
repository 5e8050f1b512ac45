"""The line of steps at the top of the wizard."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QFrame, QWidget

from studio.gui.i18n import tr, translator
from studio.gui.theme import theme
from studio.gui.widgets.parts import row

DISC = 24


class Step(QAbstractButton):
    """One step: its number in a disc, its name beside it."""

    def __init__(self, number: int, title: str) -> None:
        super().__init__()
        self._number, self._title = number, title
        self.state = "later"
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        translator.language_changed.connect(self._retext)
        theme.changed.connect(self.update)
        self._retext()

    def set_state(self, state: str) -> None:
        """One of "done", "now" and "later"."""
        self.state = state
        self.update()

    def sizeHint(self) -> QSize:
        width = self.fontMetrics().horizontalAdvance(tr(self._title))
        return QSize(DISC + 12 + round(width * 1.15), 32)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        top = (self.height() - DISC) // 2
        disc = self.rect().adjusted(1, top, 0, 0)
        disc.setSize(QSize(DISC, DISC))
        filled = self.state != "later"
        painter.setPen(theme.color("focus" if self.hasFocus() else "border"))
        painter.setBrush(theme.color("accent" if filled else "surface"))
        painter.drawEllipse(disc)
        painter.setPen(theme.color("accent_text" if filled else "muted"))
        painter.setFont(theme.font("small", bold=True))
        sign = "✓" if self.state == "done" else str(self._number)
        painter.drawText(disc, Qt.AlignmentFlag.AlignCenter, sign)
        painter.setFont(theme.font("text", bold=self.state == "now"))
        painter.setPen(theme.color("text" if self.state != "later" else "muted"))
        words = self.rect().adjusted(DISC + 9, 0, 0, 0)
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, tr(self._title))
        painter.end()

    def _retext(self) -> None:
        self.setAccessibleName(tr(self._title))
        self.updateGeometry()
        self.update()


class StepLine(QFrame):
    """All steps; `asked` carries the number of the step that was clicked, from 0."""

    asked = Signal(int)

    def __init__(self, titles: Sequence[str]) -> None:
        super().__init__()
        self.setProperty("role", "bar")
        self.steps = [Step(number, title) for number, title in enumerate(titles, start=1)]
        parts: list[QWidget | int | None] = []
        for number, step in enumerate(self.steps):
            step.clicked.connect(lambda _checked=False, n=number: self.asked.emit(n))
            parts += [step, 24]
        layout = row(*parts, None, spacing=0)
        layout.setContentsMargins(24, 12, 16, 12)
        self.setLayout(layout)

    def show_step(self, current: int, reachable: int) -> None:
        """Mark the current step; those up to `reachable` can be clicked."""
        for number, step in enumerate(self.steps):
            state = "now" if number == current else "done" if number < current else "later"
            step.set_state(state)
            step.setEnabled(number <= reachable)
