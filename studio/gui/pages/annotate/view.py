"""Where a picture stands on the canvas."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSizeF
from PySide6.QtGui import QTransform

SMALLEST, LARGEST = 0.005, 64.0


@dataclass(frozen=True)
class View:
    """canvas = picture * scale + (dx, dy), in logical pixels of the canvas."""

    scale: float = 1.0
    dx: float = 0.0
    dy: float = 0.0

    def to_canvas(self, x: float, y: float) -> QPointF:
        """A spot of the picture on the canvas."""
        return QPointF(x * self.scale + self.dx, y * self.scale + self.dy)

    def to_picture(self, spot: QPointF) -> tuple[float, float]:
        """A spot of the canvas on the picture."""
        return (spot.x() - self.dx) / self.scale, (spot.y() - self.dy) / self.scale

    def transform(self) -> QTransform:
        """Picture to canvas, for a painter."""
        return QTransform(self.scale, 0.0, 0.0, self.scale, self.dx, self.dy)

    def zoomed(self, factor: float, at: QPointF) -> View:
        """Larger by `factor`; the spot `at` of the canvas stays where it is."""
        scale = min(max(self.scale * factor, SMALLEST), LARGEST)
        x, y = self.to_picture(at)
        return View(scale, at.x() - x * scale, at.y() - y * scale)

    def moved(self, by: QPointF) -> View:
        """Shifted on the canvas."""
        return View(self.scale, self.dx + by.x(), self.dy + by.y())

    def picture_rect(self, size: tuple[int, int]) -> QRectF:
        """Where a picture of `size` lies on the canvas."""
        return QRectF(self.dx, self.dy, size[0] * self.scale, size[1] * self.scale)

    def kept_near(self, size: tuple[int, int], canvas: QSizeF) -> View:
        """So that some of the picture is always in sight."""
        rect = self.picture_rect(size)
        keep = 48.0
        dx = min(max(rect.x(), keep - rect.width()), canvas.width() - keep)
        dy = min(max(rect.y(), keep - rect.height()), canvas.height() - keep)
        return View(self.scale, dx, dy)


def fitted(size: tuple[int, int], canvas: QSizeF, *, width_only: bool = False) -> View:
    """The whole picture (or its whole width) in sight, in the middle, with a small margin."""
    margin = 16.0
    room_w = max(canvas.width() - 2 * margin, 1.0)
    room_h = max(canvas.height() - 2 * margin, 1.0)
    scale = room_w / max(size[0], 1)
    if not width_only:
        scale = min(scale, room_h / max(size[1], 1))
    scale = min(max(scale, SMALLEST), LARGEST)
    dx = (canvas.width() - size[0] * scale) / 2
    dy = (canvas.height() - size[1] * scale) / 2
    return View(scale, dx, max(dy, margin) if width_only else dy)


def actual(size: tuple[int, int], canvas: QSizeF, ratio: float = 1.0) -> View:
    """One pixel of the picture on one pixel of the screen, in the middle."""
    scale = 1.0 / ratio
    return View(
        scale, (canvas.width() - size[0] * scale) / 2, (canvas.height() - size[1] * scale) / 2
    )
