"""Reading annotation files in a thread: the neighbours of the picture in hand before they are
asked for, and a large file while the window goes on.
"""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from shiboken6 import isValid

from studio.core.errors import StudioError
from studio.gui.sheets import Sheet, stamp_of
from studio.io import labelme
from studio.io.files import read_bytes
from studio.io.journal import content_hash

# How many are kept; embedded pictures make single files weigh many megabytes.
KEPT, KEPT_BYTES = 8, 64_000_000
# A file up to this size (bytes) is read and parsed in about 2 ms; a larger one is worth a thread.
SMALL = 200_000


def read_sheet(picture: Path, size: tuple[int, int] = (0, 0)) -> Sheet:
    """What the annotation file of `picture` says, or why it cannot be read; runs in any thread.

    size: the upright picture's width and height, for a picture without a file.
    """
    path = labelme.annotation_path(picture)
    empty = labelme.new_image(picture, size)
    stamp = stamp_of(path)
    if stamp is None:
        return Sheet(picture, empty, empty)
    try:
        data = read_bytes(path)
        content = labelme.parse(data, path)
    except StudioError as problem:
        return Sheet(picture, empty, empty, stamp=stamp, problem=problem)
    return Sheet(picture, content, content, content_hash(data), stamp)


class SheetReader(QObject):
    """`ask` for pictures; `ready(Path)` tells that one can be taken at once."""

    ready = Signal(object)
    _done = Signal(object, object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="annotations")
        self._running: set[Path] = set()
        self._read: OrderedDict[Path, Sheet] = OrderedDict()
        self._round = 0
        self._done.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def ask(self, picture: Path) -> None:
        """Read its annotation file, if there is one and it is not read yet."""
        if picture in self._running:
            return
        self._running.add(picture)
        number = self._round

        def work() -> None:
            sheet = read_sheet(picture)
            if isValid(self):
                self._done.emit(number, sheet)

        self._pool.submit(work)

    def take(self, picture: Path) -> Sheet | None:
        """What was read, where the file is still the one that was read; it is given away."""
        sheet = self._read.pop(picture, None)
        if sheet is None or sheet.stamp is None or stamp_of(sheet.annotation) != sheet.stamp:
            return None
        return sheet

    def has(self, picture: Path) -> bool:
        """Whether it was read and waits to be taken."""
        return picture in self._read

    def drop(self) -> None:
        """Forget all; what is being read is not wanted any more."""
        self._round += 1
        self._running.clear()
        self._read.clear()

    def _deliver(self, number: int, sheet: Sheet) -> None:
        if number != self._round:
            return
        self._running.discard(sheet.picture)
        self._read[sheet.picture] = sheet
        weight = sum(s.stamp[1] for s in self._read.values() if s.stamp is not None)
        while len(self._read) > 1 and (len(self._read) > KEPT or weight > KEPT_BYTES):
            _, oldest = self._read.popitem(last=False)
            weight -= oldest.stamp[1] if oldest.stamp is not None else 0
        self.ready.emit(sheet.picture)
