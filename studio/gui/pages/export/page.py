"""The Export page: what, where to, options, run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QLineEdit, QStackedWidget, QVBoxLayout, QWidget

from studio.core.errors import Problem, StudioError
from studio.core.job import JobSpec
from studio.core.options import N_
from studio.gui import project_items
from studio.gui.actions import StudioAction
from studio.gui.background import Background
from studio.gui.forms import OptionsForm
from studio.gui.i18n import bind_text, said, tr, translator
from studio.gui.page import Page
from studio.gui.pages.export.choose import ModelStep, TargetStep
from studio.gui.pages.export.fit import choice_problems, fit_problems
from studio.gui.pages.export.result import RunStep
from studio.gui.pages.export.steps import StepLine
from studio.gui.runner import Job
from studio.gui.suggestions import suggestions
from studio.gui.widgets.basics import button, label, line, row, scrolled
from studio.gui.widgets.parts import column, tab_through
from studio.registry import find
from studio.registry.jobs import job_entry

if TYPE_CHECKING:
    from studio.gui.context import StudioContext
    from studio.io.project import Project

WHAT, WHERE, OPTIONS, RUN = range(4)
OWN_FIELDS = ("weights", "target", "out", "exist_ok", "certify")


class ExportPage(Page):
    """A wizard of four steps."""

    page_id = "export"
    title = N_("Export")
    icon_name = "export"

    def __init__(self, studio: StudioContext) -> None:
        super().__init__(studio)
        self.form: OptionsForm | None = None
        self.job_form = OptionsForm(
            job_entry("export").options_class(), suggestions=suggestions(studio), skip=OWN_FIELDS
        )
        self._form_target = ""
        self._fits = Background(self)
        self._misfits: list[Problem] = []
        self.steps = StepLine([N_("What"), N_("Where to"), N_("Options"), N_("Run")])
        self.steps.asked.connect(self.go)
        self.what, self.where = ModelStep(studio), TargetStep()
        self.run = RunStep(studio)
        self.name = QLineEdit()
        bind_text(self.name.setAccessibleName, "Name")
        self.name.textChanged.connect(self._state)
        self.name_error = label("", "error", wrap=True)
        self.misfit = label("", "error", wrap=True)
        self.room = QStackedWidget()
        for step in (self.what, self.where, self._options(), self.run):
            self.room.addWidget(step)
        self.back = button("Back", lambda: self.go(self.room.currentIndex() - 1))
        self.next = button("Next", self._next, role="primary")
        footer = QWidget()
        footer_row = row(self.back, None, self.next)
        footer_row.setContentsMargins(24, 12, 24, 12)
        footer.setLayout(footer_row)
        self._footer = footer
        content = QWidget()
        layout = column(self.steps, self.room, line(), footer, spacing=0)
        layout.setStretch(1, 1)
        content.setLayout(layout)
        self.set_content(content)
        self.what.changed.connect(self._model_changed)
        self.where.changed.connect(self._target_changed)
        self.run.failed.connect(self.show_problem)
        self.run.ended.connect(self._state)
        self.run.restart.connect(lambda: self.go(WHERE))
        studio.runner.state_changed.connect(self._job_changed)
        translator.language_changed.connect(self._state)
        self.go(WHAT)

    def _options(self) -> QWidget:
        content = QWidget()
        self._form_room = QVBoxLayout()
        body = QWidget()
        body.setProperty("role", "clear")
        body.setMaximumWidth(820)
        layout = column(
            label("How should it be made?", "heading"),
            8,
            label("Name"),
            self.name,
            self.name_error,
            8,
            self._form_room,
            8,
            self.job_form,
            self.misfit,
            None,
            spacing=4,
        )
        layout.setContentsMargins(24, 20, 24, 16)
        body.setLayout(layout)
        held = row(body, None)
        held.setStretch(0, 1000)
        content.setLayout(held)
        return scrolled(content)

    def studio_actions(self) -> list[StudioAction]:
        return [
            StudioAction("export.next", N_("Next step"), self.next.click, "Ctrl+Return", "next",
                         self.page_id),
            StudioAction("export.back", N_("Step back"), self.back.click, "Alt+Left", "previous",
                         self.page_id),
        ]  # fmt: skip

    def set_project(self, project: Project | None) -> None:  # noqa: ARG002
        self.what.path.clear()
        self.what.refresh()
        self.go(WHAT)

    def activate(self) -> None:
        self.what.refresh()

    def receive(self, **payload: Any) -> None:
        """`model`: choose it and go on to the targets."""
        if payload.get("model") is not None:
            self.what.set_model(Path(payload["model"]))
            self.go(WHERE)

    def go(self, step: int) -> None:
        """Show a step, if everything before it is chosen."""
        step = max(WHAT, min(step, self._reachable()))
        if step == OPTIONS:
            self._make_form()
        self.room.setCurrentIndex(step)
        self._state()

    def spec(self) -> JobSpec:
        """The export as it stands. Raises StudioError."""
        assert self.form is not None
        model = self.what.model()
        assert model is not None
        self.form.options()
        options = {
            **self.form.values(),
            **self.job_form.values(),
            "weights": str(model),
            "target": self.where.target,
            "out": str(self._out()),
        }
        return JobSpec("export", options, None, self._folder())

    def start(self) -> None:
        """Export."""
        self.banner.clear()
        model = self.what.model()
        if model is None:
            return
        try:
            self.run.start(self.spec(), model, tr("Export {name}", name=self.name.text().strip()))
        except StudioError as error:
            if self.form is not None:
                self.form.focus_problem()
            self.show_problem(error)
            return
        self.room.setCurrentIndex(RUN)
        self._state()

    def _next(self) -> None:
        if self.room.currentIndex() == OPTIONS:
            self.start()
        else:
            self.go(self.room.currentIndex() + 1)

    def _reachable(self) -> int:
        if self.run.job is not None:
            return RUN
        if self.what.model() is None:
            return WHAT
        return OPTIONS if self.where.target else WHERE

    def _model_changed(self) -> None:
        self._form_target = ""
        self._state()

    def _target_changed(self) -> None:
        self._form_target = ""
        self._state()

    def _make_form(self) -> None:
        target, model = self.where.target, self.what.model()
        if model is None or self._form_target == target:
            return
        self._form_target = target
        if self.form is not None:
            self.form.hide()
            self.form.deleteLater()
            self.form = None
        try:
            self.form = OptionsForm(
                find("target", target).options_class(), suggestions=suggestions(self.studio)
            )
        except StudioError as error:
            self.show_problem(error)
            return
        self._form_room.addWidget(self.form)
        tab_through(self.name, self.form, self.job_form, self.back, self.next)
        self._guess_data()
        self.form.changed.connect(self._check_fit)
        folder = self._exports()
        self.name.setText(project_items.free_name(folder, f"{_short(model)}-{target}"))
        self._check_fit()

    def _guess_data(self) -> None:
        """The newest dataset is what the certificate is made on, where none is chosen."""
        folder = self._folder()
        editor = self.job_form.editors.get("data")
        self.job_form.refresh_suggestions()
        found = project_items.dataset_folders(folder) if folder is not None else []
        if editor is not None and found and not editor.text():
            editor.set_value(found[0])

    def _check_fit(self) -> None:
        """Ask the target, in the background, which of its choices this model cannot have."""
        form, target, model = self.form, self.where.target, self.what.model()
        self._state()
        if form is None or model is None or form.problems():
            return
        options = form.options()

        def done(found: tuple[list[Problem], dict[tuple[str, Any], str]]) -> None:
            if form is self.form:
                self._misfits, choices = found
                for (name, value), reason in choices.items():
                    form.set_choice_problem(name, value, reason)
                self._state()

        self._fits.start(
            lambda: (
                fit_problems(target, model, options),
                choice_problems(target, model, options),
            ),
            done,
            self.show_problem,
        )

    def _state(self) -> None:
        step = self.room.currentIndex()
        self.steps.show_step(step, self._reachable())
        name = self.name.text().strip()
        bad = any(c in name for c in '/\\:*?"<>|')
        taken = bool(name) and not bad and self._out().exists() and not self.run.busy
        words = tr('A name cannot hold / \\ : * ? " < > |') if bad else ""
        if taken:
            words = tr("There is already an export of this name.")
        self.name_error.setText(words)
        self.name_error.setVisible(bool(words) and step == OPTIONS)
        self._show_misfits(self._misfits)
        self.back.setEnabled(step > WHAT and not self.run.busy)
        self.next.setVisible(step != RUN)
        self.next.setText(tr("Export") if step == OPTIONS else tr("Next"))
        ready = {
            WHAT: self.what.model() is not None,
            WHERE: bool(self.where.target),
            OPTIONS: self._options_ready(name, bool(words)),
        }
        self.next.setEnabled(ready.get(step, False))

    def _options_ready(self, name: str, wrong: bool) -> bool:
        errors = [p for p in self._misfits if p.severity != "warning"]
        good = self.form is not None and not self.form.problems()
        return good and bool(name) and not wrong and not errors and not self.run.busy

    def _show_misfits(self, problems: Sequence[Problem]) -> None:
        self.misfit.setText("\n".join(said(f"{p.message} {p.hint}".strip()) for p in problems))
        self.misfit.setVisible(bool(problems))

    def _job_changed(self, job: Job) -> None:
        if job.ended and job.spec.job in ("train", "export"):
            self.what.refresh()

    def _exports(self) -> Path:
        folder = self._folder()
        if folder is not None:
            return folder / "exports"
        model = self.what.model()
        return (model.parent if model is not None else Path.home()) / "exports"

    def _out(self) -> Path:
        return self._exports() / self.name.text().strip()

    def _folder(self) -> Path | None:
        return Path(self.studio.project.folder) if self.studio.project is not None else None


def _short(model: Path) -> str:
    """A name for what is made of `model`: its run, else its file."""
    folder = model if model.is_dir() else model.parent
    if folder.name == "weights":
        folder = folder.parent
    return folder.name if model.is_dir() or folder.parent.parent.name == "runs" else model.stem
