"""Plots of a search's trials: the value from trial to trial, against one option, and all options
beside each other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QComboBox, QGridLayout, QVBoxLayout, QWidget

from studio.core.options import N_
from studio.gui.i18n import bind_text, tr
from studio.gui.search_state import DONE, SearchState, TrialRow, shown
from studio.gui.theme import theme
from studio.gui.widgets.basics import label, row
from studio.gui.widgets.plots import Curve, LinePlot, load_pyqtgraph

# Above so large a ratio of the largest to the smallest value tried, a scale is logarithmic.
_LOG_FROM = 50.0


class TrialPlots(QWidget):
    """The three plots of one search."""

    def __init__(self) -> None:
        super().__init__()
        self._state: SearchState | None = None
        self.course = LinePlot(N_("Value by trial"), N_("Trial"), whole=True)
        self.option = QComboBox()
        bind_text(self.option.setAccessibleName, "Option")
        self.scatter = PointPlot()
        self.lines = ParallelPlot()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(16)
        against = QVBoxLayout()
        against.setSpacing(2)
        against.addLayout(row(label("Value against", "title"), self.option, None))
        against.addWidget(self.scatter, 1)
        grid.addWidget(self.course, 0, 0)
        grid.addLayout(against, 0, 1)
        beside = QVBoxLayout()
        beside.setSpacing(2)
        beside.addWidget(label("All options of each trial", "title"))
        beside.addWidget(self.lines, 1)
        grid.addLayout(beside, 1, 0, 1, 2)
        for number in (0, 1):
            grid.setColumnStretch(number, 1)
            grid.setRowStretch(number, 1)
        self.option.currentIndexChanged.connect(lambda _: self._draw_scatter())

    def show_search(self, state: SearchState) -> None:
        """Draw everything anew; the option chosen stays."""
        self._state = state
        names = state.names
        if [self.option.itemText(i) for i in range(self.option.count())] != names:
            chosen = self.option.currentText()
            self.option.blockSignals(True)
            self.option.clear()
            self.option.addItems(names)
            self.option.setCurrentIndex(max(0, self.option.findText(chosen)))
            self.option.blockSignals(False)
        self._draw_course(state)
        self._draw_scatter()
        self.lines.show_trials(state)

    def _draw_course(self, state: SearchState) -> None:
        known = [r for r in state.rows if not math.isnan(r.value)]
        done = [r for r in known if r.state == DONE]
        curves: list[Curve] = []
        if known:
            x = np.array([r.number for r in known], dtype=np.float64)
            y = np.array([r.value for r in known], dtype=np.float64)
            curves.append(Curve(state.metric, x, y, color=0, marks=True))
        if done:
            running = np.maximum if state.higher else np.minimum
            best = running.accumulate([r.value for r in done])
            x = np.array([r.number for r in done], dtype=np.float64)
            curves.append(Curve(tr("Best so far"), x, best, color=1, dash=1))
        self.course.set_curves(curves)

    def _draw_scatter(self) -> None:
        if self._state is not None:
            self.scatter.show_trials(self._state, self.option.currentText())


class _Plot(QWidget):
    """A plot of pyqtgraph in the theme's colours."""

    def __init__(self) -> None:
        super().__init__()
        pg = load_pyqtgraph()
        self.view = pg.PlotWidget(parent=self)
        self.view.setFrameShape(self.view.Shape.NoFrame)
        self.view.setMenuEnabled(False)
        self.view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.view.hideButtons()
        self.view.setMinimumHeight(96)
        self.plot = self.view.getPlotItem()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        theme.changed.connect(self._restyle)
        self._restyle()

    def redraw(self) -> None:
        """Draw what is shown again."""

    def _restyle(self) -> None:
        self.view.setBackground(theme.color("plot_background"))
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setPen(theme.color("grid"))
            axis.setTextPen(theme.color("axis"))
        self.redraw()


class PointPlot(_Plot):
    """Each trial's value against one option."""

    def __init__(self) -> None:
        self._shown: tuple[SearchState, str] | None = None
        super().__init__()
        self.points: list[tuple[float, float]] = []

    def show_trials(self, state: SearchState, name: str) -> None:
        """Draw the trials of `state` against the option called `name`."""
        self._shown = state, name
        self.redraw()

    def redraw(self) -> None:
        """See `_Plot`."""
        if self._shown is None:
            return
        state, name = self._shown
        rows = [r for r in state.rows if not math.isnan(r.value) and name in r.params]
        scale = Scale([r.params[name] for r in state.rows if name in r.params])
        self.plot.clear()
        self.points = [(scale.place(r.params[name]), r.value) for r in rows]
        spots = [
            {"pos": place, "brush": _color(r, state), "size": 11 if r.number == state.best else 8,
             "symbol": "star" if r.number == state.best else "o", "pen": None}
            for place, r in zip(self.points, rows, strict=True)
        ]  # fmt: skip
        self.plot.addItem(load_pyqtgraph().ScatterPlotItem(spots))
        self.plot.getAxis("bottom").setTicks([scale.ticks()])
        self.plot.setXRange(-0.12, 1.12, padding=0)
        said = ", ".join(f"{shown(r.params[name])}: {r.value:.4g}" for r in rows)
        self.setAccessibleName(f"{name}: {said}")


class ParallelPlot(_Plot):
    """One axis an option, one line a trial; the last axis is the value."""

    def __init__(self) -> None:
        self._state: SearchState | None = None
        super().__init__()
        self.plot.hideAxis("left")
        self.plot.setMouseEnabled(x=False, y=False)

    def show_trials(self, state: SearchState) -> None:
        """Draw all trials that have a value."""
        self._state = state
        self.redraw()

    def redraw(self) -> None:
        """See `_Plot`."""
        state = self._state
        if state is None:
            return
        pg = load_pyqtgraph()
        self.plot.clear()
        names = state.names
        rows = [r for r in state.rows if not math.isnan(r.value)]
        values = Scale([r.value for r in rows])
        scales = [Scale([r.params[n] for r in state.rows if n in r.params]) for n in names]
        x = np.arange(len(names) + 1)
        # The best last: it lies on top.
        for each in sorted(rows, key=lambda r: r.number == state.best):
            y = [s.place(each.params[n]) for s, n in zip(scales, names, strict=True)]
            width = 3 if each.number == state.best else 1
            pen = pg.mkPen(_color(each, state), width=width)
            self.plot.addItem(pg.PlotDataItem(x, [*y, values.place(each.value)], pen=pen))
        for at, scale in enumerate([*scales, values]):
            self.plot.addItem(pg.InfiniteLine(at, angle=90, pen=pg.mkPen(theme.color("grid"))))
            for place, text in scale.ticks():
                words = pg.TextItem(text, color=theme.color("axis"), anchor=(0, 0.5))
                words.setPos(at, place)
                self.plot.addItem(words)
        self.plot.getAxis("bottom").setTicks([list(enumerate([*names, state.metric]))])
        self.plot.setXRange(-0.1, len(names) + 0.35, padding=0)
        self.plot.setYRange(-0.08, 1.08, padding=0)
        self.setAccessibleName(tr("All options of each trial"))


class Scale:
    """Values tried, from 0 to 1: numbers by their size, or by its logarithm where they span far;
    words side by side.
    """

    def __init__(self, values: Sequence[Any]) -> None:
        numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
        self._words: list[str] = []
        self._low = self._high = 0.0
        self._log = False
        if len(numbers) < len(values):
            self._words = sorted({shown(v) for v in values})
        elif numbers:
            self._low, self._high = float(min(numbers)), float(max(numbers))
            self._log = self._low > 0 and self._high / self._low >= _LOG_FROM

    def place(self, value: Any) -> float:
        """Where `value` stands."""
        if self._words:
            return self._words.index(shown(value)) / max(1, len(self._words) - 1)
        if self._high <= self._low:
            return 0.5
        if self._log:
            return math.log(value / self._low) / math.log(self._high / self._low)
        return (value - self._low) / (self._high - self._low)

    def ticks(self) -> list[tuple[float, str]]:
        """Places and their words: every word, or both ends and the middle."""
        if self._words:
            return [(self.place(word), word) for word in self._words]
        if self._high <= self._low:
            return [(0.5, shown(self._low))]
        middle = math.sqrt(self._low * self._high) if self._log else (self._low + self._high) / 2
        return [(self.place(v), shown(v)) for v in (self._low, middle, self._high)]


def _color(trial: TrialRow, state: SearchState) -> QColor:
    """The best in a colour of its own, others the fainter the worse they are."""
    if trial.number == state.best:
        return theme.color("series_2")
    values = [r.value for r in state.rows if not math.isnan(r.value)]
    low, high = min(values), max(values)
    share = (trial.value - low) / (high - low) if high > low else 1.0
    color = QColor(theme.color("series_1"))
    color.setAlphaF(0.2 + 0.6 * (share if state.higher else 1 - share))
    return color
