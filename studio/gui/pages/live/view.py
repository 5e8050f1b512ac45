"""The picture of the Live page: the newest frame and what the model found on it."""

from __future__ import annotations

import time

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from studio.core.skeleton import Skeleton
from studio.gui.i18n import bind_text
from studio.gui.pages.live.figures import Figures, paint_figures, paint_message, paint_recording
from studio.gui.pages.live.frame import FrameRate, LiveFrame
from studio.gui.pages.live.heads import draw_heads
from studio.gui.pages.live.layers import Ground, LiveStyle, draw_names, draw_people
from studio.gui.pages.live.trails import Trails
from studio.gui.theme import theme

LARGEST_ZOOM = 16.0
_ZOOM_STEP = 1.25


class LiveView(QWidget):
    """Paints a frame to fit or larger, people over it, and the figures.

    `shown` comes after a frame was painted, with the frame and the moment (perf_counter).
    """

    full_screen_wanted = Signal()
    escape_pressed = Signal()
    shown = Signal(object, float)

    def __init__(self) -> None:
        super().__init__()
        self.style_values = LiveStyle()
        self.skeleton: Skeleton | None = None
        self.categories: tuple[str, ...] = ()
        self.frame: LiveFrame | None = None
        self.message = ""
        self.painted = 0
        self.trails = Trails()
        self.figures = Figures()
        self.zoom = 1.0
        self._middle = QPointF(0.5, 0.5)
        self._grabbed: QPointF | None = None
        self._image: QImage | None = None
        self._rate = FrameRate()
        self._record_started = 0.0
        self._fresh = False
        self.setMinimumSize(320, 180)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        bind_text(self.setAccessibleName, "Live picture")
        theme.changed.connect(self.update)

    def show_frame(self, frame: LiveFrame) -> None:
        """Show the newest frame; the one before, if not painted yet, is left out."""
        if frame.recording and (self.frame is None or not self.frame.recording):
            self._record_started = time.monotonic()
        self.frame = frame
        self._image = frame.image
        self._fresh = True
        self.trails.take(frame.index, frame.people)
        self.update()

    def clear(self) -> None:
        """Nothing to show any more."""
        self.frame = None
        self._image = None
        self._rate.reset()
        self.trails.clear()
        self.figures.clear()
        self.show_whole()

    def set_message(self, text: str) -> None:
        """A line over the picture (the camera is waited for); "" takes it away."""
        if text != self.message:
            self.message = text
            self.update()

    def display_fps(self) -> float:
        """Frames painted in a second."""
        return self._rate.value()

    def picture_rect(self) -> QRectF:
        """Where the frame stands in the widget; beyond it where one has zoomed in."""
        if self._image is None:
            return QRectF()
        size = self._image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        width, height = size.width() * self.zoom, size.height() * self.zoom
        x = self._edge(width, self.width(), self._middle.x())
        y = self._edge(height, self.height(), self._middle.y())
        return QRectF(x, y, width, height)

    def show_whole(self) -> None:
        """The whole frame as large as there is room."""
        self.zoom = 1.0
        self._middle = QPointF(0.5, 0.5)
        self.update()

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        """Larger or smaller around a spot of the widget, its middle where none is given."""
        room = self.picture_rect()
        if room.isEmpty():
            return
        spot = QPointF(self.width() / 2, self.height() / 2) if at is None else at
        part = QPointF((spot.x() - room.x()) / room.width(), (spot.y() - room.y()) / room.height())
        self.zoom = min(LARGEST_ZOOM, max(1.0, self.zoom * factor))
        after = self.picture_rect()
        away = QPointF(self.width() / 2, self.height() / 2) - spot
        self._look_at(
            QPointF(part.x() + away.x() / after.width(), part.y() + away.y() / after.height())
        )

    def zoom_in(self) -> None:
        """One step larger."""
        self.zoom_by(_ZOOM_STEP)

    def zoom_out(self) -> None:
        """One step smaller; not smaller than the whole."""
        self.zoom_by(1 / _ZOOM_STEP)

    def paintEvent(self, _event: QPaintEvent) -> None:
        started = time.perf_counter()
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.color("canvas"))
        frame, fresh = self.frame, self._fresh
        self._fresh = False
        if frame is not None and self._image is not None:
            if fresh:
                self._rate.tick()
                self.figures.take(frame, self._rate.value())
            self._paint_frame(painter, frame, self._image)
        if self.message:
            paint_message(painter, QRectF(self.rect()), self.message)
        painter.end()
        if frame is not None and fresh:
            self.painted += 1
            ended = time.perf_counter()
            self.figures.painted((ended - started) * 1000)
            self.shown.emit(frame, ended)

    def _paint_frame(self, painter: QPainter, frame: LiveFrame, image: QImage) -> None:
        room, look = self.picture_rect(), self.style_values
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(room, image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        seen = room.intersected(QRectF(self.rect()))
        ground = Ground(room.width() / image.width(), room.topLeft(), seen)
        painter.save()
        painter.setClipRect(seen)
        if look.trails:
            self.trails.paint(painter, look.trail, ground.scale, ground.origin)
        draw_people(painter, frame.people, self.skeleton, look, ground)
        draw_heads(painter, frame.people, look.heads, ground)
        if look.ids:
            draw_names(painter, frame.people, ground, self.categories)
        painter.restore()
        if look.overlay:
            paint_figures(painter, seen, self.figures)
        if frame.recording:
            seconds = int(time.monotonic() - self._record_started)
            paint_recording(painter, seen, seconds)

    @staticmethod
    def _edge(length: float, room: int, middle: float) -> float:
        """Where a side begins: centred where it fits, else without a gap at either end."""
        if length <= room:
            return (room - length) / 2
        return min(0.0, max(room - length, room / 2 - middle * length))

    def _look_at(self, middle: QPointF) -> None:
        """Have this part (0..1) of the frame in the widget's middle."""
        room = self.picture_rect()
        across = min(0.5, self.width() / 2 / max(1.0, room.width()))
        down = min(0.5, self.height() / 2 / max(1.0, room.height()))
        self._middle = QPointF(
            min(1 - across, max(across, middle.x())), min(1 - down, max(down, middle.y()))
        )
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        steps = event.angleDelta().y() / 120
        if steps and self._image is not None:
            self.zoom_by(_ZOOM_STEP**steps, event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus()
        if self.zoom > 1:
            self._grabbed = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grabbed is None:
            return
        room, moved = self.picture_rect(), event.position() - self._grabbed
        self._grabbed = event.position()
        self._look_at(
            QPointF(
                self._middle.x() - moved.x() / max(1.0, room.width()),
                self._middle.y() - moved.y() / max(1.0, room.height()),
            )
        )

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        self._grabbed = None
        self.unsetCursor()

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:
        self.full_screen_wanted.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.escape_pressed.emit()
        else:
            super().keyPressEvent(event)
