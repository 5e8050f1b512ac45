"""The offer to download published weights that "Start from" names and that are not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from studio.core.errors import StudioError
from studio.core.job import JobSpec
from studio.core.options import OptionField
from studio.gui.i18n import tr, translator
from studio.gui.runner import Job
from studio.gui.suggestions import is_there
from studio.gui.widgets.basics import button, label
from studio.gui.widgets.parts import JobProgress, column, row

if TYPE_CHECKING:
    from studio.gui.context import StudioContext


def can_be_fetched(field: OptionField, text: str) -> bool:
    """Whether `text` is a published file's bare name, and the file is not there."""
    offered = field.offers() if field.offers is not None else ()
    return text in [str(c.value) for c in offered] and not is_there(text)


class WeightsOffer(QWidget):
    """`fetched` when the weights have come, `failed` with what went wrong."""

    fetched = Signal()
    failed = Signal(object)

    def __init__(self, studio: StudioContext) -> None:
        super().__init__()
        self._studio = studio
        self._family = self._field = self._name = ""
        self.job: Job | None = None
        self.words = label("", "hint", wrap=True)
        self.start = button("Download", self._start, icon_name="download")
        self.cancel = button("Cancel", self._cancel, role="danger")
        self.progress = JobProgress()
        self.setLayout(column(self.words, self.progress, row(None, self.cancel, self.start)))
        translator.language_changed.connect(self._state)
        self._state()

    def offer(self, family: str, field: str, name: str) -> None:
        """Offer the weights called `name` for the option `field`; "" offers nothing."""
        if self.job is None:
            self._family, self._field, self._name = family, field, name
            self._state()

    def _start(self) -> None:
        """A check that may download; what else it finds is not this offer's business."""
        options = {"family": self._family, self._field: self._name}
        spec = JobSpec("train", {**options, "download": True, "check_only": True})
        try:
            title = tr("Download {name}", name=self._name)
            self.job = self._studio.runner.start(spec, title=title)
        except StudioError as error:
            self.failed.emit(error)
            return
        self.job.changed.connect(self._progress)
        self.job.state_changed.connect(self._ended)
        self._state()

    def _cancel(self) -> None:
        if self.job is not None:
            self.job.cancel()

    def _progress(self) -> None:
        if self.job is not None:
            self.progress.show_progress(*self.job.progress)

    def _ended(self) -> None:
        job = self.job
        if job is None or not job.ended:
            return
        self.job = None
        if is_there(self._name):
            self._name = ""
            self.fetched.emit()
        elif job.problem is not None:
            self.failed.emit(job.problem)
        self._state()

    def _state(self) -> None:
        busy = self.job is not None
        self.words.setText(
            tr("{name} is not there. It is published and can be downloaded.", name=self._name)
        )
        self.progress.setVisible(busy)
        self.cancel.setVisible(busy)
        self.start.setVisible(not busy)
        self.setVisible(busy or bool(self._name))
