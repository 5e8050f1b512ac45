"""The Evaluate page: what to judge at the left with earlier reports, the report at the right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QSplitter, QStackedWidget, QTabWidget, QWidget

from studio.core.errors import StudioError
from studio.core.job import JobSpec
from studio.core.options import N_
from studio.gui import project_items
from studio.gui.actions import StudioAction
from studio.gui.background import Background
from studio.gui.evaluation_report import EvaluationReport, PictureRow, read_report
from studio.gui.forms import OptionsForm
from studio.gui.i18n import tr, translator
from studio.gui.page import Page
from studio.gui.pages.evaluate.report_view import ReportView
from studio.gui.pages.evaluate.reports import ReportsList
from studio.gui.run_reading import read_options
from studio.gui.runner import Job
from studio.gui.suggestions import absent_fields, forget_project, is_there, suggestions
from studio.gui.widgets.basics import EmptyState, button, line, panel, row, scrolled
from studio.gui.widgets.parts import SIDE_LEFT, SIDE_MARGINS, JobProgress, column, tab_through
from studio.registry import contributions
from studio.registry.jobs import job_entry

if TYPE_CHECKING:
    from studio.gui.context import StudioContext
    from studio.io.project import Project

NEW, REPORTS = 0, 1


class EvaluatePage(Page):
    """Judge a model, look at the report, lay several side by side."""

    page_id = "evaluate"
    title = N_("Evaluate")
    icon_name = "evaluate"

    def __init__(self, studio: StudioContext) -> None:
        super().__init__(studio)
        self._project: Path | None = None
        self.job: Job | None = None
        self._wanted: Path | None = None
        self._lister, self._reader = Background(self), Background(self)
        self.form = OptionsForm(
            job_entry("evaluate").options_class(), suggestions=suggestions(studio), skip=("out",)
        )
        self.form.changed.connect(self._state)
        self.start_button = button("Evaluate", self.start, role="primary", icon_name="play")
        self.cancel_button = button("Cancel", self._cancel, role="danger")
        self.progress = JobProgress()
        self.reports = ReportsList()
        self.view = ReportView()
        self.empty = EmptyState(
            "evaluate",
            N_("No report yet"),
            N_("Choose a model and a dataset at the left: the figures, the curves and the worst "
               "pictures come here. Without a model, train one first."),
            N_("Go to Train"),
            lambda: studio.open_page("train"),
        )  # fmt: skip
        self.room = QStackedWidget()
        self.room.addWidget(self.empty)
        self.room.addWidget(self.view)
        self.set_content(self._body())
        self.reports.chosen.connect(self._show)
        self.view.picture_opened.connect(self._open_picture)
        self.view.worst.failed.connect(self.show_problem)
        studio.runner.state_changed.connect(self._job_changed)
        translator.language_changed.connect(self._retext)
        self._retext()
        self._state()

    def _body(self) -> QWidget:
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        content = QWidget()
        layout = column(self.form, None)
        layout.setContentsMargins(SIDE_LEFT, 16, 16, 16)
        content.setLayout(layout)
        footer = column(self.progress, row(self.cancel_button, None, self.start_button))
        footer.setContentsMargins(SIDE_LEFT, 8, 16, 16)
        new = QWidget()
        new.setLayout(column(scrolled(content), line(), footer, spacing=0))
        tab_through(self.form, self.cancel_button, self.start_button)
        self.tabs.addTab(new, "")
        self.tabs.addTab(self.reports, "")
        side, side_layout = panel("side-left", margin=0)
        side_layout.addWidget(self.tabs)
        side_layout.setContentsMargins(*SIDE_MARGINS)
        side.setMinimumWidth(280)
        self._side = side
        split = QSplitter()
        split.addWidget(side)
        split.addWidget(self.room)
        split.setStretchFactor(1, 1)
        split.setCollapsible(1, False)
        split.setSizes([320, 940])
        return split

    def studio_actions(self) -> list[StudioAction]:
        return [
            StudioAction("evaluate.start", N_("Evaluate"), self.start_button.click, "Ctrl+Return",
                         "play", self.page_id),
            StudioAction("evaluate.mark", N_("Mark as the model's error, or not"),
                         self.view.worst.mark.click, "Ctrl+M", "flag-outline", self.page_id),
        ]  # fmt: skip

    def sidebar(self) -> QWidget:
        return self._side

    def set_project(self, project: Project | None) -> None:
        self.room.setCurrentWidget(self.empty)
        self.reports.set_reports([])
        forget_project(self.form, self._project)
        self._project = self._folder()
        self._guess(Path(project.folder) if project is not None else None)
        self.refresh()

    def activate(self) -> None:
        self._guess(self._folder())
        self.refresh()

    def receive(self, **payload: Any) -> None:
        """`model`, `dataset`: fill in, the run's own dataset where only a run is named; `report`:
        show it.
        """
        values = {"model": payload.get("model"), "data": payload.get("dataset")}
        if values["model"] is not None and values["data"] is None:
            own = read_options(Path(values["model"])).get("data")
            values["data"] = own if own and is_there(str(own)) else None
        self.form.set_values({k: str(v) for k, v in values.items() if v is not None})
        if any(v is not None for v in values.values()):
            self.tabs.setCurrentIndex(NEW)
        if payload.get("report") is not None:
            self._wanted = Path(payload["report"])
            self.refresh()
        self._state()

    def spec(self) -> JobSpec:
        """The evaluation as it stands in the form. Raises UsageError."""
        everything = self.form.options().to_mapping()
        values = self.form.values()
        project = self._folder()
        if project is not None:
            values["out"] = str(self._report_path(project, everything))
        return JobSpec("evaluate", values, None, project)

    def start(self) -> None:
        """Evaluate."""
        self.banner.clear()
        try:
            spec = self.spec()
            name = Path(str(spec.options.get("model", ""))).name
            self.job = self.studio.runner.start(spec, title=tr("Evaluate {name}", name=name))
        except StudioError as error:
            self.form.focus_problem()
            self.show_problem(error)
            return
        self.job.changed.connect(self._progress)
        self._progress()
        self._state()

    def refresh(self) -> None:
        """Look for reports again, in the background."""
        folder = self._folder()
        if folder is not None:
            self._lister.start(lambda: _read_all(folder), self._listed, self.show_problem)
        elif self._wanted is not None:
            wanted = self._wanted
            self._lister.start(lambda: [read_report(wanted)], self._listed, self.show_problem)

    def _report_path(self, project: Path, values: dict[str, Any]) -> Path:
        """Beside a model of the project, else in the project's own reports folder."""
        model = Path(str(values["model"]))
        split = str(values.get("split") or "")
        name = "-".join(p for p in (Path(str(values["data"])).stem, split) if p)
        folder = model if model.is_dir() else model.parent
        if folder.is_relative_to(project):
            return folder / "report" / name / project_items.REPORT
        return project / "reports" / f"{model.stem}-{name}" / project_items.REPORT

    def _guess(self, project: Path | None) -> None:
        self.form.refresh_suggestions()
        if project is None:
            return
        models = project_items.models(project)
        self.empty.offer(not any(m.origin == "run" for m in models))
        family = models[0].family if models else ""
        marks = next(
            (c.extra.get("datasets", ()) for c in contributions("family") if c.id == family), ()
        )
        datasets = project_items.dataset_folders(project, marks)
        for name, found in (
            ("model", [m.path for m in models]),
            ("data", datasets),
        ):
            editor = self.form.editors.get(name)
            if editor is not None and found and not editor.text():
                editor.set_value(found[0])
        self._state()

    def _listed(self, reports: list[EvaluationReport]) -> None:
        self.reports.set_reports(reports)
        self._retext()
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            self.reports.choose(wanted)
        elif reports and self.room.currentWidget() is self.empty:
            self.reports.choose(reports[0].path)

    def _show(self, reports: list[EvaluationReport]) -> None:
        if reports:
            self.view.show_reports(reports)
            self.room.setCurrentWidget(self.view)

    def _progress(self) -> None:
        if self.job is not None:
            self.progress.show_progress(*self.job.progress)

    def _job_changed(self, job: Job) -> None:
        if job is self.job and job.ended:
            self.job = None
            self._state()
            if job.state == "ok":
                self._wanted = Path(str(job.result.get("report", "")))
                self.tabs.setCurrentIndex(REPORTS)
                self.refresh()
            elif job.problem is not None:
                self.show_problem(job.problem)
        elif job.ended and job.spec.job in ("train", "convert", "export", "evaluate"):
            self.form.refresh_suggestions()

    def _open_picture(self, picture: PictureRow) -> None:
        source = project_items.source_picture(picture.image)
        self.studio.open_page("annotate", picture=source)

    def _cancel(self) -> None:
        if self.job is not None:
            self.job.cancel()

    def _state(self) -> None:
        busy = self.job is not None
        self.progress.setVisible(busy)
        self.cancel_button.setVisible(busy)
        absent = absent_fields(self.form)
        self.start_button.setEnabled(not busy and not absent and not self.form.problems())

    def _folder(self) -> Path | None:
        return Path(self.studio.project.folder) if self.studio.project is not None else None

    def _retext(self) -> None:
        self.tabs.setTabText(NEW, tr("New"))
        count = self.reports.count()
        self.tabs.setTabText(
            REPORTS, tr("Reports ({count})", count=count) if count else tr("Reports")
        )


def _read_all(project: Path) -> list[EvaluationReport]:
    """Every report that can be read; a damaged one is an old file, not this page's problem."""
    found: list[EvaluationReport] = []
    for path in project_items.reports(project):
        try:
            found.append(read_report(path))
        except StudioError:
            continue
    return found
