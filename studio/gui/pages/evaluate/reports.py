"""The list of reports: the chosen one is shown, ticked ones stand beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QTreeWidgetItem, QWidget

from studio.gui.evaluation_report import EvaluationReport
from studio.gui.headlines import headline_text, headline_words
from studio.gui.i18n import tr, translator
from studio.gui.theme import theme
from studio.gui.widgets.basics import label
from studio.gui.widgets.layouts import flat_tree
from studio.gui.widgets.parts import SIDE_LEFT, column


class ReportsList(QWidget):
    """`chosen` carries the reports to show, the one in hand first."""

    chosen = Signal(list)

    def __init__(self) -> None:
        super().__init__()
        self._reports: list[EvaluationReport] = []
        self.tree = flat_tree(2)
        self.tree.itemSelectionChanged.connect(self._emit)
        self.tree.itemChanged.connect(self._emit)
        hint = label("Tick reports to set them beside the one chosen.", "hint", wrap=True)
        hint.setContentsMargins(SIDE_LEFT, 8, 16, 8)
        self.setLayout(column(self.tree, hint, spacing=0))
        translator.language_changed.connect(self._retitle)
        self._retitle()

    def set_reports(self, reports: Sequence[EvaluationReport]) -> None:
        """List these; what was chosen and ticked stays so."""
        current = self._current()
        chosen = current.path if current is not None else None
        ticked = {r.path for r in self._ticked()}
        self.tree.blockSignals(True)
        self.tree.clear()
        self._reports = list(reports)
        for report in reports:
            item = _item(report)
            on = Qt.CheckState.Checked if report.path in ticked else Qt.CheckState.Unchecked
            item.setCheckState(0, on)
            self.tree.addTopLevelItem(item)
            if report.path == chosen:
                self.tree.setCurrentItem(item)
        self.tree.blockSignals(False)

    def choose(self, path: Path) -> None:
        """Choose a report, as a click does."""
        for number, report in enumerate(self._reports):
            if report.path == path:
                item = self.tree.topLevelItem(number)
                if item is None or item is self.tree.currentItem():
                    self._emit()
                else:
                    self.tree.setCurrentItem(item)

    def tick(self, path: Path) -> None:
        """Tick a report, as a click on its box does."""
        for number, report in enumerate(self._reports):
            item = self.tree.topLevelItem(number)
            if report.path == path and item is not None:
                item.setCheckState(0, Qt.CheckState.Checked)

    def count(self) -> int:
        """How many are listed."""
        return len(self._reports)

    def _current(self) -> EvaluationReport | None:
        item = self.tree.currentItem()
        return self._reports[self.tree.indexOfTopLevelItem(item)] if item is not None else None

    def _ticked(self) -> list[EvaluationReport]:
        found = []
        for number, report in enumerate(self._reports):
            item = self.tree.topLevelItem(number)
            if item is not None and item.checkState(0) == Qt.CheckState.Checked:
                found.append(report)
        return found

    def _emit(self) -> None:
        first = self._current()
        others = [r for r in self._ticked() if r is not first]
        self.chosen.emit([first, *others] if first is not None else others)

    def _retitle(self) -> None:
        self.tree.setHeaderLabels([tr("Report"), tr("Result")])


def _item(report: EvaluationReport) -> QTreeWidgetItem:
    item = QTreeWidgetItem([report.title, headline_text(report.metrics)])
    item.setToolTip(0, str(report.path))
    item.setToolTip(1, headline_words(report.metrics))
    item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
    item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    item.setFont(1, theme.font())
    return item
