"""Guided keypoints: click the joints of a person in the skeleton's order."""

from __future__ import annotations

import math
from enum import Enum, auto
from typing import Any

from PySide6.QtCore import QLineF, QPointF, Qt
from PySide6.QtGui import QPainter

from studio.core import people, shape_edits
from studio.core.edits import compound
from studio.core.geometry import Hit
from studio.core.names import spoken
from studio.core.options import N_
from studio.gui import style
from studio.gui.i18n import tr
from studio.gui.pages.annotate.tools.base import CLICK, Pointer, Tool
from studio.gui.theme import theme


class Step(Enum):
    """What was done with a joint, so that it can be taken back."""

    SET = auto()
    ABSENT = auto()
    SKIPPED = auto()


class KeypointsTool(Tool):
    """The person in hand is gone on with where joints are missing; else the first click starts a
    new one, with the next free id. The next joint is named beside the cursor.
    """

    id = "keypoints"
    title = N_("Guided keypoints")
    icon = "person"
    shortcut = "K"
    help = N_(
        "Click each joint as it is named · Q hidden · O absent · W skip · Backspace back · "
        "Enter next person"
    )

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._group: int | None = None
        self._joint: int | None = None
        self._hide_next = False
        self._trail: list[tuple[Step, int]] = []
        self._absent: list[int] = []
        self._press: Pointer | None = None
        self._grabbed: Hit | None = None
        self._busy = False
        # Where the last joint was set: until the mouse leaves it, a key is about the next one.
        self._set_at: QPointF | None = None

    @property
    def joint(self) -> int | None:
        """The joint that the next click sets."""
        return self._joint

    # which person, which joint

    def enter(self) -> None:
        self._press = self._grabbed = None
        self.preview(None)
        self.document.select([])
        person = self.editor.person
        lacks = (
            person is not None
            and person in self.document.content.group_ids()
            and people.next_joint(self.document.content, self.editor.skeleton, person) is not None
        )
        self._begin(person if lacks else None)

    def leave(self) -> None:
        self._press = self._grabbed = None
        self.preview(None)
        self.editor.set_person(self.editor.recent_person if self._group is None else self._group)
        self._trail.clear()
        self._absent.clear()

    def pick(self, joint: int) -> None:
        """Set this joint of the person in hand next."""
        self._trail = [step for step in self._trail if step != (Step.SKIPPED, joint)]
        self._joint = joint
        self.editor.set_person(self._group, joint)

    def _begin(self, group_id: int | None) -> None:
        self._group = group_id
        self._hide_next = False
        self._trail.clear()
        self._absent.clear()
        self._joint = self._next(-1)
        self.editor.set_person(group_id, self._joint)

    def _next(self, after: int) -> int | None:
        """The next joint that is neither set, absent nor skipped, round from `after`."""
        passed = {joint for step, joint in self._trail if step is not Step.SET}
        count = len(self.editor.skeleton)
        joint: int | None = after
        for _ in range(count):
            joint = people.next_joint(
                self.document.content,
                self.editor.skeleton,
                self._group,
                -1 if joint is None else joint,
            )
            if joint is None or joint not in passed:
                return joint
        return None

    def _advance(self, after: int) -> None:
        self._joint = self._next(after)
        self._hide_next = False
        if self._joint is None:
            self.finish()
        else:
            self.editor.set_person(self._group, self._joint)

    def content_changed(self) -> None:
        """After undo and redo the lowest joint that is missing comes next."""
        if self._busy:
            return
        self._trail.clear()
        if self._group is not None and self._group not in self.document.content.group_ids():
            self._group = None
        self._joint = self._next(-1)
        if self._joint is None:
            self._begin(None)
        else:
            self.editor.set_person(self._group, self._joint)

    def skeleton_changed(self) -> None:
        """The joints are others: the person in hand goes on with those it lacks."""
        if not self._busy:
            self._press = self._grabbed = None
            self._begin(self._group)

    # the mouse

    def press(self, pointer: Pointer) -> None:
        if pointer.button == Qt.MouseButton.RightButton:
            self.finish()
        elif pointer.left and pointer.control:
            self._choose_person(pointer)
        elif pointer.left:
            self._press = pointer
            hit = self.hit_vertex(pointer)
            own = hit is not None and self._is_own(hit.shape)
            self._grabbed = hit if own else None

    def _is_own(self, index: int) -> bool:
        shape = self.document.content.shapes[index]
        return self._group is not None and shape.group_id == self._group

    def _choose_person(self, pointer: Pointer) -> None:
        hit = self.editor.scene.hits.at(pointer.x, pointer.y, self.reach)
        if hit is not None:
            group_id = self.document.content.shapes[hit.shape].group_id
            if group_id is not None:
                self._group = group_id
                self.editor.follow(group_id)
                self._begin(group_id)

    def move(self, pointer: Pointer) -> None:
        if self._press is not None and self._grabbed is not None and self._dragged(pointer):
            self.preview(
                shape_edits.move_handle(
                    self.document.content, self._grabbed.shape, self._grabbed.part, pointer.point
                )
            )

    def _dragged(self, pointer: Pointer) -> bool:
        if self._press is None:
            return False
        away = pointer.spot - self._press.spot
        return math.hypot(away.x(), away.y()) >= CLICK

    def release(self, pointer: Pointer) -> None:
        if self._press is None:
            return
        grabbed, dragged = self._grabbed, self._dragged(pointer)
        pressed, self._press, self._grabbed = self._press, None, None
        self.preview(None)
        if grabbed is not None and dragged:
            self._busy = True
            edit = shape_edits.move_handle(
                self.document.content, grabbed.shape, grabbed.part, pointer.point
            )
            self.editor.apply(edit)
            self._busy = False
            self.editor.set_person(self._group, self._joint)
        else:
            self._set(pointer if dragged else pressed)

    def _set(self, pointer: Pointer) -> None:
        joint, content, skeleton = self._joint, self.document.content, self.editor.skeleton
        if joint is None:
            return
        group_id = content.next_group_id() if self._group is None else self._group
        hidden = self._hide_next or pointer.shift
        edit = people.set_joint(content, skeleton, group_id, joint, pointer.point, hidden=hidden)
        if self._absent:
            after = edit.apply(content)
            absent = people.set_absent(after, skeleton, group_id, self._absent)
            edit = compound([edit, absent], title=edit.title)
        self._busy = True
        done = self.editor.apply(edit)
        self._busy = False
        if done:
            self._absent.clear()
            self._group = group_id
            self._trail.append((Step.SET, joint))
            self._set_at = pointer.spot
            self._advance(joint)

    # the keys

    def finish(self) -> None:
        """The person is complete as it is; the next click starts another."""
        group_id = self._group
        if group_id is not None:
            content, skeleton = self.document.content, self.editor.skeleton
            done = len(people.joints_of(content, skeleton, group_id))
            self.editor.said.emit(
                tr(
                    "Person {id}: {done} of {count} joints set",
                    id=group_id,
                    done=done,
                    count=len(skeleton),
                )
            )
            self.editor.recent_person = group_id
        self._begin(None)

    def new_person(self) -> None:
        self._begin(None)
        self.editor.new_person()
        self.editor.set_person(None, self._joint)

    def cancel(self) -> None:
        """Esc once: start afresh with a new person; what is set stays."""
        if self._group is not None or self._trail:
            self._begin(None)
        elif self.pointer is not None:
            self.editor.use("select")

    def _hovered(self) -> Hit | None:
        """The joint that a key is about, where it is not the next one."""
        if self.pointer is None:
            return None
        if self._set_at is not None:
            away = self.pointer.spot - self._set_at
            if math.hypot(away.x(), away.y()) < CLICK:
                return None
        hit = self.hit_vertex(self.pointer)
        return hit if hit is not None and hit.shape in self.editor.scene.joints else None

    def hidden(self) -> None:
        hit = self._hovered()
        if hit is not None:
            self._hold(lambda: self.editor.toggle_hidden([hit.shape]))
        else:
            self._hide_next = not self._hide_next
            self.canvas.update()

    def absent(self) -> None:
        joint = self._joint
        hit = self._hovered()
        if hit is not None and self._is_own(hit.shape):
            self._hold(lambda: self.editor.mark_absent([hit.shape]))
        elif joint is not None:
            if self._group is None:
                # Nobody is there yet to carry the list; it comes with the first joint.
                self._absent.append(joint)
            else:
                content, skeleton = self.document.content, self.editor.skeleton
                edit = people.set_absent(content, skeleton, self._group, [joint])
                self._hold(lambda: self.editor.apply(edit))
            self._trail.append((Step.ABSENT, joint))
            self._advance(joint)

    def _hold(self, act: Any) -> None:
        self._busy = True
        act()
        self._busy = False
        self.editor.set_person(self._group, self._joint)

    def skip(self) -> None:
        if self._joint is not None:
            self._trail.append((Step.SKIPPED, self._joint))
            self._advance(self._joint)

    def back(self) -> None:
        if not self._trail:
            return
        step, joint = self._trail.pop()
        content, skeleton = self.document.content, self.editor.skeleton
        if joint in self._absent:
            self._absent.remove(joint)
        elif self._group is not None and step is Step.ABSENT:
            edit = people.set_absent(content, skeleton, self._group, [joint], absent=False)
            self._hold(lambda: self.editor.apply(edit))
        elif self._group is not None and step is Step.SET:
            index = people.joints_of(content, skeleton, self._group).get(joint)
            if index is not None:
                self._hold(lambda: self.editor.apply(people.delete_shapes(content, [index])))
        self._joint = joint
        self._hide_next = False
        self.editor.set_person(self._group, joint)

    # drawing

    def paint(self, painter: QPainter) -> None:
        joint, pointer = self._joint, self.pointer
        if joint is None or pointer is None:
            return
        skeleton, scene = self.editor.skeleton, self.editor.scene
        if self._group is not None:
            set_joints = people.joints_of(scene.image, skeleton, self._group)
            lines: list[QLineF] = []
            for a, b in skeleton.edges:
                other = b if a == joint else a if b == joint else None
                if other is not None and other in set_joints:
                    spot = scene.image.shapes[set_joints[other]].points[0]
                    lines.append(QLineF(self.canvas.view.to_canvas(*spot), pointer.spot))
            for color, width in ((theme.color("overlay_dark"), 3.0), (self._color(joint), 1.6)):
                painter.setPen(style.pen(color, width, dashed=color != theme.color("overlay_dark")))
                painter.drawLines(lines)
        hidden = self._hide_next or pointer.shift
        pixmap = style.mark(
            style.FORMS[skeleton.side(joint)],
            self._color(joint),
            hidden=hidden,
            radius=5.0,
            selected=False,
            ratio=self.canvas.devicePixelRatioF(),
        )
        size = pixmap.deviceIndependentSize()
        half = QPointF(size.width() / 2, size.height() / 2)
        painter.setOpacity(0.75)
        painter.drawPixmap(pointer.spot - half, pixmap)
        painter.setOpacity(1.0)
        text = spoken(skeleton.keypoints[joint])
        if hidden:
            text = tr("{joint} (hidden)", joint=text)
        style.tag(
            painter,
            pointer.spot + style.BESIDE,
            f"{text}   {joint + 1}/{len(skeleton)}",
            color=self._color(joint),
            form=style.FORMS[skeleton.side(joint)],
            bounds=self.canvas.rect().toRectF(),
        )

    def _color(self, joint: int) -> Any:
        return style.joint_color(self.editor.skeleton, joint)
