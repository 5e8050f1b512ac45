"""Annotating from open to saved, by mouse and keys on the real window."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from studio.core.annotation import instances_of
from studio.io import labelme
from studio.io.skeletons import load_skeleton
from tests.gui.annotating import Hands, annotation, make_project

Key = Qt.Key
PEOPLE = Path(__file__).parents[3] / "shared" / "data" / "labelme_people"


def joints(dx: float = 0.0, dy: float = 0.0) -> list[tuple[float, float]]:
    """17 spots on the small picture, apart from each other."""
    template = load_skeleton("coco17").template
    return [(60 + dx + 120 * u, 20 + dy + 200 * v) for u, v in template]


def test_seventeen_joints_in_at_most_twenty_actions(hands: Hands, tmp_path: Path) -> None:
    (picture,) = make_project(tmp_path / "p", 1)
    page = hands.open(picture.parent)
    hands.wait_picture()
    spots = joints()
    hands.key(Key.Key_K)
    for x, y in spots:
        hands.click(x, y)
    hands.ctrl(Key.Key_S)
    assert hands.actions <= 20
    assert not page.document.is_dirty(picture)
    saved = labelme.read(picture.with_suffix(".json"))
    skeleton = load_skeleton("coco17")
    assert [s.label for s in saved.shapes] == list(skeleton.keypoints)
    assert {s.group_id for s in saved.shapes} == {1}
    assert (saved.image_path, saved.width, saved.height) == ("a0.png", 320, 240)
    (person,) = instances_of(saved, skeleton)
    assert person.labelled == 17
    step = 1.0 / page.canvas.view.scale
    for (x, y), (u, v, state) in zip(spots, person.keypoints, strict=True):
        assert abs(x - u) <= step
        assert abs(y - v) <= step
        assert state == 2


def test_hidden_absent_skipped_and_back(hands: Hands, tmp_path: Path) -> None:
    (picture,) = make_project(tmp_path / "p", 1)
    page = hands.open(picture.parent)
    hands.wait_picture()
    spots = joints()
    hands.key(Key.Key_K)
    hands.key(Key.Key_O)  # the nose is not there
    hands.click(*spots[1])
    hands.key(Key.Key_Q)  # the next one, not the one just set
    hands.click(*spots[2])
    hands.key(Key.Key_W)  # left ear left out
    hands.click(*spots[4])
    assert hands.labels() == ["left_eye", "right_eye", "right_ear"]
    shapes = page.document.content.shapes
    assert [s.occluded for s in shapes] == [False, True, False]
    assert shapes[0].extra == {"absent": ["nose"]}
    assert page.editor.next_joint == 5
    hands.key(Key.Key_Backspace)
    assert hands.labels() == ["left_eye", "right_eye"]
    assert page.editor.next_joint == 4
    hands.key(Key.Key_Backspace)
    assert page.editor.next_joint == 3
    hands.key(Key.Key_Return)
    assert page.editor.person is None
    hands.click(*spots[0])
    assert page.document.content.group_ids() == (1, 2)
    hands.hover(*spots[1])
    hands.key(Key.Key_Q)  # hovered: that joint itself
    assert page.document.content.shapes[0].occluded


def test_two_people_and_their_boxes(hands: Hands, tmp_path: Path) -> None:
    (picture,) = make_project(tmp_path / "p", 1)
    page = hands.open(picture.parent)
    hands.wait_picture()
    for number in range(2):
        hands.key(Key.Key_K)
        for x, y in joints(130 * number):
            hands.click(x, y)
        hands.ctrl(Key.Key_R)
        hands.drag((50 + 130 * number, 10), (180 + 130 * number, 230))
    people = instances_of(page.document.content, page.editor.skeleton)
    assert [p.track_id for p in people] == [1, 2]
    assert all(p.labelled == 17 and p.box is not None for p in people)
    hands.drag((20, 20), (60, 60))
    assert page.document.content.group_ids() == (1, 2, 3)


def test_every_tool_draws_its_shape(hands: Hands, tmp_path: Path) -> None:
    (picture,) = make_project(tmp_path / "p", 1)
    page = hands.open(picture.parent)
    hands.wait_picture()
    hands.ctrl(Key.Key_N)
    for spot in ((20, 20), (80, 20), (80, 80), (20, 80)):
        hands.click(*spot)
    hands.key(Key.Key_Backspace)
    hands.click(20, 90)
    hands.key(Key.Key_Return)
    hands.ctrl(Key.Key_R)
    hands.click(100, 20)
    hands.click(150, 90)
    page.use_tool("circle")
    hands.drag((200, 60), (220, 60))
    page.use_tool("line")
    hands.drag((20, 120), (90, 130))
    page.use_tool("linestrip")
    for spot in ((100, 120), (140, 150), (160, 120)):
        hands.click(*spot)
    hands.key(Key.Key_Space)
    hands.key(Key.Key_P)
    hands.click(250, 200)
    hands.key(Key.Key_K, Qt.KeyboardModifier.ShiftModifier)
    hands.drag((230, 100), (310, 230))
    shapes = page.document.content.shapes
    kinds = [s.shape_type for s in shapes]
    assert kinds[:6] == ["polygon", "rectangle", "circle", "line", "linestrip", "point"]
    assert [len(s.points) for s in shapes[:6]] == [4, 2, 2, 2, 3, 1]
    assert shapes[0].points[3] == pytest.approx((20, 90), abs=1)
    template = instances_of(page.document.content, page.editor.skeleton)[-1]
    assert template.labelled == 17
    assert template.box is not None
    assert page.editor.tool_id == "select"
    hands.ctrl(Key.Key_N)
    hands.click(20, 200)
    hands.key(Key.Key_Escape)
    hands.key(Key.Key_Return)
    assert len(page.document.content.shapes) == len(shapes)
    for _ in range(7):
        hands.ctrl(Key.Key_Z)
    assert page.document.content.shapes == ()
    assert not page.document.history.canUndo()
    for _ in range(7):
        hands.ctrl(Key.Key_Y)
    assert page.document.content.shapes == shapes


def test_undo_and_redo_go_over_pictures(hands: Hands, tmp_path: Path) -> None:
    pictures = make_project(tmp_path / "p", 3)
    page = hands.open(pictures[0].parent, 3)
    hands.wait_picture()
    for n in range(3):
        hands.key(Key.Key_P)
        hands.click(30 + n, 40)
        hands.key(Key.Key_D)
        hands.wait_picture()
    # Leaving a picture saved it; the last one could not be left.
    assert pictures[0].with_suffix(".json").is_file()
    assert pictures[1].with_suffix(".json").is_file()
    assert page.document.unsaved() == (pictures[2],)
    hands.key(Key.Key_A)
    hands.wait_picture()
    assert page.document.unsaved() == ()
    for n in (2, 1, 0):
        hands.ctrl(Key.Key_Z)
        assert page.document.picture == pictures[n]
        assert page.document.content.shapes == ()
    for n in range(3):
        hands.key(
            Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
        )
        assert page.document.picture == pictures[n]
        assert len(page.document.content.shapes) == 1
    page.keeper.save_all()
    hands.written()
    for n, picture in enumerate(pictures):
        (shape,) = labelme.read(picture.with_suffix(".json")).shapes
        assert shape.points[0][0] == pytest.approx(30 + n, abs=1)


def test_a_click_on_the_list_changes_the_picture(hands: Hands, tmp_path: Path) -> None:
    pictures = make_project(tmp_path / "p", 3)
    page = hands.open(pictures[0].parent, 3)
    page.pictures.view.setCurrentIndex(page.pictures.model.index(2))
    assert page.document.picture == pictures[2]
    assert "3" in page.pictures.count.text()
    hands.wait_picture()
    hands.key(Key.Key_D)
    assert page.document.picture == pictures[2]
    assert "last" in page.parts.hint.text()


def test_shapes_go_along_to_the_next_picture(hands: Hands, tmp_path: Path) -> None:
    pictures = make_project(tmp_path / "p", 2)
    annotation(pictures[0], [{"label": "nose", "points": [[30, 40]], "group_id": 7}])
    page = hands.open(pictures[0].parent, 2)
    hands.wait_picture()
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    hands.key(Key.Key_D, both)
    assert page.document.picture == pictures[1]
    assert [(s.label, s.group_id) for s in page.document.content.shapes] == [("nose", 7)]
    hands.ctrl(Key.Key_Z)
    assert page.document.content.shapes == ()


@pytest.mark.skipif(not PEOPLE.is_dir(), reason="../shared/data/labelme_people is not here")
def test_a_real_file_comes_back_but_for_the_edit(hands: Hands, tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    for name in ("000000000785", "000000011197"):
        for suffix in (".jpg", ".json"):
            target = folder / (name + suffix)
            target.write_bytes((PEOPLE / (name + suffix)).read_bytes())
            os.chmod(target, 0o644)  # noqa: PTH101
    page = hands.open(folder, 2)
    hands.wait_picture()
    before = {p: p.read_bytes() for p in folder.glob("*.json")}
    first = page.document.content
    nose = next(i for i, s in enumerate(first.shapes) if s.label == "nose")
    x, y = first.shapes[nose].points[0]
    hands.drag((x, y), (x + 12, y + 6))
    moved = page.document.content.shapes[nose].points[0]
    assert moved == pytest.approx((x + 12, y + 6), abs=1.5)
    hands.key(Key.Key_D)
    hands.wait_picture()
    after = {p: p.read_bytes() for p in folder.glob("*.json")}
    changed = [p for p in before if before[p] != after[p]]
    assert [p.stem for p in changed] == ["000000000785"]
    old, new = before[changed[0]].splitlines(), after[changed[0]].splitlines()
    assert len(old) == len(new)
    assert sum(a != b for a, b in zip(old, new, strict=True)) == 2
