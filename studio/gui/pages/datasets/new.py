"""A new dataset: which pictures, how they are split, a check first, then the conversion."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from studio.core.errors import Problem, StudioError, UsageError
from studio.core.job import JobSpec
from studio.core.options import N_
from studio.gui import project_items
from studio.gui.background import Background
from studio.gui.forms import OptionsForm
from studio.gui.i18n import bind_text, tr, translator
from studio.gui.pages.datasets.counting import count_sides, picture_names
from studio.gui.pages.datasets.shares import Shares
from studio.gui.runner import Job
from studio.gui.suggestions import suggestions
from studio.gui.widgets.basics import button, label, row
from studio.gui.widgets.layouts import form_above_footer
from studio.gui.widgets.parts import JobProgress, column, tab_through
from studio.gui.widgets.problem_list import ProblemList
from studio.registry.jobs import job_entry

if TYPE_CHECKING:
    from studio.gui.context import StudioContext

# What most trainings read is ticked.
FORMATS = (
    ("coco", "COCO"),
    ("yolo", "YOLO"),
    ("labelme", "labelme"),
    ("video-keypoints", N_("Video keypoints")),
)
TICKED = ("coco", "yolo")
OWN_FIELDS = ("input", "output", "to", "ratio", "test_ratio", "name")


class NewDataset(QWidget):
    """The form of a conversion; `made` carries the folder of a dataset that is ready."""

    made = Signal(object)
    problem_opened = Signal(object)
    failed = Signal(object)

    def __init__(self, studio: StudioContext) -> None:
        super().__init__()
        self.studio = studio
        self.job: Job | None = None
        self._names: list[str] = []
        self._counter = Background(self)
        self._lister = Background(self)
        self._checker = Background(self)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(40)
        self._soon.timeout.connect(self._count)
        self._make_fields()
        footer = row(self.check, None, self.cancel, self.convert)
        self.setLayout(form_above_footer(self._body(), self.problems, self.progress, footer))
        tab_through(
            self.ratio,
            self.test_ratio,
            self.form,
            self.problems.list,
            self.check,
            self.cancel,
            self.convert,
        )
        translator.language_changed.connect(self._show_counts)
        self._state()

    def _make_fields(self) -> None:
        self.folders = QListWidget()
        self.folders.setFixedHeight(84)
        self.folders.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        bind_text(self.folders.setAccessibleName, "Folders of annotated pictures")
        self.name = QLineEdit()
        bind_text(self.name.setAccessibleName, "Dataset name")
        self.name.textChanged.connect(self._form_changed)
        self.name_error = label("", "error", wrap=True)
        self.name_hint = label("", "hint", wrap=True)
        self.formats = {key: QCheckBox() for key, _ in FORMATS}
        for key, title in FORMATS:
            box = self.formats[key]
            bind_text(box.setText, title)
            box.setChecked(key in TICKED)
            box.toggled.connect(self._state)
        self.formats_error = label("Choose at least one format.", "error")
        self.shares = Shares(self)
        self.shares.changed.connect(self._soon.start)
        self.ratio, self.percent = self.shares.ratio, self.shares.percent
        self.test_ratio, self.test_percent = self.shares.test_ratio, self.shares.test_percent
        self.sides = self.shares.sides
        self.count_error = label("", "error", wrap=True)
        self.form = OptionsForm(
            job_entry("convert").options_class(),
            suggestions=suggestions(self.studio),
            skip=OWN_FIELDS,
        )
        self.form.changed.connect(self._form_changed)
        self.problems = ProblemList()
        self.problems.opened.connect(self.problem_opened)
        self.progress = JobProgress()
        self.progress.hide()
        self.check = button(
            "Check", self.start_check, tooltip="Look for labels that cannot be converted"
        )
        self.convert = button("Convert", self.start, role="primary", icon_name="play")
        self.cancel = button("Cancel", self._cancel, role="danger")
        self.cancel.hide()

    def _body(self) -> QVBoxLayout:
        self._add = button("Add folder…", self._choose_folder, icon_name="add")
        self._remove = button("Remove", self._remove_folder, role="quiet", icon_name="remove")
        formats = row(*self.formats.values(), None, spacing=16)
        body = column(
            label("New dataset", "heading"),
            label("Annotated pictures become a frozen copy, split in sides, in the formats "
                  "that trainings read.", "muted", wrap=True),
            8,
            label("Folders of annotated pictures"),
            self.folders,
            row(self._add, self._remove, None),
            8,
            label("Name"),
            self.name,
            self.name_error,
            self.name_hint,
            8,
            label("Formats to write"),
            formats,
            self.formats_error,
            8,
            label("Share for training"),
            row(self.ratio, self.percent),
            label("Share for test"),
            row(self.test_ratio, self.test_percent),
            self.sides,
            self.count_error,
            12,
            self.form,
            None,
            spacing=4,
        )  # fmt: skip
        body.setContentsMargins(24, 20, 24, 16)
        return body

    def set_project(self, project: Any) -> None:
        """Start from the project's own picture folders and a free name."""
        self.folders.clear()
        if project is None:
            self._names = []
            self._state()
            return
        root = Path(project.folder)
        for folder in tuple(project.picture_folders) or (root,):
            self._add_folder(root / folder)
        self.name.setText(project_items.free_name(root / "datasets", root.name or "dataset"))
        self.form.refresh_suggestions()
        self._list()

    def refresh(self) -> None:
        """Count the pictures again; some have come or gone."""
        if self.studio.project is not None:
            self._list()

    def set_existing(self, item: project_items.DatasetItem) -> None:
        """Fill in what a dataset was made from, to convert it again."""
        data = item.data
        self.name.setText(item.folder.name)
        sources = data.get("sources")
        if isinstance(sources, list) and sources:
            self.folders.clear()
            for source in sources:
                self._add_folder(Path(str(source)))
        self.test_ratio.setValue(0)
        for key, slider in (("ratio", self.ratio), ("test_ratio", self.test_ratio)):
            if isinstance(data.get(key), int | float):
                slider.setValue(round(float(data[key]) * 100))
        known = {k: data[k] for k in ("seed",) if k in data}
        if item.skeleton:
            known["skeleton"] = item.skeleton
        self.form.set_values(known)
        self._list()

    def input_folders(self) -> list[Path]:
        """The folders listed."""
        return [Path(self.folders.item(i).text()) for i in range(self.folders.count())]

    def chosen_formats(self) -> list[str]:
        """The formats ticked."""
        return [key for key, box in self.formats.items() if box.isChecked()]

    def spec(self) -> JobSpec:
        """The conversion as it stands in the form. Raises UsageError."""
        project = self._project()
        if project is None:
            raise UsageError("No project is open.", hint="Open a folder of pictures first.")
        ratio, test_ratio = self.shares.values()
        options = {
            **self.form.values(),
            "input": [str(f) for f in self.input_folders()],
            "output": str(project / "datasets"),
            "name": self.name.text().strip(),
            "to": self.chosen_formats(),
            "ratio": ratio,
            "test_ratio": test_ratio,
        }
        job_entry("convert").options_class().from_mapping(options).validated()
        return JobSpec("convert", options, None, project)

    def start(self) -> None:
        """Convert."""
        try:
            job = self.studio.runner.start(
                self.spec(), title=tr("Convert {name}", name=self.name.text().strip())
            )
        except StudioError as error:
            self.failed.emit(error)
            return
        self.job = job
        job.changed.connect(self._progress)
        job.state_changed.connect(self._ended)
        self.problems.hide()
        self._progress()
        self._state()

    def start_check(self) -> None:
        """Look through all labels in the background; nothing is written."""
        folders, skeleton = self.input_folders(), self._skeleton_name()
        project = self._project()
        self.check.setEnabled(False)
        self.problems.set_problems([], good=tr("Checking…"))

        def work() -> Sequence[Problem]:
            from studio.io.datasets import check_pictures
            from studio.io.skeletons import load_skeleton

            return check_pictures(folders, load_skeleton(skeleton, project))

        self._checker.start(work, self._checked, self._check_failed)

    def _checked(self, problems: Sequence[Problem]) -> None:
        self.problems.set_problems(problems, good=tr("Nothing stands in the way."))
        self._state()

    def _check_failed(self, error: BaseException) -> None:
        self.problems.hide()
        self.failed.emit(error)
        self._state()

    def _skeleton_name(self) -> str:
        editor = self.form.editors.get("skeleton")
        return (editor.text() if editor is not None else "") or "coco17"

    def _project(self) -> Path | None:
        return Path(self.studio.project.folder) if self.studio.project is not None else None

    def _choose_folder(self) -> None:
        start = str(self._project() or Path.home())
        chosen = QFileDialog.getExistingDirectory(self, tr("Folder of annotated pictures"), start)
        if chosen:
            self.add_folder(Path(chosen))

    def add_folder(self, folder: Path) -> None:
        """List another folder, once."""
        self._add_folder(folder)
        self._list()

    def _add_folder(self, folder: Path) -> None:
        if folder not in self.input_folders():
            item = QListWidgetItem(str(folder))
            item.setToolTip(str(folder))
            self.folders.addItem(item)

    def _remove_folder(self) -> None:
        for item in self.folders.selectedItems() or [self.folders.currentItem()]:
            if item is not None:
                self.folders.takeItem(self.folders.row(item))
        self._list()

    def _list(self) -> None:
        """Count the pictures of the folders, in the background."""
        folders = self.input_folders()
        self._lister.start(lambda: picture_names(folders), self._listed, self._list_failed)

    def _listed(self, names: list[str]) -> None:
        self._names = names
        self._count()

    def _list_failed(self, error: BaseException) -> None:
        self._names = []
        self._count()
        self.failed.emit(error)

    def _form_changed(self) -> None:
        self._soon.start()
        self._state()

    def _seed(self) -> int:
        editor = self.form.editors.get("seed")
        try:
            return int(editor.value()) if editor is not None else 0
        except (UsageError, TypeError):
            return 0

    def _count(self) -> None:
        names, seed = self._names, self._seed()
        shares = self.shares.values()
        project, name = self._project(), self.name.text().strip()
        folder = project / "datasets" / name if project and name else None

        self._counter.start(
            lambda: count_sides(names, shares, seed, folder), self._counted, self.failed.emit
        )

    def _counted(self, counts: tuple[int, int, int]) -> None:
        self.shares.show_counts(counts)
        self._state()

    def _show_counts(self) -> None:
        self.shares.show_counts(self.shares.counts)

    def _state(self) -> None:
        name = self.name.text().strip()
        project = self._project()
        bad = any(c in name for c in '/\\:*?"<>|')
        self.name_error.setText(tr('A name cannot hold / \\ : * ? " < > |') if bad else "")
        self.name_error.setVisible(bad)
        taken = bool(project and name and not bad and (project / "datasets" / name).exists())
        self.name_hint.setText(
            tr("This dataset is there: new pictures join it, and every picture keeps its side.")
            if taken
            else ""
        )
        self.name_hint.setVisible(taken)
        formats = bool(self.chosen_formats())
        self.formats_error.setVisible(not formats)
        message = self._count_problem()
        self.count_error.setText(message)
        self.count_error.setVisible(bool(message))
        busy = self.job is not None and not self.job.ended
        good = bool(project and name and self._names) and formats and not bad
        # Fields that this page shows itself are checked above.
        wrong = any(p.where in self.form.editors for p in self.form.problems())
        self.convert.setEnabled(good and not message and not wrong and not busy)
        self.check.setEnabled(bool(self._names) and not busy and not self._checker.busy)
        self.cancel.setVisible(busy)
        self.progress.setVisible(busy)

    def _count_problem(self) -> str:
        if self._project() is None:
            return tr("Open a project first.")
        if not self._names:
            return tr("There are no annotated pictures in these folders.")
        if self.shares.one_is_empty():
            return tr("One side would be empty; move the slider or add pictures.")
        return ""

    def _progress(self) -> None:
        if self.job is not None:
            self.progress.show_progress(*self.job.progress)

    def _ended(self, state: str) -> None:
        job = self.job
        self._state()
        if job is None or not job.ended:
            return
        self.job = None
        if state == "ok":
            self.made.emit(job)
        elif job.problem is not None:
            self.failed.emit(job.problem)
        self._state()

    def _cancel(self) -> None:
        if self.job is not None:
            self.job.cancel()
