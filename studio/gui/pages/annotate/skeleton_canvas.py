"""The figure of a skeleton being edited, on a background picture: drag joints, join them."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from studio.core.names import spoken
from studio.core.skeleton_draft import SkeletonDraft
from studio.gui import style
from studio.gui.theme import theme

MARGIN = 28.0
REACH = 12.0
LIMB_REACH = 8.0
# A press that moves less than this is a click.
CLICK = 4.0

Limb = tuple[int, int]


class SkeletonCanvas(QWidget):
    """`changed(draft)` after each change; `chosen(uid)` where a joint was picked;
    `limb_picked(limb or None)` where another limb, or none, is the chosen one; `limb_chosen(limb)`
    where one was clicked twice.

    Joints are dragged to their places, or joined (`set_joining`, or Shift): dragged from one to
    the other, or clicked one after the other; a limb that is there goes. The template's unit box is as wide and high as the background picture, or a square.
    """

    changed = Signal(object)
    chosen = Signal(int)
    limb_picked = Signal(object)
    limb_chosen = Signal(object)

    def __init__(self, draft: SkeletonDraft, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.draft = draft
        self.current: int | None = None
        self.background: QImage | None = None
        self.joining = False
        self.limb: Limb | None = None
        self._dragged: int | None = None
        # The joint that a limb is begun at, where its line was pressed, and where it ends now.
        self._from: int | None = None
        self._pressed: QPointF | None = None
        self._to = QPointF()
        self.setMinimumSize(QSize(280, 320))
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def set_draft(self, draft: SkeletonDraft) -> None:
        """Show another draft."""
        self.draft = draft
        if self.limb is not None and self.limb not in draft.limbs:
            self._pick(None)
        if self._from is not None and all(j.uid != self._from for j in draft.joints):
            self._from = None
        self.update()

    def set_joining(self, joining: bool) -> None:
        """Whether a press on a joint begins a limb, or moves the joint."""
        self.joining = joining
        self._from = self._pressed = None
        self.update()

    def _pick(self, limb: Limb | None) -> None:
        if limb != self.limb:
            self.limb = limb
            self.limb_picked.emit(limb)
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
            if (a, b) == self.limb:
                for width, name in ((10, "overlay_dark"), (8.5, "overlay_light"), (6.5, "accent")):
                    painter.setPen(style.pen(theme.color(name), style.LIMB_WIDTHS[0] + width))
                    painter.drawLine(line)
            for width, name in zip(style.LIMB_WIDTHS[:2], ("dark", "light"), strict=True):
                painter.setPen(style.pen(theme.color(f"overlay_{name}"), width))
                painter.drawLine(line)
            shade = QColor(color) if color else theme.color("overlay_middle")
            painter.setPen(style.pen(shade, style.LIMB_WIDTHS[2]))
            painter.drawLine(line)
        self._paint_begun(painter)
        for joint in self.draft.joints:
            self._paint_joint(painter, joint.uid)

    def _paint_begun(self, painter: QPainter) -> None:
        """The limb that is being drawn."""
        if self._from is None:
            return
        start = self.spot(self._from)
        over = self._at(self._to)
        end = self._to if over is None else self.spot(over)
        painter.setPen(style.pen(theme.color("accent"), 2.0, dashed=True))
        painter.drawLine(start, end)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(style.pen(theme.color("accent"), 2.0))
        painter.drawEllipse(start, 11.0, 11.0)

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
        """Take a joint to move it or to begin a limb, or choose a limb."""
        place = event.position()
        uid = self._at(place)
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if uid is None:
            self._from = self._pressed = None
            self._pick(self.limb_at(place))
            self.update()
            return
        self._pick(None)
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if self.joining or shift:
            if shift and self._from is None and self.current != uid:
                self._from = self.current
            self._begin_or_join(uid, place)
        else:
            self._dragged = uid
        self.current = uid
        self.chosen.emit(uid)
        self.update()

    def _begin_or_join(self, uid: int, place: QPointF) -> None:
        """The second of two clicks joins; else a limb begins here."""
        if self._from is not None and self._from != uid:
            self._join(self._from, uid)
            self._from = self._pressed = None
        else:
            self._from, self._pressed, self._to = uid, place, place

    def _join(self, first: int, second: int) -> None:
        self._change(self.draft.with_limb(first, second))
        if (first, second) in self.draft.limbs:
            self._pick((first, second))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the joint in hand, draw the limb that is begun, or tell what lies there."""
        if self._dragged is not None:
            joint = self.draft.joint(self._dragged)
            place = self._place(event.position())
            self.draft = self.draft.with_joint(replace(joint, place=place))
            self.update()
            return
        if self._from is not None:
            self._to = event.position()
            self.update()
        uid = self._at(event.position())
        over = uid is not None or self.limb_at(event.position()) is not None
        self.setToolTip("" if uid is None else spoken(self.draft.joint(uid).name))
        hand = Qt.CursorShape.CrossCursor if self.joining else Qt.CursorShape.PointingHandCursor
        self.setCursor(hand if over else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """The end of a drag; a click leaves the limb begun for the second one."""
        if self._dragged is not None:
            self._dragged = None
            self._change(self.draft)
        if self._from is None or self._pressed is None:
            return
        away = (event.position() - self._pressed).manhattanLength()
        self._pressed = None
        if away < CLICK:
            return
        first, self._from = self._from, None
        uid = self._at(event.position())
        if uid is not None and uid != first:
            self._join(first, uid)
        self.update()

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
        if event.key() == Qt.Key.Key_Escape and self._from is not None:
            self._from = self._pressed = None
            self.update()
        elif event.key() == Qt.Key.Key_Delete and self.limb is not None:
            self._change(self.draft.without_limb(self.limb))
        elif event.key() == Qt.Key.Key_Delete and self.current is not None:
            gone, self.current = self.current, None
            self._change(self.draft.removed(gone))
        else:
            super().keyPressEvent(event)

    def _change(self, draft: SkeletonDraft) -> None:
        self.draft = draft
        if self.limb is not None and self.limb not in draft.limbs:
            self._pick(None)
        self.changed.emit(draft)
        self.update()
