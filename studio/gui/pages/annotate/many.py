"""Edits over many pictures at once: made off the window's thread, one step back and forth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand

from studio.core.annotation import AnnotatedImage
from studio.core.errors import StudioError
from studio.gui.background import Background
from studio.gui.document import Document
from studio.gui.i18n import tr
from studio.io import snapshots
from studio.io.files import atomic_write_bytes, read_bytes
from studio.io.journal import file_hash
from studio.io.labelme import annotation_path
from studio.io.snapshots import Snapshot

if TYPE_CHECKING:
    from studio.gui.pages.annotate.page import AnnotatePage

Change = Callable[[Path, AnnotatedImage], AnnotatedImage | None]
# From this many files on a step back is taken off the window's thread too.
FEW = 8


@dataclass(frozen=True)
class Outcome:
    """What came of an edit: how many pictures changed, and which could not be."""

    changed: tuple[Path, ...]
    problems: tuple[StudioError, ...]


class ManyCommand(QUndoCommand):
    """A change of many files that stands on the disk already when it is pushed."""

    def __init__(
        self,
        document: Document,
        snapshot: Snapshot,
        pictures: Mapping[Path, Path],
        title: str,
        after: Callable[[], object] | None = None,
    ) -> None:
        super().__init__(tr(title))
        self.document = document
        self.snapshot = snapshot
        self.pictures = dict(pictures)
        # What loaded pictures held in memory on the other side of this step: equal to the file's
        # content, but the steps before and after were made on these very values.
        self.contents: Mapping[Path, AnnotatedImage] = {}
        # The files were changed already, in a worker.
        self.prepared: Snapshot | None = snapshot
        self._fresh = True
        self._after = after

    def redo(self) -> None:
        """Make the change on the disk."""
        self._perform()

    def undo(self) -> None:
        """Put back what the files held."""
        self._perform()

    def _perform(self) -> None:
        self.document.settle()
        try:
            if self.prepared is None:
                self.restore_bytes()
                self.prepared = snapshots.revert(self.snapshot)
        except StudioError as problem:
            self.setObsolete(True)
            self.document.problem.emit(problem)
            return
        self.snapshot, self.prepared = self.prepared, None
        now: dict[Path, AnnotatedImage] = {}
        for picture in self.pictures.values():
            sheet = self.document.sheet_of(picture)
            if sheet is None:
                continue
            if sheet.dirty and self._fresh:
                # Edited while the worker wrote: the person is asked which shall stand.
                self.document.check_outside(picture)
                continue
            now[picture] = sheet.content
            self.document.adopt(picture, self.contents.get(picture))
        self.contents, self._fresh = now, False
        if self._after is not None:
            self._after()

    def restore_bytes(self) -> None:
        """Files that the window saved meanwhile, and whose later edits were all taken back, are
        written as this step left them. Raises FileProblem.
        """
        for change in self.snapshot.files:
            picture = self.pictures.get(change.path)
            sheet = None if picture is None else self.document.sheet_of(picture)
            if sheet is None:
                continue
            found = file_hash(change.path)
            if found not in (change.after, "") and found == sheet.file_hash and change.after:
                data = read_bytes(self.snapshot.folder / change.after)
                atomic_write_bytes(change.path, data)


class ManyEdits(QObject):
    """Makes edits over many pictures for the page. `progress(done, total)` while it writes."""

    progress = Signal(int, int)
    changed = Signal()

    def __init__(self, page: AnnotatePage) -> None:
        super().__init__(page)
        self._page = page
        self._document = page.document
        self._work = Background(self)

    @property
    def busy(self) -> bool:
        """Whether files are being changed."""
        return self._work.busy

    def start(
        self,
        title: str,
        pictures: Sequence[Path],
        change: Change,
        done: Callable[[Outcome], None],
    ) -> bool:
        """Change the annotations of `pictures`; `done` hears what came of it, in the window's
        thread. False where it cannot begin. `title` is an N_() text. `change` runs in a worker.
        """
        project = self._page.studio.project
        if project is None or self.busy:
            if self.busy:
                self._page.editor.said.emit(tr("Wait until the edit before is done."))
            return False
        document = self._document
        if not all(document.save(p) for p in pictures if document.is_dirty(p)):
            return False
        store = Path(project.folder) / snapshots.FOLDER
        problems: list[StudioError] = []

        def work() -> Snapshot | None:
            return snapshots.edit_files(
                pictures, change, store, title=title, progress=self._tell, problems=problems
            )

        def finished(snapshot: Snapshot | None) -> None:
            self.push(title, snapshot, pictures)
            changed = () if snapshot is None else tuple(_pictures_of(snapshot, pictures).values())
            done(Outcome(changed, tuple(problems)))

        self._work.start(work, finished, self._failed)
        return True

    def push(
        self,
        title: str,
        snapshot: Snapshot | None,
        pictures: Sequence[Path],
        after: Callable[[], object] | None = None,
    ) -> None:
        """Take on a change that stands on the disk already, as one step of the history. `after`
        is called when it stands, and again when it is taken back or made again.
        """
        if snapshot is not None:
            changed = _pictures_of(snapshot, pictures)
            history = self._document.history
            history.push(ManyCommand(self._document, snapshot, changed, title, after))
            self._changed()

    def offer_unfinished(self, folder: Path) -> None:
        """A step over many pictures that a killed program left half made: offer to put it back."""
        found = snapshots.unfinished(folder / snapshots.FOLDER)
        if not found:
            return
        count = sum(len(snapshot.files) for snapshot in found)
        self._page.parts.unfinished.ask(
            tr("A step over {count} files was cut off before it was done.", count=count),
            tr("Some files have it and some have not. Put them back as they were?"),
            [(tr("Put them back"), lambda: self._put_back(found), "primary")],
        )

    def _put_back(self, found: Sequence[Snapshot]) -> None:
        def work() -> tuple[Path, ...]:
            return tuple(path for snapshot in found for path in snapshots.put_back(snapshot))

        def done(left: tuple[Path, ...]) -> None:
            self._document.check_outside()
            self._changed()
            if left:
                names = ", ".join(path.name for path in left[:5])
                text = tr("These were changed since and are left as they are: {names}", names=names)
                self._page.banner.show_message(text, kind="warning")

        self._work.start(work, done, self._failed)

    def undo(self, *, forward: bool = False) -> bool:
        """Take the last step back (or again) off the window's thread, where it is a large one of
        many pictures. False where it is another kind of step.
        """
        history = self._document.history
        command = history.command(history.index() if forward else history.index() - 1)
        if not isinstance(command, ManyCommand):
            return False
        if self.busy or len(command.snapshot.files) <= FEW:
            return self.busy
        self._document.settle()

        def work() -> Snapshot:
            command.restore_bytes()
            return snapshots.revert(command.snapshot, progress=self._tell)

        def finished(snapshot: Snapshot) -> None:
            command.prepared = snapshot
            (history.redo if forward else history.undo)()
            self._changed()

        self._work.start(work, finished, self._failed)
        return True

    def _tell(self, done: int, total: int) -> None:
        if done % 20 == 0 or done == total:
            self.progress.emit(done, total)

    def _changed(self) -> None:
        self._page.library.rescan()
        self.changed.emit()

    def _failed(self, error: BaseException) -> None:
        self._page.show_problem(error)
        self._changed()


def _pictures_of(snapshot: Snapshot, pictures: Sequence[Path]) -> dict[Path, Path]:
    """{annotation file: picture} of what a snapshot changed."""
    known = {annotation_path(p): p for p in pictures}
    return {path: known[path] for path in snapshot.paths if path in known}
