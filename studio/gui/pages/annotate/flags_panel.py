"""Flags of the picture, and what the selected shapes say: label, person, flags, description."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QVBoxLayout, QWidget

from studio.core import prelabels, shape_edits
from studio.gui.i18n import bind_text, tr, translator
from studio.gui.pages.annotate.editor import Editor
from studio.gui.pages.annotate.head_panel import HeadPanel
from studio.gui.widgets.basics import label, line


class FlagsPanel(QWidget):
    """Above the picture, below the selection; every change is an edit that can be undone."""

    def __init__(self, editor: Editor) -> None:
        super().__init__()
        self.editor = editor
        self.reviewed = QCheckBox()
        bind_text(self.reviewed.setText, "Reviewed: looked at and found right")
        self.reviewed.toggled.connect(self._mark_reviewed)
        self._flags = QVBoxLayout()
        self._flags.setSpacing(4)
        self.new_flag = QLineEdit()
        bind_text(self.new_flag.setPlaceholderText, "New picture flag…")
        bind_text(self.new_flag.setAccessibleName, "New picture flag…")
        self.new_flag.returnPressed.connect(self._add_flag)
        self.chosen = label(role="title")
        self.label_field = QLineEdit()
        bind_text(self.label_field.setAccessibleName, "Label")
        self.label_field.editingFinished.connect(self._set_label)
        self.person_field = QComboBox()
        bind_text(self.person_field.setAccessibleName, "Person")
        self.person_field.activated.connect(self._set_person)
        self.hidden = QCheckBox()
        bind_text(self.hidden.setText, "Hidden")
        self.hidden.clicked.connect(self._set_hidden)
        self.description = QLineEdit()
        bind_text(self.description.setAccessibleName, "Description")
        self.description.editingFinished.connect(self._set_description)
        self.head = HeadPanel(editor)
        self._selection_part = QWidget()
        self._lay_out()
        editor.scene_changed.connect(self.refresh)
        translator.language_changed.connect(self.refresh)
        self.refresh()

    def _lay_out(self) -> None:
        inner = QVBoxLayout(self._selection_part)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(4)
        inner.addWidget(self.chosen)
        for title, field in (
            ("Label", self.label_field),
            ("Person", self.person_field),
            ("Description", self.description),
        ):
            inner.addWidget(label(title, "hint"))
            inner.addWidget(field)
        inner.addWidget(self.hidden)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 8, 8)
        column.setSpacing(8)
        column.addWidget(label("Picture", "title"))
        column.addWidget(self.reviewed)
        column.addLayout(self._flags)
        column.addWidget(self.new_flag)
        column.addWidget(line())
        column.addWidget(self._selection_part)
        column.addWidget(self.head)
        column.addStretch(1)

    def refresh(self) -> None:
        """Show the picture in hand and the selection again."""
        content = self.editor.document.content
        editable = self.editor.document.editable
        for part in (self.reviewed, self.new_flag, self._selection_part):
            part.setEnabled(editable)
        with QSignalBlocker(self.reviewed):
            self.reviewed.setChecked(content.reviewed)
        while (item := self._flags.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for name, on in content.flags.items():
            if name != "reviewed":
                box = QCheckBox(name)
                box.setChecked(bool(on))
                box.clicked.connect(lambda now, n=name: self._flag_picture(n, now))
                self._flags.addWidget(box)
        self._refresh_selection()

    def _refresh_selection(self) -> None:
        content = self.editor.document.content
        shapes = [content.shapes[i] for i in self.editor.document.selection]
        self._selection_part.setVisible(bool(shapes))
        if not shapes:
            return
        self.chosen.setText(tr("{count} selected", count=len(shapes)))
        labels = {s.label for s in shapes}
        texts = {s.description or "" for s in shapes}
        if not self.label_field.hasFocus():
            self.label_field.setText(labels.pop() if len(labels) == 1 else "")
        if not self.description.hasFocus():
            self.description.setText(texts.pop() if len(texts) == 1 else "")
        points = [s for s in shapes if s.shape_type == "point"]
        self.hidden.setVisible(bool(points))
        with QSignalBlocker(self.hidden):
            self.hidden.setChecked(bool(points) and all(s.occluded for s in points))
        self.person_field.clear()
        self.person_field.addItem(tr("None"), None)
        for group_id in sorted(content.group_ids()):
            self.person_field.addItem(str(group_id), group_id)
        self.person_field.addItem(tr("New person"), content.next_group_id())
        groups = {s.group_id for s in shapes}
        group = groups.pop() if len(groups) == 1 else None
        self.person_field.setCurrentIndex(self.person_field.findData(group))

    def _flag_picture(self, name: str, on: bool) -> None:
        self.editor.apply(shape_edits.set_image_flag(self.editor.document.content, name, on))

    def _mark_reviewed(self, on: bool) -> None:
        self.editor.apply(prelabels.set_reviewed(self.editor.document.content, on))

    def _add_flag(self) -> None:
        name = self.new_flag.text().strip()
        self.new_flag.clear()
        if name:
            self._flag_picture(name, True)

    def _set_label(self) -> None:
        text = self.label_field.text().strip()
        document = self.editor.document
        if text and document.selection:
            self.editor.apply(shape_edits.set_label(document.content, document.selection, text))

    def _set_person(self) -> None:
        document = self.editor.document
        group = self.person_field.currentData()
        self.editor.apply(shape_edits.set_group(document.content, document.selection, group))

    def _set_hidden(self, on: bool) -> None:
        document = self.editor.document
        self.editor.apply(shape_edits.set_hidden(document.content, document.selection, on))

    def _set_description(self) -> None:
        document = self.editor.document
        text = self.description.text()
        chosen = [
            i for i in document.selection if (document.content.shapes[i].description or "") != text
        ]
        if chosen:
            self.editor.apply(shape_edits.set_description(document.content, chosen, text))
