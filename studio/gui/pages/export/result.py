"""The last step: the job's log while it runs, then what was made and what to do with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit, QPlainTextEdit, QWidget

from studio.core.artifact import MODEL_JSON
from studio.core.errors import StudioError
from studio.core.job import JobEvent, JobSpec
from studio.core.options import N_
from studio.gui import project_items
from studio.gui.i18n import bind_text, tr
from studio.gui.runner import Job
from studio.gui.theme import set_role
from studio.gui.widgets.basics import ElidedLabel, button, label, row, scrolled, tool_button
from studio.gui.widgets.metric_table import Column, MetricTable
from studio.gui.widgets.parts import JobProgress, clear_layout, column

if TYPE_CHECKING:
    from studio.gui.context import StudioContext


class RunStep(QWidget):
    """Shows an export job, then its result; `failed` carries a problem for the page."""

    failed = Signal(object)
    ended = Signal()
    restart = Signal()

    def __init__(self, studio: StudioContext) -> None:
        super().__init__()
        self.studio = studio
        self.job: Job | None = None
        self.compare_job: Job | None = None
        self.model: Path | None = None
        self.original: Path | None = None
        self.heading = label("", "heading")
        self.place = ElidedLabel()
        self.place.setProperty("role", "hint")
        self.progress = JobProgress()
        self.cancel = button("Cancel", self._cancel, role="danger")
        self.log = QPlainTextEdit()
        self.log.setProperty("role", "log")
        self.log.setReadOnly(True)
        self.log.setMaximumBlockCount(2000)
        bind_text(self.log.setAccessibleName, "Log")
        self.done = QWidget()
        self.done.setProperty("role", "clear")
        self.done.setLayout(self._done())
        layout = column(
            row(self.heading, None, self.cancel), self.place, self.progress, self.done, self.log
        )
        layout.setStretch(4, 1)
        layout.setContentsMargins(24, 20, 24, 16)
        inner = QWidget()
        inner.setLayout(layout)
        self.setLayout(column(scrolled(inner)))
        studio.runner.state_changed.connect(self._job_changed)
        self._state()

    def _done(self) -> Any:
        self.live = button("Try it in Live", self._live, role="primary", icon_name="live")
        folder = button("Open folder", self._open_folder, icon_name="folder")
        again = button("Export another", self.restart.emit, role="quiet", icon_name="retry")
        self.commands = column(spacing=4)
        self.facts = MetricTable([Column(N_("Metric")), Column(N_("Value"))], sortable=False)
        self.dataset = QComboBox()
        self.dataset.setMinimumWidth(200)
        bind_text(self.dataset.setAccessibleName, "Dataset")
        self.compare = button(
            "Compare with the original",
            self._compare,
            icon_name="compare",
            tooltip="Run both models over the same pictures",
        )
        self.compare_progress = JobProgress()
        self.comparison = MetricTable([Column(N_("Metric"))], sortable=False)
        self._commands_title = label("Commands to run it", "title")
        return column(
            row(self.live, folder, again, None),
            8,
            self._commands_title,
            self.commands,
            8,
            self.facts,
            label("Does it still see the same?", "title"),
            row(self.dataset, self.compare, None),
            self.compare_progress,
            self.comparison,
        )

    def start(self, spec: JobSpec, original: Path, title: str) -> None:
        """Start the export. Raises StudioError where the job cannot be written."""
        self.original, self.model = original, None
        self.log.clear()
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
            self.log.appendPlainText(str(event.data.get("message", "")))

    def _progress(self) -> None:
        if self.job is not None:
            self.progress.show_progress(*self.job.progress)

    def _job_changed(self, job: Job) -> None:
        if job is self.job:
            if job.ended:
                self._finished(job)
            self._state()
        elif job is self.compare_job and job.ended:
            self._compared(job)

    def _finished(self, job: Job) -> None:
        if job.state == "ok":
            self.model = Path(str(job.result.get("model", "")))
            self.place.setText(str(self.model))
            self._show_result(job.result)
        elif job.problem is not None:
            self.failed.emit(job.problem)
            tail = job.log_tail()
            if tail:
                self.log.appendPlainText(tail)
        self.ended.emit()

    def _show_result(self, result: Mapping[str, Any]) -> None:
        clear_layout(self.commands)
        commands = result.get("commands") or ()
        for entry in commands:
            self.commands.addLayout(_command_row(str(entry["title"]), str(entry["command"])))
        self._commands_title.setVisible(bool(commands))
        rows = facts(result, self.model)
        self.facts.set_rows(rows)
        self.facts.fit_height()
        self.facts.setVisible(bool(rows))
        self.comparison.hide()
        self.dataset.clear()
        project = self.studio.project
        found = project_items.dataset_folders(Path(project.folder)) if project is not None else []
        for folder in found:
            self.dataset.addItem(folder.name, str(folder))
        self.compare.setEnabled(bool(found))

    def _compare(self) -> None:
        try:
            options: dict[str, Any] = {
                "a": str(self.original),
                "b": str(self.model),
                "data": str(self.dataset.currentData()),
                # Both at the size that the export was made for, else sizes are compared.
                "imgsz": input_size(self.model),
            }
            self.compare_job = self.studio.runner.start(
                JobSpec("compare", options, None, self._project()), title=tr("Compare")
            )
        except StudioError as error:
            self.failed.emit(error)
            return
        self.compare_job.changed.connect(self._compare_progressed)
        self.compare.setEnabled(False)
        self._state()

    def _compare_progressed(self) -> None:
        if self.compare_job is not None:
            self.compare_progress.show_progress(*self.compare_job.progress)

    def _compared(self, job: Job) -> None:
        self.compare_job = None
        self.compare.setEnabled(True)
        if job.state == "ok":
            columns, rows = comparison(job.result)
            self.comparison.set_rows(rows, columns)
            self.comparison.fit_height()
            self.comparison.setVisible(bool(rows))
        elif job.problem is not None:
            self.failed.emit(job.problem)
        self._state()

    def _state(self) -> None:
        job = self.job
        busy = self.busy
        self.progress.setVisible(busy)
        self.cancel.setVisible(busy)
        self.compare_progress.setVisible(self.compare_job is not None)
        self.done.setVisible(job is not None and job.state == "ok")
        words = {
            "queued": N_("Waiting for another job to end"),
            "running": N_("Exporting"),
            "ok": N_("Exported"),
            "failed": N_("The export failed"),
            "cancelled": N_("Cancelled"),
            "crashed": N_("The export crashed"),
        }
        self.heading.setText(tr(words[job.state]) if job is not None else "")
        set_role(self.heading, "heading")

    def _live(self) -> None:
        self.studio.open_page("live", model=self.model)

    def _open_folder(self) -> None:
        if self.model is not None:
            folder = self.model if self.model.is_dir() else self.model.parent
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def _cancel(self) -> None:
        if self.job is not None:
            self.job.cancel()

    def _project(self) -> Path | None:
        return Path(self.studio.project.folder) if self.studio.project is not None else None


def _command_row(title: str, command: str) -> Any:
    line = QLineEdit(command)
    line.setReadOnly(True)
    line.setCursorPosition(0)
    line.setAccessibleName(tr(title))
    line.setToolTip(command)
    copy = tool_button("copy", "Copy", lambda: QApplication.clipboard().setText(command))
    name = label(title, "muted")
    name.setMinimumWidth(120)
    return row(name, line, copy)


def facts(result: Mapping[str, Any], model: Path | None) -> list[tuple[str, str]]:
    """What is worth saying of an export, from its model.json and its certificate."""
    from studio.io.files import read_json

    rows: list[tuple[str, str]] = []
    if model is not None and (model / MODEL_JSON).is_file():
        described = read_json(model / MODEL_JSON)
        height, width = described["input"]["size"]
        rows.append((tr("Precision"), str(described.get("precision", ""))))
        rows.append((tr("Input"), f"{width} × {height} px"))
    certificate = result.get("certificate")
    if isinstance(certificate, str) and Path(certificate).is_file():
        rows += certificate_facts(read_json(Path(certificate)))
    return rows


def input_size(model: Path | None) -> list[int] | None:
    """[height, width] that an exported model was made for; None where it does not say."""
    from studio.io.files import read_json

    if model is None or not (model / MODEL_JSON).is_file():
        return None
    height, width = read_json(model / MODEL_JSON)["input"]["size"]
    return [int(height), int(width)]


def certificate_facts(said: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A certificate in a few lines that a person can judge by."""
    rows: list[tuple[str, str]] = []
    if said.get("bytes"):
        rows.append((tr("Size"), f"{said['bytes'] / 1e6:.1f} MB"))
    shift = _table(_table(said.get("parity")).get("shift_px"))
    if shift.get("mean") is not None:
        text = tr("{mean} px on average, {most} px at most",
                  mean=f"{shift['mean']:.3f}", most=f"{shift['max']:.3f}")  # fmt: skip
        rows.append((tr("Shift of joints against the original"), text))
    turn = _table(_table(said.get("parity")).get("turn_deg"))
    if turn.get("mean") is not None:
        text = tr("{mean}° on average, {most}° at most",
                  mean=f"{turn['mean']:.3f}", most=f"{turn['max']:.3f}")  # fmt: skip
        rows.append((tr("Turn of heads against the original"), text))
    ap = _table(said.get("ap"))
    if ap.get("weights") is not None:
        both = f"{ap['weights']:.4f} → {ap['artifact']:.4f}"
        rows.append((tr("AP of the original → of the export"), both))
    latency = _table(said.get("latency_ms"))
    if latency.get("median"):
        place = f"{latency.get('device', '')} {latency.get('precision', '')}".strip()
        rows.append((tr("Time a picture"), f"{latency['median']:.1f} ms ({place})"))
    if isinstance(said.get("passed"), bool):
        verdict = tr("Passed") if said["passed"] else tr("Not passed: the shift is too large")
        rows.append((tr("Certificate"), verdict))
    return rows


def comparison(result: Mapping[str, Any]) -> tuple[list[Column], list[tuple[Any, ...]]]:
    """A comparison's result as a table: both models' figures, then what lies between them."""
    a, b = _table(result.get("a")), _table(result.get("b"))
    columns = [Column(N_("Metric")), Column(N_("Original"), ".4g"), Column(N_("Export"), ".4g"),
               Column(N_("Difference"), "+.4g")]  # fmt: skip
    rows: list[tuple[Any, ...]] = []
    for name in ("AP", "AP50", "AR"):
        first, second = _table(a.get("ap")).get(name), _table(b.get("ap")).get(name)
        if first is not None and second is not None:
            rows.append((name, first, second, second - first))
    for key, title in (("ms_per_picture", tr("Time a picture, ms")), ("size_mb", tr("Size, MB"))):
        if a.get(key) is not None and b.get(key) is not None:
            rows.append((title, a[key], b[key], b[key] - a[key]))
    people = _table(result.get("people"))
    if people:
        rows.append((tr("People only one of them found"), people.get("only_a"),
                     people.get("only_b"), None))  # fmt: skip
    shift = _table(result.get("shift_px"))
    for key, title in (("mean", tr("Shift of joints, mean px")), ("max", tr("… largest px"))):
        if shift.get(key) is not None:
            rows.append((title, None, None, shift[key]))
    return columns, rows


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
