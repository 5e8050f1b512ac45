"""Two artefacts of one model on the same pictures: an export against its original or another one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QWidget

from studio.core.artifact import MODEL_JSON
from studio.core.errors import StudioError
from studio.core.job import JobSpec
from studio.core.options import N_
from studio.gui import project_items
from studio.gui.i18n import bind_text, tr
from studio.gui.runner import Job
from studio.gui.widgets.basics import button, label, row
from studio.gui.widgets.metric_table import Column, MetricTable
from studio.gui.widgets.parts import JobProgress, column

if TYPE_CHECKING:
    from studio.gui.context import StudioContext


class CompareBox(QWidget):
    """Which dataset, against what, and the table that comes of it. `failed` carries a problem."""

    failed = Signal(object)

    def __init__(self, studio: StudioContext) -> None:
        super().__init__()
        self.setProperty("role", "clear")
        self.studio = studio
        self.job: Job | None = None
        self.model: Path | None = None
        self.original: Path | None = None
        self.dataset, self.other = QComboBox(), QComboBox()
        for box, name in ((self.dataset, "Dataset"), (self.other, "Compare with")):
            box.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            box.setMinimumContentsLength(22)
            bind_text(box.setAccessibleName, name)
        self.compare = button(
            "Compare",
            self.start,
            icon_name="compare",
            tooltip="Run both models over the same pictures",
        )
        self.progress = JobProgress()
        self.table = MetricTable([Column(N_("Metric"))], sortable=False)
        self.setLayout(
            column(
                label("Does it still see the same?", "title"),
                row(label("Compare with", "muted"), self.other, 8, label("on", "muted"),
                    self.dataset, self.compare, None),
                self.progress,
                self.table,
            )
        )  # fmt: skip
        self.table.hide()
        self.progress.hide()
        studio.runner.state_changed.connect(self._job_changed)

    def show_for(self, model: Path, original: Path | None) -> None:
        """Offer what `model`, an exported folder, can be held against."""
        self.model, self.original = model, original
        self.table.hide()
        self.other.clear()
        if original is not None:
            self.other.addItem(tr("The original"), str(original))
        project = self.studio.project
        folder = Path(project.folder) if project is not None else None
        for item in project_items.models(folder):
            if item.origin == "export" and item.path != model and _akin(item, model):
                self.other.addItem(item.title, str(item.path))
        self.dataset.clear()
        for place in project_items.dataset_folders(folder) if folder is not None else []:
            self.dataset.addItem(place.name, str(place))
        # With such a text Qt chooses nothing by itself.
        self.dataset.setPlaceholderText(tr("No dataset in this project"))
        self.dataset.setCurrentIndex(0 if self.dataset.count() else -1)
        self._state()

    def start(self) -> None:
        """Run both over the chosen dataset."""
        try:
            options: dict[str, Any] = {
                "a": str(self.other.currentData()),
                "b": str(self.model),
                "data": str(self.dataset.currentData()),
                # Both at the size that the export was made for, else sizes are compared.
                "imgsz": input_size(self.model),
            }
            project = self.studio.project
            folder = Path(project.folder) if project is not None else None
            self.job = self.studio.runner.start(
                JobSpec("compare", options, None, folder), title=tr("Compare")
            )
        except StudioError as error:
            self.failed.emit(error)
            return
        self._against = self.other.currentText()
        self.job.changed.connect(self._progressed)
        self._state()

    def _progressed(self) -> None:
        if self.job is not None:
            self.progress.show_progress(*self.job.progress)

    def _job_changed(self, job: Job) -> None:
        if job is not self.job or not job.ended:
            return
        self.job = None
        if job.state == "ok":
            columns, rows = comparison(job.result, self._against)
            self.table.set_rows(rows, columns)
            self.table.fit_height()
            self.table.setVisible(bool(rows))
        elif job.problem is not None:
            self.failed.emit(job.problem)
        self._state()

    def _state(self) -> None:
        self.progress.setVisible(self.job is not None)
        self.dataset.setEnabled(self.dataset.count() > 0)
        ready = self.dataset.count() > 0 and self.other.count() > 0
        self.compare.setEnabled(ready and self.job is None)


def _akin(item: project_items.ModelItem, model: Path) -> bool:
    """Whether an export is of the same family: others cannot be compared joint by joint."""
    return item.family == _described(model).get("family", "")


def _described(model: Path | None) -> Mapping[str, Any]:
    from studio.io.files import read_json

    if model is None or not (model / MODEL_JSON).is_file():
        return {}
    return _table(read_json(model / MODEL_JSON))


def input_size(model: Path | None) -> list[int] | None:
    """[height, width] that an exported model was made for; None where it does not say."""
    size = _table(_described(model).get("input")).get("size")
    return [int(size[0]), int(size[1])] if size else None


def comparison(
    result: Mapping[str, Any], other: str = ""
) -> tuple[list[Column], list[tuple[Any, ...]]]:
    """A comparison's result as a table: both models' figures, then what lies between them.

    other: the name of what the export is held against, translated; the original if empty.
    """
    a, b = _table(result.get("a")), _table(result.get("b"))
    columns = [Column(N_("Metric")), Column(other or N_("Original"), ".4g"),
               Column(N_("Export"), ".4g"), Column(N_("Difference"), "+.4g")]  # fmt: skip
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
