"""What is unsaved, changed by other programs, or left behind by a window that was killed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMessageBox

from studio.core.edits import ReplaceContent
from studio.core.errors import Problem, StudioError
from studio.gui.i18n import joined, tr
from studio.io.journal import Recovery, forget, leftovers
from studio.io.windows import OtherWindow, Presence

if TYPE_CHECKING:
    from studio.gui.pages.annotate.page import AnnotatePage
    from studio.gui.pages.annotate.pictures import Picture

# Annotation files without a picture that are named.
NAMED = 4
# The setting: a picture that is left is saved unasked.
AUTOSAVE = "autosave"


class Keeper(QObject):
    """Sees to it for the page that no edit is lost and no file overwritten unasked."""

    def __init__(self, page: AnnotatePage) -> None:
        super().__init__(page)
        self._page = page
        self._document = page.document
        self._document.outside_changed.connect(self._ask_conflict)
        self._document.taken_from_file.connect(self._tell_taken)
        settings = page.studio.settings
        self._document.autosave = settings.get(AUTOSAVE, True)
        settings.changed.connect(self._setting_changed)
        self._presence: Presence | None = None
        self._others: tuple[OtherWindow, ...] = ()

    def confirm_close(self) -> bool:
        """Whether the window may close: all is saved, or let go by the person."""
        may = self._all_is_safe()
        if may and self._presence is not None:
            self._presence.leave()
        return may

    def _all_is_safe(self) -> bool:
        self._document.settle()
        unsaved = self._document.unsaved()
        if not unsaved or (self._document.autosave and self._document.save_all()):
            return True
        buttons = QMessageBox.StandardButton
        answer = QMessageBox.question(
            self._page,
            tr("Save?"),
            tr("{count} pictures have edits that are not saved.", count=len(unsaved)),
            buttons.Save | buttons.Discard | buttons.Cancel,
            buttons.Save,
        )
        if answer == buttons.Save:
            return self._document.save_all()
        if answer == buttons.Discard and self._document.journal is not None:
            self._document.journal.close()
        return answer == buttons.Discard

    # saving, and what other programs do

    def save(self) -> None:
        """Save the picture in hand, without a wait for the disk."""
        self._document.save_soon()

    def save_all(self) -> None:
        """Save every picture, without a wait for the disk."""
        for picture in self._document.unsaved():
            self._document.save_soon(picture)

    def toggle_autosave(self) -> None:
        """Save on leaving a picture, or only when told."""
        self._page.studio.settings.set(AUTOSAVE, not self._document.autosave)

    def _setting_changed(self, key: str) -> None:
        """Also by the window's own settings."""
        if key == AUTOSAVE:
            self._document.autosave = self._page.studio.settings.get(AUTOSAVE, True)
            self._page.refresh_state()

    def _tell_taken(self, picture: Path) -> None:
        self._page.banner.show_message(
            tr(
                "Another program changed the annotations of {name}; they are shown as they are now.",
                name=picture.name,
            ),
            hint=tr("Undo brings back what was here."),
        )

    def _ask_conflict(self, picture: Path) -> None:
        self._page.parts.conflict.ask(
            tr("Another program changed the annotations of {name}.", name=picture.name),
            tr("There are edits here that are not saved. Which ones shall stand?"),
            [
                (
                    tr("Keep mine and save"),
                    lambda: self._document.save(picture, overwrite=True),
                    "primary",
                ),
                (tr("Take the file's"), lambda: self._document.take_file(picture), ""),
            ],
        )

    def compare_with(self, picture: Picture) -> None:
        """Say where the picture in hand is not what its annotation file is for."""
        content = self._document.content
        said = (content.width, content.height)
        message = hint = ""
        if picture.shared_with and picture.problem is None:
            message = tr(
                "This picture and {others} have one annotation file together: what is drawn on "
                "one of them stands on all.",
                others=", ".join(picture.shared_with),
            )
            hint = tr("Give one of the two another name.")
        if all(said) and said != picture.size:
            hint = joined([message, hint], " ")
            message = tr(
                "The annotation file is for a picture of {said}, this one is {size}.",
                said=f"{said[0]} × {said[1]}",
                size=f"{picture.size[0]} × {picture.size[1]}",
            )
            hint = hint or tr("Look whether the shapes lie where they should before saving.")
        if message:
            where = str(picture.path)
            self._page.show_problem(Problem(message, where, hint=hint, severity="warning"))

    # other windows, and what killed ones left

    def enter(self, folder: Path | None) -> None:
        """Another project is open: say so to other windows, and look what a killed one left."""
        if self._presence is not None:
            self._presence.leave()
        self._presence = None if folder is None else Presence(folder)
        self._others = ()
        if folder is not None:
            self._page.parts.recovery.offer(leftovers(folder), self.restore, self.discard)
            self.watch()

    def watch(self) -> None:
        """Look for changes by other programs, and for other windows on the same project."""
        self._document.check_outside()
        picture = self._document.picture
        if picture is not None and self._page.loader.is_old(picture):
            self._page.loader.request(picture)
        if self._presence is None:
            return
        self._presence.renew()
        others = self._presence.others()
        if new := set(others) - set(self._others):
            same = any(other.project == self._presence.project for other in new)
            self._page.parts.others.ask(
                tr("This project is open in another window too.")
                if same
                else tr(
                    "Another window has a folder open that shares pictures with this one: {folder}",
                    folder=str(next(iter(new)).project),
                ),
                tr("What both change in one picture is asked about before it is saved."),
                [(tr("Go on"), lambda: None, "")],
            )
        elif not others:
            self._page.parts.others.clear()
        self._others = others

    def tell_orphans(self, found: Sequence[Path]) -> None:
        """Annotation files without a picture are in no list: they are named here."""
        names = ", ".join(path.name for path in found[:NAMED])
        if len(found) > NAMED:
            names += ", …"
        self._page.parts.orphans.ask(
            tr("An annotation file has no picture beside it: {names}", names=names)
            if len(found) == 1
            else tr(
                "{count} annotation files have no picture beside them: {names}",
                count=len(found),
                names=names,
            ),
            tr(
                "Put the pictures back beside them, or remove these files. They are left as they are."
            ),
            [(tr("Go on"), lambda: None, "")],
        )

    def restore(self, found: Sequence[Recovery]) -> None:
        """Bring back edits of a window that was killed; each is one step that can be undone."""
        for recovery in found:
            if recovery.image is None:
                continue
            self._page.open_picture(recovery.picture)
            edit = ReplaceContent(self._document.content, recovery.image)
            if edit.is_empty or self._document.apply(edit):
                self._forget(recovery)
        self._offer_again()

    def discard(self, found: Sequence[Recovery]) -> None:
        """Let edits of a killed window go."""
        for recovery in found:
            self._forget(recovery)
        self._offer_again()

    def _forget(self, recovery: Recovery) -> None:
        try:
            forget(recovery)
        except StudioError as problem:
            self._page.show_problem(problem)

    def _offer_again(self) -> None:
        if self._page.studio.project is not None:
            folder = Path(self._page.studio.project.folder)
            self._page.parts.recovery.offer(leftovers(folder), self.restore, self.discard)
