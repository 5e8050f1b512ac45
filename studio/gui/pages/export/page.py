"""The Export page: what, where to, options, run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QStackedWidget, QWidget

from studio.core.errors import StudioError
from studio.core.job import JobSpec
from studio.core.options import N_
from studio.gui import project_items
from studio.gui.actions import StudioAction
from studio.gui.i18n import tr, translator
from studio.gui.page import Page
from studio.gui.pages.export.cards import TargetStep
from studio.gui.pages.export.choose import ModelStep
from studio.gui.pages.export.describing import Describer
from studio.gui.pages.export.options import OptionsStep, name_problem
from studio.gui.pages.export.result import RunStep
from studio.gui.pages.export.steps import StepLine
from studio.gui.runner import Job
from studio.gui.widgets.basics import button, line, row
from studio.gui.widgets.parts import column

if TYPE_CHECKING:
    from studio.gui.context import StudioContext
    from studio.io.project import Project

WHAT, WHERE, OPTIONS, RUN = range(4)


class ExportPage(Page):
    """A wizard of four steps."""

    page_id = "export"
    title = N_("Export")
    icon_name = "export"

    def __init__(self, studio: StudioContext) -> None:
        super().__init__(studio)
        self.steps = StepLine([N_("What"), N_("Where to"), N_("Options"), N_("Run")])
        self.steps.asked.connect(self.go)
        self.what, self.where = ModelStep(studio), TargetStep(studio)
        self.how, self.run = OptionsStep(studio), RunStep(studio)
        self.describer = Describer(studio)
        self.room = QStackedWidget()
        for step in (self.what, self.where, self.how, self.run):
            self.room.addWidget(step)
        self.back = button("Back", lambda: self.go(self.room.currentIndex() - 1))
        self.next = button("Next", self._next, role="primary")
        footer = QWidget()
        footer_row = row(self.back, None, self.next)
        footer_row.setContentsMargins(24, 12, 24, 12)
        footer.setLayout(footer_row)
        content = QWidget()
        layout = column(self.steps, self.room, line(), footer, spacing=0)
        layout.setStretch(1, 1)
        content.setLayout(layout)
        self.set_content(content)
        self.what.changed.connect(self._model_changed)
        self.where.changed.connect(self._state)
        self.where.taken.connect(lambda: self.go(OPTIONS))
        self.how.changed.connect(self._state)
        self.describer.found.connect(self._described)
        for step in (self.where, self.how, self.run):
            step.failed.connect(self.show_problem)
        self.run.ended.connect(self._state)
        self.run.restart.connect(lambda: self.go(WHERE))
        studio.runner.state_changed.connect(self._job_changed)
        translator.language_changed.connect(self._state)
        self.go(WHAT)

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
        self.how.forget()
        self.go(WHAT)

    def activate(self) -> None:
        self.what.refresh()
        self.where.look_again()

    def receive(self, **payload: Any) -> None:
        """`model`: choose it and go on to the targets."""
        if payload.get("model") is not None:
            self.what.set_model(Path(payload["model"]))
            self.go(WHERE)

    def go(self, step: int) -> None:
        """Show a step, if everything before it is chosen."""
        step = max(WHAT, min(step, self._reachable()))
        model = self.what.model()
        if step in (WHERE, OPTIONS):
            self._describe(model)
            self.where.look_again()
        if step == OPTIONS and model is not None:
            name = project_items.free_name(self._exports(), f"{_short(model)}-{self.where.target}")
            self.how.show_for(self.where.target, model, name, (self.back, self.next))
        self.room.setCurrentIndex(step)
        self._state()

    def spec(self) -> JobSpec:
        """The export as it stands. Raises StudioError."""
        model = self.what.model()
        assert model is not None
        options = {
            **self.how.values(),
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
        title = tr("Export {name}", name=self.how.name.text().strip())
        try:
            self.run.start(self.spec(), model, title)
        except StudioError as error:
            self.how.focus_problem()
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
        self.how.forget()
        self._state()

    def _describe(self, model: Path | None) -> None:
        try:
            self.describer.ask(model)
        except StudioError as error:
            self.show_problem(error)

    def _described(self) -> None:
        self.where.set_misfits(self.describer.misfits)
        self.how.set_artifact(self.describer.artifact)

    def _state(self) -> None:
        step = self.room.currentIndex()
        self.steps.show_step(step, self._reachable())
        name = self.how.name.text().strip()
        wrong = "" if self.run.busy else name_problem(name, self._out())
        self.how.set_name_error(wrong if step == OPTIONS else "")
        self.back.setEnabled(step > WHAT and not self.run.busy)
        self.next.setVisible(step != RUN)
        self.next.setText(tr("Export") if step == OPTIONS else tr("Next"))
        ready = {
            WHAT: self.what.model() is not None,
            WHERE: bool(self.where.target),
            OPTIONS: self.how.ready and bool(name) and not wrong and not self.run.busy,
        }
        self.next.setEnabled(ready.get(step, False))

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
        return self._exports() / self.how.name.text().strip()

    def _folder(self) -> Path | None:
        return Path(self.studio.project.folder) if self.studio.project is not None else None


def _short(model: Path) -> str:
    """A name for what is made of `model`: its run, else its file."""
    folder = model if model.is_dir() else model.parent
    if folder.name == "weights":
        folder = folder.parent
    return folder.name if model.is_dir() or folder.parent.parent.name == "runs" else model.stem
