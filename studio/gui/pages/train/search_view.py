"""The right side of a search: how far it is, its table, its plots, and what to do with the best."""

from __future__ import annotations

import math

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QPushButton, QTabWidget, QVBoxLayout, QWidget

from studio.core.job import JobEvent
from studio.core.options import N_
from studio.gui.i18n import said, tr, translator
from studio.gui.run_history import STATUS
from studio.gui.runner import Job
from studio.gui.search_state import STATES, SearchState, TrialRow, shown
from studio.gui.theme import set_role
from studio.gui.widgets.basics import ElidedLabel, button
from studio.gui.widgets.metric_table import Column, MetricTable
from studio.gui.widgets.parts import (
    Figure,
    JobProgress,
    column,
    duration_text,
    framed,
    row,
)
from studio.gui.widgets.plots import Coalescer
from studio.gui.widgets.trial_plots import TrialPlots


class SearchView(QWidget):
    """`trial_asked` carries a trial's run folder; `use_asked` the best options to train with;
    `keep_asked` the same, to be kept as a preset; `resume_asked` the search's folder.
    """

    trial_asked = Signal(object)
    use_asked = Signal(object)
    keep_asked = Signal(object)
    resume_asked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.state: SearchState | None = None
        self.job: Job | None = None
        self._status = "ok"
        self.heading, self.status, self.place = QLabel(), QLabel(), ElidedLabel()
        self.heading.setProperty("role", "heading")
        self.place.setProperty("role", "hint")
        self.progress = JobProgress()
        self.stop = button(
            "Stop",
            self._stop,
            icon_name="stop",
            tooltip="Let the trials in hand end, and begin no other",
        )
        self.cancel = button("Cancel", self._cancel, role="danger", tooltip="End all trials now")
        self.resume = button(
            "Resume", self._resume, icon_name="retry", tooltip="Go on with the same search"
        )
        self.keep = button("Keep as a preset", lambda: self._with_best(self.keep_asked))
        self.use = button(
            "Train with these",
            lambda: self._with_best(self.use_asked),
            role="primary",
            tooltip="Fill the best trial's options in on the first tab",
        )
        self.figures = {
            "trials": Figure(N_("Trials")),
            "best": Figure(N_("Best value")),
            "trial": Figure(N_("Best trial")),
            "time": Figure(N_("Time"), N_("Of all trials together")),
        }
        self.table = MetricTable([Column(N_("Trial"))])
        self.table.row_opened.connect(self._open_row)
        self.plots = TrialPlots()
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(framed("panel", column(self.plots), 16), "")
        self.tabs.addTab(framed("panel", column(self.table), 16), "")
        self._buttons: tuple[QPushButton, ...] = (
            self.stop, self.cancel, self.resume, self.keep, self.use,
        )  # fmt: skip
        self.setLayout(self._body())
        self._soon = Coalescer(self.refresh, self)
        translator.language_changed.connect(self.refresh)

    def _body(self) -> QVBoxLayout:
        title = column(row(self.heading, self.status, None, spacing=12), self.place, spacing=0)
        head = row(spacing=8)
        head.addLayout(title, 1)
        for each in self._buttons:
            head.addWidget(each)
        figures = row(*self.figures.values(), None, spacing=24)
        top = framed("panel", column(head, self.progress, figures, spacing=8), 16)
        return column(top, self.tabs, spacing=0)

    def show_search(self, state: SearchState, job: Job | None, status: str = "ok") -> None:
        """Another search; `job` feeds it where this window drives it."""
        if self.job is not None:
            self.job.event_received.disconnect(self._event)
            self.job.state_changed.disconnect(self._job_state)
        self.state, self.job, self._status = state, job, status
        if job is not None:
            job.event_received.connect(self._event)
            job.state_changed.connect(self._job_state)
        self.stop.setEnabled(True)
        self.refresh()

    @property
    def busy(self) -> bool:
        """Whether it goes on, or waits in the queue."""
        return self.job is not None and not self.job.ended

    def refresh(self) -> None:
        """Say again what is known."""
        state = self.state
        if state is None:
            return
        now = self.job.state if self.job is not None else self._status
        words, role = STATUS.get(now, (now, "muted"))
        self.heading.setText(state.folder.name)
        self.place.setText(str(state.folder))
        self.status.setText(tr(words))
        set_role(self.status, role)
        best = state.best_row
        self.progress.setVisible(self.busy)
        self.progress.show_progress(state.ended, state.wanted, "trials")
        self.stop.setVisible(now == "running")
        self.cancel.setVisible(self.busy)
        self.resume.setVisible(not self.busy and bool(state.family))
        self.keep.setVisible(best is not None)
        self.use.setVisible(best is not None)
        self._show_figures(state)
        self._fill_table(state)
        self.plots.show_search(state)
        for number, title in enumerate((tr("Plots"), tr("Trials"))):
            self.tabs.setTabText(number, title)

    def _show_figures(self, state: SearchState) -> None:
        best = state.best_row
        seconds = sum(r.seconds for r in state.rows)
        self.figures["trials"].set_value(f"{state.ended} / {state.wanted}" if state.wanted else "")
        self.figures["best"].set_caption(state.metric or N_("Best value"))
        self.figures["best"].set_value(f"{best.value:.4g}" if best is not None else "")
        self.figures["trial"].set_value(str(best.number) if best is not None else "")
        self.figures["time"].set_value(duration_text(seconds) if seconds else "")

    def _fill_table(self, state: SearchState) -> None:
        columns = [
            Column(N_("Trial")),
            Column(N_("State"), text=True),
            *(Column(name) for name in state.names),
            Column(state.metric or N_("Value"), ".4g", best="high" if state.higher else "low"),
            Column(N_("Best epoch")),
            Column(N_("Epochs")),
            Column(N_("Time")),
        ]
        self.table.set_rows([self._row(state, r) for r in state.rows], columns)
        self.table.set_row_tooltips([said(r.message) or r.machine for r in state.rows])

    def _row(self, state: SearchState, each: TrialRow) -> tuple[object, ...]:
        word = tr(STATES.get(each.state, each.state))
        if each.number == state.best:
            word = tr("Best")
        values = (
            v if isinstance(v, int) and not isinstance(v, bool) else shown(v)
            for v in (each.params.get(n) for n in state.names)
        )
        value = each.value if not math.isnan(each.value) else math.nan
        time = duration_text(each.seconds)
        return each.number, word, *values, value, each.best_epoch or None, each.epoch, time

    def _event(self, event: JobEvent) -> None:
        if self.state is not None and self.state.feed(event):
            self._soon.ask()

    def _job_state(self, _state: str) -> None:
        self.refresh()

    def _open_row(self, number: int) -> None:
        if self.state is not None:
            each = self.state.rows[number]
            if each.folder:
                self.trial_asked.emit(self.state.folder / each.folder)

    def _with_best(self, signal: object) -> None:
        if self.state is not None and self.state.best_row is not None:
            signal.emit(self.state)  # type: ignore[attr-defined]

    def _stop(self) -> None:
        if self.job is not None:
            self.job.stop()
            self.stop.setEnabled(False)

    def _cancel(self) -> None:
        if self.job is not None:
            self.job.cancel()

    def _resume(self) -> None:
        if self.state is not None:
            self.resume_asked.emit(self.state.folder)
