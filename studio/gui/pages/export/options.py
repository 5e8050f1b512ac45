"""The third step: the name, the target's own options, what the certificate is made on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from studio.core.errors import Problem, StudioError
from studio.gui import project_items
from studio.gui.background import Background
from studio.gui.forms import OptionsForm
from studio.gui.i18n import bind_text, tr, translator
from studio.gui.pages.export.fit import (
    choice_problems,
    fit_problems,
    pictures_there,
    with_pictures,
)
from studio.gui.suggestions import suggestions
from studio.gui.widgets.basics import label, row, scrolled
from studio.gui.widgets.parts import column, tab_through
from studio.gui.widgets.preset_bar import PresetBar
from studio.registry import find
from studio.registry.jobs import job_entry

if TYPE_CHECKING:
    from studio.core.artifact import ModelArtifact
    from studio.gui.context import StudioContext

# What the wizard asks elsewhere, or by itself.
OWN_FIELDS = ("weights", "target", "out", "exist_ok", "certify", "install_tools")
# Belong to the project and not to a preset.
PLACES = ("calibration", "accuracy_data", "data")


class OptionsStep(QWidget):
    """The form of a target. `changed` comes with each edit and each answer of the target."""

    changed = Signal()
    failed = Signal(object)

    def __init__(self, studio: StudioContext) -> None:
        super().__init__()
        self.studio = studio
        self.form: OptionsForm | None = None
        self.misfits: list[Problem] = []
        self._key: tuple[str, Path | None] = ("", None)
        self._artifact: ModelArtifact | None = None
        self._fits = Background(self)
        self.job_form = OptionsForm(
            job_entry("export").options_class(), suggestions=suggestions(studio), skip=OWN_FIELDS
        )
        self.job_form.changed.connect(self.check_fit)
        self.presets = PresetBar(studio, self._preset_values)
        self.presets.loaded.connect(self._take_preset)
        self.presets.failed.connect(self.failed)
        self.name = QLineEdit()
        bind_text(self.name.setAccessibleName, "Name")
        self.name.textChanged.connect(lambda _text: self.changed.emit())
        self.name_error = label("", "error", wrap=True)
        self.misfit = label("", "error", wrap=True)
        self.setLayout(column(self._body()))
        translator.language_changed.connect(self._retext)

    def _body(self) -> QWidget:
        self._room = QVBoxLayout()
        body = QWidget()
        body.setProperty("role", "clear")
        body.setMaximumWidth(820)
        head = row(
            _labelled("Name", self.name, self.name_error),
            _labelled("Preset", self.presets),
            spacing=16,
        )
        for each in range(2):
            head.setStretch(each, 1)
        layout = column(
            label("How should it be made?", "heading"),
            8,
            head,
            12,
            self._room,
            16,
            label("Certificate", "title"),
            self.job_form,
            self.misfit,
            None,
            spacing=4,
        )
        layout.setContentsMargins(24, 20, 24, 16)
        body.setLayout(layout)
        content = QWidget()
        held = row(body, None)
        held.setStretch(0, 1000)
        content.setLayout(held)
        return scrolled(content)

    @property
    def ready(self) -> bool:
        """Whether the options can be taken as they stand."""
        good = self.form is not None and not self.form.problems() and not self.job_form.problems()
        return good and not any(p.severity != "warning" for p in self.misfits)

    def forget(self) -> None:
        """The next `show_for` makes the form anew."""
        self._key = ("", None)

    def show_for(self, target: str, model: Path, name: str, buttons: Sequence[QWidget]) -> None:
        """The options of `target`, as they were where nothing else was chosen since."""
        if self._key == (target, model):
            self.check_fit()
            return
        self._key = (target, model)
        self.misfits = []
        if self.form is not None:
            self.form.hide()
            self.form.deleteLater()
            self.form = None
        try:
            self.form = OptionsForm(
                find("target", target).options_class(), suggestions=suggestions(self.studio)
            )
        except StudioError as error:
            self.failed.emit(error)
            return
        self._room.addWidget(self.form)
        tab_through(self.name, self.presets.combo, self.form, self.job_form, *buttons)
        self.presets.set_kind(f"export/{target}")
        self._guess_data()
        self.form.changed.connect(self.check_fit)
        self.name.setText(name)
        self.check_fit()

    def set_artifact(self, artifact: ModelArtifact | None) -> None:
        """What the model is, where that is known by now."""
        self._artifact = artifact
        self.check_fit()

    def values(self) -> dict[str, Any]:
        """What is asked for, without what the other steps know. Raises UsageError."""
        assert self.form is not None
        self.form.options()
        return {**self.form.values(), **self.job_form.values()}

    def focus_problem(self) -> None:
        """Put the cursor where the first problem is."""
        if self.form is not None:
            self.form.focus_problem()

    def check_fit(self) -> None:
        """Ask the target, in the background, which of its choices this model cannot have."""
        form, artifact, target = self.form, self._artifact, self._key[0]
        if form is None or form.problems():
            self.misfits = []
            self.show_misfits()
            self.changed.emit()
            return
        options, data = form.options(), self.job_form.editors["data"].text().strip()

        def ask() -> tuple[list[Problem], dict[tuple[str, Any], str], int | None]:
            whole = with_pictures(options, data)
            choices = choice_problems(target, artifact, whole)
            return fit_problems(target, artifact, whole), choices, pictures_there(options)

        def done(found: tuple[list[Problem], dict[tuple[str, Any], str], int | None]) -> None:
            if form is self.form:
                self.misfits, choices, pictures = found
                self._show_pictures(pictures)
                for (name, value), reason in choices.items():
                    form.set_choice_problem(name, value, reason)
                self.show_misfits()
                self.changed.emit()

        self._fits.start(ask, done, self.failed.emit)
        self.changed.emit()

    def show_misfits(self) -> None:
        """What the target says: under the field that it names, else below all."""
        rest: list[str] = []
        for problem in self.misfits if self.form is not None else ():
            assert self.form is not None
            text = f"{problem.message} {problem.hint}".strip()
            text = self.job_form.in_words(self.form.in_words(text))
            if problem.where in self.form.editors:
                self.form.show_error(problem.where, text)
            else:
                rest.append(text)
        self.misfit.setText("\n".join(rest))
        self.misfit.setVisible(bool(rest))

    def _show_pictures(self, count: int | None) -> None:
        """How many pictures stand where the calibration's come from."""
        editor = self.form.editors.get("calibration") if self.form is not None else None
        if editor is not None:
            known = count is not None
            editor.show_note(tr("{count} pictures are there.", count=count) if known else "")

    def _retext(self) -> None:
        """After the forms, which take what is said under their fields away."""
        QTimer.singleShot(0, self, self.check_fit)

    def set_name_error(self, text: str) -> None:
        """Under the name; empty takes it away."""
        self.name_error.setText(text)
        self.name_error.setVisible(bool(text))

    def _take_preset(self, values: dict[str, Any]) -> None:
        if self.form is None:
            return
        kept = {k: self.form.editors[k].text() for k in PLACES if k in self.form.editors}
        try:
            self.form.reset()
            self.form.set_values({**{k: v for k, v in kept.items() if v}, **values})
        except StudioError as error:
            self.failed.emit(error)
        self.check_fit()

    def _preset_values(self) -> dict[str, Any]:
        """The changed options, without places of this project. Raises UsageError."""
        assert self.form is not None
        return {k: v for k, v in self.form.values().items() if k not in PLACES}

    def _guess_data(self) -> None:
        """The newest dataset is what the certificate is made on, where none is chosen."""
        project = self.studio.project
        folder = Path(project.folder) if project is not None else None
        editor = self.job_form.editors["data"]
        self.job_form.refresh_suggestions()
        found = project_items.dataset_folders(folder) if folder is not None else []
        if found and not editor.text():
            editor.set_value(found[0])


def _labelled(title: str, *parts: QWidget) -> QWidget:
    holder = QWidget()
    holder.setProperty("role", "clear")
    head = label("")
    bind_text(head.setText, title)
    holder.setLayout(column(head, *parts, None, spacing=4))
    return holder


def name_problem(name: str, folder: Path) -> str:
    """Why an export cannot be called `name`, in the language of the moment; "" where it can."""
    if any(c in name for c in '/\\:*?"<>|'):
        return tr('A name cannot hold / \\ : * ? " < > |')
    return tr("There is already an export of this name.") if name and folder.exists() else ""
