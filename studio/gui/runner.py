"""All jobs of the window: their queue, and the ones that ended while no window was open."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from studio.core.errors import UsageError
from studio.core.job import FINISHED, STARTED, JobEvent, JobSpec
from studio.gui.job import (
    CANCELLED,
    CRASHED,
    EVENTS_FILE,
    FAILED,
    OK,
    QUEUED,
    RUNNING,
    SPEC_FILE,
    Job,
    parse_line,
    replay,
)
from studio.io.files import atomic_write_text

__all__ = [
    "CANCELLED",
    "CRASHED",
    "FAILED",
    "OK",
    "QUEUED",
    "RUNNING",
    "Job",
    "JobRunner",
    "parse_line",
    "replay",
]
HEAD_BYTES, TAIL_BYTES = 4096, 65_536


class JobRunner(QObject):
    """All jobs of the window: one heavy one at a time, the rest in a queue; live ones beside."""

    job_added = Signal(object)
    job_removed = Signal(object)
    state_changed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.jobs: list[Job] = []
        self._project: Path | None = None
        self._scratch = Path(tempfile.mkdtemp(prefix="pose-studio-jobs-"))
        weakref.finalize(self, shutil.rmtree, self._scratch, ignore_errors=True)
        self._numbers = itertools.count(1)
        # Looks at a spec before its job is made; gives what the process's environment adds.
        self.guard: Callable[[JobSpec], Mapping[str, str]] = lambda _spec: {}

    def set_project(self, folder: Path | None) -> None:
        """The project that new jobs belong to; its earlier jobs are listed."""
        self._project = folder
        for job in [j for j in self.jobs if j.ended]:
            self.remove(job)
        if folder is not None:
            self.scan(folder)

    def start(self, spec: JobSpec, *, title: str = "") -> Job:
        """Run `spec` now, or when the heavy job before it has ended.

        A spec without `run_dir` gets its folder from the job, which tells it when it starts.
        Raises FileProblem where the spec cannot be written, and what the guard raises.
        """
        environment = self.guard(spec)
        spec = replace(spec, project=spec.project or self._project)
        folder = spec.run_dir or self._scratch / str(next(self._numbers))
        job = Job(spec, folder, spec_file=_write_spec(spec, folder), title=title, parent=self)
        job.environment = environment
        self._add(job)
        self._start_next()
        return job

    def retry(self, job: Job) -> Job:
        """The same request again, in a folder of its own: what the first left stays."""
        return self.start(replace(job.spec, run_dir=None), title=job.title)

    def running(self) -> list[Job]:
        """Jobs whose process lives."""
        return [j for j in self.jobs if j.state == RUNNING]

    def waiting(self) -> list[Job]:
        """Jobs in the queue."""
        return [j for j in self.jobs if j.state == QUEUED]

    def latest(self, folder: Path, kind: str) -> Job | None:
        """The last job called `kind` in this folder."""
        found = (j for j in reversed(self.jobs) if j.run_dir == folder and j.spec.job == kind)
        return next(found, None)

    def remove(self, job: Job) -> None:
        """Take an ended job off the list; its folder stays."""
        if job.ended and job in self.jobs:
            self.jobs.remove(job)
            self.job_removed.emit(job)
            job.setParent(None)  # it goes when the last one who looks at it lets go

    def scan(self, project: Path, limit: int = 50) -> None:
        """List jobs that ended while no window was open."""
        known = {j.run_dir for j in self.jobs}
        places = [*(project / ".studio" / "jobs").glob("*"), *(project / "runs").glob("*/*")]
        places += (project / "searches").glob("*/*")
        found = [p for p in places if (p / EVENTS_FILE).is_file() and p not in known]
        found = [p for p in found if (p / SPEC_FILE).is_file()]
        found.sort(key=lambda p: (p / SPEC_FILE).stat().st_mtime)
        for folder in found[-limit:]:
            job = _read_ended(folder, self)
            if job is not None:
                self._add(job)

    def stop_all(self, *, wait_ms: int = 0) -> None:
        """Ask every job to save and end; those in the queue are dropped."""
        for job in self.waiting():
            job.cancel()
        for job in self.running():
            job.stop()
        deadline = time.monotonic() + wait_ms / 1000
        for job in self.running():
            if wait_ms:
                job.wait(int((deadline - time.monotonic()) * 1000))

    def kill_all(self) -> None:
        """End every process at once and wait for it."""
        for job in self.waiting():
            job.cancel()
        for job in self.running():
            job.kill()
            job.wait(3000)

    def _add(self, job: Job) -> None:
        self.jobs.append(job)
        job.state_changed.connect(lambda _state, j=job: self._job_changed(j))
        self.job_added.emit(job)

    def _job_changed(self, job: Job) -> None:
        self.state_changed.emit(job)
        if job.ended:
            QTimer.singleShot(0, self, self._start_next)

    def _start_next(self) -> None:
        busy = any(j.heavy for j in self.running())
        for job in self.waiting():
            if not job.heavy:
                job.begin()
            elif not busy:
                busy = True
                job.begin()


def _write_spec(spec: JobSpec, run_dir: Path) -> Path:
    path = run_dir / SPEC_FILE
    atomic_write_text(path, json.dumps(spec.to_mapping(), indent=2))
    return path


def _read_ended(folder: Path, parent: QObject) -> Job | None:
    """The job in `folder`, or None where its spec cannot be read or it still runs elsewhere."""
    try:
        spec = JobSpec.from_mapping(json.loads((folder / SPEC_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, UsageError):
        return None
    events = _both_ends(folder / EVENTS_FILE)
    if not any(e.event == FINISHED for e in events) and any(_is_alive(e) for e in events):
        return None
    job = Job(spec, folder, parent=parent)
    job.load(events)
    return job


def _both_ends(path: Path) -> list[JobEvent]:
    """The first and the last events: of a long training the metrics between are not needed."""
    try:
        with path.open("rb") as file:
            lines = file.read(HEAD_BYTES).splitlines()
            size = file.seek(0, os.SEEK_END)
            if size > HEAD_BYTES:
                file.seek(max(HEAD_BYTES, size - TAIL_BYTES))
                lines += file.read().splitlines()
    except OSError:
        return []
    return [event for line in lines if (event := parse_line(line)) is not None]


def _is_alive(event: JobEvent) -> bool:
    """Whether this `started` event's process still runs: another window's, or by hand."""
    if event.event != STARTED:
        return False
    import psutil

    try:
        process = psutil.Process(int(event.data.get("pid", 0)))
        return process.create_time() <= event.t + 1 and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, TypeError, ValueError):
        return False
