"""A form made from declared options: label above field, unit inside it, error under it."""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from studio.core.errors import Problem
from studio.core.options import Choice, OptionField, Options
from studio.gui.field_editor import FieldEditor
from studio.gui.i18n import said, tr, translator
from studio.gui.icons import icon
from studio.gui.widgets.basics import label

TWO_COLUMNS_FROM = 560
Suggestions = Mapping[str, Callable[[], Sequence[Choice]]]


class OptionsForm(QWidget):
    """The form of an Options class. `changed` comes with each edit.

    suggestions: by the field's `kind` ("dataset", "model", "skeleton", ...), what to offer;
    the person may still write a path.
    """

    changed = Signal()

    def __init__(
        self,
        options_class: type[Options],
        values: Mapping[str, Any] | None = None,
        *,
        suggestions: Suggestions | None = None,
        skip: Sequence[str] = (),
        mark_changes: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setProperty("role", "clear")
        self.options_class = options_class
        self.editors: dict[str, FieldEditor] = {}
        self._columns = 0
        self._headings: dict[tuple[bool, str], QLabel] = {}
        fields = [f for f in options_class.fields() if f.name not in skip]
        for field in in_groups(fields, options_class.groups):
            editor = FieldEditor(field, (suggestions or {}).get(field.kind) or field.offers)
            editor.marks_changes = mark_changes
            editor.changed.connect(self._edited)
            self.editors[field.name] = editor
        self._basic = QGridLayout()
        self._advanced_box = QWidget()
        self._advanced_box.setProperty("role", "clear")
        self._advanced = QGridLayout(self._advanced_box)
        self.advanced_button = QPushButton()
        self.advanced_button.setProperty("role", "link")
        self.advanced_button.setCheckable(True)
        self.advanced_button.toggled.connect(self._show_advanced)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        for grid in (self._basic, self._advanced):
            grid.setContentsMargins(0, 0, 0, 0)
            grid.setHorizontalSpacing(16)
            grid.setVerticalSpacing(10)
        # The Tab key follows the order in which widgets join: basic, the button, advanced.
        self._arrange(1)
        column.addLayout(self._basic)
        column.addWidget(self.advanced_button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._advanced_box)
        column.addStretch(1)
        self._show_advanced(False)
        self.advanced_button.setVisible(any(e.field.advanced for e in self.editors.values()))
        if values:
            self.set_values(values)
        translator.language_changed.connect(self._retext)
        self._check()

    def options(self) -> Options:
        """The options as written. Raises UsageError for the first thing that is wrong."""
        return self.options_class(**self._values()).validated()

    def values(self) -> dict[str, Any]:
        """Plain values of the fields that differ from their default, for a preset or a spec.

        Raises UsageError where a text is no value.
        """
        plain = self.options_class(**self._values()).to_mapping()
        changed = {n for n, e in self.editors.items() if e.is_changed() or e.field.required}
        return {name: value for name, value in plain.items() if name in changed}

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Fill in what `values` names (as JSON or TOML gives it); names unknown here are left."""
        known = {name: value for name, value in values.items() if name in self.editors}
        options = self.options_class.from_mapping(known)
        for name in known:
            self.editors[name].set_value(getattr(options, name))
        self._check()

    def reset(self) -> None:
        """Every field back to its default."""
        for editor in self.editors.values():
            editor.set_value(editor.field.default)
        self._edited()

    def refresh_suggestions(self) -> None:
        """Ask again what to offer for datasets, models, ..."""
        for editor in self.editors.values():
            editor.refresh_suggestions()

    def problems(self) -> tuple[Problem, ...]:
        """Everything that is wrong now, field by field, then between fields; what the page shows
        itself (`skip`) is the page's to check.
        """
        found = [p for e in self.editors.values() if (p := e.problem()) is not None]
        if not found:
            found = list(self.options_class(**self._values()).problems())
        return tuple(p for p in found if p.where in self.editors)

    def show_error(self, name: str, message: str) -> None:
        """Say something of a field that only the page can know (a file that is not there)."""
        editor = self.editors.get(name)
        if editor is not None:
            editor.show_error(message)
            if editor.field.advanced:
                self.advanced_button.setChecked(True)

    def set_choice_problem(self, name: str, value: Any, reason: str) -> None:
        """One choice cannot be taken now: disabled, with the reason as its tooltip or under it."""
        if name in self.editors:
            self.editors[name].set_choice_problem(value, self.in_words(reason))

    def in_words(self, message: str) -> str:
        """A message of the options in the language of the moment, with the fields' titles in
        place of their flags.
        """
        text = said(message)
        for editor in sorted(self.editors.values(), key=lambda e: -len(e.field.flag)):
            text = text.replace(editor.field.flag, tr(editor.field.title))
        return text

    def focus_problem(self) -> None:
        """Put the cursor where the first problem is."""
        for problem in self.problems():
            editor = self.editors.get(problem.where)
            if editor is not None:
                if editor.field.advanced:
                    self.advanced_button.setChecked(True)
                editor.input.setFocus()
                return

    def _values(self) -> dict[str, Any]:
        return {name: editor.value() for name, editor in self.editors.items()}

    def _edited(self) -> None:
        self._check()
        self.changed.emit()

    def _check(self) -> None:
        wrong = {p.where: p.message for p in self.problems()}
        for name, editor in self.editors.items():
            message = wrong.get(name, "")
            # An empty required field is no mistake yet; it only keeps the start button off.
            untouched = editor.field.required and not editor.text().strip()
            editor.show_error("" if untouched else message)
        self._retext_advanced()

    def _show_advanced(self, shown: bool) -> None:
        self._advanced_box.setVisible(shown)
        self._retext_advanced()

    def _retext_advanced(self) -> None:
        count = sum(e.field.advanced and e.is_changed() for e in self.editors.values())
        shown = self.advanced_button.isChecked()
        text = tr("Fewer options") if shown else tr("More options")
        if count and not shown:
            text = tr("More options ({count} changed)", count=count)
        self.advanced_button.setText(text)
        self.advanced_button.setIcon(icon("up" if shown else "down", "accent"))

    def _retext(self) -> None:
        for editor in self.editors.values():
            editor.retext()
            # Titles of what is offered ("Run a") are in the old language.
            editor.refresh_suggestions()
        self._check()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange(2 if self.width() >= TWO_COLUMNS_FROM else 1)

    def _arrange(self, columns: int) -> None:
        if columns == self._columns:
            return
        self._columns = columns
        for grid, advanced in ((self._basic, False), (self._advanced, True)):
            self._fill_grid(
                grid, [e for e in self.editors.values() if e.field.advanced == advanced], advanced
            )

    def _heading(self, group: str, advanced: bool) -> QLabel:
        known = self._headings.get((advanced, group))
        if known is None:
            known = self._headings[advanced, group] = label(group, "title")
        return known

    def _fill_grid(self, grid: QGridLayout, editors: Sequence[FieldEditor], advanced: bool) -> None:
        row = column = 0
        several = len({e.field.group for e in self.editors.values()}) > 1
        group = ""
        for editor in editors:
            if several and editor.field.group != group:
                group = editor.field.group
                row, column = row + (column > 0), 0
                grid.addWidget(self._heading(group, advanced), row, 0, 1, self._columns)
                row += 1
            wide = self._columns > 1 and _is_wide(editor.field)
            if wide and column:
                row, column = row + 1, 0
            span = self._columns if wide else 1
            editor.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
            grid.addWidget(editor, row, column, 1, span)
            column += span
            if column >= self._columns:
                row, column = row + 1, 0
        for index in range(2):
            grid.setColumnStretch(index, 1 if index < self._columns else 0)


def in_groups(fields: Sequence[OptionField], order: Sequence[str] = ()) -> list[OptionField]:
    """Fields as they are read: those without a group, then group after group; within each as they
    were declared.
    """
    ranks = {group: rank for rank, group in enumerate(dict.fromkeys(("", *order)))}
    for field in fields:
        ranks.setdefault(field.group, len(ranks))
    return sorted(fields, key=lambda f: ranks[f.group])


def _is_wide(field: OptionField) -> bool:
    """Paths need the whole width."""
    kind = field.plain_type
    paths = typing.get_origin(kind) is tuple and typing.get_args(kind)[0] is Path
    return kind is Path or paths or field.kind in ("file", "folder", "dataset", "model")
