"""What is drawn over the live picture, and how: layers switched on and off, sliders."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QGridLayout, QVBoxLayout, QWidget

from studio.core.options import N_
from studio.core.requests.shared import HEAD_AXIS, HEAD_CUBE, HEAD_NONE
from studio.gui.i18n import tr, translator
from studio.gui.pages.live.layers import LiveStyle
from studio.gui.pages.live.parts import ValueSlider, check, choice_box, titled
from studio.gui.pages.live.trails import LONGEST

HEADS = ((HEAD_CUBE, N_("Cubes")), (HEAD_AXIS, N_("Axes")), (HEAD_NONE, N_("Not drawn")))


class DrawingPanel(QWidget):
    """`changed` carries options for the job, which draws recordings and snapshots; `restyled`: the
    view draws otherwise.
    """

    changed = Signal(dict)
    restyled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "clear")
        self.conf = ValueSlider(
            "Confidence", 0.05, 0.95, 0.05, 0.25, "People below this score are left out."
        )
        self.joint_conf = ValueSlider(
            "Joint confidence", 0.0, 0.95, 0.05, 0.3, "Joints below this score are not drawn."
        )
        self.smoothing = ValueSlider(
            "Smoothing", 0.0, 1.0, 0.05, 0.0, "How calm joints are; higher follows later."
        )
        self.radius = ValueSlider("Joint radius", 0, 12, 0.5, 4)
        self.line_width = ValueSlider("Line width", 1, 10, 0.5, 3)
        self.trail = ValueSlider("Trail length (frames)", 5, LONGEST, 5, 30)
        self.skeletons = check("Skeletons", True, "Joints and limbs; the fainter, the less sure")
        self.boxes = check("Boxes", True, "A frame around each person")
        self.ids = check("Names", True, "Number, class and score of each person")
        self.trails = check("Trails", True, "Where people with an identity have been")
        self.overlay = check("Figures", True, "Rates, latency, and what each stage takes")
        self.heads = choice_box("Head poses")
        self._lay_out()
        self._retext()
        self._connect()

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(8)
        for number, box in enumerate(self.layers().values()):
            grid.addWidget(box, number // 2, number % 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(grid)
        column.addWidget(titled("Heads as", self.heads))
        column.addSpacing(4)
        for slider in self.sliders().values():
            column.addWidget(slider)

    def _connect(self) -> None:
        for slider in self.sliders().values():
            slider.changed.connect(lambda _value: self._redrawn())
        for box in self.layers().values():
            box.toggled.connect(self._redrawn)
        self.heads.currentIndexChanged.connect(lambda _index: self._redrawn())
        translator.language_changed.connect(self._retext)

    def layers(self) -> dict[str, QCheckBox]:
        """What can be switched on and off."""
        return {
            "skeletons": self.skeletons,
            "boxes": self.boxes,
            "ids": self.ids,
            "trails": self.trails,
            "overlay": self.overlay,
        }

    def sliders(self) -> dict[str, ValueSlider]:
        """What is set by a slider."""
        return {
            "conf": self.conf,
            "joint_conf": self.joint_conf,
            "smoothing": self.smoothing,
            "radius": self.radius,
            "width": self.line_width,
            "trail": self.trail,
        }

    def next_heads(self) -> None:
        """From cubes to axes, to none, to cubes."""
        self.heads.setCurrentIndex((self.heads.currentIndex() + 1) % self.heads.count())

    def values(self) -> dict[str, Any]:
        """What the job is told: it draws what is recorded, in whole pixels of the frame."""
        return {
            "conf": self.conf.value(),
            "kp_conf": self.joint_conf.value(),
            "smoothing": self.smoothing.value(),
            "kp_radius": round(self.radius.value()),
            "line_thickness": round(self.line_width.value()),
            "trail": round(self.trail.value()) if self.trails.isChecked() else 0,
            "head_draw": self.heads.currentData(),
        }

    def look(self) -> LiveStyle:
        """How the view draws."""
        return LiveStyle(
            radius=self.radius.value(),
            width=self.line_width.value(),
            joint_confidence=self.joint_conf.value(),
            trail=round(self.trail.value()),
            heads=str(self.heads.currentData()),
            **{name: box.isChecked() for name, box in self.layers().items()},
        )

    def take(self, chosen: Mapping[str, str]) -> None:
        """Scores and heads as another page or the command line chose them, by the job's names."""
        for name, slider in (("conf", self.conf), ("kp_conf", self.joint_conf)):
            with suppress(ValueError):
                slider.set_value(float(chosen.get(name, "")))
        _choose(self.heads, chosen.get("head_draw"))

    def state(self) -> dict[str, Any]:
        """Everything as it stands, for the next time."""
        return {
            **{name: slider.value() for name, slider in self.sliders().items()},
            **{name: box.isChecked() for name, box in self.layers().items()},
            "heads": self.heads.currentData(),
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` gave; what is of another type is left."""
        for name, slider in self.sliders().items():
            if isinstance(value := state.get(name), int | float):
                slider.set_value(float(value))
        for name, box in self.layers().items():
            if isinstance(value := state.get(name), bool):
                box.setChecked(value)
        _choose(self.heads, state.get("heads"))

    def _redrawn(self) -> None:
        self.restyled.emit()
        self.changed.emit(self.values())

    def _retext(self) -> None:
        chosen = self.heads.currentData()
        self.heads.blockSignals(True)
        self.heads.clear()
        for value, title in HEADS:
            self.heads.addItem(tr(title), value)
        self.heads.setCurrentIndex(0)
        _choose(self.heads, chosen)
        self.heads.blockSignals(False)


def _choose(combo: QComboBox, value: Any) -> None:
    if (index := combo.findData(value)) >= 0:
        combo.setCurrentIndex(index)
