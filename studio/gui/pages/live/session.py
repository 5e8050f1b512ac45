"""The live job as the page sees it: frames out of shared memory, the newest first."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from studio.core.errors import Problem, StudioError
from studio.core.job import ARTIFACT, FRAME, LOG, JobEvent, JobSpec
from studio.core.options import N_
from studio.core.skeleton import Skeleton
from studio.gui.pages.live.frame import LiveFrame, StreamInfo, to_image
from studio.gui.runner import CRASHED, FAILED, Job, JobRunner


class LiveSession(QObject):
    """Starts and stops the job; reads each newest frame from the ring and leaves the others."""

    frame = Signal(object)
    stream = Signal(object)
    status = Signal(str, str, str)
    made = Signal(str, str)
    problem = Signal(object)
    warned = Signal(str)
    ended = Signal(str)

    def __init__(self, runner: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self.job: Job | None = None
        self._ring: Any = None
        self._newest: Mapping[str, Any] | None = None
        self.skipped = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._show_newest)

    @property
    def running(self) -> bool:
        """Whether a job is alive or about to be."""
        return self.job is not None and not self.job.ended

    def start(self, options: Mapping[str, Any], project: Path | None) -> None:
        """Begin; one session at a time. Raises StudioError where the job cannot be written."""
        if self.running:
            return
        self.skipped = 0
        self.job = self._runner.start(JobSpec("live", options, project=project), title=N_("Live"))
        self.job.event_received.connect(self._take)
        self.job.state_changed.connect(self._state_changed)

    def stop(self) -> None:
        """Ask the job to end; `ended` comes when it has."""
        if self.job is not None:
            if self.job.stopping:
                self.job.cancel()
            else:
                self.job.stop()

    def send(self, **values: Any) -> None:
        """Change a live option: conf, record, snapshot, ..."""
        if self.job is not None:
            self.job.send(values)

    def close(self) -> None:
        """Let the shared memory go."""
        ring, self._ring = self._ring, None
        self._newest = None
        if ring is not None:
            ring.close()

    def _take(self, event: JobEvent) -> None:
        if event.event == FRAME:
            if self._newest is not None:
                self.skipped += 1
            self._newest = event.data
            if not self._timer.isActive():
                self._timer.start()
        elif event.event == "ring":
            self._attach(event.data)
        elif event.event == "status":
            # A frame of before must not take back what is said now.
            self._timer.stop()
            self._show_newest()
            state, message, hint = (
                str(event.data.get(k) or "") for k in ("state", "message", "hint")
            )
            self.status.emit(state, message, hint)
        elif event.event == LOG and event.data.get("level") == "warning":
            self.warned.emit(str(event.data.get("message", "")))
        elif event.event == ARTIFACT:
            self.made.emit(str(event.data.get("kind", "")), str(event.data.get("path", "")))

    def _attach(self, data: Mapping[str, Any]) -> None:
        from studio.runtime.ring import FrameRing

        self.close()
        try:
            self._ring = FrameRing.attach(str(data["name"]))
            self.stream.emit(_stream_info(data))
        except StudioError as error:
            self.problem.emit(error)
        except (KeyError, TypeError, ValueError) as error:
            self.problem.emit(Problem(f"The live job said something odd of its frames: {error!r}."))

    def _show_newest(self) -> None:
        data, self._newest = self._newest, None
        if data is None or self._ring is None:
            return
        image = self._ring.read(int(data.get("slot", -1)), int(data.get("seq", -1)))
        if image is None:
            self.skipped += 1
            return
        from studio.runtime.results import predictions_from_values

        self.frame.emit(
            LiveFrame(
                image=to_image(image),
                people=predictions_from_values(data.get("predictions", ())),
                index=int(data.get("index", 0)),
                time=float(data.get("time", 0.0)),
                timings=data.get("timings", {}),
                fps=data.get("fps", {}),
                dropped=int(data.get("dropped", 0)) + self.skipped,
                recording=bool(data.get("recording", False)),
                taken=float(data.get("taken", 0.0)),
            )
        )

    def _state_changed(self, state: str) -> None:
        job = self.job
        if job is None or not job.ended:
            return
        self._timer.stop()
        self.close()
        if state in (FAILED, CRASHED) and job.problem is not None:
            self.problem.emit(job.problem)
        self.ended.emit(state)


def _stream_info(data: Mapping[str, Any]) -> StreamInfo:
    return StreamInfo(
        source=str(data.get("source", "")),
        kind=str(data.get("kind", "")),
        engine=str(data.get("engine", "")),
        device=str(data.get("device", "")),
        precision=str(data.get("precision", "")),
        skeleton=Skeleton.from_mapping(data["skeleton"]),
        categories=tuple(str(c) for c in data.get("categories", ())),
        size=(int(data.get("width", 0)), int(data.get("height", 0))),
    )
