"""Finds out what the chosen model is and which targets take it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from studio.core.artifact import ModelArtifact
from studio.core.errors import StudioError
from studio.core.job import JobSpec
from studio.gui.i18n import tr
from studio.gui.pages.export.fit import described
from studio.gui.runner import Job

if TYPE_CHECKING:
    from studio.gui.context import StudioContext


class Describer(QObject):
    """`found` comes when the model asked about, and again when its targets are known.

    A folder with a model.json is read at once. A bare weights file is opened by its family, and
    targets are asked, in a process of its own, which leaves the list of jobs when it went well.
    misfits: target to why the model cannot go there, "" where it can.
    """

    found = Signal()

    def __init__(self, studio: StudioContext) -> None:
        super().__init__(studio)
        self.studio = studio
        self.artifact: ModelArtifact | None = None
        self.misfits: dict[str, str] = {}
        self._key: tuple[Path, float] | None = None
        self._job: Job | None = None
        studio.runner.state_changed.connect(self._job_changed)

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._job is not None

    def ask(self, model: Path | None) -> None:
        """Find out about `model`; the same file is not opened twice. Raises StudioError where its
        description is damaged, or a person does not want it opened.
        """
        key = (model, model.stat().st_mtime) if model is not None and model.exists() else None
        if key == self._key:
            return
        if self._job is not None:
            self._job.cancel()
        self.artifact, self._key, self._job, self.misfits = None, None, None, {}
        if model is not None and key is not None:
            self.artifact = described(model)
            self._key = key
            title = tr("Look at {name}", name=model.name)
            spec = JobSpec("describe", {"model": str(model)})
            self._job = self.studio.runner.start(spec, title=title)
        self.found.emit()

    def _job_changed(self, job: Job) -> None:
        if job.spec.job != "describe" or not job.ended:
            return
        if job is self._job:
            self._job = None
            # A file that cannot be read is said so by the export itself, which looks again.
            if job.state == "ok":
                self._take(job)
            self.found.emit()
        if job.state in ("ok", "cancelled"):
            self.studio.runner.remove(job)

    def _take(self, job: Job) -> None:
        try:
            folder = Path(str(job.result["folder"]))
            self.artifact = ModelArtifact.from_mapping(job.result["artifact"], folder)
            self.misfits = {str(k): str(v) for k, v in job.result["targets"].items()}
        except StudioError as error:
            self.studio.report(error)
