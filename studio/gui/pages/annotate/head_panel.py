"""A head's yaw, pitch and roll as numbers."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from studio.core.head import Angles, angles_of, head_rotation, rotation_of, set_head_rotation
from studio.gui.i18n import bind_text
from studio.gui.pages.annotate.editor import Editor
from studio.gui.widgets.basics import label, number_field


class HeadPanel(QWidget):
    """Follows the person in hand; a number typed is an edit."""

    def __init__(self, editor: Editor) -> None:
        super().__init__()
        self.editor = editor
        self.fields: dict[str, QDoubleSpinBox] = {}
        row = QHBoxLayout()
        row.setSpacing(8)
        for name, title in (("yaw", "Yaw"), ("pitch", "Pitch"), ("roll", "Roll")):
            field = number_field()
            field.setRange(-180.0, 180.0)
            field.setDecimals(1)
            field.setSuffix("°")
            field.setKeyboardTracking(False)
            bind_text(field.setAccessibleName, title)
            field.valueChanged.connect(self._typed)
            self.fields[name] = field
            part = QVBoxLayout()
            part.setSpacing(2)
            part.addWidget(label(title, "hint"))
            part.addWidget(field)
            row.addLayout(part, 1)
        self.remove = QPushButton()
        self.remove.setProperty("role", "quiet")
        bind_text(self.remove.setText, "Remove the head's rotation")
        self.remove.clicked.connect(self._remove)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(label("Head rotation", "title"))
        column.addLayout(row)
        column.addWidget(self.remove)
        editor.scene_changed.connect(self.refresh)
        editor.person_changed.connect(self.refresh)
        self.refresh()

    @property
    def _person(self) -> int | None:
        person = self.editor.person
        return person if person in self.editor.document.content.group_ids() else None

    def refresh(self) -> None:
        """Show the person in hand."""
        person = self._person
        self.setVisible(person is not None)
        if person is None:
            return
        rotation = head_rotation(self.editor.document.content, person)
        self.remove.setEnabled(rotation is not None)
        angles = Angles(0.0, 0.0, 0.0) if rotation is None else angles_of(rotation)
        for name, value in angles._asdict().items():
            field = self.fields[name]
            if not field.hasFocus() or abs(field.value() - value) >= 0.1:
                with QSignalBlocker(field):
                    field.setValue(value)

    def _typed(self) -> None:
        person = self._person
        if person is None:
            return
        angles = Angles(*(self.fields[name].value() for name in Angles._fields))
        content = self.editor.document.content
        before = head_rotation(content, person)
        after = rotation_of(angles)
        if before is None or not np.allclose(before, after, atol=1e-5):
            self.editor.apply(set_head_rotation(content, self.editor.skeleton, person, after))

    def _remove(self) -> None:
        person = self._person
        if person is not None:
            content, skeleton = self.editor.document.content, self.editor.skeleton
            self.editor.apply(set_head_rotation(content, skeleton, person, None))
