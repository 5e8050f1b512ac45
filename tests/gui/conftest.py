"""The real window in every test: offscreen, with settings and data in a folder of the test's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")
os.environ.setdefault("QT_API", "pyside6")
os.environ.setdefault("PYTEST_QT_API", "pyside6")

from studio.gui.app import make_window
from studio.gui.context import StudioContext
from studio.gui.i18n import translator
from studio.gui.main_window import MainWindow
from studio.gui.theme import theme
from tests.gui.annotating import Hands
from tests.gui.patience import PatientBot


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What the offscreen platform says of itself is no fault of the window."""
    for item in items:
        item.add_marker(pytest.mark.qt_log_ignore("This plugin does not support", extend=True))


def delete_now(thing: QObject) -> None:
    """Delete it before the next test begins, not at some later event."""
    thing.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of a test touches the person's own settings, data or cache."""
    for name, folder in (("CONFIG", "config"), ("DATA", "data"), ("CACHE", "cache")):
        monkeypatch.setenv(f"POSE_STUDIO_{name}_DIR", str(tmp_path / f".{folder}"))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / f".{name.lower()}"))


@pytest.fixture(autouse=True)
def english_and_light(qapp: object) -> Iterator[None]:
    """Each test starts in English and in the light theme."""
    translator.set_language("en")
    if theme.choice != "light":
        theme.set_choice("light")
    yield
    translator.set_language("en")


@pytest.fixture
def qtbot(qapp: object, request: pytest.FixtureRequest) -> PatientBot:
    """pytest-qt's, but patient: the machines are shared and slow at times."""
    return PatientBot(request)


@pytest.fixture
def studio(own_folders: None) -> Iterator[StudioContext]:
    """A context without a window; its jobs are ended after the test."""
    context = StudioContext()
    context.settings.set("language", "en")
    context.settings.set("theme", "light")
    yield context
    context.runner.kill_all()
    delete_now(context)


@pytest.fixture
def window(qtbot: object, studio: StudioContext) -> Iterator[MainWindow]:
    """The real main window, shown."""
    made = make_window(studio)
    made.resize(1280, 800)
    made.show()
    yield made
    studio.runner.kill_all()
    for page in made.pages.values():
        page.deactivate()
    made.hide()
    delete_now(made)


@pytest.fixture
def hands(window: MainWindow, qtbot: PatientBot) -> Hands:
    """Hands on the page where pictures are annotated."""
    return Hands(window, qtbot.waitUntil)
