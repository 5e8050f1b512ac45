"""What a file may say without being wrong: labels of any length and signs, shapes far outside."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QInputDialog
from pytestqt.qtbot import QtBot

from studio.gui.main_window import MainWindow
from studio.gui.pages.annotate import style
from tests.gui.annotating import Hands, annotation, make_project

LONG = "x" * 10_000
ODD = "one\ntwo\u2028three\x00<b>four</b>"
Key = Qt.Key


@pytest.fixture
def hands(window: MainWindow, qtbot: QtBot) -> Hands:
    return Hands(window, qtbot.waitUntil)


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
