"""The document: history, saving, files changed outside, and what cannot be read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from studio.core import people, shape_edits
from studio.core.annotation import Shape
from studio.core.errors import StudioError
from studio.core.skeleton import Skeleton
from studio.gui.document import Document
from studio.io import labelme
from tests.gui.annotating import annotation, make_project

SKELETON = Skeleton(name="two", keypoints=("nose", "tail"))


class Watched(Document):
    """A document that remembers what it said."""

    def __init__(self) -> None:
        super().__init__()
        self.problems: list[StudioError] = []
        self.conflicts: list[Path] = []
        self.problem.connect(self.problems.append)
        self.outside_changed.connect(self.conflicts.append)

    def add(self, x: float) -> None:
        """One more person with a nose."""
        group = self.content.next_group_id()
        assert self.apply(people.set_joint(self.content, SKELETON, group, 0, (x, 5.0)))


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    return make_project(tmp_path / "p", 2)


@pytest.fixture
def document(qtbot: QtBot, pictures: list[Path]) -> Watched:
    made = Watched()
    made.set_project(pictures[0].parent)
    made.open(pictures[0], (320, 240))
    return made


def change_outside(path: Path, label: str = "elsewhere") -> None:
    annotation(path.with_suffix(".png"), [{"label": label, "points": [[1, 2]]}])
    os.utime(path, ns=(1, 1))


def test_dirty_means_differs_from_the_file(document: Watched, pictures: list[Path]) -> None:
    assert not document.is_dirty(pictures[0])
    document.add(3)
    assert document.is_dirty(pictures[0])
    document.history.undo()
    assert not document.is_dirty(pictures[0])
    document.history.redo()
    assert document.save()
    assert not document.is_dirty(pictures[0])
    document.history.undo()
    assert document.is_dirty(pictures[0])
    assert labelme.read(pictures[0].with_suffix(".json")).shapes[0].label == "nose"


def test_the_journal_lives_as_long_as_something_is_unsaved(document: Watched) -> None:
    journal = document.journal
    assert journal is not None
    assert journal.path is None
    document.add(3)
    assert journal.path is not None
    assert journal.path.is_file()
    document.history.undo()
    assert journal.path is None
    document.add(4)
    document.save()
    assert journal.path is None


def test_without_autosave_pictures_stay_unsaved_in_memory(
    document: Watched, pictures: list[Path]
) -> None:
    document.autosave = False
    document.add(3)
    document.open(pictures[1], (320, 240))
    document.add(4)
    assert set(document.unsaved()) == set(pictures)
    assert not pictures[0].with_suffix(".json").exists()
    document.open(pictures[0])
    assert len(document.content.shapes) == 1
    assert document.save_all()
    assert document.unsaved() == ()


def test_selection_follows_the_shapes(document: Watched) -> None:
    for x in (1, 2, 3):
        document.add(x)
    document.select([2])
    document.apply(people.delete_shapes(document.content, [0]))
    assert document.selection == (1,)
    document.history.undo()
    assert document.selection == (2,)
    document.apply(people.delete_shapes(document.content, [2]))
    assert document.selection == ()
    document.select([0, 99])
    assert document.selection == (0,)


def test_a_nudge_is_one_step(document: Watched) -> None:
    document.add(1)
    count = document.history.count()
    for _ in range(5):
        edit = shape_edits.move_shapes(document.content, [0], (1, 0), gesture="n")
        document.apply(edit)
    assert document.history.count() == count + 1
    document.history.undo()
    assert document.content.shapes[0].points == ((1, 5.0),)


def test_a_file_changed_outside_is_taken_on_and_can_be_undone(
    document: Watched, pictures: list[Path]
) -> None:
    document.add(3)
    document.save()
    change_outside(pictures[0].with_suffix(".json"))
    document.check_outside()
    assert document.content.shapes[0].label == "elsewhere"
    assert not document.is_dirty(pictures[0])
    document.history.undo()
    assert document.content.shapes[0].label == "nose"
    assert document.is_dirty(pictures[0])
    document.history.undo()
    assert document.content.shapes == ()


def test_a_file_changed_outside_is_never_overwritten_unasked(
    document: Watched, pictures: list[Path]
) -> None:
    path = pictures[0].with_suffix(".json")
    document.add(3)
    document.save()
    document.add(4)
    change_outside(path)
    assert not document.save()
    assert document.conflicts == [pictures[0]]
    assert labelme.read(path).shapes[0].label == "elsewhere"
    document.open(pictures[1], (320, 240))
    assert labelme.read(path).shapes[0].label == "elsewhere"
    document.open(pictures[0])
    assert len(document.content.shapes) == 2
    assert document.save(overwrite=True)
    assert len(labelme.read(path).shapes) == 2
    document.add(5)
    change_outside(path)
    document.check_outside()
    document.take_file(pictures[0])
    assert document.content.shapes[0].label == "elsewhere"
    document.history.undo()
    assert len(document.content.shapes) == 3


def test_a_touched_file_with_the_same_content_is_no_change(
    document: Watched, pictures: list[Path]
) -> None:
    document.add(3)
    document.save()
    document.add(4)
    os.utime(pictures[0].with_suffix(".json"), ns=(5, 5))
    assert document.save()
    assert document.conflicts == []


@pytest.mark.parametrize(
    "content", ["", "{", '{"shapes": [{"label": 3}]}', "[1, 2]", '{"shapes": [']
)
def test_a_damaged_file_is_refused_and_left_as_it_is(
    document: Watched, pictures: list[Path], content: str
) -> None:
    path = pictures[1].with_suffix(".json")
    path.write_text(content, encoding="utf-8")
    sheet = document.open(pictures[1], (320, 240))
    assert sheet.problem is not None
    assert document.problems == [sheet.problem]
    assert not document.editable
    shape = Shape("nose", "point", ((1.0, 1.0),))
    assert not document.apply(shape_edits.add_shape(document.content, shape))
    assert not document.save(overwrite=True)
    document.open(pictures[0])
    assert path.read_text(encoding="utf-8") == content
    document.add(1)
    assert document.save()


def test_a_damaged_file_that_was_mended_can_be_opened_again(
    document: Watched, pictures: list[Path]
) -> None:
    path = pictures[1].with_suffix(".json")
    path.write_text("{", encoding="utf-8")
    document.open(pictures[1], (320, 240))
    annotation(pictures[1], [{"label": "nose", "points": [[1, 2]]}])
    document.check_outside()
    assert document.editable
    assert len(document.content.shapes) == 1


def test_a_place_that_cannot_be_written_keeps_the_edits(
    document: Watched, pictures: list[Path]
) -> None:
    document.add(3)
    pictures[0].with_suffix(".json").mkdir()
    assert not document.save()
    assert document.problems
    assert document.is_dirty(pictures[0])
    assert len(document.content.shapes) == 1
    pictures[0].with_suffix(".json").rmdir()
    assert document.save()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_read_only_folder_is_told_and_nothing_is_lost(
    document: Watched, pictures: list[Path]
) -> None:
    folder = pictures[0].parent
    folder.chmod(0o555)
    try:
        document.add(3)
        assert not document.save()
        assert len(document.content.shapes) == 1
        assert document.problems
    finally:
        folder.chmod(0o755)


def test_opening_changes_no_file(document: Watched, pictures: list[Path]) -> None:
    path = annotation(pictures[1], [{"label": "nose", "points": [[1, 2]], "odd": {"x": [1]}}])
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    document.open(pictures[1], (320, 240))
    document.open(pictures[0])
    document.open(pictures[1])
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert json.loads(before[0])["shapes"][0]["odd"] == {"x": [1]}
