"""The pixels of pictures too large to be decoded whole: the part in sight, read from the file.

A large JPEG is shown reduced; where one looks closer, the rows and columns in sight are decoded
at full size in a thread and laid over it. Of what was looked at the last few parts are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QRect, QRectF, QRunnable, QSize, Qt, QThreadPool, Signal
from PySide6.QtGui import QImage, QImageReader

from studio.gui.pages.annotate.pictures import Picture
from studio.gui.picture_reading import Transformation, reader_of

# What is kept of the memory, and how much may be decoded at once.
KEPT_BYTES = 160 * 1024 * 1024
MOST_PIXELS = 24_000_000
# Parts begin and end on this grid, and reach over what is in sight.
GRID = 256
MARGIN = 0.35


@dataclass(frozen=True)
class Patch:
    """A part of the upright picture, in its pixels, and how it looks."""

    area: QRect
    image: QImage


def raw_rect(area: QRect, upright: QSize, how: Transformation) -> QRect:
    """Where a part of the upright picture stands in the file's own, not yet turned pixels."""
    flags = how.value
    x1, y1, x2, y2 = area.x(), area.y(), area.x() + area.width(), area.y() + area.height()
    width, height = upright.width(), upright.height()
    if flags & Transformation.TransformationRotate90.value:
        width, height = height, width
        x1, y1, x2, y2 = y1, height - x2, y2, height - x1
    if flags & Transformation.TransformationMirror.value:
        x1, x2 = width - x2, width - x1
    if flags & Transformation.TransformationFlip.value:
        y1, y2 = height - y2, height - y1
    return QRect(x1, y1, x2 - x1, y2 - y1)


def read_part(path: Path, area: QRect) -> QImage:
    """The part `area` of the upright picture, upright; null where it cannot be read."""
    reader: QImageReader = reader_of(path)
    size = reader.size()
    turned = reader.transformation() & Transformation.TransformationRotate90
    upright = size.transposed() if turned else size
    reader.setClipRect(raw_rect(area, upright, reader.transformation()))
    image = reader.read()
    return image if image.isNull() else image.convertToFormat(QImage.Format.Format_RGB32)


class _Task(QRunnable):
    def __init__(self, owner: Details, path: Path, area: QRect) -> None:
        super().__init__()
        self._owner = owner
        self._path = path
        self._area = area

    def run(self) -> None:
        image = read_part(self._path, self._area)
        try:
            self._owner.read.emit(self._path, self._area, image)
        except RuntimeError:
            # The window was closed meanwhile.
            return


class Details(QObject):
    """`want` what is in sight; `ready()` follows when there is more to draw. `version` changes
    with what is kept.
    """

    ready = Signal()
    read = Signal(object, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.version = 0
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._path: Path | None = None
        self._patches: list[Patch] = []
        self._wanted: QRect | None = None
        self._reading: QRect | None = None
        self.read.connect(self._take, Qt.ConnectionType.QueuedConnection)

    def patches(self, picture: Picture, seen: QRectF) -> Iterator[Patch]:
        """What is kept of this picture and in sight, the newest last."""
        if picture.path == self._path:
            around = seen.toAlignedRect()
            yield from (p for p in self._patches if p.area.intersects(around))

    def want(self, picture: Picture, seen: QRectF) -> None:
        """Show `seen`, a part of the upright picture, at its full size if it can be."""
        if picture.path != self._path:
            self._path = picture.path
            self._patches.clear()
            self._wanted = None
            self.version += 1
        whole = QRect(0, 0, *picture.size)
        sight = seen.toAlignedRect().intersected(whole)
        if sight.isEmpty() or any(p.area.contains(sight) for p in self._patches):
            return
        wide, high = int(sight.width() * MARGIN), int(sight.height() * MARGIN)
        area = _on_grid(sight.adjusted(-wide, -high, wide, high)).intersected(whole)
        if area.width() * area.height() > MOST_PIXELS:
            area = sight
        if area.width() * area.height() > MOST_PIXELS:
            return
        self._wanted = area
        self._next()

    def stop(self) -> None:
        """Wait for what is being read; nothing more comes."""
        self._wanted = None
        self._pool.waitForDone()

    @property
    def busy(self) -> bool:
        """Whether something is being read."""
        return self._reading is not None

    def _next(self) -> None:
        if self._wanted is not None and self._reading is None and self._path is not None:
            self._reading, self._wanted = self._wanted, None
            self._pool.start(_Task(self, self._path, self._reading))

    def _take(self, path: Path, area: QRect, image: QImage) -> None:
        self._reading = None
        if path == self._path and not image.isNull():
            self._patches.append(Patch(area, image))
            total = sum(p.image.sizeInBytes() for p in self._patches)
            while total > KEPT_BYTES and len(self._patches) > 1:
                total -= self._patches.pop(0).image.sizeInBytes()
            self.version += 1
            self.ready.emit()
        self._next()


def _on_grid(area: QRect) -> QRect:
    left, top = area.left() // GRID * GRID, area.top() // GRID * GRID
    right = -(-(area.left() + area.width()) // GRID) * GRID
    bottom = -(-(area.top() + area.height()) // GRID) * GRID
    return QRect(left, top, right - left, bottom - top)
