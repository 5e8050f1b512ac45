"""Pictures decoded off the window's thread, with the neighbours fetched ahead."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QRunnable, QSize, Qt, QThreadPool, Signal
from PySide6.QtGui import QImage

from studio.core.errors import StudioError
from studio.gui.picture_reading import (
    format_of,
    problem_with,
    progressive,
    read_upright,
    reader_of,
    refuse_giant,
    upright_size,
)
from studio.io.files import IMAGE_SUFFIXES
from studio.io.images import image_size

# A decoded picture above this many pixels is shown at half, a quarter, ... of its size.
MOST_PIXELS = 36_000_000
# From this size on something coarse is shown first.
PREVIEW_PIXELS = 4_000_000
# What decoded pictures may keep of the memory.
CACHE_BYTES = 512 * 1024 * 1024
_SMALLEST_LEVEL = 256


@dataclass(frozen=True)
class Picture:
    """A decoded picture: `size` (width, height) is the upright file's, `levels` the pixels, each
    level half as wide as the one before. A `preview` is coarse; the whole follows. `problem`: it
    could be decoded, but not all of it is there. `parts`: the levels are smaller than the file, and
    a part of it can be read at full size. `shared_with`: other pictures that have the same
    annotation file.
    """

    path: Path
    size: tuple[int, int]
    levels: tuple[QImage, ...]
    preview: bool = False
    problem: StudioError | None = None
    parts: bool = False
    shared_with: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        """Memory of all levels."""
        return sum(level.sizeInBytes() for level in self.levels)

    def level_for(self, scale: float) -> QImage:
        """The smallest level that is still sharp when one pixel of the file is `scale` wide."""
        for level in reversed(self.levels):
            if level.width() >= self.size[0] * scale * 0.999:
                return level
        return self.levels[0]


def picture_size(path: Path) -> tuple[int, int]:
    """Upright (width, height) from the file's header. Raises FileProblem, FormatError."""
    reader = reader_of(path)
    size = upright_size(path, reader)
    if not size.isValid():
        raise problem_with(path, reader)
    return size.width(), size.height()


def known_size(path: Path) -> tuple[int, int] | None:
    """`picture_size`, or None where it cannot be read: the loader says the same with its reason,
    and the annotations can be seen meanwhile.
    """
    try:
        return picture_size(path)
    except StudioError:
        return None


def load_picture(path: Path) -> Picture:
    """Decode a picture upright; any depth becomes 8 bits, alpha stays. Runs in any thread.

    Raises FileProblem where it is not there and FormatError where it cannot be decoded, or would
    take all the memory.
    """
    reader = reader_of(path)
    refuse_giant(path, reader)
    upright = upright_size(path, reader)
    raw = reader.size()
    pixels = max(raw.width() * raw.height(), 0)
    shrink = 1
    while pixels // (shrink * shrink) > MOST_PIXELS:
        shrink *= 2
    is_jpeg = format_of(reader) == b"jpeg"
    if shrink > 1:
        reader.setScaledSize(QSize(raw.width() // shrink, raw.height() // shrink))
    image = read_upright(path, reader)
    if image.isNull():
        raise problem_with(path, reader)
    alpha = image.hasAlphaChannel()
    image = image.convertToFormat(
        QImage.Format.Format_ARGB32_Premultiplied if alpha else QImage.Format.Format_RGB32
    )
    image.setDevicePixelRatio(1.0)
    size = upright if shrink > 1 and upright.isValid() else image.size()
    parts = shrink > 1 and is_jpeg
    whole = (size.width(), size.height())
    return Picture(
        path,
        whole,
        _levels(image),
        problem=_damage(path),
        parts=parts,
        shared_with=same_annotation(path),
    )


def same_annotation(picture: Path) -> tuple[str, ...]:
    """Names of the pictures beside `picture` that differ from it in their ending alone: they have
    the same annotation file.
    """
    beside = (picture.with_suffix(suffix) for suffix in sorted(IMAGE_SUFFIXES))
    return tuple(p.name for p in beside if p.name.lower() != picture.name.lower() and p.is_file())


def _damage(path: Path) -> StudioError | None:
    """Qt fills what a cut file lacks with grey and says nothing."""
    try:
        image_size(path, whole=True)
    except StudioError as problem:
        return problem
    return None


def load_preview(path: Path) -> Picture | None:
    """A large JPEG at a quarter of its size, in a third of the time; None for anything else, and
    for a progressive one, which takes as long at any size.
    """
    reader = reader_of(path)
    raw, upright = reader.size(), upright_size(path, reader)
    if format_of(reader) != b"jpeg" or raw.width() * raw.height() < PREVIEW_PIXELS:
        return None
    if progressive(path):
        return None
    part = 4 if raw.width() * raw.height() < MOST_PIXELS else 8
    reader.setScaledSize(QSize(raw.width() // part, raw.height() // part))
    image = reader.read()
    if image.isNull():
        return None
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    return Picture(path, (upright.width(), upright.height()), (image,), preview=True)


def _levels(image: QImage) -> tuple[QImage, ...]:
    levels = [image]
    while max(levels[-1].width(), levels[-1].height()) > 2 * _SMALLEST_LEVEL:
        last = levels[-1]
        half = QSize(max(last.width() // 2, 1), max(last.height() // 2, 1))
        levels.append(
            last.scaled(
                half,
                Qt.AspectRatioMode.IgnoreAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
        )
    return tuple(levels)


class _Task(QRunnable):
    def __init__(self, loader: PictureLoader, path: Path, stamp: int, *, preview: bool) -> None:
        super().__init__()
        self._loader = loader
        self._path = path
        self._stamp = stamp
        self._preview = preview

    def run(self) -> None:
        if self._preview:
            coarse = load_preview(self._path)
            if coarse is not None:
                self._answer(coarse)
        try:
            self._answer(load_picture(self._path))
        except StudioError as problem:
            self._answer(problem)

    def _answer(self, result: Picture | StudioError) -> None:
        try:
            self._loader.answered.emit(self._path, self._stamp, result)
        except RuntimeError:
            # The window was closed meanwhile: nobody waits for the picture.
            return


class PictureLoader(QObject):
    """`request` a picture; `loaded(Picture)` or `failed(Path, StudioError)` follows."""

    loaded = Signal(object)
    failed = Signal(object, object)
    answered = Signal(object, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(2)
        self._cache: OrderedDict[Path, tuple[int, Picture]] = OrderedDict()
        self._running: set[Path] = set()
        self._wanted: Path | None = None
        self.answered.connect(self._take, Qt.ConnectionType.QueuedConnection)

    def request(self, path: Path, neighbours: tuple[Path, ...] = ()) -> None:
        """Load `path` now and `neighbours` after it. A picture at hand is told at once."""
        self._wanted = path
        stamp = _stamp(path)
        kept = self._cache.get(path)
        if kept is not None and kept[0] == stamp:
            self._cache.move_to_end(path)
            self.loaded.emit(kept[1])
        else:
            self._start(path, stamp, priority=1)
        for neighbour in neighbours:
            if neighbour not in self._cache:
                self._start(neighbour, _stamp(neighbour), priority=0)

    def is_old(self, path: Path) -> bool:
        """Whether the file is another one than what was decoded; False where it is gone."""
        kept, stamp = self._cache.get(path), _stamp(path)
        return kept is not None and stamp not in (0, kept[0]) and path not in self._running

    @property
    def busy(self) -> bool:
        """Whether something is being decoded."""
        return bool(self._running)

    def forget(self) -> None:
        """Keep no picture that was decoded."""
        self._cache.clear()

    def stop(self) -> None:
        """Wait for what is being decoded; nothing more comes."""
        self._wanted = None
        self._pool.clear()
        self._pool.waitForDone()

    def _start(self, path: Path, stamp: int, priority: int) -> None:
        if path in self._running:
            return
        self._running.add(path)
        self._pool.start(_Task(self, path, stamp, preview=priority > 0), priority)

    def _take(self, path: Path, stamp: int, result: object) -> None:
        if isinstance(result, Picture) and result.preview:
            if path == self._wanted:
                self.loaded.emit(result)
            return
        self._running.discard(path)
        if isinstance(result, Picture):
            self._cache[path] = (stamp, result)
            self._cache.move_to_end(path)
            total = sum(picture.bytes for _, picture in self._cache.values())
            while total > CACHE_BYTES and len(self._cache) > 1:
                _, (_, oldest) = self._cache.popitem(last=False)
                total -= oldest.bytes
        if path != self._wanted:
            return
        if isinstance(result, Picture):
            self.loaded.emit(result)
        else:
            self.failed.emit(path, result)


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
