"""The pictures of the project: thumbnail, name, state; a filter above, any number below."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QFontMetrics, QPainter, QPainterPath
from PySide6.QtWidgets import (
    QHeaderView,
    QLabel,
    QLineEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from studio.core.options import N_
from studio.gui.i18n import bind_text, said, tr, translator
from studio.gui.icons import draw_glyph
from studio.gui.pages.annotate.picture_rows import Entry, ListedRows, Rows
from studio.gui.pages.annotate.thumbnails import HEIGHT, WIDTH, Thumbnails
from studio.gui.theme import theme

Index = QModelIndex | QPersistentModelIndex
ROW_HEIGHT = HEIGHT + 12
ENTRY = Qt.ItemDataRole.UserRole
FILTER_AFTER_MS = 20
# What each state is called, its sign and its colour.
STATES = {
    "empty": (N_("not annotated"), "circle-outline", "muted"),
    "annotated": (N_("annotated"), "circle-slice-8", "accent"),
    "reviewed": (N_("reviewed"), "check-circle", "ok"),
    "problem": (N_("problem"), "alert-circle", "danger"),
}


class PictureModel(QAbstractListModel):
    """The entries that the filter leaves."""

    def __init__(self, thumbnails: Thumbnails, is_dirty: Callable[[Path], bool]) -> None:
        super().__init__()
        self.entries: Rows = ListedRows()
        self.thumbnails = thumbnails
        self.is_dirty = is_dirty
        thumbnails.ready.connect(self.touch)
        translator.language_changed.connect(self._retranslate)

    def set_entries(self, entries: Rows) -> bool:
        """Another list; where only states differ, rows stay. Whether they are others."""
        if len(entries):
            # What the index cannot know: edits that are not saved, pictures that did not decode.
            for entry in self.entries.known():
                if entry.state == "problem" or self.is_dirty(entry.path):
                    entries.know(entry)
        if self.entries.lists_same(entries):
            self.entries = entries
            self._retranslate()
            return False
        self.beginResetModel()
        self.entries = entries
        self.endResetModel()
        return True

    def set_entry(self, entry: Entry) -> None:
        """What is known of one picture now."""
        row = self.row_of(entry.path)
        if row >= 0 and self.entries[row] != entry:
            self.entries.know(entry)
            self.touch(entry.path)

    def refresh(self) -> None:
        """Rows may say something else now."""
        self.entries.refresh()
        self._retranslate()

    def row_of(self, path: Path | None) -> int:
        """The row of a picture; -1 where the filter leaves it out."""
        return -1 if path is None else self.entries.row_of(path)

    def touch(self, path: Path) -> None:
        """Draw a row again."""
        row = self.row_of(path)
        if row >= 0:
            self.dataChanged.emit(self.index(row), self.index(row))

    def _retranslate(self) -> None:
        if self.entries:
            self.dataChanged.emit(self.index(0), self.index(len(self.entries) - 1))

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.entries)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        entry = self.entries[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.path.name
        if role == ENTRY:
            return entry
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{entry.path}\n{said(entry.problem) or describe(entry)}"
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{entry.path.name}, {describe(entry)}"
        if role == Qt.ItemDataRole.SizeHintRole:
            return QSize(0, ROW_HEIGHT)
        return None


# As forms call the sides of a dataset; the filter says `split:train`.
SIDES = {"train": N_("train"), "val": N_("val"), "test": N_("test")}


def describe(entry: Entry, *, short: bool = False) -> str:
    """A picture's state in words; `short`: people alone where there are some."""
    if entry.state == "problem" or not entry.shapes:
        words = [tr(STATES[entry.state][0])]
    else:
        words = [
            tr("{count} people", count=entry.people) if entry.people != 1 else tr("1 person"),
            tr("{count} shapes", count=entry.shapes) if entry.shapes != 1 else tr("1 shape"),
        ]
        if short and entry.people:
            del words[1]
    return " · ".join([*words, *([tr(SIDES.get(entry.split, entry.split))] if entry.split else [])])


class PictureDelegate(QStyledItemDelegate):
    """Thumbnail on the left, name and state on the right; a dot for what is not saved."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: ARG002
        return QSize(180, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        entry: Entry = index.data(ENTRY)
        model = index.model()
        assert isinstance(model, PictureModel)
        rect: QRect = option.rect  # type: ignore[attr-defined]
        state: QStyle.StateFlag = option.state  # type: ignore[attr-defined]
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, theme.color("selected"))
            painter.fillRect(
                QRect(rect.left(), rect.top(), 3, rect.height()), theme.color("accent")
            )
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, theme.color("hover"))
        frame = QRectF(rect.left() + 10, rect.top() + 6, WIDTH, HEIGHT)
        self._thumbnail(painter, frame, model.thumbnails.get(entry.path))
        left = int(frame.right()) + 10
        name_rect = QRect(left, rect.top() + 10, rect.right() - left - 10, 18)
        dirty = model.is_dirty(entry.path)
        if dirty:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("warning"))
            painter.drawEllipse(QPointF(name_rect.right() - 2, name_rect.center().y() + 1), 4, 4)
            name_rect.setRight(name_rect.right() - 12)
        font = theme.font()
        painter.setFont(font)
        painter.setPen(theme.color("text"))
        text = QFontMetrics(font).elidedText(
            entry.path.name, Qt.TextElideMode.ElideMiddle, name_rect.width()
        )
        painter.drawText(name_rect, Qt.AlignmentFlag.AlignVCenter, text)
        self._state(painter, entry, QRect(left, rect.top() + 31, rect.right() - left - 8, 18))
        painter.restore()

    def _thumbnail(self, painter: QPainter, frame: QRectF, pixmap: Any) -> None:
        path = QPainterPath()
        path.addRoundedRect(frame, 4, 4)
        if pixmap is None or pixmap.isNull():
            painter.fillPath(path, theme.color("sunken"))
            if pixmap is not None:
                painter.save()
                spot = QRectF(frame.center().x() - 10, frame.center().y() - 10, 20, 20)
                draw_glyph(painter, spot, "image-broken-variant", theme.color("muted"))
                painter.restore()
            return
        painter.save()
        painter.setClipPath(path)
        painter.drawPixmap(frame, pixmap, QRectF(pixmap.rect()))
        painter.restore()

    def _state(self, painter: QPainter, entry: Entry, rect: QRect) -> None:
        _, sign, color = STATES[entry.state]
        painter.save()
        spot = QRectF(rect.left(), rect.center().y() - 6, 13, 13)
        draw_glyph(painter, spot, sign, theme.color(color))
        painter.restore()
        font = theme.font("small")
        painter.setFont(font)
        painter.setPen(theme.color("danger" if entry.state == "problem" else "muted"))
        room = rect.adjusted(18, 0, 0, 0)
        text = QFontMetrics(font).elidedText(
            describe(entry, short=True), Qt.TextElideMode.ElideRight, room.width()
        )
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, text)


class PictureView(QTableView):
    """One column of rows of one height: the only view of Qt's that does not ask the model about
    each of 100,000 rows before it shows ten of them.
    """

    def __init__(self, model: PictureModel) -> None:
        super().__init__()
        self.setProperty("role", "flat")
        self.setModel(model)
        self.setItemDelegate(PictureDelegate(self))
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setMouseTracking(True)
        self.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        self.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QTableView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QTableView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.horizontalHeader().hide()
        self.horizontalHeader().setStretchLastSection(True)
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setMinimumSectionSize(ROW_HEIGHT)
        rows.setDefaultSectionSize(ROW_HEIGHT)

    def keyboardSearch(self, search: str) -> None:
        """Letters are the page's keys; names are found by the filter."""


class PictureList(QWidget):
    """`chosen(Path)` when a picture is picked; `filter_changed(str)` a moment after typing."""

    chosen = Signal(object)
    filter_changed = Signal(str)

    def __init__(self, thumbnails: Thumbnails, is_dirty: Callable[[Path], bool]) -> None:
        super().__init__()
        self.model = PictureModel(thumbnails, is_dirty)
        self.field = QLineEdit()
        self.field.setClearButtonEnabled(True)
        bind_text(self.field.setPlaceholderText, "Filter the pictures…")
        bind_text(self.field.setAccessibleName, "Filter the pictures…")
        bind_text(
            self.field.setToolTip,
            "A part of the name, a regular expression, label:person, gid:3, missing:left_wrist, "
            "occluded>3, score<0.5, reviewed:no, #12",
        )
        self.problem = QLabel()
        self.problem.setProperty("role", "error")
        self.problem.setWordWrap(True)
        self.problem.hide()
        self.view = PictureView(self.model)
        bind_text(self.view.setAccessibleName, "Pictures")
        self.view.selectionModel().currentChanged.connect(self._current)
        self.count = QLabel()
        self.count.setProperty("role", "hint")
        self._after = QTimer(self)
        self._after.setSingleShot(True)
        self._after.setInterval(FILTER_AFTER_MS)
        self._after.timeout.connect(lambda: self.filter_changed.emit(self.field.text()))
        self.field.textChanged.connect(lambda _text: self._after.start())
        self._quiet = False
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        head = QVBoxLayout()
        head.setContentsMargins(8, 8, 8, 6)
        head.setSpacing(4)
        for widget in (self.field, self.problem):
            head.addWidget(widget)
        column.addLayout(head)
        column.addWidget(self.view, 1)
        self.count.setContentsMargins(10, 5, 8, 5)
        column.addWidget(self.count)
        translator.language_changed.connect(self._tell_count)

    def show_entries(self, entries: Sequence[Entry], current: Path | None) -> None:
        """Fill the list, with the picture in hand marked and in sight."""
        self.problem.hide()
        rows = entries if isinstance(entries, Rows) else ListedRows(entries)
        self._quiet = True
        others = self.model.set_entries(rows)
        self._quiet = False
        if others:
            self.mark(current)
        self._tell_count()

    def show_filter_problem(self, text: str) -> None:
        """The filter cannot be understood; the list stays as it was."""
        self.problem.setText(text)
        self.problem.show()

    def mark(self, path: Path | None) -> None:
        """Mark the picture in hand, without choosing it again."""
        self._quiet = True
        row = self.model.row_of(path)
        index = self.model.index(row) if row >= 0 else QModelIndex()
        self.view.setCurrentIndex(index)
        if index.isValid():
            self.view.scrollTo(index)
        self._quiet = False
        self._tell_count()

    def neighbour(self, path: Path | None, step: int) -> Path | None:
        """The picture `step` rows on; None at the ends."""
        row = self.model.row_of(path)
        target = row + step if row >= 0 else (0 if step > 0 else -1)
        if 0 <= target < len(self.model.entries):
            return self.model.entries.path(target)
        return None

    def _current(self, index: QModelIndex) -> None:
        if not self._quiet and index.isValid():
            self.chosen.emit(self.model.entries.path(index.row()))

    def _tell_count(self) -> None:
        row = self.view.currentIndex().row()
        total = len(self.model.entries)
        if row >= 0:
            self.count.setText(tr("{number} of {count} pictures", number=row + 1, count=total))
        else:
            one = total == 1
            self.count.setText(tr("1 picture") if one else tr("{count} pictures", count=total))
