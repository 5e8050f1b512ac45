"""An edit of a picture as a step of the history."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtGui import QUndoCommand

from studio.core.edits import Edit, merged
from studio.core.errors import StudioError
from studio.gui.i18n import tr

if TYPE_CHECKING:
    from studio.gui.document import Document


class EditCommand(QUndoCommand):
    """Any edit of any picture on the undo stack."""

    def __init__(self, document: Document, picture: Path, edit: Edit) -> None:
        super().__init__(tr(edit.title))
        self.document = document
        self.picture = picture
        self.edit = edit

    def id(self) -> int:
        """Commands of a gesture may become one."""
        return 1 if self.edit.gesture else -1

    def redo(self) -> None:
        """Do it, on its own picture."""
        self._perform(self.edit)

    def undo(self) -> None:
        """Take it back, on its own picture."""
        self._perform(self.edit.inverse())

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Join the next step of the same gesture."""
        if not isinstance(other, EditCommand) or other.picture != self.picture:
            return False
        both = merged(self.edit, other.edit)
        if both is None:
            return False
        self.edit = both
        self.setObsolete(both.is_empty)
        return True

    def _perform(self, edit: Edit) -> None:
        try:
            self.document.perform(self.picture, edit)
        except StudioError as problem:
            self.setObsolete(True)
            self.document.problem.emit(problem)
