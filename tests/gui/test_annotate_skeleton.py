"""The skeleton editor on the real page, and the annotated data that go with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QColorDialog, QComboBox, QDoubleSpinBox
from shiboken6 import isValid

from studio.gui.pages.annotate.skeleton_editor import FACE, MIRROR, NAME, SIGMA, SkeletonEditor
from studio.io import labelme
from studio.io.project import Project
from studio.io.skeletons import load_skeleton
from tests.gui.annotating import LEFT, NONE, Hands, annotation, make_project
from tests.gui.conftest import delete_now


def _person(group: int, *joints: str) -> list[dict]:
    return [
        {
            "label": "person",
            "shape_type": "rectangle",
            "points": [[10.0, 10.0], [110.0, 210.0]],
            "group_id": group,
        },
        *(
            {"label": j, "points": [[20.0 + n, 30.0]], "group_id": group}
            for n, j in enumerate(joints)
        ),
    ]


@pytest.fixture
def editor(hands: Hands, tmp_path: Path):
    pictures = make_project(tmp_path / "p", 3)
    annotation(pictures[0], _person(1, "nose", "left_eye"))
    annotation(pictures[1], _person(2, "nose", "left_ear"))
    page = hands.open(tmp_path / "p", 3)
    page.assist.skeleton.open()
    made = page.assist.skeleton.editor
    assert made is not None
    yield made
    if isValid(made):
        made.close()
        delete_now(made)


def _rename(editor: SkeletonEditor, line: int, name: str) -> None:
    item = editor.table.item(line, NAME)
    assert item is not None
    item.setText(name)


def _click(editor: SkeletonEditor, uid: int, modifier: Qt.KeyboardModifier = NONE) -> None:
    QTest.mouseClick(editor.canvas, LEFT, modifier, editor.canvas.spot(uid).toPoint())


def test_a_change_of_names_is_shown_first_done_and_undone(
    editor: SkeletonEditor, hands: Hands, tmp_path: Path
) -> None:
    page, folder = hands.page, tmp_path / "p"
    before = {p: p.read_bytes() for p in folder.glob("*.json")}
    _rename(editor, 0, "beak")
    editor.choose(3)
    editor.remove()
    editor.name_field.setText("bird")
    editor.name_field.editingFinished.emit()
    editor.save_button.click()
    change = page.assist.skeleton
    hands.wait_until(lambda: change.question is not None, timeout=8000)
    assert change.question is not None
    text = change.question.informativeText()
    assert "2 files with 2 people" in text
    assert "nose → beak" in text
    assert "removed: left ear" in text
    assert {p: p.read_bytes() for p in folder.glob("*.json")} == before
    next(b for b in change.question.buttons() if b.text() == "Change the data").click()
    hands.wait_until(lambda: page.editor.skeleton.name == "bird", timeout=8000)
    assert [s.label for s in labelme.read(folder / "a0.json").shapes] == [
        "person",
        "beak",
        "left_eye",
    ]
    assert "left_ear" not in [s.label for s in labelme.read(folder / "a1.json").shapes]
    assert page.document.content.shapes[1].label == "beak"
    assert load_skeleton("bird", folder).keypoints[0] == "beak"
    assert Project.open(folder).config.skeletons == ("bird",)
    page.undo()
    assert {p: p.read_bytes() for p in folder.glob("*.json")} == before
    assert page.editor.skeleton.name == "coco17"
    assert not (folder / "skeletons" / "bird.toml").exists()
    assert not (folder / "studio.toml").exists()
    page.redo()
    assert page.editor.skeleton.name == "bird"
    assert page.document.content.shapes[1].label == "beak"


def test_looks_alone_touch_no_annotation(
    editor: SkeletonEditor, hands: Hands, tmp_path: Path
) -> None:
    folder, page = tmp_path / "p", hands.page
    before = {p: p.read_bytes() for p in folder.glob("*.json")}
    start = editor.canvas.spot(0).toPoint()
    QTest.mousePress(editor.canvas, LEFT, NONE, start)
    QTest.mouseMove(editor.canvas, start + QPoint(30, 12))
    QTest.mouseRelease(editor.canvas, LEFT, NONE, start + QPoint(30, 12))
    _click(editor, 9)
    _click(editor, 10, Qt.KeyboardModifier.ShiftModifier)
    sigma = editor.table.cellWidget(9, SIGMA)
    assert isinstance(sigma, QDoubleSpinBox)
    sigma.setValue(0.2)
    sigma.editingFinished.emit()
    face = editor.table.item(0, FACE)
    assert face is not None
    face.setCheckState(Qt.CheckState.Unchecked)
    draft = editor.draft
    assert (9, 10) in draft.limbs
    assert draft.joint(9).sigma == 0.2
    assert not draft.joint(0).face
    for _ in range(4):
        editor.undo_button.click()
    assert editor.draft.to_skeleton() == editor.old
    for _ in range(4):
        editor.redo_button.click()
    assert editor.draft == draft
    editor.save_button.click()
    hands.wait_until((folder / "skeletons" / "coco17.toml").is_file, timeout=8000)
    hands.wait_until(lambda: (9, 10) in page.editor.skeleton.edges, timeout=8000)
    assert {p: p.read_bytes() for p in folder.glob("*.json")} == before
    page.undo()
    assert (9, 10) not in page.editor.skeleton.edges


def test_joints_are_added_moved_and_paired(editor: SkeletonEditor) -> None:
    editor.add()
    uid = editor.current()
    assert uid == 17
    editor.move_joint(-17)
    assert editor.draft.joints[0].uid == 17
    assert editor.table.currentRow() == 0
    mirror = editor.table.cellWidget(0, MIRROR)
    assert isinstance(mirror, QComboBox)
    mirror.setCurrentIndex(mirror.findData(0))
    mirror.activated.emit(mirror.currentIndex())
    assert editor.draft.mirror_of(0) == 17
    spot = editor.canvas.rect().center()
    QTest.mouseDClick(editor.canvas, LEFT, NONE, QPoint(40, spot.y()))
    assert len(editor.draft.joints) == 19
    editor.canvas.setFocus()
    QTest.keyClick(editor.canvas, Qt.Key.Key_Delete)
    assert len(editor.draft.joints) == 18


def test_what_is_wrong_is_said_and_not_saved(editor: SkeletonEditor) -> None:
    _rename(editor, 1, "nose")
    assert "twice" in editor.error.text()
    assert not editor.save_button.isEnabled()
    editor.undo_button.click()
    assert editor.save_button.isEnabled()
    assert editor.error.text() == ""


def test_places_come_from_the_person_in_hand(editor: SkeletonEditor, hands: Hands) -> None:
    hands.page.editor.set_person(1)
    editor.take_places()
    x, y = editor.draft.joint(0).place
    assert (x, y) == pytest.approx((0.1, 0.1))
    assert replace(editor.draft, joints=()).limbs == editor.draft.limbs


def test_a_limb_gets_another_colour(
    editor: SkeletonEditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QColorDialog, "getColor", lambda *_: QColor("#123456"))
    middle = (editor.canvas.spot(5) + editor.canvas.spot(7)) / 2
    QTest.mouseDClick(editor.canvas, LEFT, NONE, middle.toPoint())
    assert editor.draft.limbs[5, 7] == "#123456"
    assert len(editor.draft.joints) == 17


def _drag(editor: SkeletonEditor, start: QPoint, end: QPoint) -> None:
    canvas = editor.canvas
    QTest.mouseMove(canvas, start)
    QTest.mousePress(canvas, LEFT, NONE, start)
    for part in (0.4, 1.0):
        QTest.mouseMove(canvas, start + (end - start) * part)
    QTest.mouseRelease(canvas, LEFT, NONE, end)


def _spot(editor: SkeletonEditor, uid: int) -> QPoint:
    return editor.canvas.spot(uid).toPoint()


def test_limbs_are_joined_by_a_drag_or_two_clicks_and_parted(
    editor: SkeletonEditor, hands: Hands, tmp_path: Path
) -> None:
    before, place = editor.draft, editor.draft.joint(9).place
    QTest.mouseClick(editor.limbs.join_button, LEFT)
    _drag(editor, _spot(editor, 9), _spot(editor, 10))
    assert (9, 10) in editor.draft.limbs
    assert editor.draft.joint(9).place == place, "no joint moves while they are joined"
    assert editor.limbs.name.text() == "Limb: left wrist – right wrist"
    # While a limb is drawn its line follows the mouse.
    QTest.mouseMove(editor.canvas, _spot(editor, 15))
    QTest.mousePress(editor.canvas, LEFT, NONE, _spot(editor, 15))
    between = (_spot(editor, 15) + _spot(editor, 16)) / 2 + QPoint(0, 40)
    plain = editor.canvas.grab().toImage()
    QTest.mouseMove(editor.canvas, between)
    drawn = editor.canvas.grab().toImage()
    QTest.mouseRelease(editor.canvas, LEFT, NONE, between)
    assert plain != drawn
    assert len(editor.draft.limbs) == len(before.limbs) + 1, "let go beside every joint"
    # Two clicks do the same, and Esc lets go of the first one.
    _click(editor, 15)
    editor.canvas.setFocus()
    QTest.keyClick(editor.canvas, Qt.Key.Key_Escape)
    assert editor.isVisible()
    _click(editor, 13)
    _click(editor, 16)
    assert (13, 16) in editor.draft.limbs
    assert not any({15} < set(ends) and {16} < set(ends) for ends in editor.draft.limbs)
    # Joining the same two again parts them.
    _drag(editor, _spot(editor, 10), _spot(editor, 9))
    assert (9, 10) not in editor.draft.limbs
    QTest.keyClick(editor.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert (9, 10) in editor.draft.limbs
    QTest.keyClick(editor.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(editor.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert editor.draft == before
    for _ in range(3):
        QTest.keyClick(editor.canvas, Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    assert (13, 16) in editor.draft.limbs
    editor.save_button.click()
    page = hands.page
    hands.wait_until(lambda: (13, 16) in page.editor.skeleton.edges, timeout=8000)
    page.undo()
    assert (13, 16) not in page.editor.skeleton.edges


def test_a_limb_is_chosen_and_removed(editor: SkeletonEditor) -> None:
    def middle(a: int, b: int) -> QPoint:
        return ((editor.canvas.spot(a) + editor.canvas.spot(b)) / 2).toPoint()

    bar, limb = editor.limbs, (5, 7)
    assert not bar.remove_button.isEnabled()
    plain = editor.canvas.grab().toImage()
    QTest.mouseClick(editor.canvas, LEFT, NONE, middle(*limb))
    assert editor.canvas.limb == limb
    assert bar.name.text() == "Limb: left shoulder – left elbow"
    assert editor.canvas.grab().toImage() != plain
    QTest.mouseClick(bar.remove_button, LEFT)
    assert limb not in editor.draft.limbs
    assert editor.canvas.limb is None
    assert not bar.remove_button.isEnabled()
    editor.undo_button.click()
    assert limb in editor.draft.limbs
    QTest.mouseClick(editor.canvas, LEFT, NONE, middle(*limb))
    editor.canvas.setFocus()
    QTest.keyClick(editor.canvas, Qt.Key.Key_Delete)
    assert limb not in editor.draft.limbs
    assert len(editor.draft.joints) == 17, "the key is about the limb, not about a joint"
    # A joint chosen after the limb is what the key is about.
    QTest.mouseClick(editor.canvas, LEFT, NONE, middle(6, 8))
    _click(editor, 0)
    QTest.keyClick(editor.canvas, Qt.Key.Key_Delete)
    assert editor.draft.joints[0].uid == 1
    assert (6, 8) in editor.draft.limbs


def test_a_limb_and_a_name_together_are_shown_before_the_data_change(
    editor: SkeletonEditor, hands: Hands, tmp_path: Path
) -> None:
    _rename(editor, 0, "beak")
    QTest.mouseClick(editor.limbs.join_button, LEFT)
    _drag(editor, _spot(editor, 9), _spot(editor, 10))
    editor.save_button.click()
    change = hands.page.assist.skeleton
    hands.wait_until(lambda: change.question is not None, timeout=8000)
    assert change.question is not None
    assert "nose → beak" in change.question.informativeText()
    next(b for b in change.question.buttons() if b.text() == "Change the data").click()
    hands.wait_until(lambda: (9, 10) in hands.page.editor.skeleton.edges, timeout=8000)
    hands.page.undo()
    assert (9, 10) not in hands.page.editor.skeleton.edges
    assert hands.page.editor.skeleton.keypoints[0] == "nose"
