"""Plots: lines, legend, values under the pointer, log scale, themes, and how often they repaint."""

from __future__ import annotations

import time

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from studio.gui.theme import theme
from studio.gui.widgets.plots import Coalescer, Curve, LinePlot, format_value


@pytest.fixture
def plot(qtbot: QtBot) -> LinePlot:
    made = LinePlot("Loss by batch", "Batch", whole=True)
    qtbot.addWidget(made)
    made.resize(480, 300)
    made.show()
    qtbot.waitExposed(made)
    return made


def line(name: str, count: int = 50) -> Curve:
    x = np.arange(1, count + 1, dtype=np.float64)
    return Curve(name, x, 1 / x)


def test_every_point_is_in_the_plot(plot: LinePlot) -> None:
    plot.set_curves([line("loss", 5000)])
    item = plot._plot.listDataItems()[0]
    assert len(item.xData) == 5000
    assert item.yData[4999] == 1 / 5000


def test_lines_come_and_go_by_name(plot: LinePlot) -> None:
    plot.set_curves([line("a"), line("b")])
    plot.set_curves([line("b"), line("c")])
    assert [c.name for c in plot.curves()] == ["b", "c"]
    assert len(plot._plot.listDataItems()) == 2


def test_legend_gives_the_newest_value_and_the_one_pointed_at(plot: LinePlot, qtbot: QtBot) -> None:
    plot.set_curves([line("loss")])
    assert plot.legend_text() == "loss 0.0200"
    qtbot.wait(50)
    place = plot._plot.getViewBox().mapViewToScene(QPointF(10.0, 0.1))
    plot._hover(place)
    assert plot.legend_text() == "loss 0.1000"
    plot.set_curves([Curve("raw", np.array([1.0]), np.array([1.0]), faint=True), line("loss")])
    assert "raw" not in plot.legend_text()


def test_log_scale_and_whole_ticks(plot: LinePlot) -> None:
    plot.set_curves([line("loss", 3)])
    plot.set_log(True)
    assert plot._plot.ctrl.logYCheck.isChecked()
    axis = plot._plot.getAxis("bottom")
    assert all(spacing >= 1 for spacing, _ in axis.tickSpacing(1.0, 3.0, 300.0))


def test_a_plot_follows_the_theme(plot: LinePlot) -> None:
    plot.set_curves([line("loss")])
    theme.set_choice("dark")
    pen = plot._plot.listDataItems()[0].opts["pen"]
    assert pen.color() == theme.color("series_1")
    assert QColor(plot._view.backgroundBrush().color()) == theme.color("plot_background")


def test_repaints_are_gathered(qtbot: QtBot) -> None:
    owner = QWidget()
    qtbot.addWidget(owner)
    calls: list[float] = []
    gatherer = Coalescer(lambda: calls.append(time.monotonic()), owner)
    started = time.monotonic()
    while len(calls) < 5:
        gatherer.ask()
        qtbot.wait(2)
    assert len(calls) <= 10 * (time.monotonic() - started) + 2, "at most ten times a second"
    answered = len(calls)
    gatherer.ask()
    qtbot.waitUntil(lambda: len(calls) > answered)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.0000"), (1.23456, "1.2346"), (48.3, "48.30"), (1e-5, "1e-05"), (np.nan, "–")],
)
def test_numbers_in_legends(value: float, text: str) -> None:
    assert format_value(value) == text


def test_the_legend_is_cut_between_names_not_within(qtbot: QtBot) -> None:
    plot = LinePlot("Metrics by epoch", "Epoch")
    qtbot.addWidget(plot)
    plot.resize(900, 300)
    plot.show()
    x = np.arange(1.0, 4.0)
    names = ["precision", "recall", "AP", "AP50", "loss"]
    plot.set_curves([Curve(name, x, x / 10, n) for n, name in enumerate(names)])
    assert "loss" in plot._legend.text()
    plot.resize(220, 300)
    assert "precision" in plot._legend.text()
    assert "loss" not in plot._legend.text()
    assert plot._legend.text().endswith("…")
    assert "loss" in plot._legend.toolTip()


@pytest.mark.parametrize(("level", "low", "high"), [(0.0, 0.0, 1.0), (3.0, 1.5, 4.5)])
def test_the_same_value_throughout_stands_in_a_sensible_range(
    plot: LinePlot, level: float, low: float, high: float
) -> None:
    x = np.arange(1.0, 4.0)
    plot.set_curves([Curve("AP", x, np.full(3, level)), Curve("AP50", x, np.full(3, level))])
    for _ in range(2):
        bottom, top = plot._plot.getViewBox().viewRange()[1]
        assert (bottom, top) == pytest.approx((low, high), abs=0.1 * high)
        plot.reset_view()
    plot.set_curves([Curve("AP", x, np.array([0.1, 0.2, 0.3]))])
    plot._plot.getViewBox().updateAutoRange()
    bottom, top = plot._plot.getViewBox().viewRange()[1]
    assert bottom < 0.11
    assert 0.29 < top < 0.5
