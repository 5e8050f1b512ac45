"""The menu of option sets kept by name, with the buttons that keep and forget one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QInputDialog, QSizePolicy, QWidget

from studio.core.errors import StudioError
from studio.gui.i18n import bind_text, tr, translator
from studio.gui.presets import Presets
from studio.gui.widgets.basics import row, tool_button

if TYPE_CHECKING:
    from studio.gui.context import StudioContext


class PresetBar(QWidget):
    """`loaded` carries the values of the preset that was chosen, none for the defaults; `failed`
    a problem for the page.

    values: what is kept when the person asks for it; raises StudioError where a form is wrong.
    """

    loaded = Signal(object)
    failed = Signal(object)

    def __init__(self, studio: StudioContext, values: Callable[[], Mapping[str, Any]]) -> None:
        super().__init__()
        self.setProperty("role", "clear")
        self._folder = studio.settings.folder
        self._values = values
        self._kind = ""
        self.combo = QComboBox()
        bind_text(self.combo.setAccessibleName, "Preset")
        self._save = tool_button("save", "Save these options as a preset", self._ask_name)
        self._delete = tool_button("delete", "Delete this preset", self.delete)
        self.setLayout(row(self.combo, self._save, self._delete, spacing=4))
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.combo.setSizePolicy(policy)
        self.combo.activated.connect(self.load)
        translator.language_changed.connect(self.refresh)

    @property
    def presets(self) -> Presets:
        """Those of the kind of the moment."""
        return Presets(self._folder, self._kind)

    def set_kind(self, kind: str) -> None:
        """Whose options these are: "train/FAMILY", "export/TARGET"."""
        self._kind = kind
        self.refresh()

    def refresh(self) -> None:
        """Offer what is kept now."""
        if not self._kind:
            return
        self.combo.clear()
        self.combo.addItem(tr("Defaults"), "")
        for name in self.presets.names():
            self.combo.addItem(name, name)
        self._delete.setEnabled(False)

    def load(self) -> None:
        """Hand on what the chosen preset holds."""
        name = str(self.combo.currentData() or "")
        try:
            self.loaded.emit(self.presets.load(name) if name else {})
        except StudioError as error:
            self.failed.emit(error)
        self._delete.setEnabled(bool(name) and self.presets.is_own(name))

    def save(self, name: str) -> None:
        """Keep the options of the moment under `name`."""
        try:
            self.presets.save(name, self._values())
        except StudioError as error:
            self.failed.emit(error)
            return
        self.refresh()
        self.combo.setCurrentIndex(self.combo.findData(name))
        self._delete.setEnabled(True)

    def delete(self) -> None:
        """Forget the chosen preset, if it is the person's own."""
        name = str(self.combo.currentData() or "")
        if name:
            self.presets.delete(name)
            self.refresh()

    def _ask_name(self) -> None:
        name, done = QInputDialog.getText(self, tr("Save a preset"), tr("Name"))
        if done and name.strip():
            self.save(name.strip())
