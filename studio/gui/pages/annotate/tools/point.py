"""Single points with the label of the moment."""

from __future__ import annotations

from PySide6.QtCore import Qt

from studio.core.options import N_
from studio.gui.pages.annotate.tools.base import Pointer, Tool


class PointTool(Tool):
    """A click sets a point; a second one soon after sets another."""

    id = "point"
    title = N_("Point")
    icon = "circle-medium"
    shortcut = "P"
    help = N_("Click to set a point with the chosen label")

    def cursor(self) -> Qt.CursorShape:
        return Qt.CursorShape.CrossCursor

    def press(self, pointer: Pointer) -> None:
        if pointer.left:
            self.editor.add("point", [pointer.point])
