"""Line plots: zoom, log scale, values under the pointer, several runs laid over each other.

pyqtgraph is imported when the first plot is made, not before; it takes its binding from the
environment.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, Qt, QTimer
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from studio.gui.i18n import bind_text, tr
from studio.gui.theme import theme

FloatArray = npt.NDArray[np.float64]

SERIES_COLORS = 8
# A repaint may cost at most this share of the time until the next one.
REPAINT_SHARE = 0.04
REPAINT_MS = 100
SLOWEST_MS = 2000


def load_pyqtgraph() -> Any:
    """The pyqtgraph module, bound to PySide6."""
    os.environ["PYQTGRAPH_QT_LIB"] = "PySide6"
    import pyqtgraph

    return pyqtgraph


def series_color(number: int) -> QColor:
    """The colour of the `number`-th line, from 0; they come round again."""
    return theme.color(f"series_{number % SERIES_COLORS + 1}")


@dataclass(frozen=True, eq=False)
class Curve:
    """One line. `faint` draws it in the background (the raw values behind smoothed ones);
    `marks` puts a dot at every point, for lines of few points; `dash` tells runs apart.
    """

    name: str
    x: FloatArray
    y: FloatArray
    color: int = 0
    faint: bool = False
    marks: bool = False
    dash: int = 0


@dataclass
class _Drawn:
    item: Any
    curve: Curve
    style: tuple[Any, ...] = field(default=())


_DASHES = (
    Qt.PenStyle.SolidLine,
    Qt.PenStyle.DashLine,
    Qt.PenStyle.DotLine,
    Qt.PenStyle.DashDotLine,
)


class LinePlot(QWidget):
    """A titled plot with a legend line that shows the values under the pointer."""

    def __init__(
        self,
        title: str,
        x_title: str,
        *,
        whole: bool = False,
        last: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        """`title` and `x_title` are English source strings. whole: x counts something, so its
        ticks are whole numbers. last: the legend gives the newest values while nothing is
        pointed at.
        """
        super().__init__(parent)
        self._last = last
        self._title, self._x_title = title, x_title
        self._drawn: dict[tuple[str, bool], _Drawn] = {}
        self._log = False
        self._level: float | None = None
        self._hover_x: float | None = None
        pg = load_pyqtgraph()
        self._heading = QLabel()
        self._heading.setProperty("role", "title")
        bind_text(self._heading.setText, title)
        self._legend = QLabel()
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        self._legend.setProperty("role", "hint")
        self._legend.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        top = QHBoxLayout()
        top.addWidget(self._heading, 1)
        self._top = top
        axes = {"bottom": whole_axis()} if whole else {}
        self._view = pg.PlotWidget(parent=self, axisItems=axes)
        self._view.setFrameShape(self._view.Shape.NoFrame)
        self._view.setMenuEnabled(False)
        self._view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._view.hideButtons()
        self._plot = self._view.getPlotItem()
        self._plot.setClipToView(True)
        self._plot.setDownsampling(auto=True, mode="peak")
        # Few, level lines: enough to read a height by, and half the cost of painting.
        self._plot.showGrid(x=False, y=True, alpha=0.25)
        for side in ("left", "bottom"):
            self._plot.getAxis(side).setStyle(maxTickLevel=1)
        self._cross = pg.InfiniteLine(angle=90, movable=False)
        self._cross.setVisible(False)
        self._plot.addItem(self._cross, ignoreBounds=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(top)
        layout.addWidget(self._legend)
        layout.addWidget(self._view, 1)
        self._view.scene().sigMouseMoved.connect(self._hover)
        self._view.setMinimumHeight(96)
        theme.changed.connect(self._restyle)
        self._restyle()

    def add_corner(self, widget: QWidget) -> None:
        """A control at the right of the title."""
        self._top.addWidget(widget)

    def set_curves(self, curves: Iterable[Curve]) -> None:
        """Show exactly these; lines that stay keep the zoom."""
        wanted = {(c.name, c.faint): c for c in curves}
        for key in [k for k in self._drawn if k not in wanted]:
            self._plot.removeItem(self._drawn.pop(key).item)
        for key, curve in wanted.items():
            drawn = self._drawn.get(key)
            if drawn is not None and _same(drawn.curve, curve):
                continue
            if drawn is None:
                item = load_pyqtgraph().PlotDataItem()
                drawn = self._drawn[key] = _Drawn(item, curve)
                self._plot.addItem(item)
            drawn.curve = curve
            self._style(drawn)
            drawn.item.setData(curve.x, curve.y, connect="finite")
        self._drawn = {key: self._drawn[key] for key in wanted}
        self._keep_level()
        self._show_legend()

    def _keep_level(self) -> None:
        """Around values that are all the same the axis would go anywhere (-40 to 40 for zeros)."""
        values = np.concatenate(
            [np.asarray(d.curve.y, float) for d in self._drawn.values()] or [[]]
        )
        values = values[np.isfinite(values)]
        level = float(values[0]) if len(values) and np.all(values == values[0]) else None
        if level == self._level or self._log:
            return
        self._level = level
        if level is None:
            self._plot.enableAutoRange(axis="y")
        elif level == 0:
            self.set_y_range(0.0, 1.0)
        else:
            self.set_y_range(level - abs(level) / 2, level + abs(level) / 2)

    def curves(self) -> tuple[Curve, ...]:
        """What is shown."""
        return tuple(d.curve for d in self._drawn.values())

    def set_log(self, on: bool) -> None:
        """Logarithmic y; values at or below 0 are not drawn."""
        self._log = on
        self._plot.setLogMode(x=False, y=on)

    def set_y_range(self, low: float, high: float) -> None:
        """Fix what is seen of y, for values with a natural range."""
        self._plot.setYRange(low, high, padding=0.02)

    def reset_view(self) -> None:
        """Everything in sight, and following what comes."""
        self._plot.enableAutoRange()
        self._level = None
        self._keep_level()

    def mouseDoubleClickEvent(self, event: Any) -> None:
        """A double click shows everything again."""
        self.reset_view()
        event.accept()

    def leaveEvent(self, event: Any) -> None:
        """The values follow the pointer out: the newest are shown."""
        self._hover_x = None
        self._cross.setVisible(False)
        self._show_legend()
        super().leaveEvent(event)

    def _hover(self, position: QPointF) -> None:
        box = self._plot.getViewBox()
        if not box.sceneBoundingRect().contains(position):
            return
        x = float(box.mapSceneToView(position).x())
        nearest = [
            float(d.curve.x[np.abs(d.curve.x - x).argmin()])
            for d in self._drawn.values()
            if len(d.curve.x)
        ]
        if nearest:
            self._hover_x = min(nearest, key=lambda value: abs(value - x))
            self._cross.setPos(self._hover_x)
            self._cross.setVisible(True)
            self._show_legend()

    def legend_text(self) -> str:
        """The plain words of the legend: names and the values shown."""
        return "  ".join(f"{name} {value}".strip() for name, value, _ in self._legend_parts())

    def _legend_parts(self) -> list[tuple[str, str, str]]:
        parts: list[tuple[str, str, str]] = []
        for drawn in self._drawn.values():
            curve = drawn.curve
            if curve.faint or not len(curve.x):
                continue
            at = -1
            if self._hover_x is not None:
                at = int(np.abs(curve.x - self._hover_x).argmin())
            color = series_color(curve.color).name()
            silent = self._hover_x is None and not self._last
            parts.append((curve.name, "" if silent else format_value(float(curve.y[at])), color))
        return parts

    def _fitting(self, parts: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
        """As many of them, from the first, as the line has room for; the tooltip has all."""
        metrics = self._legend.fontMetrics()
        room = self.width() - metrics.horizontalAdvance("   …")
        if self._hover_x is not None:
            room -= metrics.horizontalAdvance(f"{tr(self._x_title)} {self._hover_x:g}   ")
        for number, (name, value, _) in enumerate(parts):
            room -= metrics.horizontalAdvance(f"● {name} {value}   ")
            if room < 0:
                return parts[: max(1, number)]
        return parts

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_legend()

    def _show_legend(self) -> None:
        parts = self._legend_parts()
        muted = theme.color("muted").name()
        shown = self._fitting(parts)
        words = [
            f"<span style='color:{color}'>●</span>&nbsp;{name}&nbsp;"
            f"<span style='color:{muted}'>{value}</span>"
            for name, value, color in shown
        ]
        if len(shown) < len(parts):
            words.append("…")
        if self._hover_x is not None and words:
            words.insert(
                0, f"<span style='color:{muted}'>{tr(self._x_title)} {self._hover_x:g}</span>"
            )
        self._legend.setText("&nbsp; ".join(words))
        self._legend.setToolTip("\n".join(f"{name}: {value}" for name, value, _ in parts))
        self.setAccessibleName(f"{tr(self._title)}: {self.legend_text()}")

    def _style(self, drawn: _Drawn) -> None:
        curve = drawn.curve
        color = QColor(series_color(curve.color))
        style = (color.name(), curve.faint, curve.marks and len(curve.x) <= 100, curve.dash)
        if style == drawn.style:
            return
        drawn.style = style
        if curve.faint:
            color.setAlphaF(0.25)
        pg = load_pyqtgraph()
        width = 1 if curve.faint else 2
        drawn.item.setPen(pg.mkPen(color, width=width, style=_DASHES[curve.dash % len(_DASHES)]))
        drawn.item.setSymbol("o" if style[2] else None)
        drawn.item.setSymbolSize(5)
        drawn.item.setSymbolPen(None)
        drawn.item.setSymbolBrush(color)
        drawn.item.opts["antialias"] = not curve.faint

    def _restyle(self) -> None:
        self._view.setBackground(theme.color("plot_background"))
        for side in ("left", "bottom"):
            axis = self._plot.getAxis(side)
            axis.setPen(theme.color("grid"))
            axis.setTextPen(theme.color("axis"))
        self._plot.getAxis("left").setWidth(44)
        self._cross.setPen(theme.color("muted"))
        for drawn in self._drawn.values():
            self._style(drawn)
        self._show_legend()


def _same(old: Curve, new: Curve) -> bool:
    """Whether there is nothing to paint anew."""
    return (
        (old.color, old.marks, old.dash) == (new.color, new.marks, new.dash)
        and np.array_equal(old.x, new.x, equal_nan=True)
        and np.array_equal(old.y, new.y, equal_nan=True)
    )


def format_value(value: float) -> str:
    """Four significant figures, without a jumping width for common losses and scores."""
    if not np.isfinite(value):
        return "–"
    if value == 0 or 0.001 <= abs(value) < 1000:
        return f"{value:.4f}" if abs(value) < 10 else f"{value:.2f}"
    return f"{value:.3g}"


def whole_axis() -> Any:
    """A bottom axis whose ticks are whole numbers, for batches and epochs."""
    pg = load_pyqtgraph()

    class WholeAxis(pg.AxisItem):
        def tickSpacing(self, low: float, high: float, size: float) -> list[tuple[float, float]]:
            levels = super().tickSpacing(low, high, size)
            return [(spacing, offset) for spacing, offset in levels if spacing >= 1] or [(1, 0)]

    return WholeAxis("bottom")


class Coalescer:
    """Calls `redraw` soon after `ask()`, at most ten times a second, and less often where a
    redraw is slow, so that a busy run never makes a busy window.
    """

    def __init__(self, redraw: Callable[[], None], parent: QWidget) -> None:
        self._redraw = redraw
        self._timer = QTimer(parent)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._fire)
        self._interval = REPAINT_MS
        self._spent_before = _thread_ms()

    def ask(self) -> None:
        """A redraw is wanted; it comes once, however often it is asked for."""
        if not self._timer.isActive():
            self._timer.start(self._interval)

    def _fire(self) -> None:
        # Painting follows in the event loop, so what counts is all that this thread has done
        # since the last time.
        spent = _thread_ms() - self._spent_before
        self._interval = int(min(SLOWEST_MS, max(REPAINT_MS, spent / REPAINT_SHARE)))
        self._spent_before = _thread_ms()
        self._redraw()


def _thread_ms() -> float:
    return time.thread_time() * 1000
