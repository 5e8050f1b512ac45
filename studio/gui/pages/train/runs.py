"""The list of runs: status, best value, time; ticked ones are laid over the run in hand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QTreeWidgetItem, QWidget

from studio.core.job import JobSpec
from studio.gui.headlines import headline_text, headline_words
from studio.gui.i18n import tr, translator
from studio.gui.icons import icon
from studio.gui.project_items import RunItem
from studio.gui.run_history import STATUS
from studio.gui.runner import Job
from studio.gui.theme import theme
from studio.gui.widgets.basics import label
from studio.gui.widgets.layouts import flat_tree
from studio.gui.widgets.parts import SIDE_LEFT, column, duration_text

_SIGNS = {
    "queued": ("queue", "muted"),
    "running": ("running", "accent"),
    "ok": ("ok", "ok"),
    "failed": ("error", "danger"),
    "cancelled": ("cancel", "warning"),
    "crashed": ("error", "danger"),
}


class RunsList(QWidget):
    """`chosen` carries a run's folder; `compared` the folders that are ticked."""

    chosen = Signal(object)
    compared = Signal(list)

    def __init__(self) -> None:
        super().__init__()
        self.tree = flat_tree(3)
        self.tree.itemSelectionChanged.connect(self._on_selected)
        self.tree.itemChanged.connect(self._on_changed)
        hint = label("Tick runs to lay them over the one chosen.", "hint", wrap=True)
        hint.setContentsMargins(SIDE_LEFT, 8, 16, 8)
        self.setLayout(column(self.tree, hint, spacing=0))
        translator.language_changed.connect(self._retitle)
        self._retitle()

    def set_runs(self, runs: Sequence[RunItem], states: Mapping[Path, str]) -> None:
        """`states` says of runs that this window drives what they are doing now."""
        chosen, ticked = self.current(), set(self.ticked())
        self.tree.blockSignals(True)
        self.tree.clear()
        names = [r.name for r in runs]
        for run in runs:
            item = self._item(run, states.get(run.folder, run.status))
            if names.count(run.name) > 1:
                item.setText(0, f"{run.family}/{run.name}")
            item.setCheckState(
                0, Qt.CheckState.Checked if run.folder in ticked else Qt.CheckState.Unchecked
            )
            self.tree.addTopLevelItem(item)
            if run.folder == chosen:
                self.tree.setCurrentItem(item)
        self.tree.blockSignals(False)

    def choose(self, folder: Path) -> None:
        """Choose a run; nothing is emitted where it is chosen already."""
        for item in self._items():
            if item.data(0, Qt.ItemDataRole.UserRole) == str(folder):
                self.tree.setCurrentItem(item)

    def current(self) -> Path | None:
        """The chosen run."""
        item = self.tree.currentItem()
        return Path(item.data(0, Qt.ItemDataRole.UserRole)) if item is not None else None

    def ticked(self) -> list[Path]:
        """Runs to lay over the chosen one."""
        return [
            Path(i.data(0, Qt.ItemDataRole.UserRole))
            for i in self._items()
            if i.checkState(0) == Qt.CheckState.Checked
        ]

    def count(self) -> int:
        """How many runs are listed."""
        return self.tree.topLevelItemCount()

    def _items(self) -> list[QTreeWidgetItem]:
        found = [self.tree.topLevelItem(i) for i in range(self.tree.topLevelItemCount())]
        return [i for i in found if i is not None]

    def _item(self, run: RunItem, state: str) -> QTreeWidgetItem:
        texts = [
            run.name,
            headline_text(run.metrics),
            duration_text(run.duration or math.nan),
        ]
        item = QTreeWidgetItem(texts)
        sign, color = _SIGNS.get(state, ("info", "muted"))
        item.setIcon(0, icon(sign, color))
        item.setToolTip(0, f"{tr(STATUS[state][0])}\n{run.folder}")
        item.setToolTip(1, headline_words(run.metrics))
        item.setData(0, Qt.ItemDataRole.UserRole, str(run.folder))
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
        for number in (1, 2):
            item.setTextAlignment(
                number, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            )
            item.setFont(number, theme.font())
        return item

    def _retitle(self) -> None:
        self.tree.setHeaderLabels([tr("Run"), tr("Result"), tr("Time")])

    def _on_selected(self) -> None:
        folder = self.current()
        if folder is not None:
            self.chosen.emit(folder)

    def _on_changed(self, _item: QTreeWidgetItem, number: int) -> None:
        if number == 0:
            self.compared.emit(self.ticked())


def is_training(job: Job) -> bool:
    """Whether this job makes a run, as against a look before one."""
    beside = any(job.spec.options.get(name) for name in ("check_only", "preview"))
    return job.spec.job == "train" and not beside


def name_of(spec: JobSpec) -> str:
    """What a training or a search is called."""
    return str(spec.options.get("name") or spec.options.get("family") or "")
