"""Projects with several skeletons, annotation files without a picture, thumbnails on the disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from studio.core.skeleton import Skeleton
from studio.gui.pages.annotate import thumbnails
from studio.io.orphans import orphans
from tests.gui.annotating import Hands, annotation, make_project

Key = Qt.Key


def test_annotation_files_without_a_picture_are_named(hands: Hands, tmp_path: Path) -> None:
    folder = tmp_path / "p"
    make_project(folder, 1)
    lone = annotation(folder / "gone.png", [{"label": "nose", "points": [[1, 2]]}])
    (folder / "settings.json").write_text('{"shapes": 3}')
    (folder / "runs").mkdir()
    annotation(folder / "runs" / "own.png", [])
    before = lone.read_bytes()
    page = hands.open(folder, 1)
    hands.wait_until(lambda: not page.parts.orphans.isHidden(), timeout=8000)
    text = page.parts.orphans.findChildren(QLabel)
    assert any(
        "An annotation file has" in label.text() and "gone.json" in label.text() for label in text
    )
    assert lone.read_bytes() == before
    assert orphans([folder]) == (lone, folder / "runs" / "own.json")
    assert orphans([folder], lambda path: path.endswith("runs")) == (lone,)


def test_a_person_of_another_category_brings_its_skeleton(hands: Hands, tmp_path: Path) -> None:
    folder = tmp_path / "p"
    (picture,) = make_project(folder, 1)
    hand = Skeleton(name="hand", category="hand", keypoints=("wrist", "thumb"), edges=((0, 1),))
    box = {"shape_type": "rectangle", "points": [[10, 10], [90, 90]]}
    other = {"shape_type": "rectangle", "points": [[100, 10], [190, 90]]}
    annotation(
        picture,
        [{"label": "person", "group_id": 1, **box}, {"label": "hand", "group_id": 2, **other}],
    )
    page = hands.open(folder, 1)
    hands.wait_picture()
    person = page.editor.skeleton
    page.editor.set_skeletons([person, hand])
    hands.key(Key.Key_J, Qt.KeyboardModifier.ControlModifier)
    page.document.select([1])
    assert page.editor.skeleton is hand
    assert page.editor.label == "hand"
    hands.key(Key.Key_K)
    hands.click(150, 50)
    assert page.document.content.shapes[-1].label == "wrist"
    assert page.document.content.shapes[-1].group_id == 2
    hands.key(Key.Key_Escape)
    page.use_tool("select")
    page.document.select([0])
    assert page.editor.skeleton is person


def test_thumbnails_on_the_disk_are_bounded(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / thumbnails.FOLDER
    folder.mkdir(parents=True)
    for number in range(100):
        path = folder / f"{number:03}.jpg"
        path.write_bytes(b"x")
        os.utime(path, (number, number))
    monkeypatch.setattr(thumbnails, "KEPT_FILES", 40)
    made = thumbnails.Thumbnails()
    made.set_project(tmp_path)
    made._pool.waitForDone()
    assert sorted(p.name for p in folder.iterdir()) == [f"{n:03}.jpg" for n in range(70, 100)]


def test_the_list_counts_people_of_all_the_projects_skeletons(hands: Hands, tmp_path: Path) -> None:
    folder = tmp_path / "p"
    (picture,) = make_project(folder, 1)
    (folder / "studio.toml").write_text('name = "p"\nskeletons = ["coco17", "hand21"]\n')
    box = {"shape_type": "rectangle", "points": [[10, 10], [90, 90]]}
    shapes = [{"label": "person", "group_id": 1, **box}, {"label": "hand", "group_id": 2, **box}]
    annotation(picture, shapes)
    page = hands.open(folder, 1)
    model = page.pictures.model
    hands.wait_until(lambda: model.entries[0].people == 2, timeout=20_000)
    # A change in memory is counted by the same skeletons as the file was.
    page.document.select([0])
    page.editor.nudge(1.0, 0.0)
    assert model.entries[0].people == 2
    page.document.select([1])
    page.editor.on_person("delete")
    assert model.entries[0].people == 1
