"""The first batch as a training would see it, drawn by a job before the start."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from studio.core.errors import StudioError
from studio.core.job import JobSpec
from studio.gui.i18n import tr
from studio.gui.runner import Job
from studio.gui.widgets.basics import button, label
from studio.gui.widgets.parts import JobProgress, column, framed, row
from studio.gui.widgets.people_view import PeopleView

if TYPE_CHECKING:
    from studio.gui.context import StudioContext


class BatchPreview(QWidget):
    """`closed` when it is no longer wanted, `failed` with why there is none, `changed` when a job
    begins or ends.
    """

    closed = Signal()
    failed = Signal(object)
    changed = Signal()

    def __init__(self, studio: StudioContext) -> None:
        super().__init__()
        self._studio = studio
        self.job: Job | None = None
        self.heading = label("Pictures as the training will see them", "heading")
        self.words = label(
            "The first pictures of the first batch, with every augmentation asked for: joints, "
            "boxes and masks have to lie where they belong.",
            "hint",
            wrap=True,
        )
        self.picture = PeopleView()
        self.progress = JobProgress()
        self.cancel = button("Cancel", self.stop, role="danger")
        self.close_button = button("Close", self._close)
        head = row(spacing=8)
        head.addLayout(column(self.heading, self.words, spacing=0), 1)
        head.addWidget(self.cancel)
        head.addWidget(self.close_button)
        layout = column(
            framed("panel", column(head, self.progress), 16),
            framed("panel", column(self.picture), 16),
            spacing=0,
        )
        layout.setStretch(1, 1)
        self.setLayout(layout)
        self._state()

    def start(self, spec: JobSpec) -> None:
        """Draw the batch of this training; one at a time."""
        if self.job is not None:
            return
        self.picture.clear()
        try:
            self.job = self._studio.runner.start(spec, title=tr("Preview of the first batch"))
        except StudioError as error:
            self.failed.emit(error)
            return
        self.job.changed.connect(self._progress)
        self.job.state_changed.connect(self._ended)
        self._progress()
        self._state()

    def stop(self) -> None:
        """Cancel what is being drawn."""
        if self.job is not None:
            self.job.cancel()

    def _close(self) -> None:
        self.stop()
        self.closed.emit()

    def _progress(self) -> None:
        if self.job is not None:
            self.progress.show_progress(*self.job.progress)

    def _ended(self) -> None:
        job = self.job
        if job is None or not job.ended:
            return
        self.job = None
        pictures = [Path(str(p)) for p in job.result.get("pictures", ())]
        if job.state == "ok" and pictures:
            self.picture.show_picture(pictures[0], (), None)
        elif job.problem is not None:
            self.failed.emit(job.problem)
            self.closed.emit()
        else:
            self.closed.emit()
        self._state()

    def _state(self) -> None:
        busy = self.job is not None
        self.progress.setVisible(busy)
        self.cancel.setVisible(busy)
        self.changed.emit()
