"""One dataset: its pictures with drawn labels, what it holds, which runs used it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QComboBox, QTabWidget, QWidget

from studio.core.annotation import Instance
from studio.core.dataset import Dataset, Sample
from studio.core.options import N_
from studio.gui import project_items
from studio.gui.background import Background
from studio.gui.headlines import headline_text
from studio.gui.i18n import bind_text, tr, translator
from studio.gui.pages.datasets.holdings import Holdings
from studio.gui.project_items import DatasetItem, RunItem
from studio.gui.run_history import STATUS
from studio.gui.widgets.basics import ElidedLabel, button, label, row, scrolled
from studio.gui.widgets.figures import Figure as Person
from studio.gui.widgets.metric_table import Column, MetricTable
from studio.gui.widgets.parts import Figure, column, duration_text, framed
from studio.gui.widgets.picture_grid import PictureGrid, PictureItem
from studio.vision.head_drawing import cube_sides

if TYPE_CHECKING:
    from studio.gui.context import StudioContext
    from studio.io.statistics import Statistics

SPLITS = (
    ("all", N_("All pictures")),
    ("train", N_("For training")),
    ("val", N_("For validation")),
    ("test", N_("For test")),
)


class DatasetView(QWidget):
    """`picture_opened` carries the path of the picture that the person wants to see."""

    picture_opened = Signal(object)
    again_asked = Signal(object)
    failed = Signal(object)
    table_saved = Signal(object)

    def __init__(self, studio: StudioContext) -> None:
        super().__init__()
        self.studio = studio
        self.item: DatasetItem | None = None
        self.dataset: Dataset | None = None
        self._reader = Background(self)
        self._run_reader = Background(self)
        self.heading = label("", "heading")
        self.place = ElidedLabel()
        self.place.setProperty("role", "hint")
        self.hash = label("", "hint")
        self.hash.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        bind_text(self.hash.setToolTip, "Equal for equal pictures and labels, on every machine")
        self.holdings = Holdings()
        self.holdings.failed.connect(self.failed)
        self.holdings.saved.connect(self.table_saved)
        self.figures = {
            "pictures": Figure(N_("Pictures")),
            "train": Figure(N_("For training")),
            "val": Figure(N_("For validation")),
            "test": Figure(N_("For test")),
            "people": Figure(N_("People")),
            "joints": Figure(N_("Joints")),
            "skeleton": Figure(N_("Skeleton")),
        }
        train = button(
            "Train on this", self._train, role="primary", tooltip="Fill this into a new training"
        )
        again = button(
            "Convert again",
            lambda: self.again_asked.emit(self.item),
            icon_name="retry",
            tooltip="New pictures join; every picture keeps its side",
        )
        folder = button("Open folder", self._open_folder, role="quiet", icon_name="folder")
        head = row(spacing=8)
        head.addLayout(column(self.heading, self.place, self.hash, spacing=0), 1)
        for each in (again, folder, train):
            head.addWidget(each)
        figures = row(*self.figures.values(), None, spacing=24)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self._pictures(), "")
        self.tabs.addTab(scrolled(self.holdings), "")
        self.tabs.addTab(self._runs(), "")
        self.setLayout(column(framed("panel", column(head, figures), 16), self.tabs, spacing=0))
        translator.language_changed.connect(self._retext)
        self._retext()

    def _pictures(self) -> QWidget:
        self.split = QComboBox()
        for key, title in SPLITS:
            self.split.addItem(tr(title), key)
        self.split.setFixedWidth(180)
        bind_text(self.split.setAccessibleName, "Which pictures")
        self.split.currentIndexChanged.connect(self._show_pictures)
        self.grid = PictureGrid()
        bind_text(self.grid.setAccessibleName, "Pictures")
        self.grid.opened.connect(lambda item: self.picture_opened.emit(item.path))
        hint = label("Double click opens a picture in Annotate.", "hint")
        bar = row(self.split, None, hint)
        return framed("panel", column(bar, self.grid), 16)

    def _runs(self) -> QWidget:
        self.runs = MetricTable(
            [Column(N_("Run")), Column(N_("Family"), text=True), Column(N_("Status"), text=True),
             Column(N_("Result")), Column(N_("Time"))]
        )  # fmt: skip
        bind_text(self.runs.setAccessibleName, "Runs")
        self.runs.row_opened.connect(self._open_run)
        self._run_items: list[RunItem] = []
        return framed("panel", column(self.runs), 16)

    def show_dataset(self, item: DatasetItem) -> None:
        """Read it in the background and show it."""
        self.item = item
        self.heading.setText(item.name)
        self.place.setText(str(item.folder))
        self.figures["skeleton"].set_value(item.skeleton)
        self._show_counts(item)
        self._show_hash(str(item.data.get("content_hash", "")))
        self.holdings.show_statistics(item.name, None)
        project = self._project()
        self._show_runs([])
        self._reader.start(lambda: _read(item), self._show_read, self.failed.emit)
        if project is not None:
            self._run_reader.start(
                lambda: project_items.runs_of_dataset(project, item.folder),
                self._show_runs,
                self.failed.emit,
            )

    def _show_runs(self, runs: list[RunItem]) -> None:
        self._run_items = runs
        self.runs.set_rows(
            [
                (r.name, r.family, tr(STATUS[r.status][0]), headline_text(r.metrics),
                 duration_text(r.duration))
                for r in runs
            ]
        )  # fmt: skip
        self._retext()

    def _show_counts(self, item: DatasetItem) -> None:
        self.figures["pictures"].set_value(f"{item.pictures}" if item.pictures else "")
        self._show_sides(item.counts)

    def _show_sides(self, counts: Mapping[str, int]) -> None:
        """A test side is shown where there is one."""
        for split, _title in SPLITS[1:]:
            self.figures[split].set_value(f"{counts.get(split, 0)}")
        self.figures["test"].setVisible(bool(counts.get("test")))

    def _show_hash(self, digest: str) -> None:
        self._digest = digest
        self.hash.setText(tr("Content {digest}", digest=digest[:12]) if digest else "")

    _digest = ""

    def _show_read(self, result: tuple[DatasetItem, Dataset, Statistics]) -> None:
        item, self.dataset, counts = result
        if item is not self.item:
            return
        self.figures["pictures"].set_value(f"{counts.pictures}")
        self._show_sides(counts.splits)
        self.figures["people"].set_value(f"{counts.people}")
        self.figures["joints"].set_value(f"{sum(j.visible + j.hidden for j in counts.joints)}")
        self.figures["skeleton"].set_value(self.dataset.skeleton.name)
        self._show_pictures()
        self.holdings.show_statistics(item.name, counts)
        self._show_hash(self.dataset.content_hash)

    def _show_pictures(self) -> None:
        if self.dataset is None:
            return
        wanted = self.split.currentData()
        chosen = [s for s in self.dataset.samples if wanted == "all" or s.split == wanted]
        self.grid.set_items([_item(s) for s in chosen], self.dataset.skeleton)

    def _train(self) -> None:
        if self.item is not None:
            self.studio.open_page("train", dataset=self.item.folder)

    def _open_run(self, number: int) -> None:
        self.studio.open_page("train", run=self._run_items[number].folder)

    def _open_folder(self) -> None:
        if self.item is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.item.folder)))

    def _project(self) -> Path | None:
        return Path(self.studio.project.folder) if self.studio.project is not None else None

    def _retext(self) -> None:
        self._show_hash(self._digest)
        runs = len(self._run_items)
        self.tabs.setTabText(0, tr("Pictures"))
        self.tabs.setTabText(1, tr("What it holds"))
        self.tabs.setTabText(2, tr("Runs ({count})", count=runs) if runs else tr("Runs"))
        for number, (_, title) in enumerate(SPLITS):
            self.split.setItemText(number, tr(title))


def _read(item: DatasetItem) -> tuple[DatasetItem, Dataset, Statistics]:
    from studio.io.datasets import load_dataset
    from studio.io.headpose_set import SET_KIND, dataset_of_heads, load_heads
    from studio.io.statistics import statistics_of

    if item.data.get("kind") == SET_KIND:
        dataset = dataset_of_heads(load_heads(item.folder))
    else:
        dataset = load_dataset(item.folder)
    return item, dataset, statistics_of(dataset)


def _item(sample: Sample) -> PictureItem:
    people = tuple(Person(i.keypoints, outlines=_outlines(i)) for i in sample.instances)
    return PictureItem(
        sample.image, sample.image.name, badge=str(len(sample.instances) or ""), figures=people
    )


def _outlines(person: Instance) -> tuple[npt.NDArray[np.float64], ...]:
    """A person's outline, or the cube of a head of which only the rotation is known."""
    if person.head_rotation is None or person.labelled or person.box is None:
        return person.polygons
    x, y, width, height = (float(v) for v in person.box)
    centre = (x + width / 2, y + height / 2)
    return cube_sides(person.head_rotation, centre, min(width, height) / 2)
