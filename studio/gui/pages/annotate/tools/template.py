"""A whole skeleton dropped into a dragged box."""

from __future__ import annotations

from PySide6.QtCore import QLineF
from PySide6.QtGui import QPainter

from studio.core import people
from studio.core.options import N_
from studio.gui import style
from studio.gui.pages.annotate.tools.base import Pointer
from studio.gui.pages.annotate.tools.two_point import TwoPointTool
from studio.gui.theme import theme


class TemplateTool(TwoPointTool):
    """Drag a box around a person: its box and all joints stand there, to be moved into place."""

    id = "template"
    title = N_("Template skeleton")
    icon = "human"
    shortcut = "Shift+K"
    help = N_("Drag a box around a person; all joints are placed in it, then move them")
    kind = "rectangle"

    def make(self, start: Pointer, end: Pointer) -> None:
        content = self.document.content
        box = (start.x, start.y, end.x, end.y)
        group_id = content.next_group_id()
        if self.editor.apply(people.template_person(content, self.editor.skeleton, box)):
            self.editor.use("select")
            self.editor.set_person(group_id)

    def paint(self, painter: QPainter) -> None:
        super().paint(painter)
        if self._start is None or self.pointer is None:
            return
        skeleton = self.editor.skeleton
        x1, x2 = sorted((self._start.x, self.pointer.x))
        y1, y2 = sorted((self._start.y, self.pointer.y))
        spots = [
            self.canvas.view.to_canvas(x1 + u * (x2 - x1), y1 + v * (y2 - y1))
            for u, v in people.template_of(skeleton)
        ]
        lines = [QLineF(spots[a], spots[b]) for a, b in skeleton.edges]
        for color, width in (
            (theme.color("overlay_dark"), 4.0),
            (theme.color("overlay_light"), 2.0),
        ):
            painter.setPen(style.pen(color, width))
            painter.drawLines(lines)
        painter.setPen(style.pen(theme.color("overlay_dark"), 1.2))
        for joint, spot in enumerate(spots):
            painter.setBrush(style.joint_color(skeleton, joint))
            painter.drawEllipse(spot, 3.5, 3.5)
