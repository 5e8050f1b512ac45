"""The Train page: the form and the runs at the left, the run in hand at the right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QSplitter, QStackedWidget, QTabWidget, QWidget

from studio.core.errors import Problem, StudioError
from studio.core.job import STARTED, JobEvent, JobSpec
from studio.core.options import N_
from studio.gui import project_items
from studio.gui.actions import StudioAction
from studio.gui.background import Background
from studio.gui.i18n import said, tr, translator
from studio.gui.page import Page
from studio.gui.pages.train.ended import offer_back, offer_what_next
from studio.gui.pages.train.form import TrainForm
from studio.gui.pages.train.preview import BatchPreview
from studio.gui.pages.train.run_view import RunView
from studio.gui.pages.train.runs import RunsList, is_training, name_of
from studio.gui.pages.train.search import SearchDesk
from studio.gui.run_folder import put_away, put_back
from studio.gui.run_history import RunHistory
from studio.gui.run_reading import read_history
from studio.gui.runner import Job, replay
from studio.gui.tensorboard import TensorBoard
from studio.gui.widgets.basics import EmptyState, panel
from studio.gui.widgets.parts import SIDE_MARGINS
from studio.gui.widgets.problem_list import problem_of

if TYPE_CHECKING:
    from studio.gui.context import StudioContext
    from studio.io.project import Project

NEW, RUNS, SEARCH = 0, 1, 2


class TrainPage(Page):
    """Form, start, live plots, earlier runs."""

    page_id = "train"
    title = N_("Train")
    icon_name = "train"

    def __init__(self, studio: StudioContext) -> None:
        super().__init__(studio)
        self._histories: dict[Path, RunHistory] = {}
        self._check_job: Job | None = None
        self.form = TrainForm(studio)
        self.runs = RunsList()
        self.view = RunView(studio.settings)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self.form, "")
        self.tabs.addTab(self.runs, "")
        self.desk = SearchDesk(studio, self.form, self)
        self.tabs.addTab(self.desk.form, "")
        self.empty = EmptyState(
            "train",
            N_("No run yet"),
            N_(
                "Choose a dataset at the left and start: losses and metrics are drawn here while "
                "the model learns. Without a dataset, make one first."
            ),
            N_("Make a dataset"),
            lambda: studio.open_page("datasets"),
        )
        self.room = QStackedWidget()
        self.preview = BatchPreview(studio)
        for each in (self.empty, self.view, self.preview, self.desk.room):
            self.room.addWidget(each)
        self._side, layout = panel("side-left", margin=0)
        layout.addWidget(self.tabs)
        layout.setContentsMargins(*SIDE_MARGINS)
        self._side.setMinimumWidth(300)
        split = QSplitter()
        split.addWidget(self._side)
        split.addWidget(self.room)
        split.setStretchFactor(1, 1)
        split.setCollapsible(1, False)
        split.setSizes([360, 900])
        self.set_content(split)
        self._reader, self._overlay_reader = Background(self), Background(self)
        self._lister, self._mover = Background(self), Background(self)
        self.board = TensorBoard(self)
        self._connect()
        self._retitle()

    def _connect(self) -> None:
        self.tabs.currentChanged.connect(self._tab_changed)
        self.desk.trial_asked.connect(lambda f: self.receive(run=f))
        self.desk.form_asked.connect(lambda: self.tabs.setCurrentIndex(NEW))
        self.desk.failed.connect(self.show_problem)
        self.form.start_asked.connect(self.start)
        self.form.check_asked.connect(self._start_check)
        self.form.preview_asked.connect(self.show_preview)
        self.preview.closed.connect(lambda: self._back_from(self.preview))
        self.preview.failed.connect(self.show_problem)
        self.preview.changed.connect(lambda: self.form.set_previewing(self.preview.job is not None))
        self.form.failed.connect(self.show_problem)
        self.form.problems.opened.connect(self._open_problem)
        self.runs.chosen.connect(self.show_run)
        self.runs.compared.connect(self._compare)
        self.view.resume_asked.connect(self.resume)
        self.view.continue_asked.connect(self.resume)
        self.view.evaluate_asked.connect(lambda f: self.studio.open_page("evaluate", model=f))
        self.view.failed.connect(self.show_problem)
        self.view.delete_asked.connect(self.delete_run)
        self.view.board_asked.connect(self.board.show)
        self.board.failed.connect(self.show_problem)
        self.view.export_asked.connect(lambda f: self.studio.open_page("export", model=f))
        self.studio.runner.job_added.connect(self._job_added)
        self.studio.runner.state_changed.connect(self._job_changed)
        translator.language_changed.connect(self._retitle)

    def studio_actions(self) -> list[StudioAction]:
        return [
            StudioAction("train.start", N_("Start training"), self.form.start.click,
                         "Ctrl+Return", "play", self.page_id),
            StudioAction("train.check", N_("Check before training"), self.form.check.click,
                         "Ctrl+Shift+Return", "ok", self.page_id),
            StudioAction("train.preview", N_("Preview the first batch"), self.form.preview.click,
                         "Ctrl+P", "visible", self.page_id),
            StudioAction("train.search", N_("Start the search"), self.desk.form.start.click,
                         "Ctrl+Shift+F", "search", self.page_id),
            StudioAction("train.stop", N_("Stop the run after this epoch"), self.view.stop.click,
                         "", "stop", self.page_id),
            StudioAction("train.delete", N_("Delete the run shown"), self.view.delete.trigger,
                         "Ctrl+Delete", "delete", self.page_id),
            StudioAction("train.whole", N_("Show whole plots"), self.view.plots.reset_view,
                         "Ctrl+F", "fit", self.page_id),
        ]  # fmt: skip

    def sidebar(self) -> QWidget:
        return self._side

    def set_project(self, project: Project | None) -> None:
        folder = Path(project.folder) if project is not None else None
        self._histories.clear()
        self.room.setCurrentWidget(self.empty)
        self._fill_form(folder)
        self.desk.set_project(folder)
        self.runs.set_runs([], {})
        self.refresh_runs()

    def _fill_form(self, folder: Path | None) -> None:
        self.form.set_project(folder)
        self.empty.offer(folder is None or not project_items.dataset_folders(folder))

    def _tab_changed(self, tab: int) -> None:
        if tab == SEARCH:
            self.desk.form.refresh()
            self.room.setCurrentWidget(self.desk.room)
        else:
            self._back_from(self.desk.room)

    def _back_from(self, shown: QWidget) -> None:
        """To the run in hand, where this is what is shown."""
        if self.room.currentWidget() is shown:
            self.room.setCurrentWidget(self.view if self.view.folder is not None else self.empty)

    def activate(self) -> None:
        self._fill_form(self._folder())
        self.refresh_runs()
        self._follow()

    def receive(self, **payload: Any) -> None:
        """`dataset`: fill it in; `run`: show it, or go on with it where `resume` is true."""
        if payload.get("dataset") is not None:
            self.tabs.setCurrentIndex(NEW)
            self.form.set_values({"data": str(payload["dataset"])})
        if payload.get("run") is not None:
            run = Path(payload["run"])
            self.tabs.setCurrentIndex(RUNS)
            if payload.get("resume"):
                self.resume(run)
            else:
                self.show_run(run)

    def start(self, spec: JobSpec) -> None:
        """Start a training and show it."""
        self.banner.clear()
        try:
            job = self.studio.runner.start(spec, title=tr("Train {name}", name=name_of(spec)))
        except StudioError as error:
            self.show_problem(error)
            return
        self.tabs.setCurrentIndex(RUNS)
        if self.view.job is not job:
            self.show_job(job)

    def show_preview(self, spec: JobSpec) -> None:
        """Draw the first batch of a training that has not begun."""
        self.banner.clear()
        self.room.setCurrentWidget(self.preview)
        self.preview.start(spec)

    def resume(self, folder: Path, epochs: int = 0) -> None:
        """Go on with a run after its last whole epoch, with its own options; `epochs` asks for
        another number of epochs in all.
        """
        options: dict[str, Any] = {"family": folder.parent.name, "resume": str(folder)}
        if epochs:
            options["epochs"] = epochs
        options |= self.form.where_values()
        self.start(JobSpec("train", options, folder, self._folder()))

    def delete_run(self, folder: Path) -> None:
        """Put a run away into the project's trash; the banner brings it back."""
        project, job = self._folder(), self._job_of(folder)
        if project is None or (job is not None and not job.ended):
            return
        self.view.notes.write()
        if self.board.folder == folder:
            self.board.stop()

        def done(place: Path) -> None:
            self._histories.pop(folder, None)
            self.view.folder = None
            self.room.setCurrentWidget(self.empty)
            self.refresh_runs()
            offer_back(self.banner, folder, place, lambda: self._bring_back(place, folder))

        self._mover.start(lambda: put_away(folder, project), done, self.show_problem)

    def _bring_back(self, place: Path, folder: Path) -> None:
        self._mover.start(lambda: put_back(place, folder), self._came_back, self.show_problem)

    def _came_back(self, folder: Path) -> None:
        self.refresh_runs()
        self.show_run(folder)

    def deactivate(self) -> None:
        self.view.notes.write()

    def show_job(self, job: Job) -> None:
        """Show a training that this window drives."""
        self._reader.drop()
        history = RunHistory()
        resumed = "resume" in job.spec.options
        if resumed or job.state != "queued":
            history.feed_all(replay(job.run_dir))
            history.status = job.state
        self._histories[job.run_dir] = history
        self.view.show_run(job.run_dir, history, job)
        self.room.setCurrentWidget(self.view)
        self.refresh_runs()

    def show_run(self, folder: Path) -> None:
        """Show a run: live where this window drives it, else from its events."""
        job = self._job_of(folder)
        if job is not None and not job.ended:
            if self.view.job is not job:
                self.show_job(job)
            return
        if self.view.folder == folder and self.view.job is job and folder in self._histories:
            self.room.setCurrentWidget(self.view)
            return
        self._reader.start(
            lambda: read_history(folder),
            lambda history: self._show_read(folder, history),
            self.show_problem,
        )

    def refresh_runs(self) -> None:
        """Look at the runs folder again, in the background."""
        folder = self._folder()
        if folder is None:
            return
        self._lister.start(lambda: project_items.runs(folder), self._show_runs, self.show_problem)

    def _show_read(self, folder: Path, history: RunHistory) -> None:
        self._histories[folder] = history
        self.view.show_run(folder, history, None)
        self.room.setCurrentWidget(self.view)
        self._select(folder)
        if history.status == "crashed":
            self._offer_resume(folder, None)

    def _show_runs(self, runs: list[project_items.RunItem]) -> None:
        states = {j.run_dir: j.state for j in self.studio.runner.jobs if j.spec.job == "train"}
        self.runs.set_runs(runs, states)
        self._retitle()
        # A run that is being read was asked for by name; the newest must not take its place.
        if runs and self.room.currentWidget() is self.empty and not self._reader.busy:
            self.show_run(runs[0].folder)
        if self.view.folder is not None and self.room.currentWidget() is self.view:
            self._select(self.view.folder)

    def _select(self, folder: Path) -> None:
        self.runs.tree.blockSignals(True)
        self.runs.choose(folder)
        self.runs.tree.blockSignals(False)

    def _compare(self, folders: list[Path]) -> None:
        def read() -> dict[Path, RunHistory]:
            return {f: self._histories.get(f) or read_history(f) for f in folders}

        self._overlay_reader.start(read, self.view.set_overlays, self.show_problem)
        if self.view.folder is None and folders:
            self.show_run(folders[0])

    def _start_check(self, spec: JobSpec) -> None:
        self.banner.clear()
        self.form.check.setEnabled(False)
        try:
            self._check_job = self.studio.runner.start(spec, title=tr("Check before training"))
        except StudioError as error:
            self.form.check.setEnabled(True)
            self.show_problem(error)

    def _check_ended(self, job: Job) -> None:
        self._check_job = None
        self.form.check.setEnabled(True)
        if job.problem is not None and job.state != "ok":
            self.show_problem(job.problem)
            return
        problems = [problem_of(p) for p in job.result.get("problems", ())]
        self.form.show_check(problems)

    def _placed(self, job: Job, folder: Path) -> None:
        """A run without a folder of its own has found one."""
        self._histories[folder] = self.view.history
        if self.view.job is job:
            self.view.folder = folder
            self.view.notes.show_run(folder)
            self.view.refresh()

    def _event(self, event: JobEvent) -> None:
        if event.event == STARTED:
            # Only now does the run have its stream, and with it a line in the list.
            self.refresh_runs()

    def _job_added(self, job: Job) -> None:
        if not is_training(job) or job.ended:
            return
        job.event_received.connect(self._event)
        job.placed.connect(lambda folder: self._placed(job, folder))
        self._follow()

    def _follow(self) -> None:
        """Show a training that goes on, wherever it was started, unless another one is shown."""
        if self.view.job is not None and not self.view.job.ended:
            return
        busy = [j for j in self.studio.runner.jobs if is_training(j) and not j.ended]
        if busy:
            self.show_job(busy[0])

    def _job_changed(self, job: Job) -> None:
        if job is self._check_job and job.ended:
            self._check_ended(job)
        elif job.spec.job == "convert" and job.ended:
            self._fill_form(self._folder())
        elif is_training(job):
            self.refresh_runs()
            if job.state in ("crashed", "failed"):
                self._offer_resume(job.run_dir, job.problem)

    def _offer_resume(self, folder: Path, problem: Problem | None) -> None:
        if self.view.folder != folder:
            return
        job = self._job_of(folder)
        offer_what_next(
            self.banner, self.view, problem, job.log_tail() if job is not None else "",
            try_with=self._try_with, resume=self.resume,
        )  # fmt: skip

    def _try_with(self, folder: Path, values: Mapping[str, Any]) -> None:
        """The same training again under a new name, with what the run itself suggested."""
        job = self._job_of(folder)
        if job is None or self.form.form is None:
            return
        known = self.form.form.editors
        asked = {k: v for k, v in job.spec.options.items() if k in known}
        try:
            self.form.form.reset()
            self.form.form.set_values({**asked, **values})
            self.start(self.form.spec())
        except StudioError as error:
            self.show_problem(error)

    def _open_problem(self, problem: Problem) -> None:
        picture = project_items.source_picture(Path(problem.where))
        if problem.where and picture.is_file() and picture.suffix.lower() != ".yaml":
            self.studio.open_page("annotate", picture=picture, note=said(problem.message))

    def _job_of(self, folder: Path) -> Job | None:
        return self.studio.runner.latest(folder, "train")

    def _folder(self) -> Path | None:
        return Path(self.studio.project.folder) if self.studio.project is not None else None

    def _retitle(self) -> None:
        self.tabs.setTabText(NEW, tr("New run"))
        count = self.runs.count()
        self.tabs.setTabText(RUNS, tr("Runs ({count})", count=count) if count else tr("Runs"))
        self.tabs.setTabText(SEARCH, tr("Search"))
