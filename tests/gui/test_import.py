"""Import on the Datasets page: what is recognised, and that it arrives with its annotations."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from studio.gui.main_window import MainWindow
from studio.gui.pages.datasets import DatasetsPage
from studio.gui.pages.datasets.recognise import frames_between, frames_taken, recognise
from studio.io import labelme
from studio.io.video import VideoWriter
from tests.gui.people import make_pictures

FORMATS = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "formats"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    make_pictures(folder, 4)
    return folder


@pytest.fixture
def page(window: MainWindow, project: Path) -> DatasetsPage:
    assert window.open_project(project)
    window.open_page("datasets")
    shown = window.current_page
    assert isinstance(shown, DatasetsPage)
    shown.show_import()
    return shown


def bring_in(page: DatasetsPage, source: Path, name: str, qtbot: QtBot) -> Path:
    form = page.importing
    form.set_source(source)
    qtbot.waitUntil(lambda: form.found is not None, timeout=10_000)
    form.name.setText(name)
    qtbot.mouseClick(form.start_button, Qt.MouseButton.LeftButton)
    job = form.job
    assert job is not None
    with qtbot.waitSignal(form.made, timeout=30_000) as made:
        pass
    assert made.args is not None
    return Path(made.args[0])


def test_labelme_files_come_in_as_they_are(
    page: DatasetsPage, project: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    pictures = make_pictures(tmp_path / "theirs", 3)
    raw = json.loads(pictures[0].with_suffix(".json").read_text(encoding="utf-8"))
    raw["flags"] = {"night": True}
    raw["theirs"] = "kept"
    pictures[0].with_suffix(".json").write_text(json.dumps(raw), encoding="utf-8")
    before = {p.name: p.read_bytes() for p in (tmp_path / "theirs").iterdir()}
    page.importing.set_source(tmp_path / "theirs")
    qtbot.waitUntil(lambda: page.importing.found is not None, timeout=10_000)
    assert page.importing.what.text() == "labelme"
    assert "3 pictures with 3 people" in page.importing.counts.text()
    assert page.importing.name.text() == "theirs"
    folder = bring_in(page, tmp_path / "theirs", "theirs", qtbot)
    assert folder == project / "theirs"
    assert sorted(p.name for p in folder.iterdir()) == sorted(before)
    arrived = json.loads((folder / "picture_00.json").read_text(encoding="utf-8"))
    assert arrived["flags"] == {"night": True}
    assert arrived["theirs"] == "kept"
    assert {p.name: p.read_bytes() for p in (tmp_path / "theirs").iterdir()} == before
    assert page.banner.isVisible()
    assert "3 pictures" in page.banner.message.text()


def test_what_x_anylabeling_made_is_told_apart(tmp_path: Path) -> None:
    pictures = make_pictures(tmp_path, 2)
    for picture in pictures:
        path = picture.with_suffix(".json")
        raw = json.loads(path.read_text(encoding="utf-8"))
        for shape in raw["shapes"]:
            shape |= {"difficult": False, "attributes": {}, "score": None, "kie_linking": []}
        path.write_text(json.dumps(raw), encoding="utf-8")
    found = recognise(tmp_path)
    assert (found.kind, found.title, found.pictures) == ("labelme", "X-AnyLabeling", 2)


def test_coco_comes_in_as_labelme(page: DatasetsPage, project: Path, qtbot: QtBot) -> None:
    source = FORMATS / "coco"
    if not source.is_dir():
        pytest.skip("the shared COCO pictures are not here")
    theirs = project.parent / "coco"
    shutil.copytree(source, theirs)
    form = page.importing
    form.set_source(theirs / "test_coco.json")
    qtbot.waitUntil(lambda: form.found is not None, timeout=10_000)
    assert form.what.text() == "COCO"
    assert form.found is not None
    assert form.found.pictures == 4
    folder = bring_in(page, theirs / "test_coco.json", "coco", qtbot)
    files = sorted(folder.glob("*.json"))
    assert len(files) == 4
    people = sum(len({s.group_id for s in labelme.read(f).shapes}) for f in files)
    assert people == form_people(source / "test_coco.json")
    assert not (project / ".studio" / "imports" / "coco" / "labelme").exists()


def form_people(path: Path) -> int:
    return len(json.loads(path.read_text(encoding="utf-8"))["annotations"])


def test_our_own_dataset_comes_back_from_yolo(
    page: DatasetsPage, project: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    from studio.core.job import JobSpec

    made = tmp_path / "made"
    options = {"input": [str(project)], "output": str(made), "to": ["yolo"], "ratio": 0.5}
    job = page.studio.runner.start(JobSpec("convert", options, None, None))
    qtbot.waitUntil(lambda: job.ended, timeout=30_000)
    (made / "dataset.json").unlink()
    folder = bring_in(page, made, "back", qtbot)
    assert len(list(folder.glob("*.json"))) == 4


def test_what_is_wrong_is_said_and_nothing_starts(
    page: DatasetsPage, project: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    form = page.importing
    form.source.setText(str(tmp_path / "nowhere"))
    qtbot.waitUntil(lambda: "not there" in form.what.text(), timeout=3000)
    assert not form.start_button.isEnabled()
    odd = tmp_path / "odd.json"
    odd.write_text("{}", encoding="utf-8")
    form.set_source(odd)
    qtbot.waitUntil(lambda: "no dataset" in form.what.text(), timeout=3000)
    assert "COCO" in form.counts.text(), "it says what can be chosen"
    assert not form.start_button.isEnabled()
    make_pictures(tmp_path / "more", 1)
    form.set_source(tmp_path / "more")
    qtbot.waitUntil(form.start_button.isEnabled, timeout=5000)
    (project / "taken").mkdir()
    form.name.setText("taken")
    assert form.name_error.isVisible()
    assert not form.start_button.isEnabled()


def test_an_import_by_the_keyboard_alone(
    page: DatasetsPage, window: MainWindow, project: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    make_pictures(tmp_path / "theirs", 2)
    window.activateWindow()
    page.new_button.setFocus()
    QTest.keyClick(
        window,
        Qt.Key.Key_I,
        Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier,
    )
    form = page.importing
    qtbot.waitUntil(form.source.hasFocus, timeout=3000)
    qtbot.keyClicks(form.source, str(tmp_path / "theirs"))
    qtbot.waitUntil(form.start_button.isEnabled, timeout=5000)
    QTest.keyClick(form.source, Qt.Key.Key_Tab)
    QTest.keyClick(form._folder, Qt.Key.Key_Tab)
    QTest.keyClick(form._file, Qt.Key.Key_Tab)
    assert form.name.hasFocus()
    with qtbot.waitSignal(form.made, timeout=30_000):
        QTest.keyClick(form.name, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert len(list((project / "theirs").glob("*.json"))) == 2


def test_frames_are_counted_before_they_are_made() -> None:
    assert frames_taken(100, 30, 0) == 4
    assert frames_taken(90, 30, 0) == 3
    assert frames_taken(100, 1, 10) == 10
    assert frames_between(100, 25.0, 0.0, None) == 100
    assert frames_between(100, 25.0, 1.0, 2.0) == 26
    assert frames_between(100, 25.0, 9.0, None) == 0


def make_clip(path: Path, frames: int) -> Path:
    with VideoWriter(path, 20.0, (160, 120)) as video:
        for number in range(frames):
            video.write(np.full((120, 160, 3), number * 3 % 256, dtype=np.uint8))
    return path


def test_frames_of_a_video_become_pictures(
    page: DatasetsPage, project: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    clip = make_clip(tmp_path / "walk.mp4", 60)
    form = page.importing
    form.set_source(clip)
    qtbot.waitUntil(lambda: form.found is not None, timeout=10_000)
    assert form.what.text() == "Video"
    assert "60 frames" in form.counts.text()
    assert "2 pictures will be made" in form.counts.text()
    form.frames.editors["every"].set_value(10)
    form.frames._edited()
    assert "6 pictures will be made" in form.counts.text()
    form.frames.editors["choose"].set_value("difference")
    form.frames._edited()
    assert "at most 6 pictures" in form.counts.text()
    assert form.frames.editors["difference"].isVisibleTo(form.frames) is False, "still folded"
    form.frames.advanced_button.setChecked(True)
    assert form.frames.editors["difference"].isVisible()
    assert not form.frames.editors["model"].isVisible()
    form.frames.editors["choose"].set_value("doubt")
    form.frames._edited()
    assert form.frames.editors["model"].isVisible()
    form.frames.editors["choose"].set_value("every")
    form.frames.editors["model"].set_value(None)
    form.frames._edited()
    folder = bring_in(page, clip, "walk", qtbot)
    assert folder == project / "walk"
    assert len([p for p in folder.iterdir() if p.suffix == ".jpg"]) == 6
    raw = json.loads(sorted(folder.glob("*.json"))[1].read_text(encoding="utf-8"))
    assert raw["frame"] == 10
    assert raw["time"] == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize(
    ("folder", "title"),
    [("crowdpose", "CrowdPose"), ("mpii", "MPII"), ("aic", "AI Challenger"),
     ("ochuman", "OCHuman"), ("posetrack18", "PoseTrack18")],
)  # fmt: skip
def test_formats_of_the_plugins_are_recognised(folder: str, title: str) -> None:
    source = FORMATS / folder
    if not source.is_dir():
        pytest.skip(f"the shared {title} pictures are not here")
    found = recognise(source)
    assert found.title == title
    assert found.pictures > 0
    assert found.people > 0


def test_a_plugins_format_comes_in(page: DatasetsPage, project: Path, qtbot: QtBot) -> None:
    source = FORMATS / "crowdpose"
    if not source.is_dir():
        pytest.skip("the shared CrowdPose pictures are not here")
    theirs = project.parent / "crowd"
    shutil.copytree(source, theirs)
    folder = bring_in(page, theirs, "crowd", qtbot)
    files = sorted(folder.glob("*.json"))
    assert files
    labels = {s.label for f in files for s in labelme.read(f).shapes}
    assert "top_head" in labels or "head" in labels


def test_the_projects_own_pictures_are_not_imported_again(
    page: DatasetsPage, project: Path, qtbot: QtBot
) -> None:
    form = page.importing
    form.set_source(project)
    qtbot.waitUntil(lambda: form.found is not None, timeout=5000)
    assert "already" in form.what.text()
    assert not form.start_button.isEnabled()


def test_frames_that_wait_for_labels_are_not_counted_for_a_dataset(
    page: DatasetsPage, project: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    folder = bring_in(page, make_clip(tmp_path / "walk.mp4", 60), "walk", qtbot)
    assert len(list(folder.glob("*.json"))) == 2
    page.show_new()
    page.new.refresh()
    qtbot.wait(300)
    qtbot.waitUntil(lambda: sum(page.new.shares.counts) == 4, timeout=5000)


def test_pictures_are_copied_unless_links_are_asked_for(
    page: DatasetsPage, project: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    theirs = make_pictures(tmp_path / "theirs", 1)[0]
    copied = bring_in(page, theirs.parent, "copied", qtbot) / theirs.name
    page.importing.set_source(theirs.parent)
    page.importing.link.setChecked(True)
    linked = bring_in(page, theirs.parent, "linked", qtbot) / theirs.name
    assert copied.read_bytes() == linked.read_bytes() == theirs.read_bytes()
    assert not copied.samefile(theirs)
    assert linked.samefile(theirs)
