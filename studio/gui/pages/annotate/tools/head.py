"""The rotation of a head, turned with the mouse as a cube."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter

from studio.core.head import (
    Angles,
    Head,
    Matrix,
    angles_of,
    dragged,
    head_of,
    head_rotation,
    set_head_rotation,
)
from studio.core.options import N_
from studio.gui import style
from studio.gui.i18n import tr
from studio.gui.pages.annotate.cube import paint_cube
from studio.gui.pages.annotate.tools.base import CLICK, Pointer, Tool

# The ball that is turned reaches a little over the head, for small heads a good deal.
GRIP = 1.35
SMALLEST_GRIP = 42.0


def angles_text(angles: Angles) -> str:
    """The three angles in words."""
    return tr(
        "yaw {yaw}°  pitch {pitch}°  roll {roll}°",
        yaw=f"{angles.yaw:.0f}",
        pitch=f"{angles.pitch:.0f}",
        roll=f"{angles.roll:.0f}",
    )


class HeadTool(Tool):
    """Choose a person, then turn the cube on its head; outside the cube's ball it rolls."""

    id = "head"
    title = N_("Head rotation")
    icon = "cube-outline"
    shortcut = "Shift+H"
    help = N_("Click a person, then turn the cube on the head · outside the cube: roll")
    draws = False

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._start: Pointer | None = None
        self._from: Matrix | None = None
        self._now: Matrix | None = None

    def cursor(self) -> Qt.CursorShape:
        if self._now is not None:
            return Qt.CursorShape.ClosedHandCursor
        near = self.pointer is not None and self._within(self.pointer)
        return Qt.CursorShape.OpenHandCursor if near else Qt.CursorShape.PointingHandCursor

    def _head(self) -> Head | None:
        person = self.editor.person
        content = self.document.content
        if person is None or person not in content.group_ids():
            return None
        return head_of(content, person)

    def _ball(self, head: Head) -> Head:
        least = SMALLEST_GRIP / self.canvas.view.scale
        return Head(head.centre, max(head.radius * GRIP, least))

    def _within(self, pointer: Pointer) -> bool:
        head = self._head()
        if head is None:
            return False
        ball = self._ball(head)
        away = np.hypot(pointer.x - ball.centre[0], pointer.y - ball.centre[1])
        return bool(away <= 1.6 * ball.radius)

    def press(self, pointer: Pointer) -> None:
        if not pointer.left:
            return
        if not self._within(pointer):
            self._choose(pointer)
            return
        person = self.editor.person
        assert person is not None
        self._start = pointer
        found = head_rotation(self.document.content, person)
        self._from = np.eye(3) if found is None else found

    def _choose(self, pointer: Pointer) -> None:
        """Take the person under the cursor in hand."""
        scene = self.editor.scene
        hit = self.hit_vertex(pointer) or scene.hits.at(pointer.x, pointer.y, self.reach)
        group = None if hit is None else self.document.content.shapes[hit.shape].group_id
        if group is not None and hit is not None:
            self.document.select([hit.shape])
            self.editor.set_person(group)

    def move(self, pointer: Pointer) -> None:
        head = self._head()
        if self._start is None or self._from is None or head is None:
            return
        away = pointer.spot - self._start.spot
        if self._now is None and abs(away.x()) + abs(away.y()) < CLICK:
            return
        self._now = dragged(self._from, self._ball(head), self._start.point, pointer.point)
        person, content = self.editor.person, self.document.content
        if person is not None:
            self.preview(set_head_rotation(content, self.editor.skeleton, person, self._now))

    def release(self, pointer: Pointer) -> None:  # noqa: ARG002 - the move before said it
        now, begun, person = self._now, self._start, self.editor.person
        missing = person is not None and head_rotation(self.document.content, person) is None
        self.cancel()
        if person is None or begun is None:
            return
        if now is None and missing:
            # A click sets it looking at the camera: something to begin with.
            now = np.eye(3)
        if now is not None:
            content, skeleton = self.document.content, self.editor.skeleton
            self.editor.apply(set_head_rotation(content, skeleton, person, now))

    def cancel(self) -> None:
        self._start = self._from = self._now = None
        self.preview(None)

    def delete(self) -> None:
        """Take the rotation away; a person without one goes as with other tools."""
        person = self.editor.person
        content = self.document.content
        if person is None or head_rotation(content, person) is None:
            super().delete()
            return
        self.editor.apply(set_head_rotation(content, self.editor.skeleton, person, None))

    def paint(self, painter: QPainter) -> None:
        head, person = self._head(), self.editor.person
        if head is None or person is None:
            return
        rotation = self._now
        if rotation is None:
            rotation = head_rotation(self.document.content, person)
        ball = self._ball(head)
        spot = self.canvas.view.to_canvas(*ball.centre)
        radius = ball.radius * self.canvas.view.scale
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for color, width in (("overlay_dark", 2.4), ("overlay_light", 1.0)):
            painter.setPen(style.pen(style.theme.color(color), width, dashed=color[8] == "l"))
            painter.drawEllipse(spot, radius, radius)
        text = tr("Drag to turn the head")
        if rotation is not None:
            paint_cube(painter, self.canvas.view, head, rotation, active=True)
            text = angles_text(angles_of(rotation))
        below = spot + QPointF(0.0, radius + 16.0)
        bounds = self.canvas.rect().toRectF()
        style.tag(painter, below, text, bounds=bounds, centred=True)
