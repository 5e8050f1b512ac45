"""The Datasets page: the project's datasets at the left, one of them or a new one at the right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QSplitter, QStackedWidget, QWidget

from studio.core.errors import Problem
from studio.core.options import N_
from studio.gui import project_items
from studio.gui.actions import StudioAction
from studio.gui.background import Background
from studio.gui.i18n import bind_text, said, tr, translator
from studio.gui.page import Page
from studio.gui.pages.datasets.heads import NewHeads
from studio.gui.pages.datasets.importing import ImportForm
from studio.gui.pages.datasets.new import NewDataset
from studio.gui.pages.datasets.view import DatasetView
from studio.gui.runner import Job
from studio.gui.widgets.basics import EmptyState, button, panel
from studio.gui.widgets.rows import DETAIL, TwoLines

if TYPE_CHECKING:
    from studio.gui.context import StudioContext
    from studio.io.project import Project


class DatasetsPage(Page):
    """Convert annotated pictures; look at what came of it."""

    page_id = "datasets"
    title = N_("Datasets")
    icon_name = "datasets"

    def __init__(self, studio: StudioContext) -> None:
        super().__init__(studio)
        self._items: list[project_items.DatasetItem] = []
        self._wanted: Path | None = None
        self._lister = Background(self)
        self._side = self._make_side()
        self.no_project = EmptyState(
            "folder",
            N_("No project is open"),
            N_("A folder of pictures is a project too. Open one, annotate it, and come back to "
               "turn it into a dataset."),
            N_("Go to Annotate"),
            lambda: studio.open_page("annotate"),
        )  # fmt: skip
        self.new = NewDataset(studio)
        self.importing = ImportForm(studio)
        self.heads = NewHeads(studio)
        self.view = DatasetView(studio)
        self.room = QStackedWidget()
        for widget in (self.no_project, self.new, self.importing, self.heads, self.view):
            self.room.addWidget(widget)
        split = QSplitter()
        split.addWidget(self._side)
        split.addWidget(self.room)
        split.setStretchFactor(1, 1)
        split.setCollapsible(1, False)
        split.setSizes([240, 1000])
        self.set_content(split)
        self._connect()

    def _make_side(self) -> QWidget:
        """What makes a dataset, and the datasets that are there."""
        self.list = QListWidget()
        self.list.setProperty("role", "flat")
        bind_text(self.list.setAccessibleName, "Datasets")
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.setItemDelegate(TwoLines(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.new_button = button("New dataset", self.show_new, icon_name="add")
        self.import_button = button("Import…", self.show_import, icon_name="folder-open")
        self.heads_button = button("Head poses…", self.show_heads, icon_name="person")
        side, layout = panel("side-left", margin=0)
        top, top_layout = panel("panel", margin=16)
        for each in (self.new_button, self.import_button, self.heads_button):
            top_layout.addWidget(each)
        layout.addWidget(top)
        layout.addWidget(self.list, 1)
        side.setMinimumWidth(200)
        return side

    def _connect(self) -> None:
        self.list.currentRowChanged.connect(self._chosen)
        for form in (self.new, self.importing, self.heads, self.view):
            form.failed.connect(self.show_problem)
        self.new.made.connect(self._made)
        self.heads.made.connect(self._made)
        self.importing.made.connect(self._imported)
        self.new.problem_opened.connect(self._open_problem)
        self.importing.problem_opened.connect(self._open_problem)
        self.view.table_saved.connect(
            lambda path: self.banner.show_message(
                tr("Saved: {path}", path=str(path)), kind="success"
            )
        )
        self.view.picture_opened.connect(self._open_picture)
        self.view.again_asked.connect(self._again)
        self.studio.runner.state_changed.connect(self._job_changed)
        translator.language_changed.connect(self._retext)

    def studio_actions(self) -> list[StudioAction]:
        return [
            StudioAction("datasets.new", N_("New dataset"), self.show_new, "Ctrl+Shift+N", "add",
                         self.page_id),
            StudioAction("datasets.import", N_("Import…"), self.show_import, "Ctrl+Shift+I",
                         "folder-open", self.page_id),
            StudioAction("datasets.heads", N_("Head poses…"), self.show_heads, "", "person",
                         self.page_id),
            StudioAction("datasets.convert", N_("Convert"), self._go, "Ctrl+Return",
                         "play", self.page_id),
            StudioAction("datasets.check", N_("Check labels"), self.new.check.click,
                         "Ctrl+Shift+Return", "ok", self.page_id),
        ]  # fmt: skip

    def sidebar(self) -> QWidget:
        return self._side

    def set_project(self, project: Project | None) -> None:
        self._items = []
        self.list.clear()
        self.new_button.setEnabled(project is not None)
        self.import_button.setEnabled(project is not None)
        self.heads_button.setEnabled(project is not None)
        self.new.set_project(project)
        self.importing.set_project(project)
        self.heads.set_project(project)
        self.room.setCurrentWidget(self.no_project if project is None else self.new)
        self.refresh()

    def activate(self) -> None:
        self.refresh()

    def receive(self, **payload: Any) -> None:
        """`dataset`: show it; `folder`: offer it for a new one; `source`: import that."""
        if payload.get("dataset") is not None:
            self._wanted = Path(payload["dataset"])
            self.refresh()
        if payload.get("folder") is not None:
            self.show_new()
            self.new.add_folder(Path(payload["folder"]))
        if payload.get("source") is not None:
            self.show_import()
            self.importing.set_source(Path(payload["source"]))

    def refresh(self) -> None:
        """Look at the datasets folder again, in the background."""
        project = self.studio.project
        if project is not None:
            folder = Path(project.folder)
            self._lister.start(
                lambda: project_items.datasets(folder), self._listed, self.show_problem
            )

    def show_new(self) -> None:
        """The form of a new dataset."""
        self.list.setCurrentRow(-1)
        if self.studio.project is not None:
            self.room.setCurrentWidget(self.new)

    def show_import(self) -> None:
        """The form of an import."""
        self.list.setCurrentRow(-1)
        if self.studio.project is not None:
            self.room.setCurrentWidget(self.importing)
            self.importing.source.setFocus()

    def show_heads(self) -> None:
        """The form of a head-pose set."""
        self.list.setCurrentRow(-1)
        if self.studio.project is not None:
            self.room.setCurrentWidget(self.heads)
            self.heads.source.setFocus()

    def _go(self) -> None:
        """Start what the form in front is for."""
        shown = self.room.currentWidget()
        if shown is self.importing:
            self.importing.start_button.click()
        else:
            (self.heads if shown is self.heads else self.new).convert.click()

    def _imported(self, folder: Path, result: Mapping[str, Any]) -> None:
        from studio.io.files import list_images

        pictures = result.get("pictures", 0)
        count = len(pictures) if isinstance(pictures, list) else int(pictures or 0)
        message = tr("{count} pictures came into {folder}.", count=count, folder=folder.name)
        problems = int(result.get("problems", 0) or 0)
        table = result.get("problems_csv") if problems else None
        first = next((p for p in list_images(folder)), folder)
        self.banner.show_message(
            message,
            kind="warning" if problems else "success",
            hint=tr("{count} problems; problems.csv names each.", count=problems)
            if problems
            else "",
            action=tr("Open problems.csv") if table else tr("Open in Annotate"),
            callback=lambda: _open(Path(str(table))) if table else self._show_pictures(first),
        )
        self.new.refresh()

    def _show_pictures(self, first: Path) -> None:
        self.studio.open_page("annotate", picture=first, rescan=True)

    def _listed(self, items: list[project_items.DatasetItem]) -> None:
        shown = self.view.item if self.room.currentWidget() is self.view else None
        chosen = self._wanted or (shown.folder if shown is not None else None)
        self.list.blockSignals(True)
        self.list.clear()
        self._items = items
        for _item in items:
            self.list.addItem(QListWidgetItem(""))
        self._retext()
        row = next((i for i, d in enumerate(items) if d.folder == chosen), -1)
        self.list.setCurrentRow(row)
        self.list.blockSignals(False)
        if row >= 0 and self._wanted is not None:
            self._wanted = None
            self._chosen(row)

    def _chosen(self, row: int) -> None:
        if 0 <= row < len(self._items):
            self.view.show_dataset(self._items[row])
            self.room.setCurrentWidget(self.view)

    def _made(self, job: Job) -> None:
        result = job.result
        counts = result.get("counts", {})
        problems = int(result.get("problems", 0) or 0)
        said = {side: counts.get(side, 0) for side in ("train", "val", "test")}
        said["people"] = result.get("people", 0)
        message = tr(
            "Converted: {train} pictures for training, {val} for validation, {people} people.",
            **said,
        )
        if said["test"]:
            message = tr(
                "Converted: {train} pictures for training, {val} for validation, {test} for test, "
                "{people} people.",
                **said,
            )
        if "heads" in result:
            message = tr(
                "Converted: {train} heads for training, {val} for validation.",
                train=said["train"],
                val=said["val"],
            )
        table = result.get("problems_csv")
        if problems and table:
            self.banner.show_message(
                message,
                kind="warning",
                hint=tr("{count} files could not be converted; problems.csv names each.",
                        count=problems),
                action=tr("Open problems.csv"),
                callback=lambda: _open(Path(str(table))),
            )  # fmt: skip
        else:
            self.banner.show_message(message, kind="success")
        self._wanted = Path(str(result.get("dataset", "")))
        self.refresh()

    def _again(self, item: project_items.DatasetItem) -> None:
        heads = item.data.get("kind") == "head-pose"
        form = self.heads if heads else self.new
        form.set_existing(item)
        self.room.setCurrentWidget(form)

    def _open_picture(self, picture: Path) -> None:
        self.studio.open_page("annotate", picture=project_items.source_picture(picture))

    def _open_problem(self, problem: Problem) -> None:
        if problem.where:
            picture = project_items.source_picture(Path(problem.where))
            self.studio.open_page("annotate", picture=picture, note=said(problem.message))

    def _job_changed(self, job: Job) -> None:
        if job.spec.job in ("convert", "convert-heads", "train", "sample") and job.ended:
            self.refresh()

    def _retext(self) -> None:
        for number, item in enumerate(self._items):
            entry = self.list.item(number)
            entry.setText(item.name)
            count = tr("{count} pictures", count=item.pictures or "–")
            words = [tr("1 picture") if item.pictures == 1 else count, item.created[:10]]
            entry.setData(DETAIL, " · ".join(w for w in words if w))
            entry.setToolTip(str(item.folder))


def _open(path: Path) -> None:
    from PySide6.QtCore import QUrl
    from PySide6.QtGui import QDesktopServices

    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
