"""The jobs at the bottom of the window: a slim line always, the list and a log when opened."""

from __future__ import annotations

import time
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.core.errors import StudioError
from studio.core.options import N_
from studio.gui.context import StudioContext
from studio.gui.i18n import bind_text, said, tr, translator, unbind_text
from studio.gui.icons import icon
from studio.gui.runner import CANCELLED, CRASHED, FAILED, OK, QUEUED, RUNNING, Job
from studio.gui.theme import set_role
from studio.gui.widgets.basics import ElidedLabel, Sign, label, scrolled, tool_button

STATES = {
    QUEUED: (N_("Waiting"), "queue", "muted"),
    RUNNING: (N_("Running"), "running", "accent"),
    OK: (N_("Done"), "ok", "ok"),
    FAILED: (N_("Failed"), "error", "danger"),
    CANCELLED: (N_("Cancelled"), "cancel", "muted"),
    CRASHED: (N_("Crashed"), "error", "danger"),
}
# The stages that jobs name; others are shown as the job says them.
STAGES = {
    "check": N_("Checking"),
    "prepare": N_("Preparing"),
    "train": N_("Training"),
    "convert": N_("Converting"),
    "read": N_("Reading"),
    "write": N_("Writing"),
    "predict": N_("Predicting"),
    "evaluate": N_("Evaluating"),
    "export": N_("Exporting"),
    "compare": N_("Comparing"),
    "sample": N_("Making the sample"),
    "pictures": N_("Drawing pictures"),
    "measure": N_("Measuring"),
    "judge": N_("Evaluating"),
    "certify": N_("Checking the export"),
    "download": N_("Downloading (kB)"),
    "trials": N_("Searching"),
    "cluster": N_("Reaching the cluster"),
    "send": N_("Sending"),
    "install": N_("Installing"),
    "calibrate": N_("Calibrating"),
}


def stage_title(stage: str) -> str:
    """A stage's name in the language of the moment; of "judge last.pt" the first word is one."""
    verb, _, rest = stage.partition(" ")
    return f"{tr(STAGES[verb])} {rest}".strip() if verb in STAGES else stage


def duration_text(seconds: float) -> str:
    """`0:07`, `12:30` or `1:02:03`."""
    whole = max(0, int(seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def open_folder(path: Path) -> None:
    """Show a folder in the system's file manager."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))


def set_progress(bar: QProgressBar, job: Job) -> None:
    """Show how far a job is; nothing where the total is not known (a bar that runs to and fro
    would repaint all the time).
    """
    done, total, _stage = job.progress
    bar.setRange(0, max(1, total))
    bar.setValue(bar.maximum() if job.state == OK else min(done, max(1, total)))
    bar.setVisible(job.state == RUNNING and total > 0)


class JobRow(QFrame):
    """One job in the list."""

    selected = Signal(object)

    def __init__(self, job: Job, studio: StudioContext) -> None:
        super().__init__()
        self.job = job
        self._studio = studio
        self.setProperty("role", "job-row")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.sign = Sign("queue", 20, "muted")
        self.title = label("", "title")
        bind_text(self.title.setText, job.title)
        self.name = label("", "muted")
        self.status = ElidedLabel(mode=Qt.TextElideMode.ElideRight)
        self.status.setProperty("role", "muted")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(160)
        self.stop_button = tool_button("stop", "Stop: finish the step and save", job.stop)
        self.cancel_button = tool_button("close", "Cancel: end now", job.cancel)
        self.resume_button = tool_button("play", "Resume from the last checkpoint", self._resume)
        self.retry_button = tool_button("retry", "Retry", self._retry)
        self.folder_button = tool_button("folder-open", "Open folder", self._open)
        self.remove_button = tool_button("playlist-remove", "Remove from the list", self._remove)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 6, 8, 6)
        row.setSpacing(8)
        row.addWidget(self.sign)
        row.addWidget(self.title)
        row.addWidget(self.name)
        row.addWidget(self.status, 1)
        row.addWidget(self.bar)
        for button in self._buttons():
            row.addWidget(button)
        job.changed.connect(self.refresh)
        translator.language_changed.connect(self.refresh)
        self.refresh()

    def _buttons(self) -> tuple[QToolButton, ...]:
        return (
            self.stop_button,
            self.cancel_button,
            self.resume_button,
            self.retry_button,
            self.folder_button,
            self.remove_button,
        )

    def refresh(self) -> None:
        """Show the job as it is now."""
        job = self.job
        _title, sign, color = STATES[job.state]
        self.sign.show_icon(sign, color)
        self.status.setText(status_text(job))
        named = job.ended and job.run_dir.parent.name != "jobs"
        self.name.setText(job.run_dir.name if named else "")
        self.name.setVisible(named)
        self.title.setToolTip(str(job.run_dir))
        set_role(self.status, "error" if job.state in (FAILED, CRASHED) else "muted")
        set_progress(self.bar, job)
        self.stop_button.setVisible(job.state == RUNNING)
        self.cancel_button.setVisible(job.state in (RUNNING, QUEUED))
        self.resume_button.setVisible(job.resumable)
        self.retry_button.setVisible(job.ended)
        self.remove_button.setVisible(job.ended)
        self.folder_button.setVisible(job.state != QUEUED)
        self.setAccessibleName(f"{self.title.text()}, {self.status.text()}")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.selected.emit(self.job)
        super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Space):
            self.selected.emit(self.job)
        else:
            super().keyPressEvent(event)

    def _retry(self) -> None:
        try:
            self._studio.runner.retry(self.job)
        except StudioError as error:
            self._studio.report(error)

    def _resume(self) -> None:
        self._studio.open_page("train", run=self.job.run_dir, resume=True)

    def _open(self) -> None:
        open_folder(self.job.run_dir)

    def _remove(self) -> None:
        self._studio.runner.remove(self.job)


def status_text(job: Job) -> str:
    """A job's state in a line: stage, count, time, or what went wrong."""
    if job.state == RUNNING:
        done, total, stage = job.progress
        count = f"{done}/{total}" if total else ""
        passed = duration_text(time.time() - job.started_at)
        return "   ".join(p for p in (stage_title(stage), count, passed) if p)
    title = tr(STATES[job.state][0])
    if job.state == CRASHED and job.problem is not None:
        return said(job.problem.message)
    if job.state == FAILED and job.problem is not None:
        return f"{title}: {said(job.problem.message)}"
    if job.ended and job.started_at and job.ended_at:
        return f"{title}   {duration_text(job.ended_at - job.started_at)}"
    return title


class JobsDrawer(QFrame):
    """The line with the project and the running job; it opens to the list and the log."""

    def __init__(self, studio: StudioContext) -> None:
        super().__init__()
        self._studio = studio
        self.setProperty("role", "drawer")
        self.rows: dict[int, JobRow] = {}
        self._log_job: Job | None = None
        self.project_label = ElidedLabel()
        self.project_label.setProperty("role", "muted")
        self.job_label = QLabel()
        self.job_label.setTextFormat(Qt.TextFormat.PlainText)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(160)
        self.toggle_button = QPushButton()
        self.toggle_button.setProperty("role", "quiet")
        self.toggle_button.setCheckable(True)
        self.toggle_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.toggle_button.toggled.connect(self._toggled)
        self._build()
        self._clock = QTimer(self)
        self._clock.setInterval(1000)
        self._clock.timeout.connect(self._tick)
        runner = studio.runner
        runner.job_added.connect(self._added)
        runner.job_removed.connect(self._removed)
        runner.state_changed.connect(self._state_changed)
        studio.project_changed.connect(self._retext)
        translator.language_changed.connect(self._retext)
        self._retext()

    def _build(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(16, 2, 8, 2)
        head.setSpacing(12)
        head.addWidget(self.project_label, 1)
        head.addWidget(self.job_label)
        head.addWidget(self.bar)
        head.addWidget(self.toggle_button)
        self.list = QWidget()
        self._column = QVBoxLayout(self.list)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self.empty = label(
            "No job has run yet. Conversions, trainings and exports show here.", "hint"
        )
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._column.addWidget(self.empty)
        self._column.addStretch(1)
        self.log = QPlainTextEdit()
        self.log.setProperty("role", "log-flat")
        self.log.setReadOnly(True)
        self.log.setMaximumBlockCount(2000)
        bind_text(self.log.setPlaceholderText, "Choose a job to read its log.")
        bind_text(self.log.setAccessibleName, "Log")
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.addWidget(scrolled(self.list))
        self.splitter.addWidget(self.log)
        self.splitter.setSizes([600, 400])
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setFixedHeight(220)
        self.splitter.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self.splitter)

    def set_open(self, shown: bool) -> None:
        """Open or close the list."""
        self.toggle_button.setChecked(shown)

    def is_open(self) -> bool:
        """Whether the list is shown."""
        return self.toggle_button.isChecked()

    def remember(self) -> None:
        """Keep how it stood."""
        self._studio.settings.set("drawer/open", self.is_open())
        self._studio.settings.set("drawer/sizes", self.splitter.sizes())

    def restore(self) -> None:
        """As it stood at the last end."""
        sizes = self._studio.settings.get("drawer/sizes", [])
        if len(sizes) == 2 and all(isinstance(s, int) for s in sizes) and any(sizes):
            self.splitter.setSizes(sizes)
        self.set_open(self._studio.settings.get("drawer/open", False))

    def show_log(self, job: Job) -> None:
        """Show a job's log; it follows while the job runs."""
        self._log_job = job
        bind_text(self.log.setPlaceholderText, "The job has written nothing so far.")
        for row in self.rows.values():
            row.setProperty("selected", row.job is job)
            row.style().unpolish(row)
            row.style().polish(row)
        self._refresh_log()

    def _refresh_log(self) -> None:
        if self._log_job is None:
            return
        text = self._log_job.log_tail(200)
        problem = self._log_job.problem
        if problem is not None:
            text = f"{problem}\n\n{text}"
        if text != self.log.toPlainText():
            self.log.setPlainText(text)
            bar = self.log.verticalScrollBar()
            bar.setValue(bar.maximum())

    def _toggled(self, shown: bool) -> None:
        self.splitter.setVisible(shown)
        self.toggle_button.setIcon(icon("down" if shown else "up"))
        if shown:
            self._refresh_log()

    def _added(self, job: Job) -> None:
        row = JobRow(job, self._studio)
        row.selected.connect(self.show_log)
        self.rows[id(job)] = row
        self._column.insertWidget(0, row)
        job.changed.connect(self._refresh_head)
        self._state_changed(job)

    def _removed(self, job: Job) -> None:
        row = self.rows.pop(id(job), None)
        if row is not None:
            self._column.removeWidget(row)
            row.deleteLater()
        if self._log_job is job:
            self._log_job = None
            bind_text(self.log.setPlaceholderText, "Choose a job to read its log.")
            self.log.clear()
        self._retext()

    def _state_changed(self, job: Job) -> None:
        self._retext()
        if job is self._log_job:
            self._refresh_log()
        if self._studio.runner.running():
            self._clock.start()
        else:
            self._clock.stop()

    def _tick(self) -> None:
        """Time passes even where a job is silent."""
        for job in self._studio.runner.running():
            row = self.rows.get(id(job))
            if row is not None and self.is_open():
                row.refresh()
        if self._log_job is not None and self.is_open() and not self._log_job.ended:
            self._refresh_log()
        self._refresh_head()

    def _refresh_head(self) -> None:
        running = self._studio.runner.running()
        self.job_label.setVisible(bool(running))
        if not running:
            self.bar.hide()
        else:
            job = running[0]
            set_progress(self.bar, job)
            self.job_label.setText(f"{tr(job.title)}   {status_text(job)}")

    def _retext(self) -> None:
        self.empty.setVisible(not self.rows)
        project = self._studio.project
        if project is None:
            bind_text(self.project_label.setText, "No project is open")
        else:
            unbind_text(self.project_label.setText)
            self.project_label.setText(str(project.folder))
        count = len(self._studio.runner.running()) + len(self._studio.runner.waiting())
        self.toggle_button.setText(tr("Jobs ({count})", count=count) if count else tr("Jobs"))
        self.toggle_button.setToolTip(tr("Show or hide the jobs") + " (Ctrl+Alt+J)")
        self.toggle_button.setIcon(icon("down" if self.is_open() else "up"))
        self._refresh_head()
