"""The project's pictures for the list: asked of the index off the window's thread."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal

from studio.core.annotation import AnnotatedImage
from studio.core.errors import StudioError
from studio.core.skeleton import Skeleton
from studio.gui.background import Background
from studio.gui.i18n import said
from studio.gui.pages.annotate.picture_rows import Entry, Rows
from studio.io.orphans import orphans
from studio.io.picture_facts import facts_of

if TYPE_CHECKING:
    from studio.io.picture_index import PictureIndex
    from studio.io.picture_rows import Selection
    from studio.io.project import Project

# How often the list hears of a scan.
TELL_SECONDS = 0.25


def entry_of(entry: Entry, image: AnnotatedImage, skeletons: Sequence[Skeleton]) -> Entry:
    """The row of a picture with its annotations as they are in memory; the project's skeletons."""
    facts = facts_of(image, skeletons)
    return replace(entry, state=facts.state, people=facts.people, shapes=facts.shapes, problem="")


class SelectedRows(Rows):
    """What a filter picked of the index; a row is fetched when it is looked at."""

    def __init__(self, index: PictureIndex, selection: Selection) -> None:
        super().__init__()
        self._index = index
        self._selection = selection

    def __len__(self) -> int:
        return len(self._selection)

    def path(self, row: int) -> Path:
        return self._index.folder / self._selection.path(row)

    def row_of(self, path: Path) -> int:
        return self._selection.row_of(self._index.key(path))

    def fetch(self, row: int) -> Entry:
        found = self._selection[row]
        path = self._index.picture(found)
        return Entry(path, found.state, found.people, found.shapes, found.split, found.problem)

    def refresh(self) -> None:
        self._selection.refresh()

    def lists_same(self, other: Rows) -> bool:
        if not isinstance(other, SelectedRows) or other._index is not self._index:
            return False
        return self._selection.lists_same(other._selection)


class Library(QObject):
    """`orphaned(paths)` names annotation files without a picture, once after the first scan;
    `listed(Rows)` answers a filter; `filter_problem(str)` says what is wrong with it;
    `scanning(done, total)` while the index is brought up to date; `refreshed()` where rows may
    say something else now.
    """

    listed = Signal(object)
    refreshed = Signal()
    orphaned = Signal(object)
    _named = Signal()
    filter_problem = Signal(str)
    scanning = Signal(int, int)
    problem = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.project: Project | None = None
        self.filter = ""
        self._query = Background(self)
        self._scan = Background(self)
        self._update = Background(self)
        self._look = Background(self)
        self._scanned = False
        self._searched = False
        self.scanning.connect(self.refreshed)
        self._named.connect(self._ask_again, Qt.ConnectionType.QueuedConnection)

    @property
    def complete(self) -> bool:
        """Whether the disk was looked through: a picture that is not listed is not there."""
        return self._scanned and not self._scan.busy

    def set_project(self, project: Project | None) -> None:
        """List another project: as the index knows it at once, then as the disk is."""
        self._query.drop()
        self._scan.drop()
        self._look.drop()
        self._searched = False
        self.project = project
        self.filter = ""
        self._scanned = False
        if project is not None:
            self.ask("")

    def ask(self, text: str) -> None:
        """List the pictures that `text`, in the filter language, leaves."""
        project = self.project
        if project is None:
            return
        self.filter = text
        self._query.start(lambda: _rows(project, text), self._answered, self._failed)

    def _ask_again(self) -> None:
        self.ask(self.filter)

    def _answered(self, rows: Rows) -> None:
        self.listed.emit(rows)
        if not self._scanned:
            # The first answer was what the index remembered; now as the disk is.
            self._scanned = True
            self.rescan()

    def saved(self, picture: Path, image: AnnotatedImage) -> None:
        """The picture was written: the index takes it in."""
        project = self.project
        if project is not None:
            self._update.start(
                lambda: project.index.update(picture, image),
                lambda _: self.refreshed.emit(),
                self._failed,
            )

    def rescan(self) -> None:
        """Look at the disk again, then list again."""
        project = self.project
        if project is None:
            return

        told = 0.0

        def progress(done: int, total: int) -> None:
            nonlocal told
            if done == total or time.monotonic() - told > TELL_SECONDS:
                told = time.monotonic()
                self.scanning.emit(done, total)

        self._scan.start(
            lambda: project.index.rescan(progress, listed=self._named.emit),
            lambda _: self._scan_ended(project),
            self._failed,
        )

    def _scan_ended(self, project: Project) -> None:
        self.ask(self.filter)
        if not self._searched:
            self._searched = True
            self._look.start(
                lambda: orphans(project.picture_folders, project.is_own),
                lambda found: self.orphaned.emit(found) if found else None,
                self._failed,
            )

    def _failed(self, error: BaseException) -> None:
        if isinstance(error, StudioError) and self.filter:
            self.filter_problem.emit(said(f"{error.message} {error.hint}".strip()))
        else:
            self.problem.emit(error)


def _rows(project: Project, text: str) -> Rows:
    selection = project.index.select(text)
    # Makes the table of places here, where nobody waits for it.
    selection.row_of("")
    return SelectedRows(project.index, selection)
