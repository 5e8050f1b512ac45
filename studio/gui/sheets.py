"""One picture's annotations in memory beside what its file holds, and the writing of the file.

Writing waits for the disk, so it can be done in a thread: everything it needs stands in an Order
that does not change any more, everything it finds in an Outcome.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from shiboken6 import isValid

from studio.core.annotation import AnnotatedImage
from studio.core.errors import FileProblem, StudioError
from studio.io import labelme
from studio.io.files import atomic_write_bytes, problem_of, read_bytes
from studio.io.journal import NO_FILE, content_hash

Stamp = tuple[int, int]


@dataclass(frozen=True)
class Order:
    """What is to be written, and what the file was when it was last looked at.

    `note(hash)` writes into the journal that the file is about to get content of that hash.
    """

    path: Path
    content: AnnotatedImage
    stamp: Stamp | None
    file_hash: str
    overwrite: bool
    note: Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """What came of an Order: the file's new hash and stamp; or `outside`: another program changed
    it, so that it was left alone; or the `problem`.
    """

    file_hash: str = NO_FILE
    stamp: Stamp | None = None
    outside: bool = False
    problem: StudioError | None = None


@dataclass
class Sheet:
    """One picture's annotations in memory and what its file holds.

    `stamp` is the file's (modification time in ns, size), None where there is no file;
    `problem` says why the file cannot be read: then nothing may be changed or written.
    `conflict`: the file was changed outside while there were unsaved edits here; `gone`: its
    folder was not there when last looked. `order` is being written, `again`: once more after it.
    """

    picture: Path
    content: AnnotatedImage
    saved: AnnotatedImage
    file_hash: str = NO_FILE
    stamp: Stamp | None = None
    problem: StudioError | None = None
    conflict: bool = False
    gone: bool = False
    order: Order | None = None
    again: bool = False

    @property
    def annotation(self) -> Path:
        """The labelme file beside the picture."""
        return labelme.annotation_path(self.picture)

    @property
    def dirty(self) -> bool:
        """Whether the content differs from the file's."""
        return self.content is not self.saved and self.content != self.saved


def stamp_of(path: Path) -> Stamp | None:
    """(modification time in ns, size) of a file; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def look(path: Path, stamp: Stamp | None, file_hash: str) -> tuple[Stamp | None, bool]:
    """The file's stamp now, and whether its content is another than that of `file_hash`.

    Raises FileProblem where it cannot be read, or where its whole folder is not there: that is a
    drive that went away, not a file that somebody removed.
    """
    now = stamp_of(path)
    if now is None and not path.parent.is_dir():
        raise FileProblem(
            "The folder of this picture is not there any more.",
            where=path.parent,
            hint="Nothing is lost: the edits are kept, and can be saved when the folder is back.",
        )
    if now == stamp:
        return now, False
    digest = content_hash(read_bytes(path)) if now is not None else NO_FILE
    return now, digest != file_hash


def write(order: Order) -> Outcome:
    """Replace the file, unless another program changed it meanwhile. Runs in any thread."""
    try:
        _, changed = look(order.path, order.stamp, order.file_hash)
        if changed and not order.overwrite:
            return Outcome(outside=True)
        old = read_bytes(order.path) if order.path.is_file() else None
        data = labelme.dumps(order.content, like=old, path=order.path)
        digest = content_hash(data)
        order.note(digest)
        atomic_write_bytes(order.path, data)
    except StudioError as problem:
        return Outcome(problem=problem)
    except OSError as error:
        return Outcome(problem=problem_of(error, order.path, "write"))
    return Outcome(digest, stamp_of(order.path))


class Writer(QObject):
    """Writes one file after the other in a thread. `written(Sheet, Order, Outcome)` tells it in
    the window's own.
    """

    written = Signal(object, object, object)
    _done = Signal(object, object, object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="saving")
        self._futures: dict[int, Future[Outcome]] = {}
        self._done.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def start(self, sheet: Sheet, order: Order) -> None:
        """Write soon."""
        future = self._pool.submit(write, order)
        self._futures[id(order)] = future

        def tell(done: Future[Outcome]) -> None:
            if isValid(self):
                self._done.emit(sheet, order, done.result())

        future.add_done_callback(tell)

    def wait(self, order: Order) -> Outcome:
        """Until the order is carried out; what came of it is not told again."""
        return self._futures.pop(id(order)).result()

    def _deliver(self, sheet: Sheet, order: Order, outcome: Outcome) -> None:
        if self._futures.pop(id(order), None) is not None:
            self.written.emit(sheet, order, outcome)
