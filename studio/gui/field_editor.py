"""One field of a form: its label, what edits it, and the line for what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.core.errors import Problem, UsageError
from studio.core.options import Choice, OptionField
from studio.gui.i18n import bind_text, said, tr
from studio.gui.icons import icon


class FieldEditor(QWidget):
    """One field: its label, what edits it, and the line for what is wrong with it."""

    changed = Signal()

    def __init__(self, field: OptionField, suggest: Callable[[], Sequence[Choice]] | None) -> None:
        super().__init__()
        self.field = field
        self._suggest = suggest
        self.marks_changes = True
        self.setObjectName(f"field_{field.name}")
        self.setProperty("role", "clear")
        self.title = QLabel()
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.mark = QLabel("●")
        self.mark.setProperty("role", "changed-mark")
        self.reset_button = QToolButton()
        self.reset_button.setIcon(icon("restore", "muted"))
        self.reset_button.setFixedSize(20, 20)
        self.reset_button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        bind_text(self.reset_button.setToolTip, "Back to the default")
        bind_text(self.reset_button.setAccessibleName, "Back to the default")
        self.reset_button.clicked.connect(self.reset)
        self.error = QLabel()
        self.error.setProperty("role", "error")
        self.error.setWordWrap(True)
        self.error.setTextFormat(Qt.TextFormat.PlainText)
        self.error.hide()
        self.note = QLabel()
        self.note.setProperty("role", "hint")
        self.note.setWordWrap(True)
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.note.hide()
        self.input = self._make_input()
        self.title.setBuddy(self.input)
        self._lay_out()
        self.retext()
        self.set_value(field.default)

    def _make_input(self) -> QWidget:
        kind, field = self.field.plain_type, self.field
        if kind is bool:
            box = QCheckBox()
            box.toggled.connect(self._edited)
            return box
        if field.choices or self._suggest is not None:
            combo = QComboBox()
            combo.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            combo.setMinimumContentsLength(8)
            combo.setEditable(not field.choices)
            self._fill(combo)
            combo.currentTextChanged.connect(self._edited)
            return combo
        edit = QLineEdit()
        edit.textChanged.connect(self._edited)
        return edit

    def _fill(self, combo: QComboBox) -> None:
        choices = self.field.choice_list() or (self._suggest() if self._suggest else ())
        if self.field.optional and self.field.choices:
            combo.addItem(tr("Automatic"), None)
        for choice in choices:
            combo.addItem(tr(choice.title or str(choice.value)), choice.value)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        head = QHBoxLayout()
        head.setSpacing(4)
        edit_row = QHBoxLayout()
        edit_row.setSpacing(4)
        if isinstance(self.input, QCheckBox):
            head.addWidget(self.input)
            self.title.hide()
        else:
            head.addWidget(self.title)
            edit_row.addWidget(self.input, 1)
        head.addWidget(self.mark)
        head.addStretch(1)
        head.addWidget(self.reset_button)
        if self.field.plain_type is Path or self.field.kind in ("file", "folder"):
            edit_row.addWidget(self._browse_button())
        if self.field.unit:
            self._unit_inside()
        column.addLayout(head)
        column.addLayout(edit_row)
        column.addWidget(self.error)
        column.addWidget(self.note)
        column.addStretch(1)
        policy = self.reset_button.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.reset_button.setSizePolicy(policy)

    def _unit_inside(self) -> None:
        if not isinstance(self.input, QLineEdit):
            return
        unit = QLabel(self.input)
        unit.setProperty("role", "unit")
        bind_text(unit.setText, self.field.unit)
        inner = QHBoxLayout(self.input)
        inner.setContentsMargins(8, 0, 8, 0)
        inner.addStretch(1)
        inner.addWidget(unit)
        unit.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def _browse_button(self) -> QToolButton:
        browse = QToolButton()
        browse.setIcon(icon("folder"))
        bind_text(browse.setToolTip, "Browse…")
        bind_text(browse.setAccessibleName, "Browse…")
        browse.clicked.connect(self._browse)
        return browse

    def _browse(self) -> None:
        start = self.text() or str(Path.home())
        title = tr(self.field.title)
        if self.field.kind in ("folder", "dataset"):
            chosen = QFileDialog.getExistingDirectory(self, title, start)
        else:
            chosen, _ = QFileDialog.getOpenFileName(self, title, start)
        if chosen:
            self.set_value(Path(chosen))

    def retext(self) -> None:
        """Title, help and default in the language of the moment."""
        title, tip = tr(self.field.title), tr(self.field.help) if self.field.help else ""
        self.title.setText(title)
        if isinstance(self.input, QCheckBox):
            self.input.setText(title)
        line = self.input.lineEdit() if isinstance(self.input, QComboBox) else self.input
        if isinstance(line, QLineEdit) and not self.field.required:
            line.setPlaceholderText(_to_text(self.field.default) or tr("Automatic"))
        tip = "\n".join(part for part in (tip, self.field.flag) if part)
        for widget in (self.title, self.input):
            widget.setToolTip(tip)
        self.input.setAccessibleName(title)
        if isinstance(self.input, QComboBox) and self.field.choices:
            value = self.input.currentData()
            self.input.blockSignals(True)
            self.input.clear()
            self._fill(self.input)
            self.input.setCurrentIndex(max(0, self.input.findData(value)))
            self.input.blockSignals(False)

    def refresh_suggestions(self) -> None:
        """Ask again what to offer; what is written stays."""
        if isinstance(self.input, QComboBox) and self.input.isEditable():
            text = self.text()
            self.input.blockSignals(True)
            self.input.clear()
            self._fill(self.input)
            self._show_text(text)
            self.input.blockSignals(False)

    def text(self) -> str:
        """What stands in the field, as text."""
        if isinstance(self.input, QLineEdit):
            return self.input.text()
        if isinstance(self.input, QComboBox):
            index = self.input.currentIndex()
            if index >= 0 and self.input.itemText(index) == self.input.currentText():
                return _to_text(self.input.itemData(index))
            return self.input.currentText()
        return ""

    def value(self) -> Any:
        """The value written. Raises UsageError where the text is none."""
        if isinstance(self.input, QCheckBox):
            return self.input.isChecked()
        if isinstance(self.input, QComboBox) and not self.input.isEditable():
            return self.input.currentData()
        text = self.text().strip()
        if text == "" and not self.field.required:
            return self.field.default
        return self.field.parse(text)

    def set_value(self, value: Any) -> None:
        """Show `value`."""
        if isinstance(self.input, QCheckBox):
            self.input.setChecked(bool(value))
        elif isinstance(self.input, QComboBox):
            if self.input.isEditable():
                self._show_text(_to_text(value))
            else:
                index = self.input.findData(value)
                self.input.setCurrentIndex(index)
        elif isinstance(self.input, QLineEdit):
            same = value == self.field.default and not self.field.required
            self.input.setText("" if same else _to_text(value))
        self._mark_changed()

    def set_choice_problem(self, value: Any, reason: str) -> None:
        """Disable one choice and say why, in its tooltip or under a switch; "" enables it again.
        reason: in the language of the moment.
        """
        if isinstance(self.input, QCheckBox):
            if value != self.input.isChecked():
                self.input.setEnabled(not reason)
                self.show_note(reason)
            return
        if not isinstance(self.input, QComboBox):
            return
        model, index = self.input.model(), self.input.findData(value)
        if index >= 0 and isinstance(model, QStandardItemModel):
            model.item(index).setEnabled(not reason)
            model.item(index).setToolTip(reason)

    def show_note(self, text: str) -> None:
        """A line under the field that is no mistake; empty takes it away."""
        self.note.setText(text)
        self.note.setVisible(bool(text))

    def _show_text(self, text: str) -> None:
        if not isinstance(self.input, QComboBox):
            return
        for index in range(self.input.count()):
            if _to_text(self.input.itemData(index)) == text:
                self.input.setCurrentIndex(index)
                return
        self.input.setCurrentIndex(-1)
        self.input.setEditText(text)

    def reset(self) -> None:
        """Back to the default."""
        self.set_value(self.field.default)
        self.changed.emit()

    def is_changed(self) -> bool:
        """Whether the value is another than the default."""
        try:
            return self.value() != self.field.default
        except UsageError:
            return True

    def problem(self) -> Problem | None:
        """What is wrong with what is written."""
        try:
            return self.field.check(self.value())
        except UsageError as error:
            return Problem(error.message, where=self.field.name, hint=error.hint)

    def show_error(self, message: str) -> None:
        """Under the field, in the language of the moment; empty takes it away."""
        message = said(message).replace(self.field.flag, tr(self.field.title))
        self.error.setText(message)
        self.error.setVisible(bool(message))
        invalid = bool(message)
        if self.input.property("invalid") != invalid:
            self.input.setProperty("invalid", invalid)
            self.input.style().unpolish(self.input)
            self.input.style().polish(self.input)

    def _edited(self) -> None:
        self._mark_changed()
        self.changed.emit()

    def _mark_changed(self) -> None:
        different = self.marks_changes and self.is_changed() and not self.field.required
        self.mark.setVisible(different)
        self.reset_button.setVisible(different)


def _to_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ",".join(_to_text(v) for v in value)
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)
