"""Small parts of the working pages: figures with a caption, progress with its words, layouts."""

from __future__ import annotations

import itertools
import math

from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QLayout,
    QProgressBar,
    QToolButton,
    QWidget,
)

from studio.gui import jobs_drawer
from studio.gui.forms import OptionsForm
from studio.gui.i18n import bind_text
from studio.gui.theme import theme
from studio.gui.widgets.basics import column, label, row

__all__ = [
    "GRID",
    "SIDE_LEFT",
    "SIDE_MARGINS",
    "Figure",
    "JobProgress",
    "clear_layout",
    "column",
    "duration_text",
    "form_order",
    "framed",
    "row",
    "tab_through",
]

GRID = 8
# Tabs at the head of a side: their words (12 pixels into a tab) begin at 16 pixels, as everything
# below them does, and stand as high as the other pages' headings.
SIDE_LEFT = 12
SIDE_MARGINS = (4, 14, 0, 0)


def framed(role: str, layout: QLayout, margin: int = 2 * GRID) -> QFrame:
    """A panel, card or side of the theme around a layout."""
    made = QFrame()
    made.setProperty("role", role)
    layout.setContentsMargins(margin, margin, margin, margin)
    made.setLayout(layout)
    return made


class Figure(QWidget):
    """One number with a caption above it."""

    def __init__(self, caption: str, tooltip: str = "") -> None:
        super().__init__()
        self._caption = label(caption, "hint")
        self._value = QLabel("–")
        self._value.setProperty("role", "heading")
        self._value.setFont(theme.font("heading", bold=True))
        self.setLayout(column(self._caption, self._value, spacing=0))
        if tooltip:
            bind_text(self.setToolTip, tooltip)

    def set_caption(self, caption: str, tooltip: str = "") -> None:
        """Another caption and tooltip, both English source strings."""
        bind_text(self._caption.setText, caption)
        bind_text(self.setToolTip, tooltip)

    def set_value(self, text: str) -> None:
        """The number as text; nothing gives a dash."""
        self._value.setText(text or "–")

    def text(self) -> str:
        """What is shown."""
        return self._value.text()


class JobProgress(QWidget):
    """A bar with what is being done and how far it is."""

    def __init__(self) -> None:
        super().__init__()
        self._words = QLabel()
        self._words.setProperty("role", "hint")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self.setLayout(column(self._words, self._bar, spacing=4))

    def show_progress(self, done: int, total: int, stage: str) -> None:
        """`total` 0: not known, the bar runs to and fro."""
        self._bar.setRange(0, max(total, 0))
        self._bar.setValue(min(done, total) if total else 0)
        words = jobs_drawer.stage_title(stage)
        self._words.setText(f"{words}  {done} / {total}" if total else words)


def duration_text(seconds: float) -> str:
    """As in the jobs drawer; a dash where it is not known."""
    return jobs_drawer.duration_text(seconds) if math.isfinite(seconds) else "–"


def tab_through(*parts: QWidget | OptionsForm) -> None:
    """Have the Tab key go through these in this order; a form gives its fields in reading order."""
    order: list[QWidget] = []
    for part in parts:
        order += form_order(part) if isinstance(part, OptionsForm) else [part]
    for before, after in itertools.pairwise(order):
        QWidget.setTabOrder(before, after)


def form_order(form: OptionsForm) -> list[QWidget]:
    """A form's fields as they are read: basic ones, the button for more, then those."""
    basic: list[QWidget] = []
    advanced: list[QWidget] = []
    for editor in form.editors.values():
        tools = [b for b in editor.findChildren(QToolButton) if b is not editor.reset_button]
        (advanced if editor.field.advanced else basic).extend([editor.input, *tools])
    return [*basic, form.advanced_button, *advanced]


def clear_layout(layout: QLayout) -> None:
    """Take everything out of a layout and let it go."""
    while (item := layout.takeAt(0)) is not None:
        widget, inner = item.widget(), item.layout()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
        elif inner is not None:
            clear_layout(inner)
