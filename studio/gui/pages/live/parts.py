"""Small parts of the Live page's side: sliders, checks, rows."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from studio.gui.i18n import bind_text
from studio.gui.widgets.basics import label


class ValueSlider(QWidget):
    """A slider with its name above and its value at the right; values are low + step * n."""

    changed = Signal(float)

    def __init__(
        self, title: str, low: float, high: float, step: float, value: float, tooltip: str = ""
    ) -> None:
        super().__init__()
        self.setProperty("role", "clear")
        self._low, self._step = low, step
        self._decimals = 2 if step < 0.1 else 1 if step < 1 else 0
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, round((high - low) / step))
        # The style's handle is higher than the height that the slider asks for.
        self.slider.setMinimumHeight(20)
        bind_text(self.slider.setAccessibleName, title)
        if tooltip:
            bind_text(self.setToolTip, tooltip)
        self.number = QLabel()
        self.number.setProperty("role", "muted")
        head = QHBoxLayout()
        head.addWidget(label(title))
        head.addStretch(1)
        head.addWidget(self.number)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self.slider)
        self.slider.valueChanged.connect(self._moved)
        self.set_value(value)

    def value(self) -> float:
        """The value of the moment."""
        return round(self._low + self.slider.value() * self._step, 4)

    def set_value(self, value: float) -> None:
        """Move the slider to the nearest step."""
        self.slider.setValue(round((value - self._low) / self._step))
        self._moved()

    def _moved(self) -> None:
        self.number.setText(f"{self.value():.{self._decimals}f}")
        self.changed.emit(self.value())


def check(title: str, on: bool, tooltip: str = "") -> QCheckBox:
    """A check box with a translated text."""
    box = QCheckBox()
    bind_text(box.setText, title)
    box.setChecked(on)
    if tooltip:
        bind_text(box.setToolTip, tooltip)
    return box


def choice_box(name: str) -> QComboBox:
    """A combo box that is as wide as its column, not as its longest entry."""
    combo = QComboBox()
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(6)
    bind_text(combo.setAccessibleName, name)
    bind_text(combo.setToolTip, name)
    return combo


def beside(*parts: QWidget) -> QWidget:
    """Widgets in a row; the first has the room."""
    widget = QWidget()
    widget.setProperty("role", "clear")
    layout = QHBoxLayout(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(4)
    for number, part in enumerate(parts):
        layout.addWidget(part, 1 if number == 0 else 0)
    return widget


def titled(title: str, part: QWidget) -> QWidget:
    """A widget with its name above it."""
    widget = QWidget()
    widget.setProperty("role", "clear")
    layout = QVBoxLayout(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(4)
    head = label(title)
    head.setBuddy(part)
    layout.addWidget(head)
    layout.addWidget(part)
    return widget
