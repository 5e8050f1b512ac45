"""What the page asks jobs of before a session: whether a stream answers, which devices there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import QObject, Signal

from studio.core.errors import Problem, StudioError
from studio.core.job import JobSpec
from studio.core.options import N_
from studio.gui.i18n import said, tr
from studio.gui.pages.live.side import LiveSide
from studio.gui.runner import OK, Job, JobRunner


class Asking(QObject):
    """Small jobs beside; their answers go into the page's side. `problem`: one could not start."""

    problem = Signal(object)

    def __init__(self, runner: JobRunner, side: LiveSide, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._side = side
        side.source_picker.check_wanted.connect(self.check_stream)
        side.device_picker.ask_wanted.connect(self.ask_devices)

    def check_stream(self, address: str) -> None:
        """Have a job ask the stream for one frame, and say what came."""
        picker = self._side.source_picker
        picker.check_button.setEnabled(False)
        picker.show_verdict(tr("Waiting for a picture…"))

        def answered(result: Mapping[str, Any], problem: Problem | None) -> None:
            picker.check_button.setEnabled(True)
            if picker.source() != address:
                return
            if problem is not None:
                text = " ".join(
                    part for part in (said(problem.message), said(problem.hint)) if part
                )
                picker.show_verdict(text, "error")
            else:
                picker.show_verdict(_words(result.get("source") or {}), "success")

        # The model is not looked at, but the job's options name one.
        asked = {"source": address, "model": "-", "check_only": True}
        self._ask(JobSpec("live", asked), answered)

    def ask_devices(self) -> None:
        """Have a job look at the model and say what its engine can compute on here."""
        picker, model = self._side.device_picker, self._side.model_picker.model()
        if not model:
            return
        picker.ask.setEnabled(False)

        def answered(result: Mapping[str, Any], problem: Problem | None) -> None:
            picker.ask.setEnabled(True)
            if problem is not None:
                self.problem.emit(problem)
                return
            rows = result.get("devices") or ()
            picker.show_devices([(str(name), str(title)) for name, title in rows])

        self._ask(JobSpec("describe", {"model": model}), answered)

    def _ask(
        self, spec: JobSpec, answered: Callable[[Mapping[str, Any], Problem | None], None]
    ) -> None:
        try:
            job = self._runner.start(spec, title=N_("Check"))
        except StudioError as error:
            answered({}, Problem(error.message, hint=error.hint))
            return

        def ended(_state: str) -> None:
            if job.ended:
                answered(job.result, None if job.state == OK else _problem_of(job))
                self._runner.remove(job)

        job.state_changed.connect(ended)


def _problem_of(job: Job) -> Problem:
    return job.problem or Problem(tr("The job ended without a word."))


def _words(source: Mapping[str, Any]) -> str:
    rate = float(source.get("fps") or 0)
    size = f"{source.get('width', 0)} × {source.get('height', 0)}"
    return f"{size}, {rate:.3g} fps" if rate else size
