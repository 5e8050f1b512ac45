"""The search space as rows: an option, and the values that it may take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QLineEdit, QVBoxLayout, QWidget

from studio.core.errors import UsageError
from studio.core.options import OptionField, Options
from studio.core.search_space import parse_space
from studio.gui.i18n import bind_text, said, tr, translator
from studio.gui.widgets.basics import button, label, row, tool_button
from studio.gui.widgets.parts import column

# What is offered first where the family has it: the rate matters most.
_FIRST = ("lr", "lr0", "batch", "weight_decay")


class SpaceEditor(QWidget):
    """Rows of options to vary. `changed` comes with each edit."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._declared: type[Options] | None = None
        self.rows: list[SpaceRow] = []
        self._room = QVBoxLayout()
        self._room.setContentsMargins(0, 0, 0, 0)
        self._room.setSpacing(8)
        self.add = button("Vary another option", self.add_row, icon_name="add")
        self.setLayout(column(self._room, row(self.add, None)))

    def set_options(self, declared: type[Options] | None) -> None:
        """Another family: what it can vary is offered, its rate first."""
        if declared is self._declared:
            return
        self._declared = declared
        for each in list(self.rows):
            self.remove(each)
        if declared is not None:
            self.add_row()

    def fields(self) -> list[OptionField]:
        """What can be varied: all but places, names and the run's own seed."""
        if self._declared is None:
            return []
        return [f for f in self._declared.fields() if suggestion(f) or f.kind == "model"]

    def add_row(self, name: str = "", values: str = "") -> None:
        """Another option; the first that is not there yet where none is named."""
        taken = {r.name for r in self.rows}
        free = [f.name for f in self.fields() if f.name not in taken]
        if not free:
            return
        wanted = name or next((n for n in _FIRST if n in free), free[0])
        added = SpaceRow(self.fields(), wanted, values)
        added.changed.connect(self._edited)
        added.removed.connect(lambda: self.remove(added))
        self.rows.append(added)
        self._room.addWidget(added)
        self._edited()

    def remove(self, gone: SpaceRow) -> None:
        """Take a row away."""
        self.rows.remove(gone)
        self._room.removeWidget(gone)
        gone.hide()
        gone.deleteLater()
        self._edited()

    def set_text(self, text: str) -> None:
        """Show the rows of a search space as text. Raises UsageError."""
        if self._declared is None:
            return
        space = parse_space(text, self._declared)
        for each in list(self.rows):
            self.remove(each)
        for dimension in space:
            self.add_row(dimension.name, dimension.text().partition("=")[2])

    def text(self) -> str:
        """The search space as the command line takes it."""
        return ",".join(f"{r.name}={r.values.text().strip()}" for r in self.rows)

    def names(self) -> list[str]:
        """The options that are varied."""
        return [r.name for r in self.rows]

    def is_good(self) -> bool:
        """Whether every row can be taken, and there is one."""
        names = self.names()
        return bool(names) and len(set(names)) == len(names) and not any(self._problems())

    def _problems(self) -> list[str]:
        found: list[str] = []
        for number, each in enumerate(self.rows):
            twice = each.name in [r.name for r in self.rows[:number]]
            found.append(tr("This option stands above already.") if twice else self._problem(each))
        return found

    def _problem(self, each: SpaceRow) -> str:
        if self._declared is None:
            return ""
        try:
            parse_space(f"{each.name}={each.values.text().strip()}", self._declared)
        except UsageError as error:
            return said(f"{error.message} {error.hint}".strip())
        return ""

    def _edited(self) -> None:
        for each, problem in zip(self.rows, self._problems(), strict=True):
            each.show_error(problem)
        self.changed.emit()


class SpaceRow(QWidget):
    """One option and its values."""

    changed = Signal()
    removed = Signal()

    def __init__(self, fields: Sequence[OptionField], name: str, values: str) -> None:
        super().__init__()
        self._fields = {f.name: f for f in fields}
        self.option = QComboBox()
        bind_text(self.option.setAccessibleName, "Option")
        self.values = QLineEdit()
        bind_text(self.values.setAccessibleName, "Values to try")
        bind_text(
            self.values.setToolTip,
            "A range (low..high, :log or :step behind it) or choices (a|b|c)",
        )
        self.error = label("", "error", wrap=True)
        self.error.hide()
        remove = tool_button("delete", "Do not vary this option", self.removed.emit)
        line = row(self.values, remove, spacing=4)
        self.setLayout(column(self.option, line, self.error, spacing=4))
        self._fill()
        self.option.setCurrentIndex(self.option.findData(name))
        self.values.setText(values or suggestion(self._fields[name]))
        self.option.currentIndexChanged.connect(self._other)
        self.values.textChanged.connect(self.changed)
        translator.language_changed.connect(self._retext)

    @property
    def name(self) -> str:
        """The option's name."""
        return str(self.option.currentData() or "")

    def show_error(self, message: str) -> None:
        """Below the values; empty takes it away."""
        self.error.setText(message)
        self.error.setVisible(bool(message))

    def _fill(self) -> None:
        for name, field in self._fields.items():
            self.option.addItem(f"{tr(field.title)} ({name})", name)

    def _other(self) -> None:
        self.values.setText(suggestion(self._fields[self.name]))
        self.changed.emit()

    def _retext(self) -> None:
        for number, field in enumerate(self._fields.values()):
            self.option.setItemText(number, f"{tr(field.title)} ({field.name})")


def suggestion(field: OptionField) -> str:
    """Values to begin with; "" for an option that is not to be varied."""
    kind, default = field.plain_type, field.default
    if field.name == "seed" or field.kind:
        return ""
    choices = [] if callable(field.choices) else [str(c.value) for c in field.choices]
    if len(choices) > 1:
        return "|".join(choices)
    if kind is bool:
        return "true|false"
    if kind not in (int, float):
        return ""
    return _whole(field, default) if kind is int else _number(field, default)


def _number(field: OptionField, default: Any) -> str:
    if default is None and (field.minimum or 0) > 0:
        # A rate that the family would choose itself.
        return "1e-5..1e-2:log"
    if not default:
        high = field.maximum if field.maximum is not None and field.maximum <= 1 else 1.0
        return f"{field.minimum or 0:g}..{high:g}"
    if default < 0.05:
        return f"{max(default / 10, field.minimum or 0):g}..{_most(field, default * 10):g}:log"
    return f"{max(default / 2, field.minimum or 0):g}..{_most(field, default * 2):g}"


def _whole(field: OptionField, default: Any) -> str:
    step = field.multiple_of or 1
    low = max(int((default or 2) / 2) // step * step, int(field.minimum or step), step)
    high = max(int(_most(field, (default or 2) * 2)) // step * step, low + step)
    return (
        f"{low}|{(low + high) // 2 // step * step}|{high}" if high - low > step else f"{low}|{high}"
    )


def _most(field: OptionField, value: float) -> float:
    return value if field.maximum is None else min(value, field.maximum)
