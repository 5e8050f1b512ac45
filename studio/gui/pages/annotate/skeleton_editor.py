"""The skeleton editor: joints, limbs, pairs, sigmas, colours on a picture; one step back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QColor, QIcon, QKeySequence, QPixmap, QShortcut, QUndoCommand, QUndoStack
from PySide6.QtWidgets import (
    QColorDialog,
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QFileDialog,
    QHeaderView,
    QLineEdit,
    QSplitter,
    QTableWidget,
    QTableWidgetItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.core.errors import DataError, StudioError
from studio.core.names import spoken
from studio.core.options import N_
from studio.core.skeleton import Skeleton
from studio.core.skeleton_draft import NEW_LIMB, DraftJoint, SkeletonDraft
from studio.gui.i18n import bind_text, said, tr, translator
from studio.gui.pages.annotate.skeleton_background import (
    person_picture,
    person_places,
    read_background,
)
from studio.gui.pages.annotate.skeleton_canvas import SkeletonCanvas
from studio.gui.pages.annotate.skeleton_limbs import LimbBar
from studio.gui.widgets.basics import button, label, number_field, panel, row, tool_button

if TYPE_CHECKING:
    from studio.gui.pages.annotate.page import AnnotatePage

NAME, MIRROR, SIGMA, COLOR, FACE = range(5)
UID = Qt.ItemDataRole.UserRole


class _Step(QUndoCommand):
    """One change of the draft."""

    def __init__(self, editor: SkeletonEditor, before: SkeletonDraft, after: SkeletonDraft) -> None:
        super().__init__()
        self._editor, self._before, self._after = editor, before, after

    def redo(self) -> None:
        self._editor.show_draft(self._after)

    def undo(self) -> None:
        self._editor.show_draft(self._before)


class SkeletonEditor(QDialog):
    """Edits a copy; `accepted` when it shall be saved, `draft` is then the new one."""

    def __init__(self, page: AnnotatePage, skeleton: Skeleton) -> None:
        super().__init__(page)
        self._page = page
        self.old = skeleton
        self.draft = SkeletonDraft.of(skeleton)
        self.history = QUndoStack(self)
        bind_text(self.setWindowTitle, "Skeleton editor")
        self.resize(1120, 740)
        self.canvas = SkeletonCanvas(self.draft)
        bind_text(self.canvas.setAccessibleName, "Skeleton")
        self.canvas.changed.connect(self.change)
        self.canvas.chosen.connect(self.choose)
        self.canvas.limb_chosen.connect(self.choose_limb_color)
        self.limbs = LimbBar(self.canvas)
        self.limbs.color_asked.connect(self.choose_limb_color)
        self.limbs.removed.connect(lambda limb: self.change(self.draft.without_limb(limb)))
        self.name_field, self.title_field, self.category_field = (QLineEdit() for _ in range(3))
        self.table = QTableWidget(0, 5)
        self.error = label("", "error", wrap=True)
        self.save_button = button("Save the skeleton", self.accept, role="primary")
        self.undo_button = tool_button("undo", "Undo", self.history.undo)
        self.redo_button = tool_button("redo", "Redo", self.history.redo)
        self._lay_out()
        self._connect()
        self.take_picture()
        self.show_draft(self.draft)

    def _lay_out(self) -> None:
        parts = QSplitter(Qt.Orientation.Horizontal)
        parts.setChildrenCollapsible(False)
        parts.addWidget(self._drawing())
        parts.addWidget(self._fields())
        parts.setSizes([460, 620])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(24, 24, 24, 16)
        whole.setSpacing(12)
        whole.addWidget(label("Skeleton editor", "heading"))
        whole.addWidget(parts, 1)
        whole.addWidget(self.error)
        whole.addLayout(row(None, button("Cancel", self.reject), self.save_button))

    def _drawing(self) -> QWidget:
        """The skeleton on its picture, at the left."""
        left, column = panel("clear")
        column.setContentsMargins(0, 0, 8, 0)
        column.addWidget(self.canvas, 1)
        column.addWidget(self.limbs)
        column.addWidget(
            label(
                "Drag joints to their places, or join them by limbs: drag from one joint to the "
                "other. Joining two again, or Delete, removes the limb. A double click gives a "
                "limb another colour, or makes a new joint.",
                "hint",
                wrap=True,
            )
        )
        column.addLayout(
            row(
                button("Background picture", self.choose_background, icon_name="images"),
                button("Places from the person in hand", self.take_places, icon_name="person"),
                None,
            )
        )
        return left

    def _fields(self) -> QWidget:
        """The names and the table of joints, at the right."""
        right, fields = panel("clear", spacing=4)
        fields.setContentsMargins(8, 0, 0, 0)
        named = (self.name_field, self.title_field, self.category_field)
        for title, field in zip((N_("Name"), N_("Title"), N_("Category")), named, strict=True):
            heading = label(title, "hint")
            heading.setBuddy(field)
            bind_text(field.setAccessibleName, title)
            fields.addWidget(heading)
            fields.addWidget(field)
        fields.addSpacing(8)
        fields.addWidget(self.table, 1)
        fields.addLayout(
            row(
                tool_button("add", "Add a joint", self.add),
                tool_button("delete", "Remove the joint", self.remove),
                tool_button("arrow-up", "Move up", lambda: self.move_joint(-1)),
                tool_button("arrow-down", "Move down", lambda: self.move_joint(1)),
                None,
                self.undo_button,
                self.redo_button,
            )
        )
        return right

    def _connect(self) -> None:
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        for column, width in ((MIRROR, 168), (SIGMA, 92), (COLOR, 72), (FACE, 56)):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            header.resizeSection(column, width)
        self.table.verticalHeader().setDefaultSectionSize(32)
        self.table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QTableWidget.SelectionMode.SingleSelection)
        bind_text(self.table.setAccessibleName, "Joints")
        self.table.itemChanged.connect(self._cell_edited)
        self.table.currentCellChanged.connect(lambda *_: self._row_chosen())
        for field in (self.name_field, self.title_field, self.category_field):
            field.editingFinished.connect(self._fields_edited)
        for name, signal in (
            (self.undo_button, self.history.canUndoChanged),
            (self.redo_button, self.history.canRedoChanged),
        ):
            name.setEnabled(False)
            signal.connect(name.setEnabled)
        for keys, act in (
            ("Ctrl+Z", self.history.undo),
            ("Ctrl+Shift+Z", self.history.redo),
            ("Ctrl+Y", self.history.redo),
        ):
            QShortcut(QKeySequence(keys), self, act)
        translator.language_changed.connect(self._retext)
        self._retext()

    def _retext(self) -> None:
        titles = (tr("Joint"), tr("Left and right"), tr("Sigma"), tr("Colour"), tr("Face"))
        self.table.setHorizontalHeaderLabels(titles)

    # the draft

    def change(self, draft: SkeletonDraft) -> None:
        """Another draft, as a step that can be taken back."""
        if draft != self.draft:
            self.history.push(_Step(self, self.draft, draft))

    def show_draft(self, draft: SkeletonDraft) -> None:
        """Show it everywhere."""
        self.draft = draft
        self.canvas.set_draft(draft)
        for field, text in (
            (self.name_field, draft.name),
            (self.title_field, draft.title),
            (self.category_field, draft.category),
        ):
            if field.text() != text:
                field.setText(text)
        self._fill()
        try:
            draft.to_skeleton()
        except DataError as problem:
            self.error.setText(said(f"{problem.message} {problem.hint}".strip()))
            self.save_button.setEnabled(False)
        else:
            self.error.setText("")
            self.save_button.setEnabled(True)

    def _fill(self) -> None:
        """Rows stay and take other values: a field may be in the middle of telling of a change."""
        chosen, joints = self.canvas.current, self.draft.joints
        with QSignalBlocker(self.table):
            for line in range(self.table.rowCount(), len(joints)):
                self._add_row(line)
            self.table.setRowCount(len(joints))
            for line, joint in enumerate(joints):
                self._fill_row(line, joint)
                if joint.uid == chosen:
                    self.table.selectRow(line)

    def _add_row(self, line: int) -> None:
        self.table.insertRow(line)
        self.table.setItem(line, NAME, QTableWidgetItem())
        face = QTableWidgetItem()
        face.setFlags(Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEnabled)
        self.table.setItem(line, FACE, face)
        mirror = QComboBox()
        mirror.activated.connect(lambda at, n=line: self._set_mirror(n, mirror.itemData(at)))
        self.table.setCellWidget(line, MIRROR, mirror)
        sigma = number_field()
        sigma.setDecimals(3)
        sigma.setRange(0.001, 1.0)
        sigma.setSingleStep(0.005)
        sigma.editingFinished.connect(lambda n=line: self._set_sigma(n, sigma.value()))
        self.table.setCellWidget(line, SIGMA, sigma)
        color = QToolButton()
        color.clicked.connect(lambda _on=False, n=line: self.choose_color(n))
        self.table.setCellWidget(line, COLOR, color)

    def _fill_row(self, line: int, joint: DraftJoint) -> None:
        name, face = self.table.item(line, NAME), self.table.item(line, FACE)
        mirror = self.table.cellWidget(line, MIRROR)
        sigma, color = self.table.cellWidget(line, SIGMA), self.table.cellWidget(line, COLOR)
        assert name is not None
        assert face is not None
        assert isinstance(mirror, QComboBox)
        assert isinstance(sigma, QDoubleSpinBox)
        assert isinstance(color, QToolButton)
        name.setText(joint.name)
        name.setData(UID, joint.uid)
        face.setCheckState(Qt.CheckState.Checked if joint.face else Qt.CheckState.Unchecked)
        with QSignalBlocker(mirror), QSignalBlocker(sigma):
            mirror.clear()
            mirror.addItem("–", None)
            for other in self.draft.joints:
                if other.uid != joint.uid:
                    mirror.addItem(spoken(other.name), other.uid)
            mirror.setCurrentIndex(mirror.findData(self.draft.mirror_of(joint.uid)))
            sigma.setValue(joint.sigma)
        color.setIcon(_swatch(joint.color))
        for part, title in (
            (mirror, tr("Left and right")),
            (sigma, tr("Sigma")),
            (color, tr("Colour")),
        ):
            part.setAccessibleName(f"{title}: {spoken(joint.name)}")

    def _set_mirror(self, line: int, other: int | None) -> None:
        self.change(self.draft.with_mirror(self.draft.joints[line].uid, other))

    # what is done

    def current(self) -> int | None:
        """The uid of the joint in hand."""
        line = self.table.currentRow()
        item = self.table.item(line, NAME) if line >= 0 else None
        return None if item is None else int(item.data(UID))

    def choose(self, uid: int) -> None:
        """Take a joint in hand."""
        for line, joint in enumerate(self.draft.joints):
            if joint.uid == uid:
                with QSignalBlocker(self.table):
                    self.table.setCurrentCell(line, NAME)
        self.canvas.set_current(uid)

    def add(self) -> None:
        """Another joint at the end."""
        draft, uid = self.draft.added()
        self.canvas.current = uid
        self.change(draft)
        self.choose(uid)

    def remove(self) -> None:
        """The joint in hand goes, with its limbs."""
        uid = self.current()
        if uid is not None:
            self.canvas.current = None
            self.change(self.draft.removed(uid))

    def move_joint(self, step: int) -> None:
        """Another place in the order."""
        uid = self.current()
        if uid is not None:
            self.change(self.draft.moved(uid, step))
            self.choose(uid)

    def choose_color(self, line: int) -> None:
        """Ask for a joint's colour."""
        before = self.draft.joints[line]
        color = QColorDialog.getColor(QColor(before.color or "#f5c518"), self, tr("Colour"))
        if color.isValid():
            self.change(self.draft.with_joint(replace(before, color=color.name())))

    def choose_limb_color(self, ends: tuple[int, int]) -> None:
        """Ask for a limb's colour."""
        before = self.draft.limbs[ends] or NEW_LIMB
        color = QColorDialog.getColor(QColor(before), self, tr("Colour"))
        if color.isValid():
            self.change(self.draft.with_limb_color(ends, color.name()))

    def _row_chosen(self) -> None:
        self.canvas.set_current(self.current())

    def _cell_edited(self, item: QTableWidgetItem) -> None:
        joint = self.draft.joints[item.row()]
        if item.column() == NAME:
            self.change(self.draft.with_joint(replace(joint, name=item.text().strip())))
        elif item.column() == FACE:
            face = item.checkState() == Qt.CheckState.Checked
            self.change(self.draft.with_joint(replace(joint, face=face)))

    def _set_sigma(self, line: int, value: float) -> None:
        joint = self.draft.joints[line]
        if abs(joint.sigma - value) > 5e-4:
            self.change(self.draft.with_joint(replace(joint, sigma=round(value, 4))))

    def _fields_edited(self) -> None:
        self.change(
            replace(
                self.draft,
                name=self.name_field.text().strip(),
                title=self.title_field.text().strip(),
                category=self.category_field.text().strip(),
            )
        )

    # the background

    def take_picture(self) -> None:
        """The picture in hand behind the figure, cut to the person in hand where there is one."""
        self.canvas.set_background(person_picture(self._page))

    def take_places(self) -> None:
        """The template's places as the person in hand has them."""
        places = person_places(self._page, self.old)
        if places is None:
            self.error.setText(tr("Select a person first."))
            return
        draft = self.draft
        for joint in self.draft.joints:
            if joint.origin in places:
                draft = draft.with_joint(replace(joint, place=places[joint.origin]))
        self.change(draft)

    def choose_background(self) -> None:
        """Ask for a picture to lay the joints on."""
        name, _ = QFileDialog.getOpenFileName(self, tr("Background picture"))
        if not name:
            return
        try:
            self.set_background(Path(name))
        except StudioError as problem:
            self.error.setText(said(problem.message))

    def set_background(self, path: Path) -> None:
        """A picture file behind the figure. Raises FileProblem, FormatError."""
        self.canvas.set_background(read_background(path))


def _swatch(color: str) -> QIcon:
    pixels = QPixmap(18, 18)
    pixels.fill(QColor(color) if color else QColor(0, 0, 0, 0))
    return QIcon(pixels)
