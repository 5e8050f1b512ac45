"""One job as the window sees it: its process, what it says, how it ends.

A job is `python -m studio job spec.json --owner-pid PID`; it writes JSON Lines to its standard
output and the same lines to `events.jsonl` in its folder, so that a run opened later replays
into the same plots. No `finished` event means: crashed.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

from studio.core.errors import FileProblem, Problem
from studio.core.job import (
    ARTIFACT,
    ERROR,
    FINISHED,
    FRAME,
    LOG,
    METRICS,
    PROGRESS,
    STARTED,
    JobEvent,
    JobSpec,
)
from studio.gui.i18n import tr
from studio.registry.jobs import JOBS, job_command

QUEUED, RUNNING, OK, FAILED, CANCELLED, CRASHED = (
    "queued",
    "running",
    "ok",
    "failed",
    "cancelled",
    "crashed",
)
ENDED = frozenset({OK, FAILED, CANCELLED, CRASHED})
# All other jobs run one at a time; these, and mere checks, run beside them.
BESIDE = frozenset({"live", "describe"})
GRACE_SECONDS = 10.0
EVENTS_FILE = "events.jsonl"
SPEC_FILE = "spec.json"
LOG_FILE = "job.log"


def replay(run_dir: Path) -> Iterator[JobEvent]:
    """The events of a run as they were written; half lines and foreign lines are left out."""
    path = run_dir / EVENTS_FILE
    try:
        with path.open("rb") as lines:
            for line in lines:
                event = parse_line(line)
                if event is not None:
                    yield event
    except FileNotFoundError:
        return
    except OSError as error:
        raise FileProblem(f"The run's events cannot be read: {error}.", where=path) from error


def parse_line(line: bytes) -> JobEvent | None:
    """One line of the stream as an event, or None where it is none."""
    try:
        return JobEvent.from_mapping(json.loads(line))
    except (ValueError, AttributeError, TypeError):
        return None


class Job(QObject):
    """One job, whether it waits, runs, or ended long ago.

    `event_received` comes for every line at once; `changed` comes at most every 100 ms and is for
    painting (progress, last log line); `placed` tells the folder that a job chose for itself.
    """

    event_received = Signal(object)
    state_changed = Signal(str)
    changed = Signal()
    placed = Signal(object)

    def __init__(
        self,
        spec: JobSpec,
        run_dir: Path,
        *,
        spec_file: Path | None = None,
        title: str = "",
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.spec = spec
        self.run_dir = run_dir
        self.spec_file = spec_file or run_dir / SPEC_FILE
        self.title = title or (JOBS[spec.job].title if spec.job in JOBS else spec.job)
        self.state = QUEUED
        self.progress: tuple[int, int, str] = (0, 0, "")
        self.problem: Problem | None = None
        self.result: Mapping[str, Any] = {}
        self.artifacts: list[tuple[str, Path]] = []
        self.started_at = 0.0
        self.ended_at = 0.0
        self.last_metrics: Mapping[str, Any] = {}
        self.stopping = False
        self.environment: Mapping[str, str] = {}
        self._process: QProcess | None = None
        self._buffer = bytearray()
        self._killed = False
        self._finish_state = ""
        self._errors: deque[str] = deque(maxlen=50)
        self._messages: deque[str] = deque(maxlen=200)
        self._repaint = QTimer(self)
        self._repaint.setSingleShot(True)
        self._repaint.setInterval(100)
        self._repaint.timeout.connect(self.changed)
        self._grace = QTimer(self)
        self._grace.setSingleShot(True)
        self._grace.setInterval(int(GRACE_SECONDS * 1000))
        self._grace.timeout.connect(self._kill)

    @property
    def heavy(self) -> bool:
        """Whether it waits for other heavy jobs to end."""
        beside = any(self.spec.options.get(name) for name in ("check_only", "preview"))
        return self.spec.job not in BESIDE and not beside

    @property
    def resumable(self) -> bool:
        """Whether it is a training that did not end well and left a checkpoint."""
        ended_badly = self.state in (CRASHED, FAILED, CANCELLED)
        weights = self.run_dir / "weights"
        return self.spec.job == "train" and ended_badly and any(weights.glob("last.*"))

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.state in ENDED

    @property
    def pid(self) -> int:
        """The process, or 0."""
        return int(self._process.processId()) if self._process is not None else 0

    def begin(self) -> None:
        """Start the process; the runner calls it when the job's turn has come."""
        process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("PYTHONUNBUFFERED", "1")
        environment.insert("PYTHONIOENCODING", "utf-8")
        for name, value in self.environment.items():
            environment.insert(name, value)
        process.setProcessEnvironment(environment)
        program, *arguments = job_command(self.spec_file)
        process.setProgram(program)
        process.setArguments(arguments)
        process.readyReadStandardOutput.connect(self._read)
        process.readyReadStandardError.connect(self._read_errors)
        process.finished.connect(self._ended)
        process.errorOccurred.connect(self._failed_to_start)
        self._process = process
        self.started_at = time.time()
        self._set_state(RUNNING)
        process.start()

    def stop(self) -> None:
        """Finish the step in hand, save, end well."""
        self.stopping = True
        self._ask({"cmd": "stop"})

    def cancel(self) -> None:
        """End now, keep the last checkpoint; ended by force where it does not answer."""
        if self.state == QUEUED:
            self.ended_at = time.time()
            self._set_state(CANCELLED)
            return
        self._ask({"cmd": "cancel"})
        if self._process is not None:
            self._grace.start()

    def send(self, values: Mapping[str, Any]) -> None:
        """Change options of a live job while it runs."""
        self._ask({"cmd": "set", "values": dict(values)})

    def kill(self) -> None:
        """End the process at once."""
        self._kill()

    def log_tail(self, lines: int = 40) -> str:
        """The last lines of `job.log`, what the job said by events, and its standard error."""
        text = ""
        path = self.run_dir / LOG_FILE
        try:
            with path.open("rb") as log:
                log.seek(0, os.SEEK_END)
                log.seek(max(0, log.tell() - 200 * lines))
                text = log.read().decode("utf-8", errors="replace")
        except FileNotFoundError:
            text = ""
        tail = text.splitlines()[-lines:]
        return "\n".join([*tail, *list(self._messages)[-lines:], *self._errors])

    def load(self, events: Sequence[JobEvent] | None = None) -> None:
        """Take the state of a run that ended (or whose process is gone) from its events."""
        for event in events if events is not None else replay(self.run_dir):
            self._take(event)
        self.state = self._finish_state or CRASHED
        if self.state == CRASHED:
            self.problem = self._crash_problem("")

    def wait(self, milliseconds: int) -> None:
        """Stand still until the process has ended, at most so long."""
        if self._process is not None:
            self._process.waitForFinished(max(1, milliseconds))

    def _ask(self, command: Mapping[str, Any]) -> None:
        if self._process is not None and self.state == RUNNING:
            self._process.write((json.dumps(command) + "\n").encode())

    def _read(self) -> None:
        if self._process is None:
            return
        self._buffer += self._process.readAllStandardOutput().data()
        *lines, rest = self._buffer.split(b"\n")
        self._buffer = bytearray(rest)
        for line in lines:
            event = parse_line(bytes(line))
            if event is not None:
                self._take(event)
                self.event_received.emit(event)

    def _read_errors(self) -> None:
        if self._process is not None:
            text = bytes(self._process.readAllStandardError().data()).decode("utf-8", "replace")
            self._errors.extend(line for line in text.splitlines() if line.strip())

    def _take(self, event: JobEvent) -> None:
        data = event.data
        if event.event == STARTED:
            self.started_at = event.t or self.started_at
            self._place(data.get("run_dir"))
        elif event.event == PROGRESS:
            self.progress = (
                int(data.get("done", 0)),
                int(data.get("total", 0)),
                str(data.get("stage", "")),
            )
        elif event.event == LOG:
            self._messages.append(str(data.get("message", "")))
        elif event.event == METRICS:
            self.last_metrics = data
        elif event.event == ARTIFACT:
            self.artifacts.append((str(data.get("kind", "")), Path(str(data.get("path", "")))))
        elif event.event == ERROR:
            self.problem = Problem(
                str(data.get("message", "")),
                where=str(data.get("where") or ""),
                hint=str(data.get("hint") or ""),
            )
        elif event.event == FINISHED:
            status = str(data.get("status", ""))
            self._finish_state = status if status in (OK, FAILED, CANCELLED) else FAILED
            self.result = data.get("result") or {}
            self.ended_at = event.t
        if event.event not in (FRAME, LOG) and not self._repaint.isActive():
            self._repaint.start()

    def _place(self, folder: Any) -> None:
        if folder and Path(str(folder)) != self.run_dir:
            self.run_dir = Path(str(folder))
            self.placed.emit(self.run_dir)

    def _ended(self, code: int, _status: object) -> None:
        self._read()
        self._read_errors()
        self._grace.stop()
        self.ended_at = time.time()
        state = self._finish_state
        if not state:
            state = CANCELLED if self._killed else CRASHED
        if state == CRASHED:
            self.problem = self._crash_problem(tr("exit status {code}", code=code))
        self._process = None
        self._set_state(state)

    def _failed_to_start(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self.problem = Problem(
                tr("The job's process could not be started."), where=sys.executable
            )
            self._process = None
            self.ended_at = time.time()
            self._set_state(FAILED)

    def _crash_problem(self, how: str) -> Problem:
        tail = self.log_tail(6)
        last = tail.splitlines()[-1].strip() if tail.strip() else ""
        message = last or tr("The job ended without a word.")
        return Problem(
            tr("Crashed") + (f" ({how})" if how else "") + f": {message}",
            where=str(self.run_dir / LOG_FILE),
            hint=tr("Retry it, or resume it from its last checkpoint."),
        )

    def _kill(self) -> None:
        if self._process is not None:
            self._killed = True
            children = _children_of(self.pid)
            self._process.kill()
            for child in children:
                _end(child)

    def _set_state(self, state: str) -> None:
        if state != self.state:
            self.state = state
            self.state_changed.emit(state)
            self.changed.emit()


def _children_of(pid: int) -> list[psutil.Process]:
    """Everything that a process started; Windows ends none of it with the process."""
    try:
        return psutil.Process(pid).children(recursive=True) if pid else []
    except psutil.Error:
        return []


def _end(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.Error:
        return  # it went by itself
