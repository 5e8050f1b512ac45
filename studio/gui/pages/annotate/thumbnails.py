"""Small pictures for the list, made off the window's thread and kept in the project."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections import OrderedDict
from pathlib import Path

from PySide6.QtCore import QObject, QRunnable, QSize, Qt, QThreadPool, QTimer, Signal
from PySide6.QtGui import QImage, QPixmap

from studio.core.errors import FormatError
from studio.gui.picture_reading import read_upright, reader_of, refuse_giant

WIDTH, HEIGHT = 64, 48
# Twice as large as shown, for screens of two pixels to a point.
_PIXELS = QSize(2 * WIDTH, 2 * HEIGHT)
_KEPT = 2000
FOLDER = Path(".studio") / "thumbnails"
# Some 5 kB each: the folder stays below 100 MB.
KEPT_FILES = 20_000


def make_thumbnail(path: Path) -> QImage:
    """An upright picture that covers the thumbnail's box; null where it cannot be decoded, or
    would take all the memory.
    """
    reader = reader_of(path)
    try:
        refuse_giant(path, reader)
    except FormatError:
        return QImage()
    size = reader.size()
    if size.isValid():
        target = size.scaled(_PIXELS * 2, Qt.AspectRatioMode.KeepAspectRatioByExpanding)
        if target.width() < size.width():
            reader.setScaledSize(target)
    image = read_upright(path, reader)
    if image.isNull():
        return image
    image = image.scaled(
        _PIXELS,
        Qt.AspectRatioMode.KeepAspectRatioByExpanding,
        Qt.TransformationMode.SmoothTransformation,
    )
    left = (image.width() - _PIXELS.width()) // 2
    top = (image.height() - _PIXELS.height()) // 2
    return image.copy(left, top, _PIXELS.width(), _PIXELS.height())


class _Task(QRunnable):
    def __init__(self, owner: Thumbnails, path: Path, kept: Path | None) -> None:
        super().__init__()
        self._owner = owner
        self._path = path
        self._kept = kept

    def run(self) -> None:
        image = QImage()
        kept = self._file()
        if kept is not None and kept.is_file():
            image = QImage(str(kept))
        if image.isNull():
            image = make_thumbnail(self._path)
            if kept is not None and not image.isNull():
                # A thumbnail that cannot be kept is made again next time; nothing else is lost.
                image.save(str(kept), quality=85)
        try:
            self._owner.made.emit(self._path, image)
        except RuntimeError:
            # The list was closed meanwhile.
            return

    def _file(self) -> Path | None:
        if self._kept is None:
            return None
        try:
            status = self._path.stat()
            self._kept.parent.mkdir(exist_ok=True)
            self._kept.mkdir(exist_ok=True)
        except OSError:
            return None
        name = f"{self._path}|{status.st_mtime_ns}|{status.st_size}"
        return self._kept / f"{hashlib.blake2b(name.encode(), digest_size=12).hexdigest()}.jpg"


class _Prune(QRunnable):
    """Leaves the newest on the disk."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def run(self) -> None:
        with contextlib.suppress(OSError), os.scandir(self._folder) as entries:
            files = [(entry.stat().st_mtime_ns, entry.path) for entry in entries]
            if len(files) > KEPT_FILES:
                files.sort()
                for _, path in files[: len(files) - KEPT_FILES * 3 // 4]:
                    Path(path).unlink(missing_ok=True)


class Thumbnails(QObject):
    """`get` gives a thumbnail at once if it is there, else makes it; `ready(Path)` follows.

    What was asked for last is made first: that is what stands in sight.
    """

    ready = Signal(object)
    made = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._kept: OrderedDict[Path, QPixmap] = OrderedDict()
        self._asked: list[Path] = []
        self._running: Path | None = None
        self._folder: Path | None = None
        self._begin = QTimer(self)
        self._begin.setSingleShot(True)
        self._begin.setInterval(0)
        self._begin.timeout.connect(self._next)
        self.made.connect(self._take, Qt.ConnectionType.QueuedConnection)

    def set_project(self, folder: Path | None) -> None:
        """Keep thumbnails in this project."""
        self._asked.clear()
        self._kept.clear()
        self._folder = None if folder is None else folder / FOLDER
        if self._folder is not None:
            self._pool.start(_Prune(self._folder), -1)

    def get(self, path: Path) -> QPixmap | None:
        """The thumbnail, null where the picture cannot be decoded; None: it is being made."""
        if path in self._kept:
            self._kept.move_to_end(path)
            return self._kept[path]
        if path != self._running:
            if path in self._asked:
                self._asked.remove(path)
            self._asked.append(path)
            del self._asked[:-200]
            self._begin.start()
        return None

    def stop(self) -> None:
        """Make no more."""
        self._asked.clear()
        self._pool.clear()
        self._pool.waitForDone()

    def _next(self) -> None:
        if self._running is None and self._asked:
            self._running = self._asked.pop()
            self._pool.start(_Task(self, self._running, self._folder))

    def _take(self, path: Path, image: QImage) -> None:
        self._running = None
        pixmap = QPixmap.fromImage(image) if not image.isNull() else QPixmap()
        if not pixmap.isNull():
            pixmap.setDevicePixelRatio(2.0)
        self._kept[path] = pixmap
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        self.ready.emit(path)
        self._next()
