"""The last step: the job's log while it runs, then the certificate and what to do with the files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit, QWidget

from studio.core.errors import StudioError
from studio.core.job import JobEvent, JobSpec
from studio.core.options import N_
from studio.gui.i18n import bind_text, said, tr, translator
from studio.gui.jobs_drawer import stage_title
from studio.gui.pages.export.certificate import read_certificate
from studio.gui.pages.export.comparing import CompareBox
from studio.gui.pages.export.verdict import CertificateView
from studio.gui.runner import Job
from studio.gui.theme import set_role
from studio.gui.widgets.basics import ElidedLabel, button, label, row, scrolled, tool_button
from studio.gui.widgets.parts import JobProgress, clear_layout, column

if TYPE_CHECKING:
    from studio.gui.context import StudioContext

HEADINGS = {
    "queued": N_("Waiting for another job to end"),
    "running": N_("Exporting"),
    "ok": N_("Exported"),
    "failed": N_("The export failed"),
    "cancelled": N_("Cancelled"),
    "crashed": N_("The export crashed"),
}


class RunStep(QWidget):
    """Shows an export job, then its result; `failed` carries a problem for the page."""

    failed = Signal(object)
    ended = Signal()
    restart = Signal()

    def __init__(self, studio: StudioContext) -> None:
        super().__init__()
        self.studio = studio
        self.job: Job | None = None
        self.model: Path | None = None
        self.original: Path | None = None
        self._stage = ""
        self.heading = label("", "heading")
        self.place = ElidedLabel()
        self.place.setProperty("role", "hint")
        self.progress = JobProgress()
        self.cancel = button("Cancel", self._cancel, role="danger")
        self.log = QPlainTextEdit()
        self.log.setProperty("role", "log")
        self.log.setReadOnly(True)
        self.log.setMaximumBlockCount(5000)
        self.log.setMinimumHeight(220)
        bind_text(self.log.setAccessibleName, "Log")
        self.log_button = button("Log", role="quiet", icon_name="log")
        self.log_button.setCheckable(True)
        self.log_button.toggled.connect(self.log.setVisible)
        self.done = QWidget()
        self.done.setProperty("role", "clear")
        self.done.setLayout(self._done())
        layout = column(
            row(self.heading, None, self.log_button, self.cancel),
            self.place,
            self.progress,
            self.done,
            self.log,
        )
        layout.setStretch(4, 1)
        layout.setContentsMargins(24, 20, 24, 16)
        inner = QWidget()
        inner.setLayout(layout)
        self.setLayout(column(scrolled(inner)))
        studio.runner.state_changed.connect(self._job_changed)
        translator.language_changed.connect(self._retext)
        self._state()

    def _done(self) -> Any:
        self.live = button("Try it in Live", self._live, role="primary", icon_name="live")
        folder = button("Open folder", self._open_folder, icon_name="folder")
        self.open_page = button("Open the certificate", self._open_page, icon_name="external")
        again = button("Export another", self.restart.emit, role="quiet", icon_name="retry")
        self.certificate = CertificateView()
        self.commands = column(spacing=4)
        self.compare = CompareBox(self.studio)
        self.compare.failed.connect(self.failed)
        self._commands_title = label("Commands to flash or run it", "title")
        self._commands_hint = label("To be given in the folder of the export.", "hint")
        return column(
            row(self.live, folder, self.open_page, again, None),
            4,
            self.certificate,
            8,
            self._commands_title,
            self._commands_hint,
            self.commands,
            8,
            self.compare,
        )

    def start(self, spec: JobSpec, original: Path, title: str) -> None:
        """Start the export. Raises StudioError where the job cannot be written."""
        self.original, self.model = original, None
        self._stage = ""
        self.log.clear()
        self.log_button.setChecked(True)
        self.job = self.studio.runner.start(spec, title=title)
        self.job.event_received.connect(self._event)
        self.job.changed.connect(self._progress)
        self.place.setText(str(spec.options.get("out", "")))
        self._progress()
        self._state()

    @property
    def busy(self) -> bool:
        """Whether an export runs or waits."""
        return self.job is not None and not self.job.ended

    def _event(self, event: JobEvent) -> None:
        if event.event == "log":
            message = str(event.data.get("message", ""))
            debug = event.data.get("level") == "debug"
            # What a tool prints stands behind what the studio says of it.
            self.log.appendPlainText(f"    {message}" if debug else said(message))
        elif event.event == "progress" and event.data.get("stage") != self._stage:
            self._stage = str(event.data.get("stage", ""))
            self.log.appendPlainText(stage_title(self._stage))

    def _progress(self) -> None:
        if self.job is not None:
            self.progress.show_progress(*self.job.progress)

    def _job_changed(self, job: Job) -> None:
        if job is self.job:
            if job.ended:
                self._finished(job)
            self._state()

    def _finished(self, job: Job) -> None:
        if job.state == "ok":
            self.model = Path(str(job.result.get("model", "")))
            self.place.setText(str(self.model))
            self.log_button.setChecked(False)
            self._show_result(job.result)
        elif job.problem is not None:
            self.failed.emit(job.problem)
            tail = job.log_tail()
            if tail:
                self.log.appendPlainText(tail)
        self.ended.emit()

    def _show_result(self, result: Mapping[str, Any]) -> None:
        assert self.model is not None
        clear_layout(self.commands)
        commands = result.get("commands") or ()
        for entry in commands:
            self.commands.addLayout(_command_row(str(entry["title"]), str(entry["command"])))
        self._commands_title.setVisible(bool(commands))
        self._commands_hint.setVisible(bool(commands))
        self._show_certificate()
        self.compare.show_for(self.model, self.original)

    def _show_certificate(self) -> None:
        if self.model is None:
            return
        try:
            found = read_certificate(self.model)
        except StudioError as error:
            self.failed.emit(error)
            return
        self.certificate.show_certificate(found)
        self.live.setVisible(found.opens)
        self.open_page.setVisible(found.page is not None)

    def _retext(self) -> None:
        self._show_certificate()
        self._state()

    def _state(self) -> None:
        job = self.job
        self.progress.setVisible(self.busy)
        self.cancel.setVisible(self.busy)
        self.done.setVisible(job is not None and job.state == "ok")
        self.log_button.setVisible(job is not None and job.state == "ok")
        self.log.setVisible(job is None or job.state != "ok" or self.log_button.isChecked())
        self.heading.setText(tr(HEADINGS[job.state]) if job is not None else "")
        set_role(self.heading, "heading")

    def _live(self) -> None:
        self.studio.open_page("live", model=self.model)

    def _open_folder(self) -> None:
        if self.model is not None:
            folder = self.model if self.model.is_dir() else self.model.parent
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def _open_page(self) -> None:
        found = self.certificate.certificate
        if found is not None and found.page is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(found.page)))

    def _cancel(self) -> None:
        if self.job is not None:
            self.job.cancel()


def _command_row(title: str, command: str) -> Any:
    line = QLineEdit(command)
    line.setReadOnly(True)
    line.setCursorPosition(0)
    line.setAccessibleName(tr(title))
    line.setToolTip(command)
    copy = tool_button("copy", "Copy", lambda: QApplication.clipboard().setText(command))
    name = label(title, "muted")
    name.setMinimumWidth(160)
    return row(name, line, copy)
