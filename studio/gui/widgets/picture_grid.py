"""Many pictures with people drawn on them, read in the background as they come into sight."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QRunnable,
    QSize,
    Qt,
    QThreadPool,
    Signal,
)
from PySide6.QtGui import QImage, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from studio.core.errors import StudioError
from studio.core.skeleton import Skeleton
from studio.gui.theme import theme
from studio.gui.widgets.figures import Figure, draw_figures, fitted, read_scaled, size_of

Index = QModelIndex | QPersistentModelIndex
CACHE = 400
THUMBNAIL = 320
CELL = QSize(176, 152)


@dataclass(frozen=True, eq=False)
class PictureItem:
    """One picture. `caption` stands below it, `badge` in its corner; `group_id` is the person
    to go to when it is opened.
    """

    path: Path
    caption: str = ""
    badge: str = ""
    figures: tuple[Figure, ...] = ()
    group_id: int | None = None


class _Signals(QObject):
    done = Signal(int, int, QImage)


class _Read(QRunnable):
    """Reads one picture small and draws its people on it, in a worker thread."""

    def __init__(
        self, row: int, batch: int, item: PictureItem, skeleton: Skeleton | None, longest: int
    ) -> None:
        super().__init__()
        self.signals = _Signals()
        self._row, self._batch, self._item, self._skeleton = row, batch, item, skeleton
        self._longest = longest

    def run(self) -> None:
        try:
            image = read_scaled(self._item.path, self._longest)
        except StudioError:
            self.signals.done.emit(self._row, self._batch, QImage())
            return
        image = image.convertToFormat(QImage.Format.Format_RGB32)
        whole = size_of(self._item.path)
        scale = image.width() / whole.width() if whole.width() > 0 else 1.0
        painter = QPainter(image)
        draw_figures(painter, self._item.figures, self._skeleton, scale, 2.0)
        painter.end()
        self.signals.done.emit(self._row, self._batch, image)


class PictureModel(QAbstractListModel):
    """The pictures of a grid; a picture is read when it is first painted."""

    def __init__(self, parent: QObject | None = None, longest: int = THUMBNAIL) -> None:
        super().__init__(parent)
        self._longest = longest
        self._items: Sequence[PictureItem] = ()
        self.marked: frozenset[Path] = frozenset()
        self._skeleton: Skeleton | None = None
        self._pixmaps: OrderedDict[int, QPixmap] = OrderedDict()
        self._waiting: dict[int, _Read] = {}
        self._batch = 0
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)

    def set_items(self, items: Sequence[PictureItem], skeleton: Skeleton | None) -> None:
        """Show these pictures instead."""
        self.beginResetModel()
        self._pool.clear()
        self._batch += 1
        self._items, self._skeleton = items, skeleton
        self._pixmaps.clear()
        self._waiting.clear()
        self.endResetModel()

    def item(self, row: int) -> PictureItem:
        """The picture of a row."""
        return self._items[row]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own
        return 0 if parent.isValid() else len(self._items)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        item = self._items[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return item.caption or item.path.name
        if role == Qt.ItemDataRole.ToolTipRole:
            return str(item.path)
        if role == Qt.ItemDataRole.DecorationRole:
            return self._pixmap(index.row())
        return None

    def finish(self) -> None:
        """Stop reading and wait for what is in hand; before the widget goes."""
        self._pool.clear()
        self._pool.waitForDone()

    def _pixmap(self, row: int) -> QPixmap | None:
        if row in self._pixmaps:
            self._pixmaps.move_to_end(row)
            return self._pixmaps[row]
        if row not in self._waiting:
            task = _Read(row, self._batch, self._items[row], self._skeleton, self._longest)
            task.setAutoDelete(False)
            task.signals.done.connect(self._arrived)
            self._waiting[row] = task
            self._pool.start(task)
        return None

    def _arrived(self, row: int, batch: int, image: QImage) -> None:
        if batch != self._batch:
            return
        self._waiting.pop(row, None)
        self._pixmaps[row] = QPixmap.fromImage(image)
        while len(self._pixmaps) > CACHE:
            self._pixmaps.popitem(last=False)
        index = self.index(row)
        self.dataChanged.emit(index, index, [Qt.ItemDataRole.DecorationRole])


class _Delegate(QStyledItemDelegate):
    def __init__(self, parent: QObject, cell: QSize) -> None:
        super().__init__(parent)
        self._cell = cell

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        rect: QRect = option.rect.adjusted(4, 4, -4, -4)  # pyright: ignore[reportAttributeAccessIssue]
        state: QStyle.StateFlag = option.state  # pyright: ignore[reportAttributeAccessIssue]
        painter.save()
        line = painter.fontMetrics().height() + 4
        frame = QRectF(rect.adjusted(0, 0, 0, -line))
        painter.fillRect(frame, theme.color("sunken"))
        pixmap = index.data(Qt.ItemDataRole.DecorationRole)
        if isinstance(pixmap, QPixmap) and not pixmap.isNull():
            place, _ = fitted(pixmap.size(), frame)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawPixmap(place, pixmap, QRectF(pixmap.rect()))
        elif isinstance(pixmap, QPixmap):
            painter.setPen(theme.color("danger"))
            painter.drawText(frame, Qt.AlignmentFlag.AlignCenter, "⚠")
        model = index.model()
        if isinstance(model, PictureModel):
            item = model.item(index.row())
            _badge(painter, frame, ("⚑ " if item.path in model.marked else "") + item.badge)
        selected = bool(state & QStyle.StateFlag.State_Selected)
        if selected or state & QStyle.StateFlag.State_MouseOver:
            color = theme.color("accent" if selected else "border")
            painter.setPen(QPen(color, 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(frame.adjusted(1, 1, -1, -1))
        text = QRect(rect.left(), rect.bottom() - line + 2, rect.width(), line)
        painter.setPen(theme.color("text" if selected else "muted"))
        caption = painter.fontMetrics().elidedText(
            str(index.data()), Qt.TextElideMode.ElideMiddle, text.width()
        )
        painter.drawText(text, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, caption)
        painter.restore()

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        return self._cell


def _badge(painter: QPainter, frame: QRectF, text: str) -> None:
    if not text:
        return
    metrics = painter.fontMetrics()
    box = QRectF(0, 0, metrics.horizontalAdvance(text) + 10, metrics.height() + 4)
    box.moveTopRight(frame.topRight() + QRectF(-4, 4, 0, 0).topLeft())
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color("overlay_panel"))
    painter.drawRoundedRect(box, 4, 4)
    painter.setPen(theme.color("overlay_text"))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


class PictureGrid(QListView):
    """A grid of pictures; `chosen` on a single choice, `opened` on Enter or a double click.

    cell: the room of one picture with its caption.
    """

    chosen = Signal(object)
    opened = Signal(object)

    def __init__(self, parent: QWidget | None = None, cell: QSize = CELL) -> None:
        super().__init__(parent)
        self._model = PictureModel(self, max(THUMBNAIL, 2 * cell.width() if cell != CELL else 0))
        self.setModel(self._model)
        self.setItemDelegate(_Delegate(self, cell))
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setLayoutMode(QListView.LayoutMode.Batched)
        self.setSpacing(0)
        self.setMinimumWidth(208)
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.selectionModel().currentChanged.connect(self._on_current)
        self.activated.connect(lambda index: self.opened.emit(self._model.item(index.row())))
        self.destroyed.connect(self._model.finish)

    def set_items(self, items: Sequence[PictureItem], skeleton: Skeleton | None) -> None:
        """Show these pictures; none is chosen."""
        self._model.set_items(items, skeleton)

    def set_marked(self, paths: frozenset[Path]) -> None:
        """These carry a flag in their corner."""
        self._model.marked = paths
        self.viewport().update()

    def count(self) -> int:
        """How many pictures there are."""
        return self._model.rowCount()

    def item(self, row: int) -> PictureItem:
        """The picture of a row."""
        return self._model.item(row)

    def choose(self, row: int) -> None:
        """Choose a picture, as a click does."""
        self.setCurrentIndex(self._model.index(row))

    def _on_current(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if current.isValid():
            self.chosen.emit(self._model.item(current.row()))
