"""One joint over many pictures: a click sets it, and the next picture comes by itself."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainter

from studio.core import people
from studio.core.geometry import bounds
from studio.core.names import spoken
from studio.core.options import N_
from studio.gui import style
from studio.gui.i18n import tr
from studio.gui.pages.annotate.tools.base import Pointer, Tool


class LoopTool(Tool):
    """The joint is chosen in the skeleton's panel. It is set on the person last worked on where
    that person is on the picture too, else on the one the click is nearest to, else on a new one.
    """

    id = "loop"
    title = N_("One joint over many pictures")
    icon = "repeat"
    shortcut = "Shift+L"
    help = N_(
        "Click the joint; the next picture comes by itself · Shift: hidden · O absent · W skip"
    )

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._joint = 0
        self._person: int | None = None
        self._entered = False

    @property
    def joint(self) -> int:
        """The joint that is set."""
        return min(self._joint, len(self.editor.skeleton) - 1)

    def pick(self, joint: int) -> None:
        """Set this joint from now on."""
        self._joint = joint
        self.editor.set_person(self.editor.person, joint)
        self.canvas.update()

    def enter(self) -> None:
        if not self._entered:
            self._entered = True
            self._joint = self.editor.next_joint or 0
            self._person = self.editor.person
        here = self._person if self._person in self.document.content.group_ids() else None
        self.editor.set_person(here, self.joint)

    def leave(self) -> None:
        self._entered = False

    def content_changed(self) -> None:
        self.editor.set_person(self.editor.person, self.joint)

    def _person_at(self, pointer: Pointer) -> int:
        content = self.document.content
        groups = content.group_ids()
        if self._person is not None and (self._person in groups or not groups):
            return self._person
        if not groups:
            return content.next_group_id()
        return min(groups, key=lambda group: self._away(group, pointer))

    def _away(self, group_id: int, pointer: Pointer) -> float:
        """How far the spot lies from a person's box; inside, from its middle and below zero."""
        content = self.document.content
        own = (content.shapes[i] for i in people.person_shapes(content, group_id))
        around = bounds(p for shape in own for p in shape.points)
        if around is None:
            return math.inf
        x1, y1, x2, y2 = around
        dx = max(x1 - pointer.x, 0.0, pointer.x - x2)
        dy = max(y1 - pointer.y, 0.0, pointer.y - y2)
        if dx or dy:
            return math.hypot(dx, dy)
        inside = math.hypot(pointer.x - (x1 + x2) / 2, pointer.y - (y1 + y2) / 2)
        return inside - math.hypot(x2 - x1, y2 - y1)

    def press(self, pointer: Pointer) -> None:
        if not pointer.left:
            return
        content, skeleton = self.document.content, self.editor.skeleton
        group_id = self._person_at(pointer)
        edit = people.set_joint(
            content, skeleton, group_id, self.joint, pointer.point, hidden=pointer.shift
        )
        if self.editor.apply(edit):
            self._person = group_id
            self.editor.next_asked.emit(1)

    def absent(self) -> None:
        """The joint is not there on this picture."""
        content = self.document.content
        person = self._person if self._person in content.group_ids() else self.editor.person
        if person is None or person not in content.group_ids():
            self.editor.said.emit(tr("Select a person first."))
            return
        if self.editor.apply(
            people.set_absent(content, self.editor.skeleton, person, [self.joint])
        ):
            self.editor.next_asked.emit(1)

    def skip(self) -> None:
        """Leave this picture out."""
        self.editor.next_asked.emit(1)

    def back(self) -> None:
        """The picture before."""
        self.editor.next_asked.emit(-1)

    def cancel(self) -> None:
        if self.pointer is not None and self._entered:
            self.editor.use("select")

    def paint(self, painter: QPainter) -> None:
        pointer, skeleton = self.pointer, self.editor.skeleton
        if pointer is None:
            return
        color, form = style.joint_color(skeleton, self.joint), skeleton.side(self.joint)
        pixmap = style.mark(
            style.FORMS[form],
            color,
            hidden=pointer.shift,
            radius=5.0,
            selected=False,
            ratio=self.canvas.devicePixelRatioF(),
        )
        size = pixmap.deviceIndependentSize()
        half = QPointF(size.width() / 2, size.height() / 2)
        painter.setOpacity(0.75)
        painter.drawPixmap(pointer.spot - half, pixmap)
        painter.setOpacity(1.0)
        style.tag(
            painter,
            pointer.spot + style.BESIDE,
            spoken(skeleton.keypoints[self.joint]),
            color=color,
            form=style.FORMS[form],
            bounds=self.canvas.rect().toRectF(),
        )
