"""Several runs in one table: how they ended, their figures, and the options that they differ in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from studio.core.errors import StudioError
from studio.core.options import N_
from studio.gui.background import Background
from studio.gui.i18n import bind_text, tr, translator
from studio.gui.run_history import STATUS, RunHistory
from studio.gui.run_reading import read_options
from studio.gui.widgets.basics import label
from studio.gui.widgets.metric_table import Column, MetricTable
from studio.gui.widgets.parts import column, duration_text
from studio.metrics.names import in_order, measure
from studio.registry import find

# What names a run and says nothing of how it was trained.
_OF_THE_PLACE = frozenset({"family", "name", "output", "resume", "exist_ok", "download"})


@dataclass(frozen=True, eq=False)
class ComparedRun:
    """One column."""

    name: str
    folder: Path
    history: RunHistory


class RunCompare(QWidget):
    """The run in hand beside the ticked ones."""

    failed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._runs: Sequence[ComparedRun] = ()
        self._options: Mapping[Path, Mapping[str, Any]] = {}
        self._reader = Background(self)
        self.table = MetricTable([Column(N_("Run"))], sortable=False)
        bind_text(self.table.setAccessibleName, "Runs side by side")
        hint = label(
            "Figures of each run's best epoch, then the options that are not the same.",
            "hint",
            wrap=True,
        )
        self.setLayout(column(hint, self.table))
        translator.language_changed.connect(self._fill)

    def show_runs(self, runs: Sequence[ComparedRun]) -> None:
        """These runs, the one in hand first; their options are read in the background."""
        self._runs = tuple(runs)
        self._fill()
        folders = [r.folder for r in runs]
        self._reader.start(
            lambda: {f: read_options(f) for f in folders}, self._came, self.failed.emit
        )

    def _came(self, options: Mapping[Path, Mapping[str, Any]]) -> None:
        self._options = options
        self._fill()

    def _fill(self) -> None:
        columns = [Column(N_("Run")), *(Column(r.name) for r in self._runs)]
        rows = [*_facts(self._runs), *_figures(self._runs)]
        titles = _titles(self._runs[0].folder.parent.name) if self._runs else {}
        rows += _differing([self._options.get(r.folder, {}) for r in self._runs], titles)
        self.table.set_rows(rows, columns)


Row = tuple[str, ...]


def _facts(runs: Sequence[ComparedRun]) -> list[Row]:
    histories = [r.history for r in runs]
    best = [h.best() for h in histories]
    return [
        (tr("Model family"), *(r.folder.parent.name for r in runs)),
        (tr("Status"), *(tr(STATUS.get(h.status, (h.status, ""))[0]) for h in histories)),
        (tr("Epochs"), *(str(h.epoch or "–") for h in histories)),
        (tr("Best epoch"), *(str(b.epoch) if b else "–" for b in best)),
        (tr("Time"), *(duration_text(h.duration or math.nan) for h in histories)),
    ]


def _figures(runs: Sequence[ComparedRun]) -> list[Row]:
    best = [r.history.best() for r in runs]
    found = [r.history.judged_at(b.epoch) if b else {} for r, b in zip(runs, best, strict=True)]
    names = in_order(dict.fromkeys(name for values in found for name in values))
    return [
        (
            tr(measure(name).title) if measure(name).title else name,
            *(measure(name).text(values.get(name, math.nan)) for values in found),
        )
        for name in names
    ]


def _titles(family: str) -> dict[str, str]:
    """The family's options by name, as its form calls them and with their flag."""
    try:
        fields = find("family", family).options_class().fields()
    except StudioError:
        return {}
    return {f.name: f"{tr(f.title)} ({f.flag})" for f in fields}


def _differing(options: Sequence[Mapping[str, Any]], titles: Mapping[str, str]) -> list[Row]:
    names = dict.fromkeys(n for values in options for n in values if n not in _OF_THE_PLACE)
    rows: list[Row] = []
    for name in names:
        texts = [_text(values.get(name)) for values in options]
        if len(set(texts)) > 1:
            rows.append((titles.get(name, name), *texts))
    return rows


def _text(value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, list | tuple):
        return ", ".join(str(v) for v in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
