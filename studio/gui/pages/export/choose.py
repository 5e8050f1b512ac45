"""The first two steps: which model, and where to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QGridLayout,
    QLabel,
    QLineEdit,
    QStackedWidget,
    QWidget,
)

from studio.core.options import N_
from studio.gui import project_items
from studio.gui.background import Background
from studio.gui.headlines import headline_text
from studio.gui.i18n import bind_text, said, tr, translator
from studio.gui.icons import icon
from studio.gui.suggestions import is_there
from studio.gui.widgets.basics import EmptyState, button, label, row, scrolled
from studio.gui.widgets.metric_table import Column, MetricTable
from studio.gui.widgets.parts import clear_layout, column
from studio.registry import Contribution, contributions

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


class TargetCard(QFrame):
    """One device or format: what it is, what it needs, whether its tools are here."""

    chosen = Signal(str)

    def __init__(self, target: Contribution) -> None:
        super().__init__()
        self.target = target
        self.setProperty("role", "card")
        self.setProperty("selected", False)
        self.setFocusPolicy(
            Qt.FocusPolicy.StrongFocus if target.enabled else Qt.FocusPolicy.NoFocus
        )
        self.setAccessibleName(target.title)
        self.setMinimumHeight(128)
        title = QLabel(target.title)
        title.setProperty("role", "title")
        sign = QLabel()
        sign.setPixmap(icon("export", "accent" if target.enabled else "muted").pixmap(20, 20))
        summary = label(target.summary, "muted", wrap=True)
        state = QLabel(wordWrap=True)
        state.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        if target.enabled:
            state.setProperty("role", "success")
            bind_text(state.setText, "Its tools are here.")
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        else:
            state.setProperty("role", "warning")
            state.setText(said(target.reason))
        layout = column(row(sign, title, None), summary, None, state)
        layout.setContentsMargins(16, 12, 16, 12)
        self.setLayout(layout)

    def set_chosen(self, on: bool) -> None:
        """Draw the frame that says so."""
        self.setProperty("selected", on)
        self.style().unpolish(self)
        self.style().polish(self)

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        if self.target.enabled:
            self.chosen.emit(self.target.id)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.chosen.emit(self.target.id)
            return
        super().keyPressEvent(event)

    def focusInEvent(self, event: object) -> None:
        super().focusInEvent(event)  # type: ignore[arg-type]
        self.set_chosen(True)

    def focusOutEvent(self, event: object) -> None:
        super().focusOutEvent(event)  # type: ignore[arg-type]
        self.set_chosen(bool(self.property("picked")))


class TargetStep(QWidget):
    """Cards of all targets; those whose tools are missing say what they need."""

    changed = Signal()
    taken = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.target: str = ""
        self.cards: list[TargetCard] = []
        self._grid = QGridLayout()
        self._grid.setSpacing(16)
        content = QWidget()
        content.setLayout(column(self._grid, None))
        layout = column(
            label("Where does it run?", "heading"),
            label("Each card says what the device needs and whether its tools are here.", "muted"),
            4,
            scrolled(content),
        )
        layout.setContentsMargins(24, 20, 24, 16)
        self.setLayout(layout)
        self.refresh()

    def refresh(self) -> None:
        """Make the cards again, from the plugins known now."""
        clear_layout(self._grid)
        self.cards = [TargetCard(t) for t in contributions("target")]
        for number, card in enumerate(self.cards):
            card.chosen.connect(self.choose)
            self._grid.addWidget(card, number // 3, number % 3)
        for each in range(3):
            self._grid.setColumnStretch(each, 1)
        usable = [c.target.id for c in self.cards if c.target.enabled]
        if self.target not in usable:
            self.target = usable[0] if len(usable) == 1 else ""
        self._mark()

    def choose(self, target: str) -> None:
        """Take a target by its id."""
        self.target = target
        self._mark()
        self.changed.emit()

    def _mark(self) -> None:
        for card in self.cards:
            picked = card.target.id == self.target
            card.setProperty("picked", picked)
            card.set_chosen(picked)
