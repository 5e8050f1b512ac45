"""The picture in hand, its annotations, and one history over all pictures.

Widgets read the document and ask it to `apply(edit)`; nothing else changes an annotation. It
knows what is unsaved (content differs from the file), writes the journal, saves, and notices
when another program changes a file.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from studio.core.annotation import AnnotatedImage
from studio.core.edits import Edit, ReplaceContent
from studio.core.errors import DataError, StudioError
from studio.core.options import N_
from studio.gui.edit_command import EditCommand
from studio.gui.edit_journal import EditJournal
from studio.gui.sheet_reader import SMALL, SheetReader, read_sheet
from studio.gui.sheets import Order, Outcome, Sheet, Writer, look, stamp_of, write
from studio.io import labelme
from studio.io.journal import Journal


class Document(QObject):
    """The annotations of the picture in hand, and the history of all pictures of a project.

    Signals: `opened(Path)` another picture is in hand; `changed(Edit)` its content changed;
    `selection_changed()`; `saved_changed(Path)` a picture became saved or unsaved;
    `outside_changed(Path)` its file was changed by another program while edits are unsaved;
    `taken_from_file(Path)` it was changed so while there were none, and the new content is here;
    `problem(StudioError)`.
    """

    opened = Signal(object)
    changed = Signal(object)
    selection_changed = Signal()
    saved_changed = Signal(object)
    outside_changed = Signal(object)
    taken_from_file = Signal(object)
    problem = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.history = QUndoStack(self)
        self.autosave = True
        self._notes = EditJournal(self.problem.emit)
        self._sheets: dict[Path, Sheet] = {}
        self._current: Sheet | None = None
        self._selection: tuple[int, ...] = ()
        self._sizes: dict[Path, tuple[int, int]] = {}
        self._writer = Writer(self)
        self._writer.written.connect(self._written)
        self._reader = SheetReader(self)
        self._reader.ready.connect(self._came)
        self._coming: tuple[Path, tuple[int, int] | None] | None = None

    @property
    def journal(self) -> Journal | None:
        """Where unsaved edits are kept, None without a project."""
        return self._notes.journal

    # the picture in hand

    @property
    def picture(self) -> Path | None:
        """The picture in hand."""
        return None if self._current is None else self._current.picture

    @property
    def sheet(self) -> Sheet | None:
        """All that is known of the picture in hand."""
        return self._current

    @property
    def content(self) -> AnnotatedImage:
        """The annotations of the picture in hand; an empty value where there is none."""
        return AnnotatedImage("") if self._current is None else self._current.content

    @property
    def editable(self) -> bool:
        """Whether there is a picture whose annotations may be changed."""
        return self._current is not None and self._current.problem is None

    def set_project(self, folder: Path | None) -> None:
        """Start afresh in another project; what is unsaved must have been dealt with before."""
        self.settle()
        self.history.clear()
        self._notes.begin(folder, close=not self.unsaved())
        self._sheets.clear()
        self._sizes.clear()
        self._reader.drop()
        self._current = self._coming = None
        self._selection = ()
        self.opened.emit(None)

    def open(self, picture: Path, size: tuple[int, int] | None = None) -> Sheet:
        """Take `picture` in hand; `size` is its upright width and height where known.

        The picture left is saved first where autosave is on. A file that cannot be read leaves
        the sheet with its problem, empty and closed to edits.
        """
        self._coming = None
        if size is not None:
            self._sizes[picture] = size
        leaving = self._current
        if leaving is not None and leaving.picture != picture and self.autosave and leaving.dirty:
            self.save_soon(leaving.picture)
        sheet = self._sheets.get(picture)
        if sheet is None:
            sheet = self._reader.take(picture) or self._read(picture)
            self._sheets[picture] = sheet
        self._current = sheet
        self._selection = ()
        self.opened.emit(picture)
        self.selection_changed.emit()
        if sheet.problem is not None:
            self.problem.emit(sheet.problem)
        else:
            self.check_outside(picture)
        return sheet

    def open_soon(self, picture: Path, size: tuple[int, int] | None = None) -> bool:
        """`open`, but where the file is large it is read in a thread first, and the picture in
        hand stays until then. False where it is still to come, see `coming`.
        """
        stamp = stamp_of(labelme.annotation_path(picture))
        large = stamp is not None and stamp[1] > SMALL
        if not large or picture in self._sheets or self._reader.has(picture):
            self.open(picture, size)
            return True
        self._coming = (picture, size)
        self._reader.ask(picture)
        return False

    @property
    def coming(self) -> Path | None:
        """The picture whose annotations are being read, to be in hand next."""
        return None if self._coming is None else self._coming[0]

    def prefetch(self, pictures: Iterable[Path]) -> None:
        """Read the annotations of pictures that may be opened next, in a thread."""
        for picture in pictures:
            if picture not in self._sheets and not self._reader.has(picture):
                self._reader.ask(picture)

    def _came(self, picture: Path) -> None:
        if self._coming is not None and self._coming[0] == picture:
            self.open(*self._coming)

    def close_picture(self) -> None:
        """Nothing in hand any more; unsaved edits stay in memory and in the journal."""
        if self._current is not None and self.autosave and self._current.dirty:
            self.save_soon()
        self._current = None
        self._selection = ()
        self.opened.emit(None)
        self.selection_changed.emit()

    def _read(self, picture: Path) -> Sheet:
        return read_sheet(picture, self._sizes.get(picture, (0, 0)))

    # editing

    def apply(self, edit: Edit) -> bool:
        """Make an edit on the picture in hand; False where it could not be, with the problem.

        An edit that changes nothing is none.
        """
        sheet = self._current
        if sheet is None or edit.is_empty:
            return False
        if sheet.problem is not None:
            self.problem.emit(sheet.problem)
            return False
        try:
            edit.apply(sheet.content)
        except DataError as problem:
            self.problem.emit(problem)
            return False
        self.history.push(EditCommand(self, sheet.picture, edit))
        return True

    def perform(self, picture: Path, edit: Edit) -> None:
        """Apply an edit to `picture`, opening it first; for the history alone.

        Raises StudioError where the picture's annotations are not those the edit was made on.
        """
        if self.picture != picture:
            self.open(picture)
        sheet = self._sheets[picture]
        if sheet.problem is not None:
            raise sheet.problem
        was_dirty = sheet.dirty
        before = self._selection
        sheet.content = edit.apply(sheet.content)
        self._selection = _follow(edit, before)
        self._notes.note(sheet, edit)
        self.changed.emit(edit)
        if self._selection != before:
            self.selection_changed.emit()
        if sheet.dirty != was_dirty:
            self.saved_changed.emit(picture)

    # the selection

    @property
    def selection(self) -> tuple[int, ...]:
        """Indices of the selected shapes, in the order they were chosen."""
        return self._selection

    def select(self, indices: Iterable[int]) -> None:
        """Select exactly these shapes."""
        count = len(self.content.shapes)
        chosen = tuple(dict.fromkeys(i for i in indices if 0 <= i < count))
        if chosen != self._selection:
            self._selection = chosen
            self.selection_changed.emit()

    # saving

    def is_dirty(self, picture: Path) -> bool:
        """Whether `picture` has edits that are not in its file."""
        sheet = self._sheets.get(picture)
        return sheet is not None and sheet.dirty

    def content_of(self, picture: Path) -> AnnotatedImage | None:
        """The annotations of a picture that was opened before."""
        sheet = self._sheets.get(picture)
        return None if sheet is None else sheet.content

    def sheet_of(self, picture: Path) -> Sheet | None:
        """All that is known of a picture that was opened before."""
        return self._sheets.get(picture)

    def adopt(self, picture: Path, content: AnnotatedImage | None = None) -> None:
        """The studio itself wrote the file of `picture`: what it says is the content now, without
        an edit. `content`: the same as it stood in memory before, for the steps of the history.
        """
        sheet = self._sheets.get(picture)
        if sheet is None:
            return
        self._settle(sheet)
        fresh = self._read(picture)
        before, sheet.problem, sheet.conflict = sheet.content, fresh.problem, False
        sheet.content = sheet.saved = fresh.content if content is None else content
        sheet.file_hash, sheet.stamp = fresh.file_hash, fresh.stamp
        self._notes.done(sheet)
        if sheet is self._current:
            self._selection = ()
            self.changed.emit(ReplaceContent(before, sheet.content))
            self.selection_changed.emit()
        self.saved_changed.emit(picture)

    def unsaved(self) -> tuple[Path, ...]:
        """All pictures with edits that are not in their file."""
        return tuple(p for p, sheet in self._sheets.items() if sheet.dirty)

    def save(self, picture: Path | None = None, *, overwrite: bool = False) -> bool:
        """Write the picture's annotations now; False, with the reason as a signal, if not.

        A file that another program changed since it was read is left alone unless `overwrite`.
        """
        sheet = self._current if picture is None else self._sheets.get(picture)
        if sheet is None or sheet.problem is not None:
            return False
        self._settle(sheet)
        if not sheet.dirty and not overwrite:
            return True
        order = self._order(sheet, overwrite=overwrite)
        return self._take_outcome(sheet, order, write(order))

    def save_soon(self, picture: Path | None = None) -> None:
        """Write the picture's annotations in the background; `saved_changed`, or the reason why
        not, follows. Until then it counts as unsaved, and the journal holds its edits.
        """
        sheet = self._current if picture is None else self._sheets.get(picture)
        if sheet is None or sheet.problem is not None or not sheet.dirty:
            return
        if sheet.order is not None:
            sheet.again = True
            return
        sheet.order = self._order(sheet)
        self._writer.start(sheet, sheet.order)

    @property
    def writing(self) -> bool:
        """Whether a file is being written in the background."""
        return any(sheet.order is not None for sheet in self._sheets.values())

    def save_all(self) -> bool:
        """Save every picture now; False where one could not be."""
        self.settle()
        failed = [picture for picture in self.unsaved() if not self.save(picture)]
        return not failed

    def _order(self, sheet: Sheet, *, overwrite: bool = False) -> Order:
        note = self._notes.saving(sheet)
        return Order(sheet.annotation, sheet.content, sheet.stamp, sheet.file_hash, overwrite, note)

    def _written(self, sheet: Sheet, order: Order, outcome: Outcome) -> None:
        sheet.order = None
        again, sheet.again = sheet.again, False
        if self._take_outcome(sheet, order, outcome) and again:
            self.save_soon(sheet.picture)

    def _settle(self, sheet: Sheet) -> None:
        """Wait for what is being written."""
        if sheet.order is not None:
            sheet.again = False
            self._written(sheet, sheet.order, self._writer.wait(sheet.order))

    def settle(self) -> None:
        """Wait until what is being saved in the background is done."""
        for sheet in list(self._sheets.values()):
            self._settle(sheet)

    def _take_outcome(self, sheet: Sheet, order: Order, outcome: Outcome) -> bool:
        if outcome.problem is not None:
            self.problem.emit(outcome.problem)
            return False
        if outcome.outside:
            sheet.conflict = True
            self.outside_changed.emit(sheet.picture)
            return False
        sheet.saved = order.content
        sheet.file_hash, sheet.stamp = outcome.file_hash, outcome.stamp
        sheet.conflict = sheet.gone = False
        if not sheet.dirty:
            self._notes.done(sheet)
        self.saved_changed.emit(sheet.picture)
        return True

    # files changed by other programs

    def check_outside(self, picture: Path | None = None) -> None:
        """Look whether another program changed the file of the picture (default: in hand).

        Without unsaved edits the new content is taken on, as an edit that can be undone; with
        them nothing happens but `outside_changed`.
        """
        sheet = self._current if picture is None else self._sheets.get(picture)
        if sheet is None or sheet.conflict or sheet.order is not None:
            return
        if sheet.problem is not None:
            self._look_again(sheet)
            return
        try:
            stamp, changed = look(sheet.annotation, sheet.stamp, sheet.file_hash)
        except StudioError as problem:
            if not sheet.gone:
                sheet.gone = True
                self.problem.emit(problem)
            return
        sheet.gone = False
        if not changed:
            sheet.stamp = stamp
            return
        if sheet.dirty:
            sheet.conflict = True
            self.outside_changed.emit(sheet.picture)
        else:
            self.take_file(sheet.picture)

    def _look_again(self, sheet: Sheet) -> None:
        """A file that could not be read may have been mended."""
        if stamp_of(sheet.annotation) == sheet.stamp:
            return
        del self._sheets[sheet.picture]
        if self._current is sheet:
            self._current = None
            self.open(sheet.picture)

    def take_file(self, picture: Path) -> None:
        """Take on what the file says now; undo brings back what was here."""
        sheet = self._sheets[picture]
        self._settle(sheet)
        fresh = self._read(picture)
        if fresh.problem is not None:
            sheet.stamp = stamp_of(sheet.annotation)
            self.problem.emit(fresh.problem)
            return
        sheet.saved, sheet.file_hash, sheet.stamp = fresh.saved, fresh.file_hash, fresh.stamp
        sheet.conflict = False
        title = N_("Take on the changed file")
        edit = ReplaceContent(sheet.content, fresh.content, title=title)
        if not edit.is_empty:
            self.history.push(EditCommand(self, picture, edit))
            self.taken_from_file.emit(picture)
        self.saved_changed.emit(picture)


def _follow(edit: Edit, selection: tuple[int, ...]) -> tuple[int, ...]:
    """What is selected after an edit: what was, where it stands now; else what it added."""
    kept = tuple(i for i in (edit.follow(index) for index in selection) if i is not None)
    return kept or (edit.changed() if selection else ())
