"""One run: what it is doing, its figures, its plots, its log; and what can be done with it."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QInputDialog,
    QMenu,
    QPlainTextEdit,
    QPushButton,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.core.job import JobEvent
from studio.core.options import N_
from studio.gui.i18n import bind_text, said, tr, translator
from studio.gui.icons import icon
from studio.gui.load import Load
from studio.gui.pages.train.beside import LoadWatch, RunNotes
from studio.gui.pages.train.compare import ComparedRun, RunCompare
from studio.gui.pages.train.pictures import RunPictures
from studio.gui.run_history import STATUS, RunHistory
from studio.gui.runner import Job
from studio.gui.settings import Settings
from studio.gui.tensorboard import is_installed
from studio.gui.theme import set_role
from studio.gui.widgets.basics import ElidedLabel, button, label, row, tool_button
from studio.gui.widgets.parts import Figure, JobProgress, column, duration_text, framed
from studio.gui.widgets.plots import Coalescer
from studio.gui.widgets.run_plots import RunPlots
from studio.metrics.names import headline
from studio.registry import contributions

PICTURES, COMPARE = 1, 4
BOARD_FOLDER = "tensorboard"


class RunView(QWidget):
    """Shows a RunHistory, live (a Job feeds it) or from its files."""

    resume_asked = Signal(object)
    continue_asked = Signal(object, int)
    evaluate_asked = Signal(object)
    export_asked = Signal(object)
    delete_asked = Signal(object)
    board_asked = Signal(object)
    failed = Signal(object)

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.history = RunHistory()
        self.folder: Path | None = None
        self.job: Job | None = None
        self._overlays: Mapping[Path, RunHistory] = {}
        self.heading = label("", "heading")
        self.place = ElidedLabel()
        self.place.setProperty("role", "hint")
        self.status = label("", "title")
        self.reason = label("", "error", wrap=True)
        self.progress = JobProgress()
        self.stop = button(
            "Stop", self._stop, icon_name="stop", tooltip="Finish the epoch, keep it"
        )
        self.cancel = button(
            "Cancel", self._cancel, role="danger", tooltip="End now; the last checkpoint is kept"
        )
        self.resume = button(
            "Resume",
            lambda: self.resume_asked.emit(self.folder),
            icon_name="retry",
            tooltip="Go on after the last whole epoch",
        )
        self.go_on = button(
            "Continue…", self._continue, icon_name="retry", tooltip="Train this run for more epochs"
        )
        self.evaluate = button(
            "Evaluate", lambda: self.evaluate_asked.emit(self.folder), icon_name="evaluate"
        )
        self.export = button(
            "Export", lambda: self.export_asked.emit(self.folder), icon_name="export"
        )
        self.more = self._more()
        self.plots = RunPlots(settings)
        self.pictures = RunPictures()
        self.log = QPlainTextEdit()
        self.log.setProperty("role", "log")
        self.log.setReadOnly(True)
        self.log.setMaximumBlockCount(1000)
        bind_text(self.log.setAccessibleName, "Log")
        self.notes = RunNotes()
        self.notes.failed.connect(self.failed)
        self.compare = RunCompare()
        self.compare.failed.connect(self.failed)
        self.setLayout(self._body())
        self._load = LoadWatch(self._show_load, self)
        self._soon = Coalescer(self.refresh, self)
        translator.language_changed.connect(self.refresh)
        translator.language_changed.connect(self._retext)

    def _body(self) -> QVBoxLayout:
        self.figures = {
            "epoch": Figure(N_("Epoch")),
            "rate": Figure(N_("Pace"), N_("Batches per second")),
            "left": Figure(N_("Time left")),
            "spent": Figure(N_("Time")),
            "best": Figure(N_("Best epoch"), N_("By the value that chooses best weights")),
            "result": Figure(N_("Result")),
            "cpu": Figure(N_("Processor"), N_("Cores that the training keeps busy")),
            "memory": Figure(N_("Memory"), N_("Main memory of the training and its helpers")),
            "gpu": Figure(N_("Graphics card"), N_("How busy it is, and its memory in use")),
        }
        figures = row(*self.figures.values(), None, spacing=24)
        self._buttons: list[QPushButton] = [
            self.stop, self.cancel, self.resume, self.go_on, self.evaluate, self.export,
        ]  # fmt: skip
        title = column(row(self.heading, self.status, None, spacing=12), self.place, spacing=0)
        head = row(spacing=8)
        head.addLayout(title, 1)
        for each in (*self._buttons, self.more):
            head.addWidget(each)
        top = framed("panel", column(head, self.reason, self.progress, figures, spacing=8), 16)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(framed("panel", column(self.plots), 16), "")
        self.tabs.addTab(self.pictures, "")
        self.tabs.addTab(framed("panel", column(self.log), 16), "")
        self.tabs.addTab(framed("panel", column(self.notes), 16), "")
        self.tabs.addTab(framed("panel", column(self.compare), 16), "")
        self.tabs.setTabVisible(COMPARE, False)
        self._retext()
        return column(top, self.tabs, spacing=0)

    def show_run(self, folder: Path, history: RunHistory, job: Job | None) -> None:
        """Another run is in hand; `job` feeds it where it still goes on."""
        if self.job is not None:
            self.job.event_received.disconnect(self._event)
            self.job.state_changed.disconnect(self._job_state)
        self.folder, self.history, self.job = folder, history, job
        self.notes.show_run(folder)
        if job is not None:
            job.event_received.connect(self._event)
            job.state_changed.connect(self._job_state)
        self.stop.setEnabled(True)
        self.log.clear()
        for level, message in history.log:
            self._log(level, message)
        self._draw_runs()
        self._show_pictures()
        self.refresh()

    def set_overlays(self, runs: Mapping[Path, RunHistory]) -> None:
        """Lay other runs, by their folder, over the one in hand and set them beside it."""
        self._overlays = runs
        self._draw_runs()

    @property
    def state(self) -> str:
        """What the run is doing now."""
        if self.job is not None and not self.job.ended:
            return self.job.state
        return self.job.state if self.job is not None else self.history.status

    def refresh(self) -> None:
        """Say again what is known."""
        if self.folder is None:
            return
        words, role = STATUS.get(self.state, (self.state, "muted"))
        self.heading.setText(self.folder.name)
        self.place.setText(str(self.folder))
        self.status.setText(tr(words))
        set_role(self.status, role)
        busy = self.state in ("running", "queued")
        history = self.history
        self._show_reason()
        self.progress.setVisible(busy)
        self.progress.show_progress(history.done, history.total, history.stage)
        self.stop.setVisible(self.state == "running")
        self.cancel.setVisible(busy)
        self.resume.setVisible(not busy and self.can_resume())
        self.go_on.setVisible(self.state == "ok" and self.has_checkpoint())
        finished = not busy and any((self.folder / p).exists() for p in ("model.json", "weights"))
        self.delete.setEnabled(not busy)
        self.board.setEnabled((self.folder / BOARD_FOLDER).is_dir())
        self._load.watch(self.job.pid if self.job is not None and self.state == "running" else 0)
        self.evaluate.setVisible(finished)
        self.export.setVisible(finished)
        self._show_figures()

    def _show_reason(self) -> None:
        """Why the run ended badly, also where it was long ago."""
        error = self.history.error if self.state in ("failed", "crashed") else {}
        words = (said(str(error.get(part) or "")) for part in ("message", "hint"))
        self.reason.setText(" ".join(word for word in words if word))
        self.reason.setVisible(bool(self.reason.text()))

    def _more(self) -> QToolButton:
        """What is done seldom, behind one button."""
        menu = QMenu(self)
        self.open_folder = menu.addAction(icon("folder"), "", self._open_folder)
        self.board = menu.addAction(icon("chart"), "", lambda: self.board_asked.emit(self.folder))
        self.board.setVisible(is_installed())
        menu.addSeparator()
        self.delete = menu.addAction(
            icon("delete", "danger"), "", lambda: self.delete_asked.emit(self.folder)
        )
        bind_text(self.open_folder.setText, "Open folder")
        bind_text(self.board.setText, "Open TensorBoard")
        bind_text(self.delete.setText, "Delete this run")
        more = tool_button("dots-horizontal", "More")
        more.setMenu(menu)
        more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        return more

    def _show_load(self, load: Load | None) -> None:
        for key in ("cpu", "memory"):
            self.figures[key].setVisible(load is not None)
        gpu = load.gpu if load is not None else None
        self.figures["gpu"].setVisible(gpu is not None)
        if gpu is not None:
            used, whole = gpu.memory / 2**30, gpu.total / 2**30
            self.figures["gpu"].set_value(f"{gpu.busy:.0%}, {used:.1f} / {whole:.0f} GiB")
        if load is not None:
            self.figures["cpu"].set_value(f"{load.cpu:.1f} / {os.cpu_count() or 1}")
            self.figures["memory"].set_value(f"{load.memory / 2**30:.1f} GiB")

    def can_resume(self) -> bool:
        """Whether it ended before its last epoch and a checkpoint stands in the folder."""
        early = self.state != "ok" or self.history.done < self.history.total
        return early and self.has_checkpoint()

    def has_checkpoint(self) -> bool:
        """Whether a last checkpoint stands in the folder."""
        return self.folder is not None and any(self.folder.glob("weights/last.*"))

    def _continue(self) -> None:
        more, done = QInputDialog.getInt(
            self, tr("Continue this run"), tr("More epochs"),
            max(1, self.history.epoch), 1, 100_000,
        )  # fmt: skip
        if done:
            self.go_on_for(more)

    def go_on_for(self, more: int) -> None:
        """Ask for so many more epochs. A family that takes `--epochs` of a resumed run as more of
        them says so in its manifest; the others are told how many they are in all.
        """
        assert self.folder is not None
        family = self.folder.parent.name
        adds = any(c.extra.get("more_epochs") for c in contributions("family") if c.id == family)
        self.continue_asked.emit(self.folder, more if adds else self.history.epoch + more)

    def _show_figures(self) -> None:
        history = self.history
        best = history.best()
        rate = history.batches_per_second()
        values = {
            "epoch": str(history.epoch) if history.epoch else "",
            "rate": f"{rate:.2f}/s" if math.isfinite(rate) else "",
            "left": duration_text(history.seconds_left()),
            "spent": duration_text(history.duration) if history.started else "",
            "best": str(best.epoch) if best else "",
            "result": "",
        }
        found = headline(history.judged_at(best.epoch)) if best else None
        if found is not None:
            known, value = found
            self.figures["result"].set_caption(known.title or known.name, known.help)
            values["result"] = known.text(value)
        else:
            self.figures["result"].set_caption(N_("Result"))
        self.figures["left"].setVisible(self.state == "running")
        for key, text in values.items():
            self.figures[key].set_value(text)

    def _event(self, event: JobEvent) -> None:
        self.history.feed(event)
        if event.event == "metrics":
            self.plots.changed()
        elif event.event == "artifact" and event.data.get("kind") == "picture":
            self._show_pictures()
        elif event.event == "log":
            self._log(str(event.data.get("level", "")), str(event.data.get("message", "")))
        self._soon.ask()

    def _job_state(self, _state: str) -> None:
        if self.job is not None and self.job.ended:
            self.history.close()
            self.history.status = self.job.state
        self.plots.changed()
        self.refresh()
        self._show_pictures()

    def _show_pictures(self) -> None:
        paths = [p for p in self.history.pictures() if p.is_file()]
        self.pictures.show_pictures(paths)
        self.tabs.setTabVisible(PICTURES, bool(paths))

    def _retext(self) -> None:
        titles = (tr("Plots"), tr("Pictures"), tr("Log"), tr("Notes"), tr("Compare"))
        for number, title in enumerate(titles):
            self.tabs.setTabText(number, title)

    def _draw_runs(self) -> None:
        if self.folder is None:
            return
        others = {f: h for f, h in self._overlays.items() if f != self.folder}
        runs = {self.folder: self.history, **others}
        names = run_names(list(runs))
        self.plots.set_runs(zip(names, runs.values(), strict=True))
        self.tabs.setTabVisible(COMPARE, bool(others))
        if others:
            rows = zip(names, runs.items(), strict=True)
            self.compare.show_runs([ComparedRun(n, f, h) for n, (f, h) in rows])

    def _log(self, level: str, message: str) -> None:
        mark = {"warning": "! ", "error": "!! "}.get(level, "")
        self.log.appendPlainText(mark + message)

    def _stop(self) -> None:
        if self.job is not None:
            self.job.stop()
            self.stop.setEnabled(False)

    def _cancel(self) -> None:
        if self.job is not None:
            self.job.cancel()

    def _open_folder(self) -> None:
        if self.folder is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.folder)))


def run_names(folders: Sequence[Path]) -> list[str]:
    """Names that tell runs apart: the folder's, with the family where two are the same."""
    names = [f.name for f in folders]
    return [f"{f.parent.name}/{f.name}" if names.count(f.name) > 1 else f.name for f in folders]
