"""How joints, limbs and outlines look: visible on any photograph, sides told apart by form.

A left joint is a disc, a right one a square, one in the middle a diamond; a visible joint is
filled, a hidden one hollow. Every mark has a dark and a light edge.
"""

from __future__ import annotations

import zlib
from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPixmap, QPolygonF

from studio.core.skeleton import Skeleton
from studio.gui.theme import theme

PERSON_COLORS = 8
FORMS = {"left": "disc", "right": "square", "middle": "diamond"}
# A limb: dark edge, light edge, colour; widths in logical pixels.
LIMB_WIDTHS = (5.0, 3.6, 2.4)
OUTLINE_WIDTHS = (3.6, 1.8)
# Where a text stands beside the cursor.
BESIDE = QPointF(16.0, 18.0)
# The widest plate with text, and what is shown of a longer label at either end.
LONGEST_TAG = 480.0
_ENDS = 100


def person_color(group_id: int) -> QColor:
    """The colour of a person's outline and name."""
    return theme.color(f"person_{group_id % PERSON_COLORS + 1}")


def label_color(label: str) -> QColor:
    """The colour of a label: the same in every picture and every session."""
    return theme.color(f"person_{zlib.crc32(label.encode()) % PERSON_COLORS + 1}")


def joint_color(skeleton: Skeleton, joint: int) -> QColor:
    """The skeleton's own colour of a joint, else that of its side."""
    if skeleton.colors:
        return QColor(skeleton.colors[joint])
    return theme.color(f"overlay_{skeleton.side(joint)}")


def limb_color(skeleton: Skeleton, edge: int) -> QColor:
    """The skeleton's own colour of a limb, else that of its ends' side."""
    if skeleton.edge_colors:
        return QColor(skeleton.edge_colors[edge])
    a, b = (skeleton.side(joint) for joint in skeleton.edges[edge])
    return theme.color(f"overlay_{a if a == b else 'middle'}")


def mark(
    form: str, color: QColor, *, hidden: bool, radius: float, selected: bool, ratio: float
) -> QPixmap:
    """The picture of one joint, its middle in the middle."""
    return _mark(form, color.rgba(), hidden, round(radius * 2) / 2, selected, ratio)


@lru_cache(maxsize=512)
def _mark(
    form: str, rgba: int, hidden: bool, radius: float, selected: bool, ratio: float
) -> QPixmap:
    extent = int((radius + 7) * 2) | 1
    pixmap = QPixmap(round(extent * ratio), round(extent * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    middle = QPointF(extent / 2, extent / 2)
    color = QColor.fromRgba(rgba)
    dark, light = theme.color("overlay_dark"), theme.color("overlay_light")
    painter.setPen(Qt.PenStyle.NoPen)
    if selected:
        painter.setBrush(theme.color("overlay_text"))
        _form(painter, form, middle, radius + 4.5)
        painter.setBrush(dark)
        _form(painter, form, middle, radius + 3.0)
    painter.setBrush(dark)
    _form(painter, form, middle, radius + 2.2)
    painter.setBrush(light)
    _form(painter, form, middle, radius + 1.1)
    painter.setBrush(color)
    _form(painter, form, middle, radius)
    if hidden:
        # A hole, so that the photograph is seen through a joint that is not seen in it.
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_DestinationOut)
        painter.setBrush(QColor(0, 0, 0))
        _form(painter, form, middle, max(radius - 2.0, 1.2))
    painter.end()
    return pixmap


def _form(painter: QPainter, form: str, middle: QPointF, radius: float) -> None:
    x, y = middle.x(), middle.y()
    if form == "square":
        side = radius * 0.9
        painter.drawRoundedRect(QRectF(x - side, y - side, 2 * side, 2 * side), 1.2, 1.2)
    elif form == "diamond":
        r = radius * 1.25
        corners = [QPointF(x, y - r), QPointF(x + r, y), QPointF(x, y + r), QPointF(x - r, y)]
        painter.drawPolygon(QPolygonF(corners))
    else:
        painter.drawEllipse(middle, radius, radius)


def pen(color: QColor, width: float, *, dashed: bool = False) -> QPen:
    """A line of constant width at every zoom."""
    line = QPen(color, width)
    line.setCosmetic(True)
    # Round ends cost six times as much, and a joint or a handle lies on every end.
    line.setCapStyle(Qt.PenCapStyle.FlatCap)
    line.setJoinStyle(Qt.PenJoinStyle.BevelJoin)
    if dashed:
        line.setDashPattern([2.0, 2.2])
    return line


def one_line(text: str) -> str:
    """A label as it can be shown: a file may say anything, of any length, on many lines."""
    if len(text) > 2 * _ENDS:
        text = f"{text[:_ENDS]}…{text[-_ENDS:]}"
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def tag(
    painter: QPainter,
    spot: QPointF,
    text: str,
    *,
    color: QColor | None = None,
    form: str = "",
    bounds: QRectF | None = None,
    centred: bool = False,
) -> QRectF:
    """A small dark plate with text beside `spot` (its left middle), kept inside `bounds`, on one
    line that is cut where there is no room for it.
    """
    font: QFont = theme.font("small")
    metrics = QFontMetricsF(font)
    sign = 14.0 if color is not None else 0.0
    room = LONGEST_TAG if bounds is None else min(LONGEST_TAG, bounds.width() - 8)
    text = metrics.elidedText(one_line(text), Qt.TextElideMode.ElideMiddle, room - 14 - sign)
    width = metrics.horizontalAdvance(text) + 14 + sign
    height = metrics.height() + 5
    left = spot.x() - width / 2 if centred else spot.x()
    rect = QRectF(left, spot.y() - height / 2, width, height)
    if bounds is not None:
        rect.moveLeft(min(max(rect.left(), bounds.left() + 4), bounds.right() - width - 4))
        rect.moveTop(min(max(rect.top(), bounds.top() + 4), bounds.bottom() - height - 4))
    painter.save()
    painter.resetTransform()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color("overlay_panel"))
    painter.drawRoundedRect(rect, 4, 4)
    if color is not None:
        painter.setBrush(color)
        _form(painter, form or "disc", QPointF(rect.left() + 12, rect.center().y()), 4.0)
    painter.setFont(font)
    painter.setPen(theme.color("overlay_text"))
    painter.drawText(rect.adjusted(7 + sign, 0, -6, 0), Qt.AlignmentFlag.AlignVCenter, text)
    painter.restore()
    return rect


def _forget() -> None:
    _mark.cache_clear()


theme.changed.connect(_forget)
