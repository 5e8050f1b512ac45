"""Loss and metric plots of one run, with other runs laid over it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSlider,
    QToolButton,
    QWidget,
)

from studio.core.options import N_
from studio.gui.i18n import bind_text, tr, translator
from studio.gui.icons import icon
from studio.gui.run_history import BATCH, EPOCH, VAL, RunHistory, Smoother
from studio.gui.settings import Settings
from studio.gui.widgets.basics import button, label
from studio.gui.widgets.parts import column
from studio.gui.widgets.plots import Coalescer, Curve, LinePlot
from studio.metrics.names import in_order, is_loss, measure


@dataclass(frozen=True)
class PlotSpec:
    """One plot: which splits and which of their values."""

    key: str
    title: str
    x_title: str
    splits: tuple[str, ...]
    loss: bool


PLOTS = (
    PlotSpec("loss_batch", N_("Loss by batch"), N_("Batch"), (BATCH,), True),
    PlotSpec("metrics_epoch", N_("Metrics by epoch"), N_("Epoch"), (VAL,), False),
    PlotSpec("loss_epoch", N_("Loss by epoch"), N_("Epoch"), (EPOCH, VAL), True),
    PlotSpec("other_batch", N_("Pace and learning rate"), N_("Batch"), (BATCH,), False),
)
# What is drawn until the person chooses otherwise: few lines, on one scale.
FIRST_CHOICE = {
    "loss_batch": ("loss", "box_loss", "pose_loss"),
    # Shares of one, or degrees: never both on one scale.
    "metrics_epoch": ("AP", "AP50", "HOTA-KP", "PCK", "precision", "recall"),
    "loss_epoch": ("loss",),
    "other_batch": ("images_per_second",),
}


def title_of(name: str) -> str:
    """What a value is called in the window's language."""
    known = measure(name)
    return tr(known.title) if known.title else name


class RunPlots(QWidget):
    """The plots with their controls. `main` is the run in hand; overlays are drawn dashed."""

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._runs: list[tuple[str, RunHistory]] = []
        self._smoothers: dict[tuple[int, str, str], Smoother] = {}
        self._chosen: dict[str, set[str]] = {}
        self.plots = {spec.key: LinePlot(spec.title, spec.x_title, whole=True) for spec in PLOTS}
        self._menus: dict[str, QMenu] = {}
        grid = QGridLayout()
        grid.setSpacing(16)
        for number, spec in enumerate(PLOTS):
            self.plots[spec.key].add_corner(self._value_menu(spec))
            grid.addWidget(self.plots[spec.key], number // 2, number % 2)
        for each in (0, 1):
            grid.setColumnStretch(each, 1)
            grid.setRowStretch(each, 1)
        self.setLayout(column(self._controls(), grid, spacing=8))
        self.coalescer = Coalescer(self.redraw, self)
        self._set_log(self._log.isChecked())
        translator.language_changed.connect(self.redraw)

    def set_runs(self, runs: Iterable[tuple[str, RunHistory]]) -> None:
        """Show these runs, by name; the first is the one in hand."""
        self._runs = list(runs)
        self._smoothers.clear()
        self.redraw()
        self.reset_view()

    def changed(self) -> None:
        """The run in hand has more to show; it is shown soon."""
        self.coalescer.ask()

    def reset_view(self) -> None:
        """Every plot shows everything."""
        for plot in self.plots.values():
            plot.reset_view()

    def redraw(self) -> None:
        """Draw everything that is known now."""
        for spec in PLOTS:
            names = self._names(spec)
            self._fill_menu(spec, names)
            shown = [n for n in names if n in self._wanted(spec, names)]
            self.plots[spec.key].set_curves(self._curves(spec, shown))

    def _curves(self, spec: PlotSpec, shown: list[str]) -> list[Curve]:
        curves: list[Curve] = []
        several = len(self._runs) > 1
        for number, (run_name, history) in enumerate(self._runs):
            for position, name in enumerate(shown):
                for split in spec.splits:
                    judged_loss = split == VAL and spec.loss
                    title = title_of(name)
                    if judged_loss:
                        title = tr("{name}, validation", name=title)
                    if several:
                        alone = len(shown) == 1 and spec.loss and not judged_loss
                        title = run_name if alone else f"{run_name} {title}"
                    color = number if several else position + judged_loss * 4
                    dash = position + judged_loss if several else 0
                    curves += self._lines(number, history, split, name, (title, color, dash))
        return curves

    def _lines(
        self, number: int, history: RunHistory, split: str, name: str, look: tuple[str, int, int]
    ) -> list[Curve]:
        series = history.get(split, name)
        if not len(series):
            return []
        title, color, dash = look
        x, y = series.arrays()
        weight = self._smoothing.value() / 100
        if split != BATCH or weight <= 0:
            return [Curve(title, x, y, color, marks=split != BATCH, dash=dash)]
        key = (number, split, name)
        smoother = self._smoothers.get(key)
        if smoother is None or smoother.weight != weight:
            smoother = self._smoothers[key] = Smoother(weight)
        smoothed = smoother.of(series)[1]
        lines = [Curve(title, x, smoothed, color, dash=dash)]
        return lines if len(self._runs) > 1 else [Curve(title, x, y, color, faint=True), *lines]

    def _names(self, spec: PlotSpec) -> list[str]:
        found: dict[str, None] = {}
        for _, history in self._runs:
            for split in spec.splits:
                found.update(dict.fromkeys(history.names(split)))
        names = in_order(n for n in found if is_loss(n) == spec.loss)
        first = FIRST_CHOICE[spec.key]
        return sorted(names, key=lambda n: first.index(n) if n in first else len(first))

    def _wanted(self, spec: PlotSpec, names: list[str]) -> set[str]:
        if spec.key in self._chosen:
            return self._chosen[spec.key]
        first = [n for n in FIRST_CHOICE[spec.key] if n in names] or _alike(names)[:3]
        return set(first[:1] if len(self._runs) > 1 else first)

    def _value_menu(self, spec: PlotSpec) -> QToolButton:
        choose = QToolButton()
        choose.setIcon(icon("visible"))
        bind_text(choose.setToolTip, "Choose what is drawn")
        bind_text(choose.setAccessibleName, "Choose what is drawn")
        choose.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._menus[spec.key] = QMenu(choose)
        choose.setMenu(self._menus[spec.key])
        return choose

    def _fill_menu(self, spec: PlotSpec, names: list[str]) -> None:
        menu = self._menus[spec.key]
        wanted = self._wanted(spec, names)
        state = [(n, title_of(n), n in wanted) for n in names]
        if [(a.data(), a.text(), a.isChecked()) for a in menu.actions()] == state:
            return
        menu.clear()
        for name, title, on in state:
            action = QAction(title, menu)
            action.setData(name)
            action.setCheckable(True)
            action.setChecked(on)
            action.toggled.connect(lambda _on, key=spec.key: self._choose(key))
            menu.addAction(action)

    def _choose(self, key: str) -> None:
        self._chosen[key] = {a.data() for a in self._menus[key].actions() if a.isChecked()}
        self.redraw()

    def _controls(self) -> QHBoxLayout:
        self._smoothing = QSlider(Qt.Orientation.Horizontal)
        self._smoothing.setRange(0, 99)
        self._smoothing.setFixedWidth(120)
        self._smoothing.setValue(self._settings.get("train/smoothing", 60))
        self._smoothing.valueChanged.connect(self._smoothing_changed)
        bind_text(self._smoothing.setToolTip, "How much the lines by batch are smoothed")
        bind_text(self._smoothing.setAccessibleName, "Smoothing")
        self._percent = QLabel(f"{self._smoothing.value()} %")
        self._percent.setProperty("role", "unit")
        self._percent.setFixedWidth(40)
        self._log = QCheckBox()
        bind_text(self._log.setText, "Logarithmic loss")
        bind_text(self._log.setToolTip, "Draw losses on a logarithmic scale")
        self._log.setChecked(self._settings.get("train/log", False))
        self._log.toggled.connect(self._set_log)
        whole = button(
            "Show all",
            self.reset_view,
            role="quiet",
            icon_name="fit",
            tooltip="Show everything again (double click in a plot)",
        )
        controls = QHBoxLayout()
        controls.setSpacing(8)
        controls.addWidget(label("Smoothing", "muted"))
        controls.addWidget(self._smoothing)
        controls.addWidget(self._percent)
        controls.addSpacing(8)
        controls.addWidget(self._log)
        controls.addStretch(1)
        controls.addWidget(whole)
        return controls

    def _smoothing_changed(self, value: int) -> None:
        self._percent.setText(f"{value} %")
        self._settings.set("train/smoothing", value)
        self.coalescer.ask()

    def _set_log(self, on: bool) -> None:
        self._settings.set("train/log", on)
        for spec in PLOTS:
            if spec.loss:
                self.plots[spec.key].set_log(on)


def _alike(names: list[str]) -> list[str]:
    """Those that are measured in the first one's unit."""
    unit = measure(names[0]).unit if names else ""
    return [n for n in names if measure(n).unit == unit]
