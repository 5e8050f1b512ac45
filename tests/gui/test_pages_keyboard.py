"""Each working page from its opening to its result, by the keyboard alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from studio.core.job import JobSpec
from studio.gui.main_window import MainWindow
from studio.gui.pages.datasets import DatasetsPage
from studio.gui.pages.evaluate import EvaluatePage
from studio.gui.pages.export import ExportPage
from studio.gui.pages.train import TrainPage
from tests.gui.people import make_pictures, report_values, write_report
from tests.gui.runs import make_run

CONTROL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
NONE = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    pictures = make_pictures(folder, 4)
    run = make_run(folder, "first")
    values = report_values(pictures, run / "weights" / "best.pt", 0.5)
    write_report(run / "report" / "people-val" / "report.json", values)
    return folder


@pytest.fixture
def shown(window: MainWindow, project: Path) -> MainWindow:
    assert window.open_project(project)
    window.activateWindow()
    return window


def press(key: Qt.Key, modifier: Qt.KeyboardModifier = NONE) -> None:
    """A key goes to whatever has the focus."""
    target = QApplication.focusWidget()
    assert target is not None, "nothing has the focus"
    QTest.keyClick(target, key, modifier)


def tab_to(wanted: QWidget, most: int = 40) -> None:
    """Press Tab until `wanted` has the focus."""
    for _ in range(most):
        if QApplication.focusWidget() is wanted:
            return
        press(Qt.Key.Key_Tab)
    raise AssertionError(f"{most} times Tab did not lead to {wanted.accessibleName() or wanted}")


def open_with(window: MainWindow, number: Qt.Key, qtbot: QtBot) -> QWidget:
    """A page by its number, as in Ctrl+2."""
    window.setFocus()
    press(number, CONTROL)
    page = window.current_page
    assert page is not None
    qtbot.wait(50)
    return page


def test_datasets(shown: MainWindow, project: Path, qtbot: QtBot) -> None:
    page = open_with(shown, Qt.Key.Key_2, qtbot)
    assert isinstance(page, DatasetsPage)
    qtbot.waitUntil(page.new.convert.isEnabled, timeout=5000)
    page.new_button.setFocus()
    tab_to(page.new.name)
    press(Qt.Key.Key_A, CONTROL)
    qtbot.keyClicks(page.new.name, "walked")
    tab_to(page.new.ratio)
    before = page.new.ratio.value()
    press(Qt.Key.Key_Left)
    assert page.new.ratio.value() == before - 1
    for _ in range(29):
        press(Qt.Key.Key_Left)
    assert page.new.ratio.value() == 50
    qtbot.waitUntil(lambda: page.new.shares.counts == (2, 2, 0), timeout=3000)
    press(Qt.Key.Key_Return, CONTROL)
    qtbot.waitUntil(lambda: page.room.currentWidget() is page.view, timeout=30_000)
    assert (project / "datasets" / "walked" / "dataset.json").is_file()
    page.list.setFocus()
    press(Qt.Key.Key_Down)
    tab_to(page.view.grid)


def test_train(
    shown: MainWindow, project: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "datasets" / "people").mkdir(parents=True)
    (project / "datasets" / "people" / "dataset.json").write_text('{"v": 1, "name": "people"}')
    (project / "datasets" / "people" / "pose.yaml").write_text("")
    page = open_with(shown, Qt.Key.Key_3, qtbot)
    assert isinstance(page, TrainPage)
    form = page.form.form
    assert form is not None
    page.form.family.setFocus()
    tab_to(page.form.name)
    qtbot.keyClicks(page.form.name, "walked")
    tab_to(form.editors["epochs"].input)
    press(Qt.Key.Key_A, CONTROL)
    qtbot.keyClicks(form.editors["epochs"].input, "2")
    started: list[JobSpec] = []
    monkeypatch.setattr(page.studio.runner, "start", lambda spec, **_: started.append(spec))
    monkeypatch.setattr(page, "show_job", lambda _job: None)
    tab_to(page.form.start)
    press(Qt.Key.Key_Space)
    assert started[0].options["epochs"] == 2
    assert started[0].options["name"] == "walked"
    page.runs.tree.setFocus()
    press(Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: page.view.folder is not None, timeout=5000)
    tab_to(page.view.more)


def test_evaluate(shown: MainWindow, project: Path, qtbot: QtBot) -> None:
    page = open_with(shown, Qt.Key.Key_4, qtbot)
    assert isinstance(page, EvaluatePage)
    qtbot.waitUntil(lambda: bool(page.view.reports), timeout=5000)
    tabs = page.view.tabs.tabBar()
    page.start_button.setFocus()
    tab_to(tabs)
    press(Qt.Key.Key_Right)
    press(Qt.Key.Key_Right)
    worst = page.view.worst
    assert page.view.tabs.currentWidget() is worst
    tab_to(worst.grid)
    press(Qt.Key.Key_Down)
    qtbot.waitUntil(worst.mark.isEnabled, timeout=3000)
    press(Qt.Key.Key_M, CONTROL)
    assert len(worst.marked()) == 1
    opened: list[object] = []
    page.studio._open_page = lambda page_id, **payload: opened.append((page_id, payload))
    press(Qt.Key.Key_Return)
    assert [page_id for page_id, _ in opened] == ["annotate"]  # type: ignore[misc]


def test_export(shown: MainWindow, qtbot: QtBot) -> None:
    page = open_with(shown, Qt.Key.Key_5, qtbot)
    assert isinstance(page, ExportPage)
    qtbot.waitUntil(lambda: page.what.model() is not None, timeout=5000)
    usable = [c for c in page.where.cards if c.usable]
    if not usable:
        pytest.skip("no export target can be used here")
    page.what.table.setFocus()
    press(Qt.Key.Key_Return, CONTROL)
    assert page.room.currentIndex() == 1
    page.steps.steps[0].setFocus()
    tab_to(usable[0])
    press(Qt.Key.Key_Space)
    press(Qt.Key.Key_Return, CONTROL)
    assert page.room.currentIndex() == 2
    page.steps.steps[0].setFocus()
    tab_to(page.how.name)
    tab_to(page.next)
    press(Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    assert page.room.currentIndex() == 1
