"""The picture and the shapes at rest, drawn once for a view and kept while nothing changes.

While the view moves and drawing anew takes too long for a frame, what was drawn last stands in,
moved and scaled, and the canvas asks again when the movement rests.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable, Iterable

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QTransform

from studio.gui.pages.annotate.details import Patch
from studio.gui.pages.annotate.pictures import Picture
from studio.gui.pages.annotate.view import View

# More than this, and a frame at 60 Hz would be missed.
FRAME_SECONDS = 0.009
# From this zoom on the pixels of the photograph are shown as they are.
PIXELS_SHOWN = 4.0


class Layer:
    """One kept drawing of the size of the canvas."""

    def __init__(self) -> None:
        self.image: QImage | None = None
        self.view = View()
        self.key: Hashable = None
        self.seconds = 0.0

    def draw(
        self,
        painter: QPainter,
        view: View,
        size: QSize,
        ratio: float,
        key: Hashable,
        render: Callable[[QImage], None],
        *,
        moving: bool,
    ) -> bool:
        """Put the layer on the canvas. True if it is sharp, False if the last one stands in.

        `key` names what is drawn, apart from view and size.
        """
        whole = (key, size.width(), size.height(), ratio)
        if self.image is not None and self.view == view and self.key == whole:
            painter.drawImage(0, 0, self.image)
            return True
        if moving and self.seconds > FRAME_SECONDS and self.image is not None and self.key == whole:
            self._stand_in(painter, view)
            return False
        start = time.perf_counter()
        pixels = QSize(round(size.width() * ratio), round(size.height() * ratio))
        if self.image is None or self.image.size() != pixels:
            self.image = QImage(pixels, QImage.Format.Format_ARGB32_Premultiplied)
        self.image.setDevicePixelRatio(ratio)
        self.image.fill(Qt.GlobalColor.transparent)
        render(self.image)
        self.view, self.key = view, whole
        self.seconds = time.perf_counter() - start
        painter.drawImage(0, 0, self.image)
        return True

    def _stand_in(self, painter: QPainter, view: View) -> None:
        assert self.image is not None
        scale = view.scale / self.view.scale
        moved = QTransform(
            scale, 0, 0, scale, view.dx - self.view.dx * scale, view.dy - self.view.dy * scale
        )
        painter.save()
        painter.setTransform(moved, True)
        painter.drawImage(0, 0, self.image)
        painter.restore()


def is_reduced(picture: Picture, view: View, ratio: float) -> bool:
    """Whether the view is closer than the picture's levels are sharp, and the file has more."""
    return picture.parts and picture.size[0] * view.scale * ratio > picture.levels[0].width()


def seen_part(picture: Picture, view: View, size: QSize) -> QRectF:
    """What a canvas of `size` shows of the picture, in the picture's pixels."""
    left, top = view.to_picture(QPointF(0, 0))
    right, bottom = view.to_picture(QPointF(size.width(), size.height()))
    whole = QRectF(0, 0, *picture.size)
    return QRectF(QPointF(left, top), QPointF(right, bottom)).intersected(whole)


def draw_picture(
    image: QImage,
    picture: Picture,
    view: View,
    brightness: int,
    contrast: int,
    patches: Iterable[Patch] = (),
) -> None:
    """The part of `picture` that the view shows, onto a canvas-sized `image`.

    brightness, contrast: -100..100, 0 as the file has it. patches: parts of it at full size.
    """
    ratio = image.devicePixelRatio()
    level = picture.level_for(view.scale * ratio)
    whole = view.picture_rect(picture.size)
    canvas = QRectF(0, 0, image.width() / ratio, image.height() / ratio)
    seen = whole.intersected(canvas)
    if seen.isEmpty():
        return
    step = level.width() / whole.width(), level.height() / whole.height()
    left = math.floor(max((seen.left() - whole.left()) * step[0] - 1, 0))
    top = math.floor(max((seen.top() - whole.top()) * step[1] - 1, 0))
    right = math.ceil(min((seen.right() - whole.left()) * step[0] + 1, level.width()))
    bottom = math.ceil(min((seen.bottom() - whole.top()) * step[1] + 1, level.height()))
    target = QRectF(
        whole.left() + left / step[0],
        whole.top() + top / step[1],
        (right - left) / step[0],
        (bottom - top) / step[1],
    )
    painter = QPainter(image)
    smooth = view.scale < PIXELS_SHOWN
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
    painter.drawImage(target, level, QRectF(left, top, right - left, bottom - top))
    for patch in patches:
        corner = view.to_canvas(patch.area.x(), patch.area.y())
        wide, high = patch.area.width() * view.scale, patch.area.height() * view.scale
        painter.drawImage(QRectF(corner.x(), corner.y(), wide, high), patch.image)
    painter.end()
    if brightness or contrast:
        adjust(image, seen, brightness, contrast)


def draw_coarse(painter: QPainter, picture: Picture, view: View) -> None:
    """The whole picture quickly, under a layer that only stands in."""
    painter.drawImage(view.picture_rect(picture.size), picture.levels[-1])


def adjust(image: QImage, area: QRectF, brightness: int, contrast: int) -> None:
    """Lighten and strengthen the colours of an ARGB32 image inside `area` (logical pixels)."""
    ratio = image.devicePixelRatio()
    box = QRect(
        math.floor(area.left() * ratio),
        math.floor(area.top() * ratio),
        math.ceil(area.width() * ratio) + 1,
        math.ceil(area.height() * ratio) + 1,
    ).intersected(QRect(0, 0, image.width(), image.height()))
    gain = 1.0 + contrast / 100.0 if contrast < 0 else 1.0 + contrast / 33.0
    values = (np.arange(256) - 128.0) * gain + 128.0 + brightness * 1.28
    table = np.clip(np.round(values), 0, 255).astype(np.uint8)
    rows = np.frombuffer(image.bits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    part = rows[box.top() : box.bottom() + 1, 4 * box.left() : 4 * (box.right() + 1)]
    colors = part.reshape(part.shape[0], -1, 4)
    colors[..., :3] = table[colors[..., :3]]
