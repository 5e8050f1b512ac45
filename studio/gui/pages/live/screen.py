"""The live picture alone on the whole screen."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QCloseEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QVBoxLayout, QWidget

ENDS = ("Esc",)


class FullScreen(QWidget):
    """Holds a widget on the whole screen until Esc; the page's actions work here too.

    `left` comes when the person wants back; whoever lent the widget takes it again.
    """

    left = Signal()

    def __init__(self, content: QWidget, actions: list[QAction]) -> None:
        super().__init__()
        self.setWindowTitle("Pose Studio")
        self.addActions(actions)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(content)
        for keys in ENDS:
            QShortcut(QKeySequence(keys), self, self.left.emit)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.left.emit()
        super().closeEvent(event)
