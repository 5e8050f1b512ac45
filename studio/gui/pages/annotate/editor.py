"""What is being worked with: tool, skeleton, label, the person in hand, what is shown.

The document holds the annotations; this holds the hand's state. Tools and panels share it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from studio.core import people, shape_edits
from studio.core.annotation import OUTLINES, Shape
from studio.core.edits import Edit
from studio.core.geometry import HitMap
from studio.core.options import N_
from studio.core.skeleton import Skeleton
from studio.gui.document import Document
from studio.gui.i18n import tr
from studio.gui.pages.annotate.painting import Drawings
from studio.gui.pages.annotate.scene import Look, Scene

if TYPE_CHECKING:
    from studio.gui.pages.annotate.tools.base import Tool

NUDGE_TITLE = N_("Move with the keys")


class Editor(QObject):
    """Signals: `tool_changed(str)`, `skeleton_changed()`, `label_changed(str)`,
    `person_changed()` (another person in hand, or another next joint), `scene_changed()`
    (something must be drawn anew), `said(str)` a short message for the status line,
    `next_asked(int)` a tool is done with this picture: so many on.
    """

    tool_changed = Signal(str)
    skeleton_changed = Signal()
    label_changed = Signal(str)
    person_changed = Signal()
    scene_changed = Signal()
    said = Signal(str)
    next_asked = Signal(int)

    def __init__(
        self, document: Document, skeleton: Skeleton, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.document = document
        self.skeleton = skeleton
        # What people on a picture may have: the one chosen, the project's, all that are known.
        self.skeletons: tuple[Skeleton, ...] = (skeleton,)
        self.label = skeleton.category
        self.look = Look()
        self.person: int | None = None
        self.next_joint: int | None = None
        # The person just completed: a box drawn now is still theirs.
        self.recent_person: int | None = None
        self.tools: dict[str, Tool] = {}
        self.tool_id = ""
        self.clipboard: tuple[Shape, ...] = ()
        self._scene: Scene | None = None
        self._last_hits: HitMap | None = None
        self._drawings = Drawings()
        self._nudge = 0
        document.opened.connect(self._opened)
        document.changed.connect(self._changed)
        document.selection_changed.connect(self._selected)

    # what is shown

    @property
    def scene(self) -> Scene:
        """The content of the moment, ready to draw and to search."""
        if self._scene is None:
            content, before = self.document.content, self._last_hits
            kept = (before, self._drawings)
            self._scene = Scene(
                content, self.skeleton, self.look, *kept, self.skeletons, self.person
            )
        return self._scene

    def refresh(self) -> None:
        """The content, the skeleton or the look is another."""
        if self._scene is not None:
            self._last_hits = self._scene.last_hits
        self._scene = None
        self.scene_changed.emit()

    def set_look(self, look: Look) -> None:
        """Show and hide."""
        if look != self.look:
            self.look = look
            self.refresh()

    def toggle_hide_all(self) -> None:
        """Hide every annotation, or show them again."""
        self.set_look(replace(self.look, hide_all=not self.look.hide_all))

    def set_skeletons(self, skeletons: Sequence[Skeleton]) -> None:
        """The first for new people; each for the people that are made with it."""
        self.skeletons = tuple(skeletons)
        self.set_skeleton(skeletons[0])

    def follow(self, group_id: int) -> None:
        """Work on a person with the skeleton that the person has."""
        skeleton = self.scene.skeleton_of(group_id)
        if skeleton != self.skeleton:
            self._work_with(skeleton)

    def set_skeleton(self, skeleton: Skeleton) -> None:
        """Work with other joints, as chosen: people who may have these are taken to have them."""
        self.skeletons = (skeleton, *(s for s in self.skeletons if s.name != skeleton.name))
        self._work_with(skeleton)

    def _work_with(self, skeleton: Skeleton) -> None:
        if self.label == self.skeleton.category:
            self.set_label(skeleton.category)
        self.skeleton = skeleton
        self.next_joint = None
        self.refresh()
        if self.tool_id:
            self.tool.skeleton_changed()
        self.skeleton_changed.emit()
        self.person_changed.emit()

    def set_label(self, label: str) -> None:
        """The label that new shapes get."""
        if label and label != self.label:
            self.label = label
            self.label_changed.emit(label)

    # tools

    @property
    def tool(self) -> Tool:
        """The tool in hand."""
        return self.tools[self.tool_id]

    def use(self, tool_id: str) -> None:
        """Take another tool in hand; what the old one had begun is dropped."""
        if tool_id == self.tool_id:
            self.tool.enter()
            return
        if self.tool_id:
            self.tool.leave()
        self.tool_id = tool_id
        self.tool.enter()
        self.tool_changed.emit(tool_id)
        self.scene_changed.emit()

    # the person in hand

    def set_person(self, group_id: int | None, next_joint: int | None = None) -> None:
        """Take a person in hand, and say which joint comes next."""
        if (group_id, next_joint) != (self.person, self.next_joint):
            self.person, self.next_joint = group_id, next_joint
            self.person_changed.emit()

    def group_for_outline(self, kind: str) -> int | None:
        """The person a new outline belongs to: the one in hand, who may have several polygons
        but one box, else a new one; none for a label that is not the skeleton's category.
        """
        content = self.document.content
        if self.label != self.skeleton.category:
            return None
        person = self.recent_person if self.person is None else self.person
        if person is not None and person in content.group_ids():
            own = [content.shapes[i] for i in people.person_shapes(content, person)]
            if kind == "polygon" or not any(s.shape_type == kind for s in own):
                return person
        return content.next_group_id()

    def new_person(self) -> None:
        """Let go of the person in hand: what is drawn next belongs to a new one."""
        self.recent_person = None
        self.document.select([])
        self.set_person(None)
        self.said.emit(tr("The next outline or joint is a new person's."))

    def add(self, kind: str, points: Sequence[tuple[float, float]]) -> bool:
        """A new shape with the label of the moment, selected."""
        content = self.document.content
        group_id = self.group_for_outline(kind) if kind in OUTLINES else None
        if kind == "point" and self.label in self.skeleton.index:
            group_id = self.person
        shape = Shape(self.label, kind, tuple(points), group_id)
        done = self.document.apply(shape_edits.add_shape(content, shape))
        if done:
            self.document.select([len(content.shapes)])
        return done

    # on the selection

    def apply(self, edit: Edit) -> bool:
        """Make an edit of the picture in hand."""
        return self.document.apply(edit)

    def delete_selection(self) -> None:
        """Remove the selected shapes."""
        if self.document.selection:
            self.apply(people.delete_shapes(self.document.content, self.document.selection))

    def select_all(self) -> None:
        """Select every shape that is shown."""
        count = len(self.document.content.shapes)
        self.document.select(i for i in range(count) if i not in self.scene.hidden)

    def nudge(self, dx: float, dy: float) -> None:
        """Move the selection by the arrow keys; a run of them is one step back."""
        chosen = self.document.selection
        if chosen:
            edit = shape_edits.move_shapes(
                self.document.content,
                chosen,
                (dx, dy),
                title=NUDGE_TITLE,
                gesture=f"nudge{self._nudge}",
            )
            self.apply(edit)

    def copy(self) -> None:
        """Remember the selected shapes; they can be pasted into any picture."""
        shapes = self.document.content.shapes
        self.clipboard = tuple(shapes[i] for i in sorted(self.document.selection))
        if self.clipboard:
            self.said.emit(tr("Copied {count} shapes", count=len(self.clipboard)))

    def paste(self) -> None:
        """Add what was copied, beside itself where it already is."""
        content = self.document.content
        if not self.clipboard:
            return
        there = any(shape in content.shapes for shape in self.clipboard)
        offset = (10.0, 10.0) if there else (0.0, 0.0)
        self._add_and_select(people.paste(content, self.clipboard, offset))

    def duplicate(self) -> None:
        """Copies of the selected shapes beside them."""
        chosen = self.document.selection
        if chosen:
            self._add_and_select(people.duplicate(self.document.content, chosen))

    def toggle_hidden(self, indices: Sequence[int]) -> None:
        """Mark points hidden; visible again where all of them are hidden."""
        content = self.document.content
        points = [i for i in indices if content.shapes[i].shape_type == "point"]
        if points:
            hide = not all(content.shapes[i].occluded for i in points)
            self.apply(shape_edits.set_hidden(content, points, hide))

    def mark_absent(self, indices: Sequence[int]) -> None:
        """Joints marked as not there on purpose; their points go."""
        content = self.document.content
        for group_id in dict.fromkeys(content.shapes[i].group_id for i in indices):
            own = [i for i in indices if content.shapes[i].group_id == group_id]
            joints = [self.scene.joints[i] for i in own if i in self.scene.joints]
            if group_id is not None and joints:
                skeleton = self.scene.skeleton_of(group_id)
                self.apply(people.set_absent(content, skeleton, group_id, joints))
                content = self.document.content

    def on_person(self, make: str) -> None:
        """An edit of the person in hand: "mirror", "box" or "delete"."""
        content = self.document.content
        if self.person is None or self.person not in content.group_ids():
            self.said.emit(tr("Select a person first."))
            return
        skeleton = self.scene.skeleton_of(self.person)
        makers = {
            "mirror": lambda g: people.mirror_names(content, skeleton, g),
            "box": lambda g: people.fit_box(content, skeleton, g, 0.05),
            "delete": lambda g: people.delete_person(content, g),
        }
        self.apply(makers[make](self.person))

    def _add_and_select(self, edit: Edit) -> None:
        if self.apply(edit):
            self.document.select(edit.changed())

    def _opened(self, _picture: object) -> None:
        self.recent_person = None
        self.set_person(None)
        self.refresh()
        if self.tool_id:
            self.tool.enter()

    def _changed(self, _edit: object) -> None:
        self.refresh()
        self.person_changed.emit()
        if self.tool_id:
            self.tool.content_changed()

    def _selected(self) -> None:
        self._nudge += 1
        shapes = self.document.content.shapes
        groups = {shapes[i].group_id for i in self.document.selection}
        if len(groups) == 1:
            (group,) = groups
            if group is not None and group != self.person:
                self.set_person(group)
                self.follow(group)
        self.scene_changed.emit()
