"""Files that are odd without being wrong: endless labels, shapes far outside, other pictures."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QInputDialog
from pytestqt.qtbot import QtBot

from studio.gui import style
from tests.gui.annotating import Hands, annotation, make_picture, make_project

LONG = "x" * 10_000
ODD = "one\ntwo\u2028three\x00<b>four</b>"
Key = Qt.Key


def test_a_text_of_any_length_stays_on_its_plate() -> None:
    image = QImage(400, 300, QImage.Format.Format_RGB32)
    bounds = QRectF(0, 0, 400, 300)
    painter = QPainter(image)
    for text in (LONG, ODD, "nose"):
        rect = style.tag(painter, QPointF(380, 290), text, bounds=bounds)
        assert bounds.contains(rect), text[:20]
        assert rect.height() < 40
    wide = style.tag(painter, QPointF(0, 0), LONG)
    assert wide.width() <= style.LONGEST_TAG + 1
    painter.end()
    assert style.one_line(ODD) == "one two three <b>four</b>"


def test_labels_of_ten_thousand_letters(
    hands: Hands, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    (picture,) = make_project(tmp_path / "p", 1)
    box = {"label": LONG, "shape_type": "rectangle", "points": [[10, 10], [80, 80]], "group_id": 1}
    file = annotation(picture, [box, {"label": ODD, "points": [[60, 60]]}])
    before = file.read_bytes()
    page = hands.open(picture.parent)
    hands.wait_picture()
    width = page.window().width()
    labels = page.parts.labels
    page.parts.tabs.setCurrentWidget(labels)
    qtbot.wait(50)
    page.window().grab()
    assert page.window().width() == width
    assert labels.list.count() == 3
    for row in range(3):
        labels.list.setCurrentRow(row)
        assert labels.list.visualItemRect(labels.list.item(row)).height() < 40
        assert labels.list.horizontalScrollBar().value() == 0
    tree = page.tree.model()
    assert str(tree.index(0, 0).data()).endswith(" 1"), "the number of the person is told"
    # What is asked for another label offers none that would make it as wide as ten screens.
    offered: list[str] = []

    def asked(*arguments: object) -> tuple[str, bool]:
        names = arguments[3]
        assert isinstance(names, list)
        offered.extend(str(n) for n in names)
        return "person", True

    monkeypatch.setattr(QInputDialog, "getItem", asked)
    page.document.select([0])
    hands.ctrl(Key.Key_E)
    assert max(len(name) for name in offered) <= 100
    assert hands.labels() == ["person", ODD]
    hands.ctrl(Key.Key_Z)
    assert hands.labels() == [LONG, ODD]
    assert file.read_bytes() == before


def test_shapes_far_outside_the_picture_and_a_wrong_size(hands: Hands, tmp_path: Path) -> None:
    (picture,) = make_project(tmp_path / "p", 1)
    far = {"label": "nose", "points": [[1e300, -1e300]], "group_id": 1}
    huge = {
        "label": "person",
        "shape_type": "polygon",
        "points": [[-500, -500], [1e9, 20], [50, 1e9]],
        "group_id": 1,
    }
    file = annotation(picture, [far, huge], size=(999, 888))
    before = file.read_bytes()
    page = hands.open(picture.parent)
    hands.wait_picture()
    hands.wait_until(page.banner.isVisible)
    assert "999 × 888" in page.banner.message.text()
    page.editor.select_all()
    for look in (page.show_selection, page.canvas.fit):
        look()
        assert not page.canvas.grab().isNull()
    assert file.read_bytes() == before
    page.editor.nudge(1.0, 0.0)
    assert page.document.save()
    saved = page.document.content
    assert saved.shapes[0].points == ((1e300, -1e300),)
    assert saved.shapes[1].points[0] == (-499, -500)
    assert (saved.width, saved.height) == (999, 888), "the size is told, not changed unasked"


def test_another_picture_under_the_same_name_is_shown(hands: Hands, tmp_path: Path) -> None:
    (picture,) = make_project(tmp_path / "p", 1)
    page = hands.open(picture.parent)
    hands.wait_picture()
    shown = page.canvas.picture
    assert shown is not None
    page.keeper.watch()
    assert not page.loader.busy
    picture.unlink()
    page.keeper.watch()
    assert page.canvas.picture is shown, "what is gone for a moment stays in sight"
    make_picture(picture, size=(640, 480), seed=7)
    page.keeper.watch()
    hands.wait_until(
        lambda: page.canvas.picture is not None and page.canvas.picture.size == (640, 480)
    )
