"""The Train page's third tab: searches of this project, started, watched, and put to use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QInputDialog, QStackedWidget

from studio.core.errors import StudioError
from studio.core.job import STARTED, JobEvent, JobSpec
from studio.core.options import N_
from studio.gui.background import Background
from studio.gui.i18n import tr
from studio.gui.pages.train.form import TrainForm
from studio.gui.pages.train.runs import name_of
from studio.gui.pages.train.search_form import SearchForm
from studio.gui.pages.train.search_view import SearchView
from studio.gui.presets import Presets
from studio.gui.runner import Job
from studio.gui.search_state import TRIAL, SearchState, read_search, searches
from studio.gui.widgets.basics import EmptyState
from studio.registry import find

if TYPE_CHECKING:
    from studio.gui.context import StudioContext


class SearchDesk(QObject):
    """Form, view and what joins them. `trial_asked` carries a trial's run folder, `form_asked`
    says that the first tab was filled in, `failed` carries what went wrong.
    """

    trial_asked = Signal(object)
    form_asked = Signal()
    failed = Signal(object)

    def __init__(self, studio: StudioContext, training: TrainForm, parent: QObject) -> None:
        super().__init__(parent)
        self._studio, self._training = studio, training
        self.form = SearchForm(studio, training)
        self.view = SearchView()
        self.empty = EmptyState(
            "search",
            N_("No search yet"),
            N_(
                "A search makes many trainings with different values of the options that you "
                "choose at the left, and finds those that learn best. Hopeless ones are broken off."
            ),
        )
        self.room = QStackedWidget()
        self.room.addWidget(self.empty)
        self.room.addWidget(self.view)
        self._reader, self._lister = Background(self), Background(self)
        self.form.start_asked.connect(self.start)
        self.form.chosen.connect(self._chosen)
        self.form.failed.connect(self.failed)
        self.view.trial_asked.connect(self.trial_asked)
        self.view.use_asked.connect(self.use)
        self.view.keep_asked.connect(self._keep)
        self.view.resume_asked.connect(self.resume)
        studio.runner.job_added.connect(self._job_added)
        studio.runner.state_changed.connect(self._job_changed)

    def set_project(self, folder: Path | None) -> None:
        """Another project: its newest search is shown."""
        self.room.setCurrentWidget(self.empty)
        self.form.set_searches([], None)
        self.form.refresh()
        if folder is not None:
            self.refresh_list()

    def refresh_list(self) -> None:
        """Look at the searches folder again, in the background."""
        project = self._folder()
        if project is not None:
            self._lister.start(lambda: searches(project), self._listed, self.failed.emit)

    def start(self, spec: JobSpec) -> None:
        """Start a search and show it."""
        try:
            job = self._studio.runner.start(spec, title=tr("Search {name}", name=name_of(spec)))
        except StudioError as error:
            self.failed.emit(error)
            return
        if self.view.job is not job:
            self._show_job(job)

    def resume(self, folder: Path) -> None:
        """Go on with a search; asks for how many trials in all."""
        state = self.view.state
        ended, wanted = (state.ended, state.wanted) if state is not None else (0, 1)
        first = wanted if wanted > ended else ended + 10
        trials, done = QInputDialog.getInt(
            self.view, tr("Go on with this search"), tr("Trials in all"), first, ended + 1, 100_000
        )
        if done:
            self.go_on(folder, trials)

    def go_on(self, folder: Path, trials: int) -> None:
        """Go on with a search up to `trials` in all."""
        asked: dict[str, Any] = {
            "family": folder.parent.name, "resume": str(folder), "trials": trials,
            **self._training.where_values(),
        }  # fmt: skip
        self.start(JobSpec("search", asked, folder, self._folder()))

    def use(self, state: SearchState) -> None:
        """Fill the best trial's options in on the first tab."""
        index = self._training.family.findData(state.family)
        if index < 0 or self._training.form is None:
            return
        self._training.family.setCurrentIndex(index)
        try:
            self._training.form.reset()
            self._training.set_values(state.options())
        except StudioError as error:
            self.failed.emit(error)
            return
        self.form_asked.emit()

    def _keep(self, state: SearchState) -> None:
        name, done = QInputDialog.getText(
            self.view, tr("Save a preset"), tr("Name"), text=state.folder.name
        )
        if done and name.strip():
            self.keep(state, name.strip())

    def keep(self, state: SearchState, name: str) -> None:
        """The best trial's options as a preset of the family, without its dataset."""
        places = {"dataset", "folder"}
        try:
            declared = find("family", state.family).options_class()
            left = {f.name for f in declared.fields() if f.kind in places}
            values = {k: v for k, v in state.options().items() if k not in left and v is not None}
            Presets(self._studio.settings.folder, f"train/{state.family}").save(name, values)
        except StudioError as error:
            self.failed.emit(error)
            return
        self._training.refresh_presets()

    def show_folder(self, folder: Path) -> None:
        """Show a search: live where this window drives it, else from its table."""
        job = self._job_of(folder)
        if job is not None and not job.ended:
            self._show_job(job)
            return
        status = job.state if job is not None else "ok"
        self._reader.start(
            lambda: read_search(folder), lambda s: self._show(s, None, status), self.failed.emit
        )

    def _show(self, state: SearchState, job: Job | None, status: str = "ok") -> None:
        self.view.show_search(state, job, status)
        self.room.setCurrentWidget(self.view)
        self.form.select(state.folder)

    def _show_job(self, job: Job) -> None:
        """What a search that goes on has in its table comes first; its events follow."""
        folder = job.run_dir
        try:
            state = read_search(folder)
        except StudioError:
            # Its table is written when it begins.
            asked = job.spec.options
            state = SearchState(folder, str(asked.get("family", "")), str(asked.get("metric", "")))
        state.wanted = int(job.spec.options.get("trials", 20))
        self._show(state, job)

    def _listed(self, folders: list[Path]) -> None:
        state = self.view.state
        shown = state.folder if state is not None and self._is_shown() else None
        self.form.set_searches(folders, shown)
        if shown is None and folders:
            self.show_folder(folders[0])

    def _is_shown(self) -> bool:
        return self.room.currentWidget() is self.view

    def _chosen(self, folder: Path | None) -> None:
        if folder is None:
            self.room.setCurrentWidget(self.empty)
        else:
            self.show_folder(folder)

    def _event(self, job: Job, event: JobEvent) -> None:
        """Only its table knows by what it is judged."""
        state = self.view.state
        if event.event not in (STARTED, TRIAL) or state is None or self.view.job is not job:
            return
        if not state.metric or state.folder != job.run_dir:
            self._show_job(job)

    def _job_added(self, job: Job) -> None:
        if job.spec.job == "search" and not job.ended:
            job.event_received.connect(lambda event: self._event(job, event))
            self._show_job(job)

    def _job_changed(self, job: Job) -> None:
        if job.spec.job == "search" and job.ended:
            if self.view.job is job:
                self.show_folder(job.run_dir)
            self.refresh_list()
            if job.problem is not None and job.state in ("failed", "crashed"):
                self.failed.emit(job.problem)

    def _job_of(self, folder: Path) -> Job | None:
        return self._studio.runner.latest(folder, "search")

    def _folder(self) -> Path | None:
        return Path(self._studio.project.folder) if self._studio.project is not None else None
