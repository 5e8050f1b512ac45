"""How many of the pictures are for training, for validation and for a test."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QLabel, QSlider

from studio.core.options import N_
from studio.gui.i18n import bind_text
from studio.gui.widgets.bars import Bar, Bars

Counts = tuple[int, int, int]


class Shares(QObject):
    """Two sliders in hundredths with their figures, and bars of the pictures on each side."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.counts: Counts = (0, 0, 0)
        self.ratio, self.percent = self._slider(1, 99, 80, N_("Share for training"))
        self.test_ratio, self.test_percent = self._slider(0, 50, 0, N_("Share for test"))
        self.sides = Bars(("series_1",))

    def _slider(self, least: int, most: int, value: int, title: str) -> tuple[QSlider, QLabel]:
        slider, percent = QSlider(Qt.Orientation.Horizontal), QLabel()
        slider.setRange(least, most)
        slider.setValue(value)
        # The handle is higher than the groove that the style asks room for.
        slider.setMinimumHeight(20)
        slider.valueChanged.connect(lambda _value: self._moved(slider))
        bind_text(slider.setAccessibleName, title)
        percent.setMinimumWidth(40)
        percent.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return slider, percent

    def _moved(self, moved: QSlider) -> None:
        """The other share gives way, so that at least one in a hundred is for validation."""
        other = self.test_ratio if moved is self.ratio else self.ratio
        other.setValue(min(other.value(), 99 - moved.value()))
        self.changed.emit()

    def values(self) -> tuple[float, float]:
        """The shares for training and for the test, 0..1."""
        return self.ratio.value() / 100, self.test_ratio.value() / 100

    def show_counts(self, counts: Counts) -> None:
        """Pictures for training, validation and test."""
        self.counts = counts
        self.percent.setText(f"{self.ratio.value()} %")
        self.test_percent.setText(f"{self.test_ratio.value()} %")
        titles = (N_("For training"), N_("For validation"), N_("For test"))
        bars = [Bar(t, (float(n),), f"{n}") for t, n in zip(titles, counts, strict=True)]
        shown = bars if self.test_ratio.value() or counts[2] else bars[:2]
        self.sides.set_bars(shown, top=float(max(1, *counts, sum(counts))))

    def one_is_empty(self) -> bool:
        """Whether a side that is asked for gets no picture."""
        train, val, test = self.counts
        return bool(
            train + val + test and not (train and val and (test or not self.test_ratio.value()))
        )
