"""Rows of two lines for the lists at the left: a name, what is to be said of it, a sign."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from studio.gui.theme import theme

Index = QModelIndex | QPersistentModelIndex
# The second line; the display role is the first.
DETAIL = Qt.ItemDataRole.UserRole + 1
INSET, PADDING, SIGN = 8, 8, 16


class TwoLines(QStyledItemDelegate):
    """Paints a row whose words begin 16 pixels from the edge, where the button above begins."""

    def sizeHint(self, option: QStyleOptionViewItem, _index: Index) -> QSize:
        line = option.fontMetrics.height()  # type: ignore[attr-defined]
        return QSize(120, 2 * line + 2 * PADDING + 4)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        whole: QRect = option.rect  # type: ignore[attr-defined]
        state = option.state  # type: ignore[attr-defined]
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        over = bool(state & QStyle.StateFlag.State_MouseOver)
        box = QRectF(whole.adjusted(INSET, 2, -INSET, -2))
        if chosen or over:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("selected" if chosen else "hover"))
            painter.drawRoundedRect(box, 4, 4)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(theme.color("focus"), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        words = box.adjusted(PADDING, PADDING - 2, -PADDING, 2 - PADDING)
        sign = index.data(Qt.ItemDataRole.DecorationRole)
        if isinstance(sign, QIcon) and not sign.isNull():
            place = QRect(round(words.right()) - SIGN, round(words.center().y()) - 8, SIGN, SIGN)
            sign.paint(painter, place)
            words.setRight(place.left() - PADDING)
        _line(painter, words, Qt.AlignmentFlag.AlignTop, str(index.data() or ""), "text")
        detail = str(index.data(DETAIL) or "")
        painter.setFont(theme.font("small"))
        _line(painter, words, Qt.AlignmentFlag.AlignBottom, detail, "muted")
        painter.restore()


def _line(painter: QPainter, room: QRectF, side: Qt.AlignmentFlag, text: str, color: str) -> None:
    painter.setPen(theme.color(color))
    cut = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, round(room.width()))
    painter.drawText(room, side | Qt.AlignmentFlag.AlignLeft, cut)
