"""The first step: which model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QLineEdit, QStackedWidget, QWidget

from studio.core.options import N_
from studio.gui import project_items
from studio.gui.background import Background
from studio.gui.headlines import headline_text
from studio.gui.i18n import bind_text, tr, translator
from studio.gui.suggestions import is_there
from studio.gui.widgets.basics import EmptyState, button, label, row
from studio.gui.widgets.metric_table import Column, MetricTable
from studio.gui.widgets.parts import column

if TYPE_CHECKING:
    from studio.gui.context import StudioContext

ORIGINS = {"run": N_("Training run"), "export": N_("Export"), "sample": N_("Comes along")}


class ModelStep(QWidget):
    """Choose a run's model or a weights file. `changed` comes with each choice."""

    changed = Signal()

    def __init__(self, studio: StudioContext) -> None:
        super().__init__()
        self.studio = studio
        self._items: list[project_items.ModelItem] = []
        self._lister = Background(self)
        self.table = MetricTable(
            [Column(N_("Model")), Column(N_("From"), text=True), Column(N_("Family"), text=True),
             Column(N_("Precision"), text=True), Column(N_("Result"))],
            sortable=False,
        )  # fmt: skip
        bind_text(self.table.setAccessibleName, "Models")
        self.table.row_chosen.connect(self._chosen)
        self.path = QLineEdit()
        self.path.textChanged.connect(self._edited)
        bind_text(self.path.setAccessibleName, "Model")
        bind_text(self.path.setPlaceholderText, "A model's folder or weights file")
        self.error = label("", "error", wrap=True)
        browse = button("Browse…", self._browse, icon_name="folder")
        self.empty = EmptyState(
            "model",
            N_("No model yet"),
            N_("Train a model first, or give a weights file (.pt) below."),
            N_("Go to Train"),
            lambda: studio.open_page("train"),
        )
        self._room = QStackedWidget()
        self._room.addWidget(self.table)
        self._room.addWidget(self.empty)
        layout = column(
            label("Which model goes out?", "heading"),
            label("Models of this project, the newest first.", "muted"),
            4,
            self._room,
            8,
            label("The chosen model", "title"),
            label("From the list, or a folder or weights file (.pt) of your own.", "hint"),
            row(self.path, browse),
            self.error,
        )
        layout.setContentsMargins(24, 20, 24, 16)
        self.setLayout(layout)
        translator.language_changed.connect(self._fill)
        self._edited()

    def model(self) -> Path | None:
        """The model chosen, None where there is none or it is not there."""
        text = self.path.text().strip()
        return Path(text).expanduser() if text and is_there(text, descriptions=False) else None

    def set_model(self, path: Path) -> None:
        """Choose a model by its path."""
        self.path.setText(str(path))
        for number, item in enumerate(self._items):
            if item.path == path:
                self.table.choose(number)

    def refresh(self) -> None:
        """Look for models again, in the background."""
        project = self.studio.project
        folder = Path(project.folder) if project is not None else None
        self._lister.start(lambda: project_items.models(folder), self._listed, self.studio.report)

    def _listed(self, items: list[project_items.ModelItem]) -> None:
        self._items = items
        self._fill()
        if items and not self.path.text():
            self.table.choose(0)
        elif self.path.text():
            self.set_model(Path(self.path.text()))

    def _fill(self) -> None:
        self._room.setCurrentIndex(0 if self._items else 1)
        self.table.set_rows(
            [
                (
                    i.title,
                    tr(ORIGINS[i.origin]),
                    i.family,
                    i.precision,
                    headline_text(i.metrics),
                )
                for i in self._items
            ]
        )

    def _chosen(self, number: int) -> None:
        self.path.setText(str(self._items[number].path))

    def _browse(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(
            self, tr("Weights"), self.path.text() or str(Path.home()),
            tr("Models") + " (*.pt *.onnx *.xml model.json)",
        )  # fmt: skip
        if chosen:
            self.path.setText(chosen)

    def _edited(self) -> None:
        text = self.path.text().strip()
        self.path.setToolTip(text)
        missing = bool(text) and self.model() is None
        self.error.setText(tr("This is not there.") if missing else "")
        self.error.setVisible(missing)
        self.changed.emit()
