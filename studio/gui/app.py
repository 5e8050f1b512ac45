"""Starts the window. `run_app` is what the command line calls."""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

# pyqtgraph and the like take their binding from here; set before anything imports them.
os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")
os.environ.setdefault("QT_API", "pyside6")

from PySide6.QtCore import QSocketNotifier, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QApplication, QWidget

from studio.core.errors import StudioError
from studio.gui.context import StudioContext
from studio.gui.dialogs import apply_settings, read_settings
from studio.gui.icons import app_icon
from studio.gui.main_window import MainWindow
from studio.gui.page_table import PAGES
from studio.gui.theme import theme

SETTLE_SECONDS = 0.8


def make_application() -> QApplication:
    """The one QApplication, named for the system's settings and window lists."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(
        Qt.HighDpiScaleFactorRoundingPolicy.PassThrough
    )
    _give_way()
    app = QApplication(sys.argv[:1])
    app.setApplicationName("pose-studio")
    app.setApplicationDisplayName("Pose Studio")
    app.setDesktopFileName("pose-studio")
    app.setWindowIcon(app_icon())
    return app


def _give_way() -> None:
    """The window's thread does not wait for the others: a thread that computes hands over after
    1 ms, not 5. A search for garbage passes over what the imports made and nobody frees, and the
    thorough one, which goes through every long list, is made seldom.
    """
    sys.setswitchinterval(0.001)
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, 500)


def make_window(studio: StudioContext | None = None) -> MainWindow:
    """A window with its settings applied, not shown yet."""
    studio = studio or StudioContext()
    settings = read_settings(studio.settings)
    apply_settings(settings)
    if theme.choice == settings.theme:
        theme.set_choice(settings.theme)
    return MainWindow(studio)


def run_app(
    project: Path | None = None,
    *,
    screenshot: Path | None = None,
    sample: bool = False,
    page: str | None = None,
    payload: Mapping[str, Any] | None = None,
) -> int:
    """Open the window on `project` and run until it is closed; gives the exit status.

    screenshot: a folder; every page is rendered into it as PNG and the program ends.
    sample: open the sample project, made on the first time.
    page, payload: the page to show first and what to hand it.
    """
    app = make_application()
    window = make_window()
    _route_errors(window)
    if screenshot is not None:
        return render_pages(window, screenshot, project, sample=sample)
    notifier = _close_on_signals(window)
    window.show()
    QTimer.singleShot(0, window, lambda: _begin(window, project, sample, page, payload))
    status = app.exec()
    del notifier
    return status


def _begin(
    window: MainWindow,
    project: Path | None,
    sample: bool,
    page: str | None,
    payload: Mapping[str, Any] | None,
) -> None:
    settings = read_settings(window.studio.settings)
    recent = window.studio.settings.recent_projects()
    if sample:
        window.commands.open_sample()
    elif project is not None:
        window.open_project(project)
    elif page is None and settings.reopen and recent:
        window.open_project(recent[0])
        last = window.studio.settings.get("window/page", "annotate")
        if window.studio.project is not None and last in {e.page_id for e in PAGES}:
            window.open_page(last)
    if page is not None:
        window.open_page(page, **dict(payload or {}))


def _route_errors(window: MainWindow) -> None:
    """What nobody caught becomes a banner with its details; the window goes on."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not isinstance(error, Exception):
            sys.__excepthook__(kind, error, trace)
            return
        if not isinstance(error, StudioError):
            sys.__excepthook__(kind, error, trace)
        window.show_problem(error)

    sys.excepthook = hook


def _close_on_signals(window: MainWindow) -> QSocketNotifier:
    """Ctrl-C and an end of the session close the window as a person would."""
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setblocking(False)
    signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda _number, _frame: None)
    notifier = QSocketNotifier(ours.fileno(), QSocketNotifier.Type.Read, window)

    def woken() -> None:
        ours.recv(64)
        window.close()

    notifier.activated.connect(woken)
    notifier.destroyed.connect(lambda: (ours.close(), theirs.close()))
    return notifier


def render_pages(
    window: MainWindow, folder: Path, project: Path | None, *, sample: bool = False
) -> int:
    """Every page as a PNG file in `folder`; 1 where one of them could not be made. With `sample`
    and no project, the pages show the sample project, made now if need be.
    """
    folder.mkdir(parents=True, exist_ok=True)
    window.resize(1440, 900)
    window.show()
    status = 0
    settle(SETTLE_SECONDS)
    grab(window).save(str(folder / "0-welcome.png"))
    if project is not None and not window.open_project(project):
        status = 1
    elif project is None and sample:
        window.commands.open_sample()
        while window.studio.project is None and window.studio.runner.running():
            settle(0.1)
    for number, entry in enumerate(PAGES, start=1):
        window.open_page(entry.page_id)
        if entry.page_id not in window.pages:
            status = 1
        settle(SETTLE_SECONDS)
        grab(window).save(str(folder / f"{number}-{entry.page_id}.png"))
    window.studio.runner.kill_all()
    window.close()
    return status


def settle(seconds: float) -> None:
    """Let the window work for a while, so that pictures and lists have come."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)


def grab(widget: QWidget) -> QImage:
    """The widget as it stands on the screen."""
    return widget.grab().toImage()
