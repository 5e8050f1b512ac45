"""The picture of the Live page: the newest frame and what the model found on it."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QWidget

from studio.core.prediction import Prediction
from studio.core.skeleton import Skeleton
from studio.gui.i18n import bind_text, tr
from studio.gui.theme import theme

Frame = npt.NDArray[np.uint8]
FPS_WINDOW = 30


@dataclass(frozen=True, eq=False)
class LiveFrame:
    """One frame to show. image: (H, W, 3) uint8 BGR; `timings` in milliseconds, `fps` by stage."""

    image: Frame
    people: tuple[Prediction, ...] = ()
    index: int = 0
    time: float = 0.0
    timings: Mapping[str, float] = field(default_factory=dict)
    fps: Mapping[str, float] = field(default_factory=dict)
    dropped: int = 0
    recording: bool = False


@dataclass
class LiveStyle:
    """How people are drawn; sizes are pixels on the screen."""

    radius: float = 4.0
    width: float = 3.0
    joint_confidence: float = 0.3
    skeletons: bool = True
    boxes: bool = True
    ids: bool = True
    overlay: bool = True


class FrameRate:
    """Frames in a second over the last ones."""

    def __init__(self, window: int = FPS_WINDOW) -> None:
        self._times: deque[float] = deque(maxlen=window)

    def tick(self, now: float | None = None) -> None:
        """One frame was shown."""
        self._times.append(time.perf_counter() if now is None else now)

    def value(self) -> float:
        """0 until there are two frames."""
        if len(self._times) < 2 or self._times[-1] <= self._times[0]:
            return 0.0
        return (len(self._times) - 1) / (self._times[-1] - self._times[0])

    def reset(self) -> None:
        """Start over."""
        self._times.clear()


class LiveView(QWidget):
    """Paints a frame to fit, skeletons over it with a dark and a light edge, and the figures."""

    full_screen_wanted = Signal()
    escape_pressed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.style_values = LiveStyle()
        self.skeleton: Skeleton | None = None
        self.categories: tuple[str, ...] = ()
        self.frame: LiveFrame | None = None
        self.message = ""
        self.painted = 0
        self._image: QImage | None = None
        self._rate = FrameRate()
        self._record_started = 0.0
        self.setMinimumSize(320, 180)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        bind_text(self.setAccessibleName, "Live picture")
        theme.changed.connect(self.update)

    def show_frame(self, frame: LiveFrame) -> None:
        """Show the newest frame; the one before, if not painted yet, is left out."""
        height, width = frame.image.shape[:2]
        if frame.recording and (self.frame is None or not self.frame.recording):
            self._record_started = time.monotonic()
        self.frame = frame
        # The array must outlive the picture that looks into it; `self.frame` keeps it.
        self._image = QImage(
            frame.image.data, width, height, 3 * width, QImage.Format.Format_BGR888
        )
        self.update()

    def clear(self) -> None:
        """Nothing to show any more."""
        self.frame = None
        self._image = None
        self._rate.reset()
        self.update()

    def set_message(self, text: str) -> None:
        """A line over the picture (the camera is waited for); "" takes it away."""
        self.message = text
        self.update()

    def display_fps(self) -> float:
        """Frames painted in a second."""
        return self._rate.value()

    def picture_rect(self) -> QRectF:
        """Where the frame stands in the widget."""
        if self._image is None:
            return QRectF()
        size = self._image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        x = (self.width() - size.width()) / 2
        y = (self.height() - size.height()) / 2
        return QRectF(x, y, size.width(), size.height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.color("canvas"))
        if self.frame is not None and self._image is not None:
            room = self.picture_rect()
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(room, self._image)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            scale = room.width() / self._image.width()
            draw_people(
                painter, self.frame.people, self.skeleton, self.style_values, scale, room.topLeft()
            )
            self._rate.tick()
            self.painted += 1
            if self.style_values.overlay:
                self._draw_figures(painter, room)
            if self.frame.recording:
                self._draw_recording(painter, room)
        if self.message:
            self._draw_message(painter)
        painter.end()

    def figures(self) -> list[tuple[str, str]]:
        """The overlay's lines: what and how much."""
        frame = self.frame
        if frame is None:
            return []
        timings, fps = frame.timings, frame.fps
        latency = timings.get("latency", timings.get("total", 0.0))
        return [
            (tr("Capture"), f"{fps.get('capture', 0.0):.1f} fps"),
            (tr("Inference"), f"{fps.get('infer', 0.0):.1f} fps"),
            (tr("Display"), f"{self.display_fps():.1f} fps"),
            (tr("Latency"), f"{latency:.0f} ms"),
            (tr("People"), str(len(frame.people))),
            (tr("Dropped"), str(frame.dropped)),
        ]

    def _draw_figures(self, painter: QPainter, room: QRectF) -> None:
        font = theme.font("small")
        painter.setFont(font)
        metrics = painter.fontMetrics()
        lines = self.figures()
        first = max(metrics.horizontalAdvance(name) for name, _ in lines)
        second = max(
            metrics.horizontalAdvance("000.0 fps"),
            *(metrics.horizontalAdvance(v) for _, v in lines),
        )
        height = metrics.height() + 2
        panel = QRectF(0, 0, first + second + 40, height * len(lines) + 16)
        panel.moveTopLeft(room.topLeft() + QPointF(12, 12))
        _panel(painter, panel)
        painter.setPen(theme.color("overlay_text"))
        for number, (name, value) in enumerate(lines):
            line = QRectF(
                panel.left() + 12, panel.top() + 8 + number * height, panel.width() - 24, height
            )
            painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, name)
            painter.drawText(
                line, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, value
            )

    def _draw_recording(self, painter: QPainter, room: QRectF) -> None:
        seconds = int(time.monotonic() - self._record_started)
        text = f"REC  {seconds // 60}:{seconds % 60:02}"
        painter.setFont(theme.font("small", bold=True))
        metrics = painter.fontMetrics()
        panel = QRectF(0, 0, metrics.horizontalAdvance(text) + 44, metrics.height() + 12)
        panel.moveTopRight(room.topRight() + QPointF(-12, 12))
        _panel(painter, panel)
        painter.setBrush(theme.color("overlay_record"))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawEllipse(QPointF(panel.left() + 18, panel.center().y()), 5, 5)
        painter.setPen(theme.color("overlay_text"))
        painter.drawText(panel.adjusted(32, 0, -12, 0), Qt.AlignmentFlag.AlignVCenter, text)

    def _draw_message(self, painter: QPainter) -> None:
        painter.setFont(theme.font("text"))
        metrics = painter.fontMetrics()
        panel = QRectF(0, 0, metrics.horizontalAdvance(self.message) + 48, metrics.height() + 24)
        panel.moveCenter(QRectF(self.rect()).center())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        _panel(painter, panel)
        painter.setPen(theme.color("overlay_text"))
        painter.drawText(panel, Qt.AlignmentFlag.AlignCenter, self.message)

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:
        self.full_screen_wanted.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.escape_pressed.emit()
        else:
            super().keyPressEvent(event)


def _panel(painter: QPainter, rect: QRectF) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color("overlay_panel"))
    radius = theme.token("radius.normal")
    painter.drawRoundedRect(rect, radius, radius)


def side_color(skeleton: Skeleton, joint: int) -> QColor:
    """Left, right or middle: the theme's overlay colours."""
    return theme.color(f"overlay_{skeleton.side(joint)}")


def limb_color(skeleton: Skeleton, first: int, second: int) -> QColor:
    """The side that both ends share, or the middle's colour."""
    sides = {skeleton.side(first), skeleton.side(second)}
    if len(sides) > 1:
        sides.discard("middle")
    return theme.color(f"overlay_{sides.pop() if len(sides) == 1 else 'middle'}")


def draw_people(
    painter: QPainter,
    people: Sequence[Prediction],
    skeleton: Skeleton | None,
    style: LiveStyle,
    scale: float,
    origin: QPointF,
) -> None:
    """Draw people given in pixels of the frame; `scale` and `origin` lead to the widget."""
    for number, person in enumerate(people):
        if style.boxes:
            _draw_box(painter, person, number, style, scale, origin)
        if style.skeletons and skeleton is not None and len(person.keypoints):
            _draw_skeleton(painter, person, skeleton, style, scale, origin)


def _draw_box(
    painter: QPainter,
    person: Prediction,
    number: int,
    style: LiveStyle,
    scale: float,
    origin: QPointF,
) -> None:
    x1, y1, x2, y2 = (float(v) * scale for v in person.box)
    rect = QRectF(QPointF(x1, y1) + origin, QPointF(x2, y2) + origin)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(theme.color("overlay_dark"), 3))
    painter.drawRoundedRect(rect, 3, 3)
    painter.setPen(QPen(theme.color("overlay_box"), 1.2))
    painter.drawRoundedRect(rect, 3, 3)
    if not style.ids:
        return
    name = f"#{person.track_id}" if person.track_id is not None else f"{number + 1}"
    text = f"{name}  {person.score:.2f}"
    painter.setFont(theme.font("small"))
    metrics = painter.fontMetrics()
    tag = QRectF(0, 0, metrics.horizontalAdvance(text) + 12, metrics.height() + 4)
    tag.moveBottomLeft(rect.topLeft() + QPointF(-1, -2))
    if tag.top() < origin.y():
        tag.moveTopLeft(rect.topLeft() + QPointF(2, 2))
    _panel(painter, tag)
    painter.setPen(theme.color("overlay_text"))
    painter.drawText(tag, Qt.AlignmentFlag.AlignCenter, text)


def _draw_skeleton(
    painter: QPainter,
    person: Prediction,
    skeleton: Skeleton,
    style: LiveStyle,
    scale: float,
    origin: QPointF,
) -> None:
    count = min(len(skeleton), len(person.keypoints))
    points = [
        QPointF(float(x) * scale, float(y) * scale) + origin for x, y, _ in person.keypoints[:count]
    ]
    seen = [
        float(s) >= style.joint_confidence and math.isfinite(p.x()) and math.isfinite(p.y())
        for p, (_, _, s) in zip(points, person.keypoints[:count], strict=True)
    ]
    limbs = [(a, b) for a, b in skeleton.edges if a < count and b < count and seen[a] and seen[b]]
    painter.setBrush(Qt.BrushStyle.NoBrush)
    outline = QPainterPath()
    for a, b in limbs:
        outline.moveTo(points[a])
        outline.lineTo(points[b])
    cap, join = Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin
    for token, more in (("overlay_dark", 3.0), ("overlay_light", 1.2)):
        pen = QPen(theme.color(token), style.width + more, Qt.PenStyle.SolidLine, cap, join)
        painter.strokePath(outline, pen)
    for a, b in limbs:
        pen = QPen(limb_color(skeleton, a, b), style.width, Qt.PenStyle.SolidLine, cap, join)
        painter.setPen(pen)
        painter.drawLine(points[a], points[b])
    for joint in range(count):
        if seen[joint]:
            _draw_joint(painter, points[joint], skeleton, joint, style.radius)


def _draw_joint(
    painter: QPainter, point: QPointF, skeleton: Skeleton, joint: int, radius: float
) -> None:
    """Left is a full disc, right a disc with a light heart: told apart by more than hue."""
    if radius <= 0:
        return
    painter.setPen(QPen(theme.color("overlay_dark"), 2.5))
    painter.setBrush(theme.color("overlay_light"))
    painter.drawEllipse(point, radius + 0.8, radius + 0.8)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(side_color(skeleton, joint))
    painter.drawEllipse(point, radius, radius)
    if skeleton.side(joint) == "right":
        painter.setBrush(theme.color("overlay_light"))
        painter.drawEllipse(point, radius * 0.4, radius * 0.4)
