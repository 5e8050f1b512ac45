"""A table of names and numbers: sortable, numbers right-aligned in tabular figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QKeySequence, QResizeEvent
from PySide6.QtWidgets import QApplication, QHeaderView, QTableView, QWidget

from studio.gui.i18n import tr, translator
from studio.gui.theme import theme

Index = QModelIndex | QPersistentModelIndex
SORT_ROLE = Qt.ItemDataRole.UserRole
# Pixels, where there is not room for all.
WIDEST_FIRST, WIDEST = 220, 150


@dataclass(frozen=True)
class Column:
    """One column. `title` is an English source string (or a proper name); `form` is a format
    such as ".1%" for numbers; `best` marks the best number of the column: "high" or "low".
    A column of words (`text`) stands at the left, as the first one does.
    """

    title: str
    form: str = ""
    best: str = ""
    tooltip: str = ""
    text: bool = False


class TableModel(QAbstractTableModel):
    """Rows of plain values below declared columns."""

    def __init__(self, columns: Sequence[Column], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.columns = tuple(columns)
        self.rows: list[tuple[Any, ...]] = []
        self.row_tooltips: list[str] = []
        translator.language_changed.connect(self._retitle)

    def set_rows(self, rows: Sequence[Sequence[Any]], columns: Sequence[Column] = ()) -> None:
        """Show these rows instead, below other columns where they are given."""
        self.beginResetModel()
        if columns:
            self.columns = tuple(columns)
        self.rows = [tuple(r) for r in rows]
        self.row_tooltips = []
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.columns)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal or section >= len(self.columns):
            return None
        column = self.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return tr(column.title)
        if role == Qt.ItemDataRole.ToolTipRole:
            return tr(column.tooltip) if column.tooltip else None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section, column)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        value = self.rows[index.row()][index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return cell_text(value, self.columns[index.column()].form)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(index.column(), self.columns[index.column()])
        if role == Qt.ItemDataRole.ToolTipRole:
            told = self.row_tooltips[index.row()] if self.row_tooltips else ""
            return told or (value if isinstance(value, str) else None)
        if role == Qt.ItemDataRole.FontRole and self._is_best(index):
            return theme.font(bold=True)
        if role == SORT_ROLE:
            nothing = isinstance(value, float) and math.isnan(value)
            return -math.inf if nothing else value
        return None

    def _is_best(self, index: Index) -> bool:
        column = self.columns[index.column()]
        if not column.best or len(self.rows) < 2:
            return False
        numbers = [r[index.column()] for r in self.rows]
        known = [n for n in numbers if isinstance(n, int | float) and not math.isnan(n)]
        if not known:
            return False
        return numbers[index.row()] == (max(known) if column.best == "high" else min(known))

    def _retitle(self) -> None:
        if self.columns:
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(self.columns) - 1)


def cell_text(value: Any, form: str = "") -> str:
    """A value as a table shows it; a dash where there is none."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    return format(value, form) if form and not isinstance(value, str) else str(value)


def _alignment(number: int, column: Column) -> int:
    left = number == 0 or column.text
    side = Qt.AlignmentFlag.AlignLeft if left else Qt.AlignmentFlag.AlignRight
    return (side | Qt.AlignmentFlag.AlignVCenter).value


class MetricTable(QTableView):
    """The view: whole rows chosen, sorted by a click on a heading, copied with Ctrl+C."""

    row_chosen = Signal(int)
    row_opened = Signal(int)

    def __init__(
        self, columns: Sequence[Column], *, sortable: bool = True, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.table = TableModel(columns, self)
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self.table)
        self._sorted.setSortRole(SORT_ROLE)
        self.setModel(self._sorted)
        self.setSortingEnabled(sortable)
        if sortable:
            self._sorted.sort(-1)
            self.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.setFont(theme.font())
        self.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        self.setEditTriggers(QTableView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(28)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(False)
        self._stretch_first()
        self.selectionModel().currentRowChanged.connect(self._on_current)
        self.activated.connect(lambda index: self.row_opened.emit(self._source_row(index)))

    def set_rows(self, rows: Sequence[Sequence[Any]], columns: Sequence[Column] = ()) -> None:
        """Show these rows; the choice is dropped."""
        self.table.set_rows(rows, columns)
        self._stretch_first()

    def set_row_tooltips(self, texts: Sequence[str]) -> None:
        """What each row's tooltip says, in the order of `set_rows`."""
        self.table.row_tooltips = list(texts)

    def choose(self, row: int) -> None:
        """Choose the row of that number in `set_rows`, without a signal if it is chosen."""
        index = self._sorted.mapFromSource(self.table.index(row, 0))
        self.setCurrentIndex(index)

    def fit_height(self, most: int = 12) -> None:
        """Make it as high as its rows, at most `most` of them."""
        rows = min(most, self.table.rowCount())
        height = self.horizontalHeader().sizeHint().height() + 2
        self.setFixedHeight(height + max(1, rows) * self.verticalHeader().defaultSectionSize())

    def keyPressEvent(self, event: Any) -> None:
        """Ctrl+C copies the whole table, tab-separated."""
        if event.matches(QKeySequence.StandardKey.Copy):
            QApplication.clipboard().setText(self.as_text())
            return
        super().keyPressEvent(event)

    def as_text(self) -> str:
        """The table as it is sorted, tab-separated, with its headings."""
        model = self._sorted
        columns = range(model.columnCount())
        lines = [[str(model.headerData(c, Qt.Orientation.Horizontal)) for c in columns]]
        lines += [[str(model.index(r, c).data()) for c in columns] for r in range(model.rowCount())]
        return "\n".join("\t".join(line) for line in lines)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._stretch_first()

    def _stretch_first(self) -> None:
        """The first column takes what the others leave; where they would leave it nothing, long
        words are cut.
        """
        if not self.table.columns:
            return
        header, modes = self.horizontalHeader(), QHeaderView.ResizeMode
        wanted = [
            max(self.sizeHintForColumn(number), header.sectionSizeHint(number))
            for number in range(len(self.table.columns))
        ]
        room = self.viewport().width()
        if sum(wanted) <= room:
            header.setSectionResizeMode(modes.ResizeToContents)
            header.setSectionResizeMode(0, modes.Stretch)
            return
        widths = [min(wanted[0], WIDEST_FIRST), *(min(width, WIDEST) for width in wanted[1:])]
        widths[0] += max(0, room - sum(widths))
        header.setSectionResizeMode(modes.Interactive)
        for number, width in enumerate(widths):
            header.resizeSection(number, width)

    def _source_row(self, index: QModelIndex) -> int:
        return self._sorted.mapToSource(index).row()

    def _on_current(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if current.isValid():
            self.row_chosen.emit(self._source_row(current))
