"""The bar below the skeleton's figure: what the mouse does there, and the limb that is chosen."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QWidget

from studio.core.names import spoken
from studio.gui.i18n import tr, translator
from studio.gui.pages.annotate.skeleton_canvas import Limb, SkeletonCanvas
from studio.gui.widgets.basics import label, row, tool_button

MOVE, JOIN = range(2)


class LimbBar(QWidget):
    """`removed(limb)` and `color_asked(limb)` are about the limb chosen on the canvas."""

    removed = Signal(object)
    color_asked = Signal(object)

    def __init__(self, canvas: SkeletonCanvas) -> None:
        super().__init__()
        self._canvas = canvas
        self.setProperty("role", "clear")
        self.modes = QButtonGroup(self)
        self.move_button = tool_button("cursor-move", "Move joints", checkable=True)
        self.join_button = tool_button("vector-line", "Join joints by limbs", checkable=True)
        self.modes.addButton(self.move_button, MOVE)
        self.modes.addButton(self.join_button, JOIN)
        self.move_button.setChecked(True)
        self.modes.idToggled.connect(self._mode_changed)
        self.name = label("", "hint")
        self.color_button = tool_button("palette-outline", "Colour of the limb", self._ask_color)
        self.remove_button = tool_button("delete", "Remove the limb", self._remove)
        line: QHBoxLayout = row(
            self.move_button,
            self.join_button,
            12,
            self.name,
            None,
            self.color_button,
            self.remove_button,
        )
        self.setLayout(line)
        canvas.limb_picked.connect(self.refresh)
        canvas.changed.connect(self.refresh)
        translator.language_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Name the limb that is chosen."""
        limb = self._canvas.limb
        for each in (self.color_button, self.remove_button):
            each.setEnabled(limb is not None)
        if limb is not None:
            first, second = (spoken(self._canvas.draft.joint(uid).name) for uid in limb)
            self.name.setText(tr("Limb: {first} – {second}", first=first, second=second))
        elif self._canvas.joining:
            self.name.setText(tr("Drag from joint to joint, or click one and then the other."))
        else:
            self.name.setText(tr("Click a limb to choose it."))

    def _mode_changed(self, mode: int, on: bool) -> None:
        if on:
            self._canvas.set_joining(mode == JOIN)
            self.refresh()

    def _ask_color(self) -> None:
        self.color_asked.emit(self._canvas.limb)

    def _remove(self) -> None:
        limb: Limb | None = self._canvas.limb
        if limb is not None:
            self.removed.emit(limb)
