"""Every text of the working pages has its room at 1280 x 720, in every language."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLabel,
    QWidget,
)
from pytestqt.qtbot import QtBot

from studio.core.job import JobSpec
from studio.gui.i18n import translator
from studio.gui.main_window import MainWindow
from studio.gui.pages.datasets import DatasetsPage
from studio.gui.pages.evaluate import EvaluatePage
from studio.gui.pages.export import ExportPage
from studio.gui.pages.live import LivePage
from studio.gui.pages.train import TrainPage
from studio.gui.widgets.basics import ElidedLabel
from tests.gui.people import make_pictures, report_values, write_report
from tests.gui.runs import make_run

SIZE = (1280, 720)
Show = Callable[[MainWindow, QtBot], None]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a dataset, two runs and a report of each; made once."""
    from studio.core.job import JobContext
    from studio.jobs.convert import run
    from studio.registry.jobs import options_for

    folder = tmp_path_factory.mktemp("fit") / "project"
    pictures = make_pictures(folder / "pictures", 6)
    options = {
        "input": [str(folder / "pictures")], "output": str(folder / "datasets"), "name": "people",
        "to": ["coco", "yolo"], "ratio": 0.5,
    }  # fmt: skip
    run(options_for(JobSpec("convert", options, None, folder)), JobContext(lambda _: None))
    for name in ("first", "a_run_with_a_name_that_is_longer_than_most_names_are"):
        made = make_run(folder, name)
        values = report_values(pictures, made / "weights" / "best.pt", 0.5)
        write_report(made / "report" / "people-val" / "report.json", values)
    return folder


@pytest.fixture
def project(prepared: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(prepared, tmp_path / "project"))


def too_narrow(root: QWidget) -> list[str]:
    """What does not fit of the texts that can be seen."""
    found: list[str] = []
    for widget in root.findChildren(QWidget):
        if not widget.isVisible() or not isinstance(widget, QLabel | QAbstractButton):
            continue
        text = widget.text()
        if not text or isinstance(widget, ElidedLabel):
            continue
        if isinstance(widget, QLabel) and widget.wordWrap():
            if widget.heightForWidth(widget.width()) > widget.height() + 1:
                found.append(f"{text!r} is {widget.height()} high")
            continue
        least = widget.sizeHint().width()
        if widget.width() + 1 < least:
            found.append(f"{text!r}: {widget.width()} of {least}")
    return found


def show_new(window: MainWindow, qtbot: QtBot) -> None:
    page = window.current_page
    assert isinstance(page, DatasetsPage)
    page.show_new()
    qtbot.waitUntil(page.new.convert.isEnabled, timeout=5000)


def show_import(window: MainWindow, qtbot: QtBot) -> None:
    page = window.current_page
    assert isinstance(page, DatasetsPage)
    page.show_import()
    project = window.studio.project
    assert project is not None
    page.importing.set_source(project.folder / "pictures")
    qtbot.waitUntil(lambda: page.importing.found is not None, timeout=5000)


def show_dataset(tab: int) -> Show:
    def show(window: MainWindow, qtbot: QtBot) -> None:
        page = window.current_page
        assert isinstance(page, DatasetsPage)
        qtbot.waitUntil(lambda: page.list.count() == 1, timeout=5000)
        page.list.setCurrentRow(0)
        qtbot.waitUntil(lambda: page.view.holdings.statistics is not None, timeout=5000)
        page.view.tabs.setCurrentIndex(tab)

    return show


def show_run(side: int, tab: int) -> Show:
    def show(window: MainWindow, qtbot: QtBot) -> None:
        page = window.current_page
        assert isinstance(page, TrainPage)
        qtbot.waitUntil(lambda: page.view.folder is not None, timeout=5000)
        page.tabs.setCurrentIndex(side)
        page.view.tabs.setCurrentIndex(tab)

    return show


def show_report(side: int, tab: int) -> Show:
    def show(window: MainWindow, qtbot: QtBot) -> None:
        page = window.current_page
        assert isinstance(page, EvaluatePage)
        qtbot.waitUntil(lambda: bool(page.view.reports), timeout=5000)
        page.tabs.setCurrentIndex(side)
        page.view.tabs.setCurrentIndex(tab)

    return show


def show_step(step: int) -> Show:
    def show(window: MainWindow, qtbot: QtBot) -> None:
        page = window.current_page
        assert isinstance(page, ExportPage)
        qtbot.waitUntil(lambda: page.what.table.table.rowCount() > 0, timeout=5000)
        if step > 1:
            usable = [c.target.id for c in page.where.cards if c.usable]
            if not usable:
                pytest.skip("no export target can be used here")
            page.where.choose(usable[0])
        page.go(step)

    return show


def show_live(source: str) -> Show:
    def show(window: MainWindow, qtbot: QtBot) -> None:
        page = window.current_page
        assert isinstance(page, LivePage)
        page.side.source_picker.set_source(source)
        page.side.source_picker.show_verdict("1280 × 720, 25 fps", "success")
        page.side.keeping.serve.setChecked(True)
        page.side.tracker_picker.more.setChecked(True)
        page.side.model_form.advanced_button.setChecked(True)

    return show


STATES: dict[str, list[Show]] = {
    "datasets": [show_new, show_import, show_dataset(0), show_dataset(1), show_dataset(2)],
    "train": [show_run(0, 0), show_run(1, 3), show_run(1, 2)],
    "evaluate": [show_report(0, 0), show_report(1, 1), show_report(1, 2)],
    "live": [show_live(s) for s in ("0", "a.mp4", "folder", "rtsp://host/a", "synthetic:")],
    "export": [show_step(0), show_step(1), show_step(2), show_step(3)],
}


@pytest.mark.parametrize("language", ["en", "ja", "zh_CN"])
@pytest.mark.parametrize("page_id", list(STATES))
def test_every_text_fits(
    window: MainWindow, project: Path, qtbot: QtBot, page_id: str, language: str
) -> None:
    translator.set_language(language)
    window.resize(*SIZE)
    assert window.open_project(project)
    window.open_page(page_id)
    page = window.current_page
    assert page is not None
    wrong: list[str] = []
    for number, show in enumerate(STATES[page_id]):
        show(window, qtbot)
        qtbot.wait(120)
        QApplication.processEvents()
        wrong += [f"state {number}: {said}" for said in too_narrow(page)]
    assert (window.width(), window.height()) == SIZE, "the window may not be forced wider"
    assert not wrong, "\n".join(wrong)
