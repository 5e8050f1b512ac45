"""From open to saved with the keyboard alone; and one joint over many pictures."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget

from studio.core import people
from studio.io import labelme
from studio.io.skeletons import load_skeleton
from tests.gui.annotating import Hands, annotation, make_project

Key = Qt.Key
Modifier = Qt.KeyboardModifier


class Keyboard:
    """Keys alone, to whatever has the focus."""

    def __init__(self, hands: Hands) -> None:
        self.hands = hands

    @property
    def focus(self) -> QWidget:
        widget = QApplication.focusWidget()
        assert widget is not None
        return widget

    def press(self, key: Key, modifier: Modifier = Modifier.NoModifier) -> None:
        QTest.keyClick(self.focus, key, modifier)
        QApplication.processEvents()
        self.hands.written()

    def type(self, text: str) -> None:
        QTest.keyClicks(self.focus, text)


def test_from_open_to_saved_by_keys(
    hands: Hands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "p"
    pictures = make_project(folder, 3)
    skeleton = load_skeleton("coco17")
    empty = labelme.new_image(pictures[0], (320, 240))
    edit = people.template_person(empty, skeleton, (40.0, 20.0, 200.0, 220.0))
    labelme.write(pictures[0].with_suffix(".json"), edit.apply(empty))
    window = hands.window
    window.open_page("annotate")
    window.activateWindow()
    hands.wait_until(window.isActiveWindow)
    page = hands.page
    keys = Keyboard(hands)
    # The system's own dialogue for folders is the one thing that cannot be driven here.
    monkeypatch.setattr(
        "studio.gui.pages.annotate.page.QFileDialog.getExistingDirectory",
        lambda *_args: str(folder),
    )
    page.setFocus()
    keys.press(Key.Key_U, Modifier.ControlModifier)
    hands.wait_until(lambda: len(page.pictures.model.entries) == 3, timeout=8000)
    hands.wait_until(lambda: page.document.picture == pictures[0], timeout=8000)
    hands.wait_picture()
    # To the filter, and back to the list: the second picture.
    keys.press(Key.Key_L, Modifier.ControlModifier)
    assert isinstance(keys.focus, QLineEdit)
    keys.type("a1")
    hands.wait_until(lambda: len(page.pictures.model.entries) == 1, timeout=8000)
    keys.press(Key.Key_A, Modifier.ControlModifier)
    keys.press(Key.Key_Delete)
    hands.wait_until(lambda: len(page.pictures.model.entries) == 3, timeout=8000)
    for _ in range(6):
        if keys.focus is page.canvas:
            break
        keys.press(Key.Key_F6)
    # The person of the first picture, copied to the second.
    assert page.document.picture == pictures[0]
    keys.press(Key.Key_A, Modifier.ControlModifier)
    keys.press(Key.Key_C, Modifier.ControlModifier)
    keys.press(Key.Key_D)
    assert page.document.picture == pictures[1]
    hands.wait_picture()
    assert page.document.content.shapes == ()
    keys.press(Key.Key_V, Modifier.ControlModifier)
    assert len(page.document.content.shapes) == 18
    keys.press(Key.Key_Right, Modifier.ShiftModifier)
    assert page.document.content.shapes[0].points[0] == (50.0, 20.0)
    for _ in range(4):
        if keys.focus is page.tree:
            break
        keys.press(Key.Key_F6)
    assert keys.focus is page.tree
    keys.press(Key.Key_Home)
    keys.press(Key.Key_Right)
    keys.press(Key.Key_Down)
    keys.press(Key.Key_Down)
    assert len(page.document.selection) == 1
    keys.press(Key.Key_Q)
    assert sum(s.occluded for s in page.document.content.shapes) == 1
    keys.press(Key.Key_Delete)
    assert len(page.document.content.shapes) == 17
    keys.press(Key.Key_Z, Modifier.ControlModifier)
    assert len(page.document.content.shapes) == 18
    keys.press(Key.Key_Return, Modifier.ControlModifier)
    assert page.document.content.reviewed
    keys.press(Key.Key_S, Modifier.ControlModifier)
    saved = labelme.read(pictures[1].with_suffix(".json"))
    assert len(saved.shapes) == 18
    assert saved.reviewed
    assert sum(s.occluded for s in saved.shapes) == 1


def test_one_joint_over_many_pictures(hands: Hands, tmp_path: Path) -> None:
    pictures = make_project(tmp_path / "p", 4)
    box = {"label": "person", "shape_type": "rectangle", "group_id": 7}
    for picture in pictures[:3]:
        annotation(picture, [{**box, "points": [[20, 20], [200, 220]]}])
    page = hands.open(tmp_path / "p", 4)
    hands.wait_picture()
    hands.key(Key.Key_L, Modifier.ShiftModifier)
    page.pick_joint(page.editor.skeleton.index["left_wrist"])
    for number, x in enumerate((100, 110, 120)):
        assert page.document.picture == pictures[number]
        hands.click(x, 100, Modifier.ShiftModifier if number == 1 else Modifier.NoModifier)
        hands.wait_picture()
    assert page.document.picture == pictures[3]
    hands.key(Key.Key_Backspace)
    assert page.document.picture == pictures[2]
    hands.key(Key.Key_W)
    assert page.document.picture == pictures[3]
    # Nobody is here: the same person begins.
    hands.wait_picture()
    hands.click(60, 60)
    assert page.document.picture == pictures[3]
    assert page.document.save_all()
    for number, picture in enumerate(pictures):
        image = labelme.read(picture.with_suffix(".json"))
        (wrist,) = [s for s in image.shapes if s.label == "left_wrist"]
        assert wrist.group_id == 7
        assert wrist.occluded == (number == 1)
    page.undo()
    page.undo()
    assert page.document.picture == pictures[2]
    assert page.editor.tool_id == "loop"
    assert hands.labels() == ["person"]
    assert hands.spot(0, 0) != QPoint()
