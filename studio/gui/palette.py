"""The command palette: everything the studio can do, found by a few letters."""

from __future__ import annotations

from PySide6.QtCore import (
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QKeyEvent, QKeySequence, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from studio.gui.actions import ActionRegistry, StudioAction
from studio.gui.i18n import bind_text, tr
from studio.gui.page_table import PAGES
from studio.gui.theme import theme
from studio.gui.widgets.basics import line

ModelIndex = QModelIndex | QPersistentModelIndex
PLACE = Qt.ItemDataRole.UserRole + 1
KEYS = Qt.ItemDataRole.UserRole + 2
ROW = 36
WIDTH, HEIGHT = 560, 400


def match_score(needle: str, text: str) -> int | None:
    """How well `needle`'s letters stand in `text` in order: lower is better, None is no match."""
    needle, text = needle.casefold().strip(), text.casefold()
    if not needle:
        return 0
    whole = text.find(needle)
    if whole >= 0:
        return whole
    score, position = 100, -1
    for letter in needle.replace(" ", ""):
        found = text.find(letter, position + 1)
        if found < 0:
            return None
        score += found - position - 1
        position = found
    return score


class _EntryDelegate(QStyledItemDelegate):
    """A line of the list: the title, where it belongs, its keys at the right."""

    def sizeHint(self, _option: QStyleOptionViewItem, _index: ModelIndex) -> QSize:
        return QSize(WIDTH - 32, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: ModelIndex) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        room: QRect = option.rect  # type: ignore[attr-defined]
        state: QStyle.StateFlag = option.state  # type: ignore[attr-defined]
        if state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver):
            selected = bool(state & QStyle.StateFlag.State_Selected)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("selected" if selected else "hover"))
            radius = theme.token("radius.small")
            painter.drawRoundedRect(room.adjusted(2, 1, -2, -1), radius, radius)
        line = room.adjusted(12, 0, -12, 0)
        center = Qt.AlignmentFlag.AlignVCenter
        painter.setFont(theme.font("text"))
        painter.setPen(theme.color("text"))
        title = str(index.data(Qt.ItemDataRole.DisplayRole))
        painter.drawText(line, center, title)
        width = painter.fontMetrics().horizontalAdvance(title)
        painter.setFont(theme.font("small"))
        painter.setPen(theme.color("muted"))
        painter.drawText(line.adjusted(width + 12, 0, 0, 0), center, str(index.data(PLACE) or ""))
        self._draw_keys(painter, line, str(index.data(KEYS) or ""))
        painter.restore()

    def _draw_keys(self, painter: QPainter, line: QRect, keys: str) -> None:
        if not keys:
            return
        metrics = painter.fontMetrics()
        box = QRectF(0, 0, metrics.horizontalAdvance(keys) + 14, metrics.height() + 4)
        box.moveRight(line.right())
        box.moveTop(line.center().y() - box.height() / 2 + 0.5)
        painter.setPen(theme.color("border"))
        painter.setBrush(theme.color("sunken"))
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(theme.color("muted"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, keys)


class CommandPalette(QFrame):
    """Opens over the window; typing filters, Enter does it, Esc goes away."""

    def __init__(self, registry: ActionRegistry, parent: QWidget) -> None:
        super().__init__(parent)
        self._registry = registry
        self._window = parent
        self.setProperty("role", "overlay")
        self.field = QLineEdit()
        self.field.setProperty("role", "bare")
        bind_text(self.field.setPlaceholderText, "What do you want to do?")
        bind_text(self.field.setAccessibleName, "What do you want to do?")
        self.list = QListWidget()
        self.list.setProperty("role", "flat")
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setItemDelegate(_EntryDelegate(self.list))
        self.nothing = QLabel()
        self.nothing.setProperty("role", "muted")
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        bind_text(self.nothing.setText, "Nothing is called like that.")
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(4)
        for widget in (self.field, line(), self.list, self.nothing):
            column.addWidget(widget)
        self.field.textChanged.connect(self._filter)
        self.field.installEventFilter(self)
        self.list.itemClicked.connect(lambda _item: self._do())
        self.hide()

    def open(self) -> None:
        """Show it in the upper middle of the window, empty."""
        window = self._window
        width = min(WIDTH, window.width() - 48)
        height = min(HEIGHT, window.height() - 96)
        self.setGeometry((window.width() - width) // 2, 72, width, height)
        self.field.clear()
        self._filter("")
        self.show()
        self.raise_()
        self.field.setFocus()

    def matches(self, text: str) -> list[StudioAction]:
        """The actions that fit, the best first; what cannot be done now is left out."""
        found: list[tuple[int, int, StudioAction]] = []
        for number, declared in enumerate(self._registry.all()):
            if not declared.in_palette or not self._registry.get(declared.id).isEnabled():
                continue
            scores = [match_score(text, tr(declared.title)), match_score(text, declared.title)]
            known = [s for s in scores if s is not None]
            if known:
                found.append((min(known), number, declared))
        return [declared for _score, _number, declared in sorted(found, key=lambda f: f[:2])]

    def _filter(self, text: str) -> None:
        places = {entry.page_id: entry.title for entry in PAGES}
        self.list.clear()
        matches = self.matches(text)
        for declared in matches:
            action = self._registry.get(declared.id)
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            place = tr(places[declared.page_id]) if declared.page_id in places else ""
            item = QListWidgetItem(tr(declared.title))
            item.setData(Qt.ItemDataRole.UserRole, declared.id)
            item.setData(PLACE, place)
            item.setData(KEYS, keys)
            self.list.addItem(item)
        self.list.setCurrentRow(0)
        self.list.setVisible(bool(matches))
        self.nothing.setVisible(not matches)

    def _do(self) -> None:
        item = self.list.currentItem()
        self.close_palette()
        if item is None:
            return
        action_id = item.data(Qt.ItemDataRole.UserRole)
        declared = next(a for a in self._registry.all() if a.id == action_id)
        if declared.page_id:
            self._registry.trigger(f"page.{declared.page_id}")
        self._registry.trigger(action_id)

    def close_palette(self) -> None:
        """Go away; the focus returns to the page."""
        self.hide()
        self._window.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.field and event.type() == QEvent.Type.FocusOut:
            self.hide()
        pressed = watched is self.field and event.type() == QEvent.Type.KeyPress
        if pressed and isinstance(event, QKeyEvent):
            return self._key(event.key())
        return super().eventFilter(watched, event)

    def _key(self, key: int) -> bool:
        steps = {
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_PageDown: 8,
            Qt.Key.Key_PageUp: -8,
        }
        if key in steps:
            count = max(1, self.list.count())
            target = self.list.currentRow() + steps[Qt.Key(key)]
            self.list.setCurrentRow(max(0, min(count - 1, target)))
            return True
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._do()
            return True
        if key == Qt.Key.Key_Escape:
            self.close_palette()
            return True
        return False
