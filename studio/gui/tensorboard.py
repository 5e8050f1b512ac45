"""TensorBoard over a run, where it is installed: a process on this machine only, and a browser."""

from __future__ import annotations

import importlib.util
import socket
import sys
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtNetwork import QAbstractSocket, QTcpSocket

from studio.core.errors import MissingTool
from studio.gui.i18n import tr
from studio.io.guard import guarded

HOST = "127.0.0.1"
LOOK_EVERY_MS = 300
LAST_WORDS = 2000
# How long the guard has to end it.
END_MS = 500


def is_installed() -> bool:
    """Whether it can be started; nothing is imported. A frozen program has no Python to run it."""
    return not getattr(sys, "frozen", False) and importlib.util.find_spec("tensorboard") is not None


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])


class TensorBoard(QObject):
    """One process at a time; it ends with the window, be that closed or killed: a guard beside it
    ends it when the window's end of a pipe is gone. `opened` carries the address once it answers,
    `failed` a MissingTool where it ended before.
    """

    opened = Signal(str)
    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.process: QProcess | None = None
        self.folder = Path()
        self.port = 0
        self._look = QTimer(self)
        self._look.setInterval(LOOK_EVERY_MS)
        self._look.timeout.connect(self._try)
        self._socket = QTcpSocket(self)
        self._socket.connected.connect(self._answered)

    @property
    def address(self) -> str:
        """Where it can be seen."""
        return f"http://{HOST}:{self.port}/"

    def show(self, folder: Path) -> None:
        """Open the browser on `folder`'s curves, starting the process where need be."""
        if self.process is not None and self.folder == folder:
            self._look.start()
            return
        self.stop()
        self.folder, self.port = folder, free_port()
        process = QProcess(self)
        process.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
        process.finished.connect(self._ended)
        process.errorOccurred.connect(self._ended)
        process.start(sys.executable, guarded([sys.executable, *self.arguments()]))
        self.process = process
        self._look.start()

    def arguments(self) -> list[str]:
        """The command line behind Python's own."""
        return [
            "-m", "tensorboard.main", "--logdir", str(self.folder),
            "--host", HOST, "--port", str(self.port), "--reload_interval", "5",
        ]  # fmt: skip

    def stop(self) -> None:
        """End the process and wait for it a moment."""
        self._look.stop()
        process, self.process = self.process, None
        if process is not None:
            process.blockSignals(True)
            process.closeWriteChannel()
            if not process.waitForFinished(END_MS):
                process.kill()
                process.waitForFinished(END_MS)
            process.deleteLater()

    def _try(self) -> None:
        if self._socket.state() == QAbstractSocket.SocketState.UnconnectedState:
            self._socket.connectToHost(HOST, self.port)

    def _answered(self) -> None:
        self._look.stop()
        self._socket.abort()
        self.opened.emit(self.address)
        QDesktopServices.openUrl(QUrl(self.address))

    def _ended(self) -> None:
        self._look.stop()
        process, self.process = self.process, None
        if process is None:
            return
        said = bytes(process.readAll().data()).decode("utf-8", "replace")[-LAST_WORDS:]
        lines = [line for line in said.splitlines() if line.strip()]
        process.deleteLater()
        self.failed.emit(
            MissingTool(
                "TensorBoard ended by itself" + (f": {lines[-1]}" if lines else "."),
                hint=tr("Install it again, or look at the plots here."),
            )
        )
