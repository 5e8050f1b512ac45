"""The Datasets page: counts while one chooses, the check, a real conversion, a look at a dataset."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from studio.gui.main_window import MainWindow
from studio.gui.pages.datasets import DatasetsPage
from studio.gui.project_items import source_picture
from tests.gui.people import make_pictures
from tests.gui.runs import make_run


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    make_pictures(folder, 10)
    return folder


@pytest.fixture
def page(window: MainWindow, project: Path, qtbot: QtBot) -> DatasetsPage:
    assert window.open_project(project)
    window.open_page("datasets")
    shown = window.current_page
    assert isinstance(shown, DatasetsPage)
    qtbot.waitUntil(shown.new.convert.isEnabled, timeout=5000)
    return shown


def convert(page: DatasetsPage, qtbot: QtBot, name: str) -> None:
    page.new.name.setText(name)
    qtbot.waitUntil(page.new.convert.isEnabled, timeout=5000)
    qtbot.mouseClick(page.new.convert, Qt.MouseButton.LeftButton)
    job = page.new.job
    assert job is not None
    qtbot.waitUntil(lambda: job.ended, timeout=30_000)
    assert job.state == "ok", f"{job.problem} {job.log_tail()}"
    qtbot.waitUntil(lambda: page.room.currentWidget() is page.view, timeout=5000)


def test_counts_follow_the_slider(page: DatasetsPage, qtbot: QtBot) -> None:
    assert page.new.shares.counts == (8, 2, 0)
    page.new.ratio.setValue(60)
    qtbot.waitUntil(lambda: page.new.shares.counts == (6, 4, 0), timeout=20_000)
    assert [b.text for b in page.new.sides.bars()] == ["6", "4"]


def test_a_test_side_is_counted_made_and_shown(
    page: DatasetsPage, project: Path, qtbot: QtBot
) -> None:
    new = page.new
    new.test_ratio.setValue(10)
    qtbot.waitUntil(lambda: new.shares.counts == (8, 1, 1), timeout=20_000)
    assert [(b.name, b.text) for b in new.sides.bars()] == [
        ("For training", "8"),
        ("For validation", "1"),
        ("For test", "1"),
    ]
    # One share gives way to the other, and validation never goes.
    new.ratio.setValue(95)
    assert new.test_ratio.value() == 4
    new.test_ratio.setValue(40)
    assert new.ratio.value() == 59
    new.ratio.setValue(70)
    new.test_ratio.setValue(20)
    assert new.test_percent.isVisible()
    qtbot.waitUntil(lambda: new.shares.counts == (7, 1, 2), timeout=20_000)
    assert new.test_percent.text() == "20 %"
    convert(page, qtbot, "three")
    view = page.view
    qtbot.waitUntil(lambda: view.grid.count() == 10, timeout=20_000)
    texts = [view.figures[side].text() for side in ("train", "val", "test")]
    assert texts == ["7", "1", "2"]
    assert view.figures["test"].isVisible()
    assert "2 for test" in page.banner.message.text()
    view.split.setCurrentIndex(view.split.findData("test"))
    assert view.grid.count() == 2
    # The next conversion starts from the same shares.
    new.ratio.setValue(50)
    assert view.item is not None
    page._again(view.item)
    assert (new.ratio.value(), new.test_ratio.value()) == (70, 20)
    convert(page, qtbot, "two")
    qtbot.waitUntil(lambda: view.heading.text() == "two", timeout=20_000)


def test_what_is_wrong_stands_under_its_field(page: DatasetsPage, qtbot: QtBot) -> None:
    page.new.name.setText("a/b")
    assert page.new.name_error.isVisible()
    assert not page.new.convert.isEnabled()
    page.new.name.setText("good")
    for box in page.new.formats.values():
        box.setChecked(False)
    assert page.new.formats_error.isVisible()
    assert not page.new.convert.isEnabled()
    page.new.formats["yolo"].setChecked(True)
    page.new.folders.setCurrentRow(0)
    page.new._remove_folder()
    qtbot.waitUntil(page.new.count_error.isVisible, timeout=3000)
    assert "no annotated pictures" in page.new.count_error.text()


def test_the_check_names_files_and_a_click_opens_them(
    page: DatasetsPage,
    project: Path,
    window: MainWindow,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = project / "picture_03.json"
    broken.write_text(broken.read_text()[:100], encoding="utf-8")
    qtbot.mouseClick(page.new.check, Qt.MouseButton.LeftButton)
    listed = page.new.problems
    qtbot.waitUntil(lambda: len(listed.problems()) == 1, timeout=5000)
    assert "picture_03.json" in listed.list.item(0).text()
    opened: list[dict[str, object]] = []
    monkeypatch.setattr(
        window.studio,
        "_open_page",
        lambda page_id, **payload: opened.append({"page": page_id, **payload}),
    )
    listed.list.itemClicked.emit(listed.list.item(0))
    assert opened[0]["page"] == "annotate"
    assert opened[0]["picture"] == project / "picture_03.png"


def test_a_real_conversion_and_a_look_at_it(
    page: DatasetsPage, project: Path, qtbot: QtBot
) -> None:
    convert(page, qtbot, "people")
    view = page.view
    qtbot.waitUntil(lambda: view.grid.count() == 10, timeout=5000)
    assert page.banner.isVisible()
    texts = {key: figure.text() for key, figure in view.figures.items()}
    assert (texts["train"], texts["val"], texts["people"]) == ("8", "2", "10")
    assert view.holdings.joints.bars()[0].text == "10"
    view.split.setCurrentIndex(2)
    assert view.grid.count() == 2
    assert len(view.grid.item(0).figures) == 1
    assert (project / "datasets" / "people" / "dataset.json").is_file()


def test_converting_again_keeps_every_pictures_side(
    page: DatasetsPage, project: Path, qtbot: QtBot
) -> None:
    convert(page, qtbot, "people")
    item = page.view.item
    assert item is not None
    before = item.data["split"]
    make_pictures(project, 12)
    page._again(item)
    assert page.new.name.text() == "people"
    qtbot.waitUntil(lambda: sum(page.new.shares.counts) == 12, timeout=5000)
    assert page.new.name_hint.isVisible()
    promised = page.new.shares.counts
    convert(page, qtbot, "people")
    qtbot.waitUntil(lambda: page.view.grid.count() == 12, timeout=5000)
    assert page.view.item is not None
    after = page.view.item.data["split"]
    assert all(after[name] == side for name, side in before.items())
    assert (page.view.figures["train"].text(), page.view.figures["val"].text()) == tuple(
        str(n) for n in promised[:2]
    )


def test_a_dataset_knows_the_runs_that_used_it(
    page: DatasetsPage, project: Path, qtbot: QtBot
) -> None:
    make_run(project, "first")
    convert(page, qtbot, "people")
    qtbot.waitUntil(lambda: page.view.runs.table.rowCount() == 1, timeout=5000)
    opened: list[Path] = []
    page.studio._open_page = lambda _page, **payload: opened.append(payload["run"])
    page.view._open_run(0)
    assert opened == [project / "runs" / "yolo-pose" / "first"]


def test_a_file_that_cannot_be_converted_is_told(
    page: DatasetsPage, project: Path, qtbot: QtBot
) -> None:
    (project / "picture_03.png").write_bytes(b"no picture")
    convert(page, qtbot, "people")
    assert "problems.csv" in page.banner.hint.text()
    assert page.banner.action_button.isVisible()


def test_without_a_project_it_says_what_to_do_first(window: MainWindow) -> None:
    window.open_page("datasets")
    page = window.current_page
    assert isinstance(page, DatasetsPage)
    assert page.room.currentWidget() is page.no_project
    assert not page.new.convert.isEnabled()


def test_a_dataset_leads_back_to_the_persons_own_picture(
    page: DatasetsPage, project: Path, qtbot: QtBot
) -> None:
    convert(page, qtbot, "people")
    qtbot.waitUntil(lambda: page.view.grid.count() == 10, timeout=5000)
    copy = page.view.grid.item(0).path
    assert copy.is_relative_to(project / "datasets")
    own = project / copy.name
    assert source_picture(copy) == own
    label = next((project / "datasets" / "people" / "labels").rglob(f"{copy.stem}.txt"))
    assert source_picture(label) == own
    assert source_picture(own.with_suffix(".json")) == own
    assert source_picture(Path(f"{own.with_suffix('.json')}:7")) == own
    assert source_picture(own) == own
    opened: list[object] = []
    page.studio._open_page = lambda _page, **payload: opened.append(payload["picture"])
    page.view.grid.opened.emit(page.view.grid.item(0))
    assert opened == [own]


def test_what_a_dataset_holds_is_counted_and_saved(
    page: DatasetsPage, project: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    convert(page, qtbot, "people")
    held = page.view.holdings
    qtbot.waitUntil(lambda: held.statistics is not None, timeout=5000)
    assert [b.text for b in held.per_picture.bars()] == ["0", "10"]
    assert [b.text for b in held.sizes.bars()] == ["0", "10", "0"]
    assert held.figures["whole"].text() == "10"
    assert [b.name for b in held.picture_sizes.bars()] == ["160 × 120"]
    assert [(b.name, b.text) for b in held.completeness.bars()] == [("17", "10")]
    digest = json.loads((project / "datasets/people/dataset.json").read_text())["content_hash"]
    assert digest[:12] in page.view.hash.text()
    with qtbot.waitSignal(held.saved, timeout=5000):
        held.write(tmp_path / "counts.csv")
    text = (tmp_path / "counts.csv").read_text(encoding="utf-8-sig")
    assert "joint,nose,visible,10" in text
    assert page.banner.isVisible()
