"""The real window: pages, drawer, banners, settings, what it remembers, how it closes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QTextTable
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from studio.core.errors import DataError, Problem
from studio.core.job import JobSpec
from studio.gui import app as app_module
from studio.gui import main_window as main_window_module
from studio.gui.app import make_window
from studio.gui.context import StudioContext
from studio.gui.dialogs import read_settings
from studio.gui.help import HelpViewer, help_pages
from studio.gui.i18n import translator
from studio.gui.main_window import MainWindow
from studio.gui.page_table import PAGES, PageEntry
from studio.gui.pages.annotate import AnnotatePage
from studio.gui.settings import Settings
from studio.gui.theme import theme


def sample_spec(tmp_path: Path, pictures: int) -> JobSpec:
    options = {
        "out": str(tmp_path / "sample"),
        "pictures": pictures,
        "clips": 0,
        "size": 96,
        "photos": False,
    }
    return JobSpec("sample", options, tmp_path / "sample-run")


def test_the_rail_is_the_order_of_the_work(window: MainWindow) -> None:
    texts = [button.text() for button in window.rail.buttons.values()]
    assert texts == ["Annotate", "Datasets", "Train", "Evaluate", "Export", "Live"]
    assert window.pages == {}


def test_pages_are_made_when_first_shown(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.mouseClick(window.rail.buttons["live"], Qt.MouseButton.LeftButton)
    assert list(window.pages) == ["live"]
    assert window.current_page.page_id == "live"
    assert window.rail.buttons["live"].isChecked()
    page = window.pages["live"]
    qtbot.keyClick(window, Qt.Key.Key_6, Qt.KeyboardModifier.ControlModifier)
    assert window.pages["live"] is page


def test_keys_open_pages(qtbot: QtBot, window: MainWindow) -> None:
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    for number, entry in enumerate(PAGES, start=1):
        qtbot.keyClick(window, Qt.Key(Qt.Key.Key_0 + number), Qt.KeyboardModifier.ControlModifier)
        assert window.current_page.page_id == entry.page_id


def test_a_page_that_cannot_be_made_is_a_banner(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = PageEntry("broken", "Train", "train", "studio.gui.pages.nowhere:Page")
    monkeypatch.setattr(main_window_module, "PAGES", (*PAGES, broken))
    window.open_page("broken")
    assert window.welcome.banner.isVisible()
    assert "Train" in window.welcome.banner.message.text()


def test_a_problem_is_a_banner_on_the_page_in_front(qtbot: QtBot, window: MainWindow) -> None:
    window.open_page("live")
    try:
        try:
            raise ValueError("inner")
        except ValueError as cause:
            raise DataError("The split is empty.", where="a.json", hint="Add pictures.") from cause
    except DataError as error:
        window.studio.report(error)
    banner = window.pages["live"].banner
    assert banner.isVisible()
    assert banner.message.text() == "The split is empty."
    assert banner.hint.text() == "a.json\nAdd pictures."
    assert not banner.details.isVisible()
    qtbot.mouseClick(banner.details_button, Qt.MouseButton.LeftButton)
    assert "inner" in banner.details.toPlainText()
    qtbot.mouseClick(banner.close_button, Qt.MouseButton.LeftButton)
    assert not banner.isVisible()


def test_a_finding_names_file_and_line(window: MainWindow) -> None:
    window.studio.report(Problem("Too many columns.", where="a.txt", line=3, severity="warning"))
    banner = window.welcome.banner
    assert banner.property("role") == "banner-warning"
    assert banner.hint.text() == "a.txt:3"


def test_an_uncaught_error_is_a_banner(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    said: list[object] = []
    monkeypatch.setattr(sys, "__excepthook__", lambda *details: said.append(details))
    app_module._route_errors(window)
    try:
        raise RuntimeError("a slip of ours")
    except RuntimeError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    assert "a slip of ours" in window.welcome.banner.message.text()
    assert "test_app.py" in window.welcome.banner.details.toPlainText()
    assert said


def test_the_drawer_shows_a_job_from_start_to_end(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    drawer = window.drawer
    drawer.set_open(True)
    assert drawer.empty.isVisible()
    job = window.studio.runner.start(sample_spec(tmp_path, 3000), title="Make the sample project")
    row = drawer.rows[id(job)]
    qtbot.waitUntil(row.isVisible)
    assert "1" in drawer.toggle_button.text()
    qtbot.waitUntil(lambda: job.progress[0] > 0, timeout=20_000)
    qtbot.waitUntil(lambda: row.bar.isVisible() and row.bar.value() > 0)
    assert "3000" in row.status.text()
    qtbot.mouseClick(row, Qt.MouseButton.LeftButton)
    assert row.property("selected") is True
    qtbot.mouseClick(row.cancel_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: job.ended, timeout=20_000)
    assert "Cancelled" in row.status.text()
    assert row.retry_button.isVisible()
    assert not row.stop_button.isVisible()
    qtbot.mouseClick(row.remove_button, Qt.MouseButton.LeftButton)
    assert drawer.rows == {}


def test_a_killed_job_is_told_in_the_drawer(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    window.drawer.set_open(True)
    job = window.studio.runner.start(sample_spec(tmp_path, 3000))
    qtbot.waitUntil(lambda: job.progress[0] > 0, timeout=20_000)
    os.kill(job.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: job.ended, timeout=10_000)
    row = window.drawer.rows[id(job)]
    assert row.status.text().startswith("Crashed")
    assert row.retry_button.isVisible()
    window.drawer.show_log(job)
    assert "Crashed" in window.drawer.log.toPlainText()


def test_settings_hold_at_once_and_are_kept(qtbot: QtBot, window: MainWindow) -> None:
    dialog = window.commands.open_settings()
    language = dialog.form.editors["language"].input
    look = dialog.form.editors["theme"].input
    assert isinstance(language, QComboBox)
    assert isinstance(look, QComboBox)
    language.setCurrentIndex(language.findData("ja"))
    look.setCurrentIndex(look.findData("dark"))
    assert translator.language == "ja"
    assert theme.name == "dark"
    assert dialog.windowTitle() == "設定"
    dialog.accept()
    kept = read_settings(Settings(window.studio.settings.folder))
    assert (kept.language, kept.theme) == ("ja", "dark")


def test_damaged_settings_become_defaults(studio: StudioContext) -> None:
    studio.settings.set("language", "klingon")
    studio.settings.set("autosave", "perhaps")
    kept = read_settings(studio.settings)
    assert kept.language == "system"
    assert kept.autosave is True


def test_annotations_are_saved_as_the_settings_say(window: MainWindow) -> None:
    page = window.page("annotate")
    assert isinstance(page, AnnotatePage)
    dialog = window.commands.open_settings()
    box = dialog.form.editors["autosave"].input
    assert isinstance(box, QCheckBox)
    assert box.isChecked()
    assert page.document.autosave
    box.setChecked(False)
    assert not page.document.autosave
    assert not page.commands.get("autosave").isChecked()
    dialog.accept()
    page.commands.get("autosave").trigger()
    assert page.document.autosave
    assert read_settings(window.studio.settings).autosave


def test_the_window_comes_back_as_it_was(qtbot: QtBot, studio: StudioContext) -> None:
    first = make_window(studio)
    first.resize(960, 651)
    first.show()
    first.drawer.set_open(True)
    first.close()
    second = make_window(StudioContext(Settings(studio.settings.folder)))
    second.show()
    assert (second.width(), second.height()) == (960, 651)
    assert second.drawer.is_open()
    second.drawer.set_open(False)
    for made in (first, second):
        made.close()
        made.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def test_recent_projects_are_remembered(studio: StudioContext, tmp_path: Path) -> None:
    for name in ("a", "b", "gone"):
        (tmp_path / name).mkdir()
        studio.settings.add_recent_project(tmp_path / name)
    (tmp_path / "gone").rmdir()
    studio.settings.add_recent_project(tmp_path / "a")
    assert studio.settings.recent_projects() == [tmp_path / "a", tmp_path / "b"]


def answer_box(label: str) -> None:
    """Press the button of the question box that says `label`."""
    for widget in QApplication.topLevelWidgets():
        if isinstance(widget, QMessageBox) and widget.isVisible():
            for button in widget.findChildren(QPushButton):
                if button.text() == label:
                    button.click()


def test_closing_with_running_jobs_asks(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PySide6.QtCore import QTimer

    job = window.studio.runner.start(sample_spec(tmp_path, 3000))
    qtbot.waitUntil(lambda: job.progress[0] > 0, timeout=20_000)
    QTimer.singleShot(100, lambda: answer_box("Keep the window open"))
    window.close()
    assert window.isVisible()
    assert job.state == "running"
    monkeypatch.setattr(main_window_module, "SAVE_GRACE_MS", 3000)
    QTimer.singleShot(100, lambda: answer_box("Save, stop and close"))
    window.close()
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=20_000)
    assert job.ended


def test_plugins_are_listed_with_the_reason(
    window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "plugins" / "broken"
    broken.mkdir(parents=True)
    (broken / "plugin.toml").write_text('name = "broken"\nrequires = ["no_such_package"]\n')
    monkeypatch.setenv("POSE_STUDIO_PLUGINS", str(tmp_path / "plugins"))
    dialog = window.commands.open_plugins()
    dialog._reload()
    rows = [dialog.tree.topLevelItem(n) for n in range(dialog.tree.topLevelItemCount())]
    states = {row.text(0): row.text(3) for row in rows if row is not None}
    assert "no_such_package" in states["broken"]
    assert any(state == "Ready" for state in states.values())
    disabled = [row for row in rows if row is not None and row.isDisabled()]
    assert [row.text(0) for row in disabled] == ["broken"]
    dialog.accept()
    monkeypatch.delenv("POSE_STUDIO_PLUGINS")
    dialog._reload()


def test_about_shows_the_licence(window: MainWindow) -> None:
    from studio.gui.dialogs import licence_text

    assert "GNU AFFERO GENERAL PUBLIC LICENSE" in licence_text().upper()
    dialog = window.commands.open_about()
    assert dialog.isVisible()
    dialog.accept()


def test_help_follows_the_language_and_its_links(qtbot: QtBot, tmp_path: Path) -> None:
    for language, title in (("en", "Start"), ("ja", "はじめに")):
        (tmp_path / language).mkdir()
        (tmp_path / language / "index.md").write_text(f"# {title}\n\n[Live](live.md)\n", "utf-8")
    (tmp_path / "en" / "live.md").write_text("# Live view\n\nText.\n", encoding="utf-8")
    assert list(help_pages("ja", tmp_path)) == ["index", "live"]
    viewer = HelpViewer(root=tmp_path)
    qtbot.addWidget(viewer)
    viewer.show_page("live")
    assert "Text." in viewer.text.toPlainText()
    translator.set_language("ja")
    assert viewer.current() == "live"
    viewer.show_page("index")
    assert "はじめに" in viewer.text.toPlainText()


def test_a_table_below_code_begins_at_the_top(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    text = "# A\n\n```sh\nls\n```\n\n| option | here |\n|---|---|\n| a | b |\n"
    (tmp_path / "en" / "index.md").write_text(text, encoding="utf-8")
    viewer = HelpViewer(root=tmp_path)
    qtbot.addWidget(viewer)
    (table,) = [
        f for f in viewer.text.document().rootFrame().childFrames() if isinstance(f, QTextTable)
    ]
    assert table.cellAt(0, 0).firstCursorPosition().block().text() == "option"
    assert table.cellAt(0, 1).firstCursorPosition().block().text() == "here"


def test_the_help_of_the_page_in_front_opens(window: MainWindow) -> None:
    viewer = window.commands.open_help()
    assert viewer.isVisible()
    assert viewer.text.toPlainText().strip()
    viewer.close()


def test_a_terminal_can_close_the_window(tmp_path: Path) -> None:
    """Ctrl-C and SIGTERM end the program as the window's own close does."""
    environment = os.environ | {
        "QT_QPA_PLATFORM": "offscreen",
        "POSE_STUDIO_CONFIG_DIR": str(tmp_path),
    }
    program = (
        "import signal, sys\nfrom PySide6.QtCore import QTimer\nfrom studio.gui import app\n"
        "QTimer.singleShot(0, lambda: print('up', flush=True))\nsys.exit(app.run_app())"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "up"
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
    process.stdout.close()
    assert (tmp_path / "window.ini").is_file()


def test_a_killed_window_takes_its_jobs_along(tmp_path: Path) -> None:
    """The job sees that its owner is gone, and stops."""
    environment = os.environ | {
        "QT_QPA_PLATFORM": "offscreen",
        "POSE_STUDIO_CONFIG_DIR": str(tmp_path),
    }
    program = f"""
import sys
from pathlib import Path
from studio.core.job import JobSpec
from studio.gui.app import make_application, make_window
app = make_application()
window = make_window()
window.show()
options = {{"out": {str(tmp_path / "sample")!r}, "pictures": 20000, "clips": 0, "size": 96, "photos": False}}
job = window.studio.runner.start(JobSpec("sample", options, Path({str(tmp_path / "run")!r})))
job.changed.connect(lambda: print(job.pid, flush=True) if job.progress[0] else None)
app.exec()
"""
    window = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment, text=True
    )
    assert window.stdout is not None
    pid = int(window.stdout.readline())
    assert psutil.pid_exists(pid)
    window.send_signal(signal.SIGKILL)
    window.wait(timeout=60)
    window.stdout.close()
    end = time.monotonic() + 60
    while psutil.pid_exists(pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert not psutil.pid_exists(pid)
    assert not (tmp_path / "sample").exists()
