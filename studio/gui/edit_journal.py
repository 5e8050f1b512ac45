"""The journal of unsaved edits as a document keeps it: what cannot be kept is said once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from studio.core.edits import Edit
from studio.core.errors import FileProblem
from studio.gui.sheets import Sheet
from studio.io.journal import Journal


class EditJournal:
    """`tell` hears of the first trouble; every further edit would say it again."""

    def __init__(self, tell: Callable[[FileProblem], None]) -> None:
        self.journal: Journal | None = None
        self._tell_it = tell
        self._failed = False

    def begin(self, folder: Path | None, *, close: bool) -> None:
        """Start afresh in another project; the journal before is closed where nothing is unsaved."""
        if self.journal is not None and close:
            self.journal.close()
        self.journal = None if folder is None else Journal(folder)
        self._failed = False

    def note(self, sheet: Sheet, edit: Edit) -> None:
        """Keep an edit that was just made; a sheet that is as its file needs no journal."""
        if self.journal is None:
            return
        try:
            if sheet.dirty or sheet.order is not None:
                size = (sheet.content.width, sheet.content.height)
                self.journal.record(sheet.picture, sheet.file_hash, edit, size)
            else:
                self.journal.done(sheet.picture)
        except FileProblem as problem:
            self._tell(problem)
        if self.journal.trouble is not None:
            self._tell(self.journal.trouble)

    def done(self, sheet: Sheet) -> None:
        """Everything of the sheet is in its file."""
        if self.journal is None:
            return
        try:
            self.journal.done(sheet.picture)
        except FileProblem as problem:
            self._tell(problem)

    def saving(self, sheet: Sheet) -> Callable[[str], None]:
        """To be called with the digest of what is about to be written."""
        journal, picture, mark = self.journal, sheet.picture, None
        try:
            mark = None if journal is None else journal.mark(picture)
        except FileProblem as problem:
            self._tell(problem)

        def note(digest: str) -> None:
            if journal is not None and mark is not None:
                journal.saving(picture, digest, mark)

        return note

    def _tell(self, problem: FileProblem) -> None:
        if not self._failed:
            self._failed = True
            self._tell_it(problem)
