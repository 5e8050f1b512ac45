"""Selecting, moving and mending what is there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu, QToolButton
from pytestqt.qtbot import QtBot

from studio.core import people
from studio.core.annotation import instances_of
from studio.gui.main_window import MainWindow
from tests.gui.annotating import NONE, Hands, annotation, make_project

Key = Qt.Key
SHIFT = Qt.KeyboardModifier.ShiftModifier
ALT = Qt.KeyboardModifier.AltModifier
CTRL = Qt.KeyboardModifier.ControlModifier

PERSON = [
    {
        "label": "person",
        "shape_type": "polygon",
        "group_id": 1,
        "points": [[40, 30], [140, 30], [140, 200], [40, 200]],
    },
    {"label": "left_shoulder", "group_id": 1, "points": [[110, 70]]},
    {"label": "right_shoulder", "group_id": 1, "points": [[70, 70]]},
    {"label": "left_hip", "group_id": 1, "points": [[105, 140]]},
    {"label": "right_hip", "group_id": 1, "points": [[75, 140]], "flags": {"occluded": True}},
    {
        "label": "ball",
        "shape_type": "rectangle",
        "points": [[220, 100], [280, 160]],
    },
]


@pytest.fixture
def hands(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> Hands:
    (picture,) = make_project(tmp_path / "p", 1)
    annotation(picture, PERSON)
    made = Hands(window, qtbot.waitUntil)
    made.open(picture.parent)
    made.wait_picture()
    return made


def points(hands: Hands, label: str) -> tuple[tuple[float, float], ...]:
    return next(s.points for s in hands.page.document.content.shapes if s.label == label)


def test_a_click_selects_and_nothing_moves(hands: Hands) -> None:
    document = hands.page.document
    hands.click(110, 70)
    assert document.selection == (1,)
    assert hands.page.editor.person == 1
    hands.click(70, 70, CTRL)
    assert document.selection == (1, 2)
    hands.click(70, 70, CTRL)
    assert document.selection == (1,)
    hands.click(300, 20)
    assert document.selection == ()
    hands.double(110, 70)
    assert set(document.selection) == {0, 1, 2, 3, 4}
    hands.drag((200, 80), (300, 180))
    assert document.selection == (5,)
    hands.ctrl(Key.Key_A)
    assert len(document.selection) == 6
    assert not document.history.canUndo()


def test_joint_limb_person_and_turn(hands: Hands) -> None:
    document = hands.page.document
    start = document.content
    hands.drag((110, 70), (120, 80))
    assert points(hands, "left_shoulder")[0] == pytest.approx((120, 80), abs=1)
    assert points(hands, "person") == start.shapes[0].points
    assert document.history.undoText() == "Move joint"
    hands.ctrl(Key.Key_Z)
    hands.drag((90, 140), (100, 150))  # the limb between the hips
    assert points(hands, "left_hip")[0] == pytest.approx((115, 150), abs=1)
    assert points(hands, "right_hip")[0] == pytest.approx((85, 150), abs=1)
    assert document.history.undoText() == "Move limb"
    hands.ctrl(Key.Key_Z)
    hands.drag((110, 70), (130, 80), SHIFT)
    assert points(hands, "person")[0] == pytest.approx((60, 40), abs=1)
    assert points(hands, "ball") == start.shapes[5].points
    assert document.history.undoText() == "Move person"
    hands.ctrl(Key.Key_Z)
    hands.drag((110, 70), (110, 160), ALT)
    assert document.history.undoText() == "Turn and scale"
    assert points(hands, "left_shoulder")[0] != (110, 70)
    hands.ctrl(Key.Key_Z)
    hands.drag((110, 70), (130, 25), ALT | SHIFT)
    low, high = points(hands, "person")[0], points(hands, "person")[2]
    assert high[0] - low[0] > 100
    hands.ctrl(Key.Key_Z)
    assert document.content == start
    assert not document.is_dirty(document.picture)  # type: ignore[arg-type]


def test_hidden_and_absent_by_hovering(hands: Hands) -> None:
    content = lambda: hands.page.document.content  # noqa: E731
    hands.hover(110, 70)
    hands.key(Key.Key_Q)
    assert content().shapes[1].occluded
    hands.key(Key.Key_Q)
    assert not content().shapes[1].occluded
    hands.key(Key.Key_O)
    assert "left_shoulder" not in hands.labels()
    assert people.absent_of(content(), 1) == {"left_shoulder"}


def test_corners_come_move_and_go(hands: Hands) -> None:
    document = hands.page.document
    hands.click(41, 100)
    assert document.selection == (0,)
    hands.double(90, 200)
    assert len(points(hands, "person")) == 5
    hands.drag((40, 30), (30, 20))
    assert points(hands, "person")[0] == pytest.approx((30, 20), abs=1)
    hands.hover(90, 200)
    hands.key(Key.Key_Backspace)
    assert len(points(hands, "person")) == 4
    hands.click(221, 130)
    hands.drag((280, 100), (300, 90))
    assert points(hands, "ball") == (
        pytest.approx((220, 90), abs=1),
        pytest.approx((300, 160), abs=1),
    )
    hands.drag((60, 200), (60, 215), ALT)
    assert len(points(hands, "person")) == 5


def test_keys_on_the_selection(hands: Hands) -> None:
    document = hands.page.document
    hands.click(110, 70)
    for _ in range(3):
        hands.key(Key.Key_Right)
    hands.key(Key.Key_Down, SHIFT)
    assert points(hands, "left_shoulder")[0] == (113, 80)
    hands.ctrl(Key.Key_Z)
    assert points(hands, "left_shoulder")[0] == (110, 70)
    hands.click(250, 130)
    hands.ctrl(Key.Key_C)
    hands.ctrl(Key.Key_V)
    assert hands.labels().count("ball") == 2
    assert document.content.shapes[document.selection[0]].points[0] == (230, 110)
    hands.ctrl(Key.Key_D)
    assert hands.labels().count("ball") == 3
    hands.key(Key.Key_Delete)
    assert hands.labels().count("ball") == 2
    hands.click(110, 70)
    hands.key(Key.Key_M)
    assert points(hands, "right_shoulder")[0] == (110, 70)
    hands.key(Key.Key_B)
    assert any(s.shape_type == "rectangle" and s.group_id == 1 for s in document.content.shapes)
    hands.key(Key.Key_Delete, SHIFT)
    assert document.content.group_ids() == ()
    assert hands.labels() == ["ball", "ball"]


def test_reviewed_and_hide_all(hands: Hands) -> None:
    hands.ctrl(Key.Key_Return)
    assert hands.page.document.content.reviewed
    assert hands.page.commands.get("reviewed").isChecked()
    hands.key(Key.Key_T)
    hands.click(110, 70)
    assert hands.page.document.selection == ()
    hands.key(Key.Key_T)
    hands.click(110, 70)
    assert hands.page.document.selection == (1,)


def test_going_on_with_a_person_in_hand(hands: Hands) -> None:
    hands.click(110, 70)
    hands.key(Key.Key_K)
    page = hands.page
    assert (page.editor.person, page.editor.next_joint) == (1, 0)
    hands.click(90, 45)
    assert page.document.content.shapes[1].label == "nose"
    page.parts.skeleton.joint_chosen.emit(9)
    assert page.editor.next_joint == 9
    hands.click(120, 120)
    assert "left_wrist" in hands.labels()
    hands.drag((120, 120), (125, 130))  # a joint of the person in hand is moved, not set again
    assert points(hands, "left_wrist")[0] == pytest.approx((125, 130), abs=1)
    assert hands.labels().count("left_wrist") == 1
    hands.ctrl(Key.Key_Z)
    hands.ctrl(Key.Key_Z)
    assert "left_wrist" not in hands.labels()


def test_a_right_click_offers_what_can_be_done(hands: Hands) -> None:
    page = hands.page
    hands.hover(110, 70)
    QTest.mouseClick(page.canvas, Qt.MouseButton.RightButton, NONE, hands.spot(110, 70))
    menu = page.findChild(QMenu)
    assert isinstance(menu, QMenu)
    assert page.document.selection == (1,)
    texts = [action.text() for action in menu.actions() if action.text()]
    assert "Mirror left and right" in texts
    menu.actions()[0].trigger()
    assert page.document.content.shapes[1].occluded
    menu.close()


HAND = [
    {"label": "hand", "shape_type": "rectangle", "group_id": 2, "points": [[180, 20], [300, 90]]},
    {"label": "wrist", "group_id": 2, "points": [[200, 50]]},
    {"label": "index_1", "group_id": 2, "points": [[260, 50]]},
    {"label": "index_2", "group_id": 2, "points": [[290, 50]]},
]
# The same category as the person's, with joints that only this set has.
STUDIO_PERSON = [
    {"label": "upper_neck", "group_id": 3, "points": [[200, 200]]},
    {"label": "thorax", "group_id": 3, "points": [[280, 200]]},
]


@pytest.fixture
def mixed(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> Hands:
    """A person of COCO's joints in hand, a hand, and a person of MPII's joints."""
    (picture,) = make_project(tmp_path / "mixed", 1)
    annotation(picture, PERSON[:5] + HAND + STUDIO_PERSON)
    made = Hands(window, qtbot.waitUntil)
    made.open(picture.parent)
    made.wait_picture()
    return made


def test_everyone_has_the_limbs_of_their_own_skeleton(mixed: Hands) -> None:
    editor = mixed.page.editor
    assert editor.skeleton.name == "coco17"
    scene = editor.scene
    names = {group: scene.skeleton_of(group).name for group in (1, 2, 3)}
    assert names == {1: "coco17", 2: "hand21", 3: "mpii"}
    drawn = {(scene.skeleton_at(limb.first).name, limb.first, limb.second) for limb in scene.limbs}
    assert {("hand21", 6, 7), ("hand21", 7, 8), ("mpii", 10, 9)} <= {
        *drawn,
        *((name, b, a) for name, a, b in drawn),
    }
    without = mixed.page.canvas.grab().toImage()
    for group in (2, 3):
        editor.set_look(replace(editor.look, hidden_labels=frozenset({"index_1", "thorax"})))
        assert group in scene.groups
    shown = mixed.page.canvas.grab().toImage()
    for x, y in ((230, 50), (240, 200)):
        spot = mixed.spot(x, y)
        assert without.pixelColor(spot) != shown.pixelColor(spot), (x, y)


def test_a_limb_of_another_skeleton_is_hit_and_moved(mixed: Hands) -> None:
    mixed.drag((230, 50), (230, 80))
    assert points(mixed, "wrist") == ((pytest.approx(200, abs=0.6), pytest.approx(80, abs=0.6)),)
    assert points(mixed, "index_1")[0][1] == pytest.approx(80, abs=0.6)
    assert points(mixed, "index_2") == ((290, 50),)
    # Whoever is taken in hand brings their skeleton, also among people of one category.
    assert mixed.page.editor.skeleton.name == "hand21"
    mixed.click(240, 200)
    assert set(mixed.page.document.selection) == {9, 10}
    assert mixed.page.editor.skeleton.name == "mpii"
    mixed.click(110, 70)
    assert mixed.page.editor.skeleton.name == "coco17"
    # The tree counts each person's joints against their own skeleton.
    model = mixed.page.tree.model()
    assert [model.index(row, 1).data() for row in range(3)] == ["4/17", "3/21", "2/16"]


def test_the_guided_tool_goes_on_with_the_others_joints(mixed: Hands) -> None:
    page = mixed.page
    mixed.key(Key.Key_K)
    mixed.click(200, 50, CTRL)
    assert page.editor.skeleton.name == "hand21"
    assert page.editor.next_joint == 1
    mixed.click(250, 120)
    assert page.document.content.shapes[-1].group_id == 3
    assert [s.label for s in page.document.content.shapes if s.group_id == 2][1:3] == [
        "wrist",
        "thumb_1",
    ]
    # A skeleton of fewer joints, chosen while a late joint was next.
    tool = page.editor.tools["keypoints"]
    tool.pick(20)  # type: ignore[attr-defined]
    page.assist.skeleton.choose("face5")
    assert page.editor.next_joint is not None
    assert page.editor.next_joint < 5
    mixed.hover(100, 100)
    page.canvas.grab()


def test_hidden_and_absent_go_by_the_persons_own_skeleton(mixed: Hands) -> None:
    page = mixed.page
    page.document.select([])
    mixed.hover(260, 50)
    mixed.key(Key.Key_O)
    box = next(s for s in page.document.content.shapes if s.label == "hand")
    assert box.extra["absent"] == ["index_1"]


def triangle(hands: Hands, x: float, y: float) -> None:
    for corner in ((x, y), (x + 20, y), (x + 10, y + 20)):
        hands.click(*corner)
    hands.key(Key.Key_Return)


def groups(hands: Hands) -> list[int | None]:
    shapes = hands.page.document.content.shapes
    return [s.group_id for s in shapes if s.shape_type == "polygon"]


def test_a_second_polygon_is_another_part_of_the_person_in_hand(hands: Hands) -> None:
    page = hands.page
    page.document.select([1])
    hands.key(Key.Key_N, CTRL)
    assert "part of person 1" in page.parts.hint.text()
    triangle(hands, 160, 30)
    assert groups(hands) == [1, 1]
    page.undo()
    assert groups(hands) == [1]
    page.redo()
    # One person in the tree, with both parts; COCO gets one annotation of two polygons.
    (person,) = instances_of(page.document.content, page.editor.skeleton)
    assert len(person.polygons) == 2


def test_who_gets_the_polygon_is_seen_and_a_new_person_can_be_said(hands: Hands) -> None:
    page = hands.page
    page.document.select([1])
    hands.key(Key.Key_N, CTRL)
    hands.hover(200, 60)
    tag = page.canvas.grab(QRect(hands.spot(200, 60) + QPoint(16, 6), QSize(90, 24))).toImage()
    button = next(
        b
        for b in page.parts.skeleton.findChildren(QToolButton)
        if b.defaultAction() is page.commands.get("new_person")
    )
    # Also with corners begun: the outline goes on, its owner is another.
    hands.click(160, 30)
    hands.click(180, 30)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert page.editor.person is None
    hands.hover(200, 60)
    other = page.canvas.grab(QRect(hands.spot(200, 60) + QPoint(16, 6), QSize(90, 24))).toImage()
    assert tag != other
    hands.click(170, 50)
    hands.key(Key.Key_Return)
    assert groups(hands) == [1, 2]
    # The new one is in hand now, until it is let go of by the key, Enter or Esc.
    triangle(hands, 200, 30)
    assert groups(hands) == [1, 2, 2]
    for number, key in enumerate((Key.Key_Return, Key.Key_Escape), 3):
        hands.key(key)
        assert page.editor.person is None
        triangle(hands, 200, 60)
        assert groups(hands)[-1] == number
    hands.key(Key.Key_J)
    triangle(hands, 240, 60)
    assert groups(hands) == [1, 2, 2, 3, 4, 5]


def test_a_second_box_is_another_person(hands: Hands) -> None:
    page = hands.page
    page.document.select([1])
    hands.key(Key.Key_R, CTRL)
    hands.drag((40, 30), (140, 200))
    assert page.document.content.shapes[-1].group_id == 1
    hands.drag((180, 30), (210, 90))
    assert page.document.content.shapes[-1].group_id == 2


def test_a_new_person_in_the_guided_tool(hands: Hands) -> None:
    page = hands.page
    page.document.select([1])
    hands.key(Key.Key_K)
    assert page.editor.person == 1
    hands.key(Key.Key_J)
    assert page.editor.person is None
    assert page.editor.next_joint == 0
    hands.click(200, 60)
    assert page.document.content.shapes[-1].group_id == 2
    assert page.document.content.shapes[-1].label == "nose"
