"""What is kept and sent on of a live session: recordings, doubtful frames, a stream of results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from studio.core.options import N_
from studio.gui.i18n import bind_text, tr, translator
from studio.gui.pages.live.parts import check, choice_box, titled
from studio.gui.pages.live.source import holds_password

RECORD_AS = (
    ("drawn", N_("The drawn picture")),
    ("raw", N_("The picture of the camera")),
    ("both", N_("Both")),
)
ADDRESS = "tcp://127.0.0.1:8765"


class KeepingPanel(QWidget):
    """`changed` carries options for a running job."""

    changed = Signal(dict)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "clear")
        self.record_as = choice_box("What is recorded")
        self.doubtful = check(
            "Keep doubtful frames",
            False,
            "Pictures with a doubtful person are kept, to be annotated later.",
        )
        self.serve = check(
            "Send the results on", False, "One line of JSON a frame to whoever listens."
        )
        self.address = QLineEdit(ADDRESS)
        self.address.setPlaceholderText(ADDRESS)
        bind_text(self.address.setAccessibleName, "Address to send to")
        bind_text(
            self.address.setToolTip,
            "tcp://host:port, ws://host:port, or mqtt://host:port/topic",
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(titled("What is recorded", self.record_as))
        for widget in (self.doubtful, self.serve, self.address):
            column.addWidget(widget)
        self._retext()
        self._show_address()
        self._connect()

    def _connect(self) -> None:
        self.record_as.currentIndexChanged.connect(
            lambda _index: self.changed.emit({"record_as": self.record_as.currentData()})
        )
        self.doubtful.toggled.connect(lambda on: self.changed.emit({"keep_doubtful": on}))
        self.serve.toggled.connect(lambda _on: self._served())
        self.address.editingFinished.connect(self._served)
        translator.language_changed.connect(self._retext)

    def serving(self) -> str:
        """Where results go; "" nowhere."""
        return self.address.text().strip() if self.serve.isChecked() else ""

    def values(self) -> dict[str, Any]:
        """What the job is asked."""
        return {
            "record_as": self.record_as.currentData(),
            "keep_doubtful": self.doubtful.isChecked(),
            "serve": self.serving(),
        }

    def state(self) -> dict[str, Any]:
        """What is kept for the next time: sending is switched on by hand each time, and an
        address with a password is not written down.
        """
        address = self.address.text().strip()
        return {
            "record_as": self.record_as.currentData(),
            "doubtful": self.doubtful.isChecked(),
            "address": "" if holds_password(address) else address,
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` gave."""
        index = self.record_as.findData(state.get("record_as"))
        self.record_as.setCurrentIndex(max(0, index))
        self.doubtful.setChecked(state.get("doubtful") is True)
        self.address.setText(str(state.get("address") or ADDRESS))

    def _served(self) -> None:
        self._show_address()
        self.changed.emit({"serve": self.serving()})

    def _show_address(self) -> None:
        self.address.setVisible(self.serve.isChecked())

    def _retext(self) -> None:
        chosen = self.record_as.currentData()
        self.record_as.blockSignals(True)
        self.record_as.clear()
        for value, title in RECORD_AS:
            self.record_as.addItem(tr(title), value)
        self.record_as.setCurrentIndex(max(0, self.record_as.findData(chosen)))
        self.record_as.blockSignals(False)
