"""What a check found: a list with the worst first; a choice opens the place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QSizePolicy, QWidget

from studio.core.errors import Problem
from studio.gui.i18n import said, tr, translator
from studio.gui.icons import icon
from studio.gui.widgets.basics import label
from studio.gui.widgets.parts import column

SHOWN = 500
HIGHEST = 160


def problem_of(data: Mapping[str, Any]) -> Problem:
    """A problem as a job's result carries it."""
    line = data.get("line")
    return Problem(
        message=str(data.get("message", "")),
        where=str(data.get("where") or ""),
        line=int(line) if isinstance(line, int) else None,
        hint=str(data.get("hint") or ""),
        severity=str(data.get("severity") or "error"),
    )


class ProblemList(QWidget):
    """Problems with a line that counts them; `opened` carries the Problem of a row."""

    opened = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._problems: list[Problem] = []
        self._good = ""
        self.summary = label("", "title", wrap=True)
        self.list = QListWidget()
        self.list.setWordWrap(True)
        self.list.setUniformItemSizes(False)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setResizeMode(QListWidget.ResizeMode.Adjust)
        # Wrapped rows know their height once the list has its width.
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(0)
        self._later.timeout.connect(self._fit)
        self.list.itemActivated.connect(self._open)
        self.list.itemClicked.connect(self._open)
        self.summary.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.setLayout(column(self.summary, self.list))
        translator.language_changed.connect(self._retext)
        self.hide()

    def set_problems(self, problems: Sequence[Problem], *, good: str = "") -> None:
        """Show them; `good` (already translated) is said where there are none."""
        self._problems = sorted(problems, key=lambda p: p.severity == "warning")
        self._good = good
        self.setVisible(bool(problems or good))
        self._fill()

    def _retext(self) -> None:
        if self._problems:
            self._fill()

    def _fill(self) -> None:
        problems, text = self._problems, self._good
        if problems:
            errors = sum(p.severity != "warning" for p in problems)
            warnings = len(problems) - errors
            text = tr("Errors: {errors}, warnings: {warnings}", errors=errors, warnings=warnings)
        self.summary.setText(text)
        self.list.clear()
        for problem in problems[:SHOWN]:
            self.list.addItem(_item(problem))
        if len(problems) > SHOWN:
            self.list.addItem(tr("… and {count} more", count=len(problems) - SHOWN))
        self.list.setVisible(bool(problems))
        self._later.start()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._later.start()

    def _fit(self) -> None:
        """As high as its rows, and not higher than a few of them."""
        rows = min(self.list.count(), 20)
        self.list.doItemsLayout()
        heights = [self.list.visualItemRect(self.list.item(r)).height() for r in range(rows)]
        height = sum(heights) + 12
        self.list.setFixedHeight(min(HIGHEST, max(48, height)))

    def problems(self) -> list[Problem]:
        """What is listed."""
        return self._problems

    def _open(self, item: QListWidgetItem) -> None:
        problem = item.data(Qt.ItemDataRole.UserRole)
        if isinstance(problem, Problem):
            self.opened.emit(problem)


def _item(problem: Problem) -> QListWidgetItem:
    warning = problem.severity == "warning"
    place = Path(problem.where).name if problem.where else ""
    if problem.line is not None:
        place += f":{problem.line}"
    message, hint = said(problem.message), said(problem.hint)
    head = f"{place} — {message}" if place else message
    item = QListWidgetItem(head + (f"\n{hint}" if hint else ""))
    item.setIcon(icon("warning" if warning else "error", "warning" if warning else "danger"))
    item.setToolTip("\n".join(p for p in (problem.where, message, hint) if p))
    item.setData(Qt.ItemDataRole.UserRole, problem)
    return item
