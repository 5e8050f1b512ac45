"""The left side of a search: what is varied, how often, and by what a training is judged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QWidget

from studio.core.errors import StudioError
from studio.core.job import JobSpec
from studio.core.requests.cluster import ClusterOptions
from studio.core.requests.search import SearchRequest
from studio.gui import project_items
from studio.gui.forms import OptionsForm
from studio.gui.i18n import bind_text, said, tr, translator
from studio.gui.pages.train.form import TrainForm
from studio.gui.pages.train.space_editor import SpaceEditor
from studio.gui.widgets.basics import button, label, line, row, scrolled
from studio.gui.widgets.parts import SIDE_LEFT, column, tab_through

if TYPE_CHECKING:
    from studio.gui.context import StudioContext

# What the window says itself: the family, its options and the place stand on the first tab.
_OURS = ("family", "space", "resume", "output", *(f.name for f in ClusterOptions.fields()))


class SearchForm(QWidget):
    """`start_asked` carries the JobSpec of a search, `chosen` the folder of an earlier one."""

    start_asked = Signal(object)
    chosen = Signal(object)
    failed = Signal(object)

    def __init__(self, studio: StudioContext, training: TrainForm) -> None:
        super().__init__()
        self._studio, self._training = studio, training
        self.earlier = QComboBox()
        bind_text(self.earlier.setAccessibleName, "Searches")
        self.family = label("", "title", wrap=True)
        self.space = SpaceEditor()
        self.form = OptionsForm(SearchRequest, skip=_OURS)
        self.start = button("Start the search", self._ask, role="primary", icon_name="play")
        self.error = label("", "error", wrap=True)
        content = QWidget()
        hint = label(
            "All other options are those of the first tab; they are the same in every trial.",
            "hint",
            wrap=True,
        )
        body = column(
            label("Searches"), self.earlier, 8, self.family, hint, 4, self.space, 12, self.form,
            None, spacing=4,
        )  # fmt: skip
        body.setContentsMargins(SIDE_LEFT, 16, 16, 16)
        content.setLayout(body)
        area = scrolled(content)
        footer = QWidget()
        below = column(self.error, row(None, self.start))
        below.setContentsMargins(SIDE_LEFT, 8, 16, 16)
        footer.setLayout(below)
        layout = column(area, line(), footer, spacing=0)
        layout.setStretch(0, 1)
        self.setLayout(layout)
        tab_through(self.space, self.form, self.start)
        self.space.changed.connect(self.refresh)
        self.form.changed.connect(self.refresh)
        self.earlier.activated.connect(self._chosen)
        training.family.currentIndexChanged.connect(self.refresh)
        translator.language_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Take over what the first tab says now."""
        training = self._training.form
        self.space.blockSignals(True)
        self.space.set_options(training.options_class if training is not None else None)
        self.space.blockSignals(False)
        self.family.setText(
            tr("Varied in trainings of {family}", family=self._training.family.currentText())
        )
        problem = self._training_problem()
        self.error.setText(problem)
        self.error.setVisible(bool(problem))
        good = self.space.is_good() and not self.form.problems() and not problem
        self.start.setEnabled(good)

    def set_searches(self, folders: list[Path], shown: Path | None) -> None:
        """Offer the project's searches."""
        self.earlier.clear()
        self.earlier.addItem(tr("New search"), None)
        for folder in folders:
            self.earlier.addItem(f"{folder.name} ({folder.parent.name})", str(folder))
        self.select(shown)

    def select(self, folder: Path | None) -> None:
        """Say which search is shown; None: none of them."""
        data = str(folder) if folder is not None else None
        if data is not None and self.earlier.findData(data) < 0:
            self.earlier.insertItem(1, f"{folder.name} ({folder.parent.name})", data)  # type: ignore[union-attr]
        self.earlier.setCurrentIndex(max(0, self.earlier.findData(data)))

    def spec(self) -> JobSpec:
        """The search as it stands in the forms. Raises StudioError where it cannot be."""
        training = self._training.form
        assert training is not None
        varied = set(self.space.names())
        training.options()
        fixed = {k: v for k, v in training.values().items() if k not in varied}
        asked = {**self._training.where_values(), **self.form.values()}
        options: dict[str, Any] = {
            "family": self._training.family_id, "space": self.space.text(), **fixed, **asked,
        }  # fmt: skip
        project = Path(self._studio.project.folder) if self._studio.project else None
        if project is None:
            return JobSpec("search", options)
        root = project / "searches" / self._training.family_id
        name = project_items.free_name(root, str(asked.get("name") or "search"))
        return JobSpec("search", {**options, "name": name}, root / name, project)

    def _training_problem(self) -> str:
        """What is wrong on the first tab, of the options that are not varied."""
        training = self._training.form
        if training is None:
            return tr("Choose a model family on the first tab.")
        varied = self.space.names()
        wrong = next((p for p in training.problems() if p.where not in varied), None)
        return tr("On the first tab: {problem}", problem=said(wrong.message)) if wrong else ""

    def _ask(self) -> None:
        try:
            self.start_asked.emit(self.spec())
        except StudioError as error:
            self.failed.emit(error)

    def _chosen(self) -> None:
        data = self.earlier.currentData()
        self.chosen.emit(Path(data) if data else None)
