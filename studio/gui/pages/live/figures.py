"""The figures over the live picture: rates, latency, and what each stage takes."""

from __future__ import annotations

import time
from collections import defaultdict, deque

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter

from studio.core.options import N_
from studio.gui.i18n import tr
from studio.gui.pages.live.frame import LiveFrame
from studio.gui.theme import theme

# Figures that change with every frame cannot be read.
REFRESH_SECONDS = 0.25
# The stages in the order in which a frame goes through them; "display" is the window's own.
STAGES = (
    ("capture", N_("Wait for a frame")),
    ("preprocess", N_("Prepare")),
    ("infer", N_("Infer")),
    ("decode", N_("Decode")),
    ("track", N_("Track")),
    ("head", N_("Head poses")),
    ("display", N_("Draw")),
)
MARGIN, PADDING = 12.0, 12.0

Row = tuple[str, str]


class Figures:
    """Gathers what frames tell and words it a few times a second."""

    def __init__(self) -> None:
        self._sums: defaultdict[str, float] = defaultdict(float)
        self._counts: defaultdict[str, int] = defaultdict(int)
        self._told: dict[str, float] = {}
        self._told_at = 0.0
        self._frame: LiveFrame | None = None
        self._display = 0.0
        self.paints: deque[float] = deque(maxlen=1000)

    def take(self, frame: LiveFrame, display: float) -> None:
        """A frame that is about to be painted; display: frames painted in a second."""
        self._frame, self._display = frame, display
        now = time.perf_counter()
        # From the capture to the window where the job tells when it was; else to its own end.
        seen = {"latency": (now - frame.taken) * 1000} if frame.taken else {}
        for name, value in {**frame.timings, **seen}.items():
            self._add(name, value)
        if now - self._told_at >= REFRESH_SECONDS:
            self._tell(now)

    def painted(self, milliseconds: float) -> None:
        """How long the painting took."""
        self._add("display", milliseconds)
        self.paints.append(milliseconds)

    def clear(self) -> None:
        """Forget the session."""
        self._sums.clear()
        self._counts.clear()
        self._told.clear()
        self._told_at = self._display = 0.0
        self._frame = None

    def rows(self) -> list[Row]:
        """Rates, latency, people and drops: what and how much."""
        frame = self._frame
        if frame is None:
            return []
        return [
            (tr("Capture"), f"{frame.fps.get('capture', 0.0):.1f} fps"),
            (tr("Inference"), f"{frame.fps.get('infer', 0.0):.1f} fps"),
            (tr("Display"), f"{self._display:.1f} fps"),
            (tr("Latency"), f"{self._told.get('latency', 0.0):.0f} ms"),
            (tr("People"), str(len(frame.people))),
            (tr("Dropped"), str(frame.dropped)),
        ]

    def stages(self) -> list[Row]:
        """The mean milliseconds of each stage that the job tells of."""
        return [(tr(t), f"{self._told[n]:.1f} ms") for n, t in STAGES if n in self._told]

    def _add(self, name: str, value: float) -> None:
        self._sums[name] += value
        self._counts[name] += 1

    def _tell(self, now: float) -> None:
        self._told = {n: s / max(1, self._counts[n]) for n, s in self._sums.items()}
        self._sums.clear()
        self._counts.clear()
        self._told_at = now


def paint_figures(painter: QPainter, room: QRectF, figures: Figures) -> None:
    """A plate in the upper left corner of `room`: the rates, and below a line the stages."""
    rows, stages = figures.rows(), figures.stages()
    if not rows:
        return
    painter.setFont(theme.font("small"))
    metrics = QFontMetricsF(painter.font())
    height = metrics.height() + 2
    every = [*rows, *stages]
    first = max(metrics.horizontalAdvance(name) for name, _ in every)
    least = metrics.horizontalAdvance("000.0 fps")
    second = max([least, *(metrics.horizontalAdvance(value) for _, value in every)])
    gap = PADDING if stages else 0.0
    size = QSizeF(first + second + 2 * PADDING + 16, height * len(every) + 16 + gap)
    plate = QRectF(room.topLeft() + QPointF(MARGIN, MARGIN), size)
    paint_plate(painter, plate)
    painter.setPen(theme.color("overlay_text"))
    top = plate.top() + 8
    for number, (name, value) in enumerate(every):
        if stages and number == len(rows):
            paint_line(painter, plate, top + gap / 2)
            top += gap
        line = QRectF(plate.left() + PADDING, top, plate.width() - 2 * PADDING, height)
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, name)
        painter.drawText(line, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, value)
        top += height


def paint_recording(painter: QPainter, room: QRectF, seconds: int) -> None:
    """A red disc and the time that is recorded, in the upper right corner of `room`."""
    text = f"REC  {seconds // 60}:{seconds % 60:02}"
    painter.setFont(theme.font("small", bold=True))
    metrics = QFontMetricsF(painter.font())
    plate = QRectF(0, 0, metrics.horizontalAdvance(text) + 44, metrics.height() + 12)
    plate.moveTopRight(room.topRight() + QPointF(-MARGIN, MARGIN))
    paint_plate(painter, plate)
    painter.setBrush(theme.color("overlay_record"))
    painter.drawEllipse(QPointF(plate.left() + 18, plate.center().y()), 5, 5)
    painter.setPen(theme.color("overlay_text"))
    painter.drawText(plate.adjusted(32, 0, -12, 0), Qt.AlignmentFlag.AlignVCenter, text)


def paint_message(painter: QPainter, room: QRectF, text: str) -> None:
    """A plate with `text` in the middle of `room`."""
    painter.setFont(theme.font("text"))
    metrics = QFontMetricsF(painter.font())
    plate = QRectF(0, 0, metrics.horizontalAdvance(text) + 48, metrics.height() + 24)
    plate.moveCenter(room.center())
    paint_plate(painter, plate)
    painter.setPen(theme.color("overlay_text"))
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)


def paint_plate(painter: QPainter, rect: QRectF) -> None:
    """The dark ground of words over a picture."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color("overlay_panel"))
    radius = theme.token("radius.normal")
    painter.drawRoundedRect(rect, radius, radius)


def paint_line(painter: QPainter, plate: QRectF, y: float) -> None:
    """A hair line across a plate."""
    painter.setOpacity(0.3)
    painter.drawLine(QPointF(plate.left() + PADDING, y), QPointF(plate.right() - PADDING, y))
    painter.setOpacity(1.0)
