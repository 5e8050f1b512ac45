"""What a tool is: it hears the mouse and the keys over the canvas and makes edits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter

from studio.core.edits import Edit
from studio.core.geometry import Hit
from studio.gui.i18n import tr

if TYPE_CHECKING:
    from studio.gui.pages.annotate.canvas import Canvas
    from studio.gui.pages.annotate.editor import Editor

# How near the cursor counts as on it, in logical pixels of the canvas.
REACH = 9.0
# A press that moves less than this is a click.
CLICK = 4.0


@dataclass(frozen=True)
class Pointer:
    """The mouse: `x`, `y` on the picture, `spot` on the canvas."""

    x: float
    y: float
    spot: QPointF
    button: Qt.MouseButton
    modifiers: Qt.KeyboardModifier

    @property
    def point(self) -> tuple[float, float]:
        """The spot on the picture."""
        return self.x, self.y

    @property
    def left(self) -> bool:
        """Whether the left button is meant."""
        return self.button == Qt.MouseButton.LeftButton

    @property
    def shift(self) -> bool:
        """Whether Shift is held."""
        return bool(self.modifiers & Qt.KeyboardModifier.ShiftModifier)

    @property
    def control(self) -> bool:
        """Whether Ctrl is held."""
        return bool(self.modifiers & Qt.KeyboardModifier.ControlModifier)

    @property
    def alt(self) -> bool:
        """Whether Alt is held."""
        return bool(self.modifiers & Qt.KeyboardModifier.AltModifier)


class Tool:
    """Base of the tools. `draws`: new things come of it, so the crosshair shows."""

    id: ClassVar[str] = ""
    title: ClassVar[str] = ""
    icon: ClassVar[str] = ""
    shortcut: ClassVar[str] = ""
    help: ClassVar[str] = ""
    draws: ClassVar[bool] = True

    def __init__(self, editor: Editor, canvas: Canvas) -> None:
        self.editor = editor
        self.canvas = canvas
        self.pointer: Pointer | None = None

    @property
    def document(self):  # noqa: ANN201 - the editor's own type says it
        """The document that is edited."""
        return self.editor.document

    @property
    def reach(self) -> float:
        """How near counts as on it, in pixels of the picture."""
        return REACH / self.canvas.view.scale

    def cursor(self) -> Qt.CursorShape:
        """The mouse's form over the canvas."""
        return Qt.CursorShape.CrossCursor

    def hint(self) -> str:
        """What to do next, for the line below the picture."""
        return tr(self.help)

    def enter(self) -> None:
        """The tool is taken in hand, or the picture is another."""
        self.cancel()

    def leave(self) -> None:
        """Another tool is taken."""
        self.cancel()

    def content_changed(self) -> None:
        """The annotations are others; what was begun may not fit any more."""

    def skeleton_changed(self) -> None:
        """Another skeleton is worked with; a joint meant before may not be in it."""

    def press(self, pointer: Pointer) -> None:
        """A button goes down."""

    def move(self, pointer: Pointer) -> None:
        """The mouse moves, with or without a button."""

    def release(self, pointer: Pointer) -> None:
        """A button goes up."""

    def double(self, pointer: Pointer) -> None:
        """A second press soon after the first, which was heard as a press too."""

    def paint(self, painter: QPainter) -> None:
        """Draw what is being made, over everything else."""

    def finish(self) -> None:
        """Enter or Space: what was begun is complete."""

    def cancel(self) -> None:
        """Esc: what was begun is dropped."""

    def back(self) -> None:
        """Backspace: one step back."""

    def delete(self) -> None:
        """Delete: what is selected goes."""
        self.editor.delete_selection()

    def new_person(self) -> None:
        """What is drawn next belongs to a new person; what was begun goes on."""
        self.editor.new_person()

    def skip(self) -> None:
        """Leave the next thing out."""

    def hidden(self) -> None:
        """Q: hidden or visible."""
        self.editor.toggle_hidden(self.marked())

    def absent(self) -> None:
        """O: not there on purpose."""
        self.editor.mark_absent(self.marked())

    def marked(self) -> list[int]:
        """What a key about a joint means: the one under the cursor, else the selected ones."""
        if self.pointer is not None:
            hit = self.hit_vertex(self.pointer)
            if hit is not None and hit.shape in self.editor.scene.joints:
                return [hit.shape]
        return list(self.document.selection)

    def hit_vertex(self, pointer: Pointer) -> Hit | None:
        """The handle under the cursor; those of selected shapes lie on top."""
        hits = self.editor.scene.hits
        chosen = self.document.selection
        if chosen and len(chosen) < 200:
            hit = hits.vertex(pointer.x, pointer.y, self.reach, chosen)
            if hit is not None:
                return hit
        return hits.vertex(pointer.x, pointer.y, self.reach)

    def preview(self, edit: Edit | None) -> None:
        """Show how the picture would look after `edit`, without making it."""
        if edit is None:
            self.canvas.set_preview({})
            return
        after = edit.apply(self.document.content)
        self.canvas.set_preview({i: after.shapes[i] for i in edit.changed()})
