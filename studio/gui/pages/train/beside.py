"""Beside the plots of a run: the person's notes on it, and what it takes of the machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from studio.gui.background import Background
from studio.gui.i18n import bind_text
from studio.gui.load import Load, LoadMeter
from studio.gui.run_folder import read_notes, write_notes
from studio.gui.widgets.basics import label
from studio.gui.widgets.parts import column

WRITE_AFTER_MS = 600
MEASURE_EVERY_MS = 2000


class RunNotes(QWidget):
    """A text that is kept in the run's folder by itself."""

    failed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.folder: Path | None = None
        self._kept = ""
        self._reader, self._writer = Background(self), Background(self)
        self.text = QPlainTextEdit()
        self.text.setTabChangesFocus(True)
        bind_text(self.text.setAccessibleName, "Notes")
        bind_text(self.text.setPlaceholderText, "What was tried, what came of it")
        self.text.textChanged.connect(self._changed)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(WRITE_AFTER_MS)
        self._soon.timeout.connect(self.write)
        hint = label("Kept in the run's folder as notes.txt.", "hint")
        self.setLayout(column(self.text, hint))

    def show_run(self, folder: Path) -> None:
        """Another run's notes; those of the one before are written first."""
        if folder == self.folder:
            return
        self.write()
        self.folder = folder
        self._put("")
        self.text.setEnabled(False)
        self._reader.start(lambda: read_notes(folder), self._read, self.failed.emit)

    def write(self) -> None:
        """Keep what is written now."""
        self._soon.stop()
        folder, text = self.folder, self.text.toPlainText()
        if folder is None or not self.text.isEnabled() or text == self._kept:
            return
        if self._writer.busy:
            self._soon.start()
            return
        self._kept = text
        if folder.is_dir():
            self._writer.start(lambda: write_notes(folder, text), lambda _: None, self.failed.emit)

    def _changed(self) -> None:
        if self.text.toPlainText() != self._kept:
            self._soon.start()

    def _read(self, text: str) -> None:
        self._put(text)
        self.text.setEnabled(True)

    def _put(self, text: str) -> None:
        self._kept = text
        self.text.setPlainText(text)


class LoadWatch(QObject):
    """Measures a process every two seconds in a worker; `show` gets a Load, or None."""

    def __init__(self, show: Callable[[Load | None], None], parent: QObject) -> None:
        super().__init__(parent)
        self._show = show
        self._pid = 0
        self._meter = LoadMeter()
        self._worker = Background(self)
        self._timer = QTimer(self)
        self._timer.setInterval(MEASURE_EVERY_MS)
        self._timer.timeout.connect(self._measure)
        show(None)

    def watch(self, pid: int) -> None:
        """Measure this process from now on; 0 ends it."""
        if pid == self._pid:
            return
        self._pid = pid
        self._meter = LoadMeter()
        self._worker.drop()
        self._show(None)
        if pid:
            self._timer.start()
            self._measure()
        else:
            self._timer.stop()

    def _measure(self) -> None:
        if not self._worker.busy:
            meter, pid = self._meter, self._pid
            self._worker.start(lambda: meter.measure(pid), self._measured, lambda _: None)

    def _measured(self, load: Load | None) -> None:
        self._show(load)
        if load is None:
            self._timer.stop()
