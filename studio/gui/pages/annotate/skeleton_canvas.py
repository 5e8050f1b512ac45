"""The figure of a skeleton being edited, on a background picture: drag joints, join them."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from studio.core.skeleton_draft import SkeletonDraft
from studio.gui.pages.annotate import style
from studio.gui.pages.annotate.style import spoken
from studio.gui.theme import theme

MARGIN = 28.0
REACH = 12.0
LIMB_REACH = 8.0


class SkeletonCanvas(QWidget):
    """`changed(draft)` after each change; `chosen(uid)` where a joint was picked;
    `limb_chosen((uid, uid))` where a limb was clicked twice.

    The template's unit box is as wide and high as the background picture, or a square.
    """

    changed = Signal(object)
    chosen = Signal(int)
    limb_chosen = Signal(object)

    def __init__(self, draft: SkeletonDraft, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.draft = draft
        self.current: int | None = None
        self.background: QImage | None = None
        self._dragged: int | None = None
        self.setMinimumSize(QSize(280, 320))
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def set_draft(self, draft: SkeletonDraft) -> None:
        """Show another draft."""
        self.draft = draft
        self.update()

    def set_current(self, uid: int | None) -> None:
        """Mark a joint."""
        self.current = uid
        self.update()

    def set_background(self, image: QImage | None) -> None:
        """A picture behind the figure."""
        self.background = None if image is None or image.isNull() else image
        self.update()

    # places

    def _area(self) -> QRectF:
        room = QRectF(self.rect()).adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        wide, high = (
            (self.background.width(), self.background.height()) if self.background else (1, 1.25)
        )
        scale = min(room.width() / wide, room.height() / high)
        size = (wide * scale, high * scale)
        middle = room.center()
        return QRectF(middle.x() - size[0] / 2, middle.y() - size[1] / 2, *size)

    def spot(self, uid: int) -> QPointF:
        """Where a joint lies on the widget."""
        area, (x, y) = self._area(), self.draft.joint(uid).place
        return QPointF(area.left() + x * area.width(), area.top() + y * area.height())

    def _place(self, spot: QPointF) -> tuple[float, float]:
        area = self._area()
        x = (spot.x() - area.left()) / area.width()
        y = (spot.y() - area.top()) / area.height()
        return min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)

    def _at(self, spot: QPointF) -> int | None:
        away = {j.uid: (self.spot(j.uid) - spot).manhattanLength() for j in self.draft.joints}
        best = min(away, key=away.__getitem__, default=None)
        return best if best is not None and away[best] <= REACH else None

    def limb_at(self, spot: QPointF) -> tuple[int, int] | None:
        """The ends of the limb under a place."""
        best, least = None, LIMB_REACH
        for ends in self.draft.limbs:
            a, b = self.spot(ends[0]), self.spot(ends[1])
            along = b - a
            square = QPointF.dotProduct(along, along) or 1.0
            part = min(max(QPointF.dotProduct(spot - a, along) / square, 0.0), 1.0)
            away = (a + along * part - spot).manhattanLength()
            if away < least:
                best, least = ends, away
        return best

    # drawing

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(self.rect(), theme.color("canvas"))
        area = self._area()
        if self.background is not None:
            painter.drawImage(area, self.background)
        painter.setPen(style.pen(theme.color("border_strong"), 1.0))
        painter.drawRect(area)
        for (a, b), color in self.draft.limbs.items():
            line = QLineF(self.spot(a), self.spot(b))
            for width, name in zip(style.LIMB_WIDTHS[:2], ("dark", "light"), strict=True):
                painter.setPen(style.pen(theme.color(f"overlay_{name}"), width))
                painter.drawLine(line)
            shade = QColor(color) if color else theme.color("overlay_middle")
            painter.setPen(style.pen(shade, style.LIMB_WIDTHS[2]))
            painter.drawLine(line)
        for joint in self.draft.joints:
            self._paint_joint(painter, joint.uid)

    def _paint_joint(self, painter: QPainter, uid: int) -> None:
        joint, side = self.draft.joint(uid), self._side(uid)
        color = QColor(joint.color) if joint.color else theme.color(f"overlay_{side}")
        chosen = uid == self.current
        mark = style.mark(
            style.FORMS[side],
            color,
            hidden=False,
            radius=6.0,
            selected=chosen,
            ratio=self.devicePixelRatioF(),
        )
        size, spot = mark.deviceIndependentSize(), self.spot(uid)
        painter.drawPixmap(spot - QPointF(size.width() / 2, size.height() / 2), mark)
        if chosen:
            style.tag(
                painter,
                spot + QPointF(13, -13),
                spoken(joint.name),
                color=color,
                form=style.FORMS[side],
                bounds=QRectF(self.rect()),
            )

    def _side(self, uid: int) -> str:
        for left, right in self.draft.mirrors:
            if uid in (left, right):
                return "left" if uid == left else "right"
        return "middle"

    # the mouse and the keys

    def mousePressEvent(self, event: QMouseEvent) -> None:
        uid = self._at(event.position())
        if uid is None:
            return
        shift = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        if shift and self.current is not None and self.current != uid:
            self._change(self.draft.with_limb(self.current, uid))
        self.current = uid
        self._dragged = None if shift else uid
        self.chosen.emit(uid)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._dragged is not None:
            joint = self.draft.joint(self._dragged)
            place = self._place(event.position())
            self.draft = self.draft.with_joint(replace(joint, place=place))
            self.update()
            return
        uid = self._at(event.position())
        self.setToolTip("" if uid is None else spoken(self.draft.joint(uid).name))
        over = Qt.CursorShape.PointingHandCursor if uid is not None else Qt.CursorShape.ArrowCursor
        self.setCursor(over)

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        if self._dragged is not None:
            self._dragged = None
            self._change(self.draft)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._at(event.position()) is not None:
            return
        limb = self.limb_at(event.position())
        if limb is not None:
            self.limb_chosen.emit(limb)
        else:
            draft, uid = self.draft.added(self._place(event.position()))
            self.current = uid
            self._change(draft)
            self.chosen.emit(uid)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete and self.current is not None:
            gone, self.current = self.current, None
            self._change(self.draft.removed(gone))
        else:
            super().keyPressEvent(event)

    def _change(self, draft: SkeletonDraft) -> None:
        self.draft = draft
        self.changed.emit(draft)
        self.update()
