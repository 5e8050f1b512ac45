"""The page around the canvas: list, tree, panels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QModelIndex, Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QInputDialog, QPushButton

from studio.gui.i18n import translator
from studio.gui.pages.annotate.picture_list import describe
from studio.gui.pages.annotate.picture_rows import Entry
from studio.gui.theme import theme
from tests.gui.annotating import Hands, annotation, make_project, person

STRICT = QAbstractItemModelTester.FailureReportingMode.Fatal


def test_the_empty_page_says_what_to_do(hands: Hands, tmp_path: Path) -> None:
    hands.window.open_page("annotate")
    page = hands.page
    assert page.parts.stack.currentIndex() == 0
    shown = page.parts.stack.currentWidget()
    assert shown is not None
    button = shown.findChild(QPushButton)
    assert isinstance(button, QPushButton)
    assert button.isVisible()
    (tmp_path / "none").mkdir()
    hands.window.open_project(tmp_path / "none")
    hands.wait_until(lambda: page.parts.stack.currentIndex() == 1, timeout=5000)


def test_models_keep_the_rules_of_qt(hands: Hands, tmp_path: Path) -> None:
    pictures = make_project(tmp_path / "p", 3)
    annotation(pictures[0], [*person(1, 50), *person(2, 150), {"label": "x", "points": [[1, 1]]}])
    page = hands.open(pictures[0].parent, 3)
    testers = [
        QAbstractItemModelTester(model, STRICT)
        for model in (page.tree.people, page.pictures.model, page.parts.skeleton.list.model())
    ]
    hands.wait_picture()
    hands.click(50, 40)
    hands.key(Qt.Key.Key_Delete)
    hands.ctrl(Qt.Key.Key_Z)
    hands.key(Qt.Key.Key_D)
    hands.key(Qt.Key.Key_A)
    page.editor.set_skeleton(page.editor.skeleton)
    page.pictures.field.setText("a1")
    hands.wait_until(lambda: len(page.pictures.model.entries) == 1, timeout=4000)
    assert len(testers) == 3


def test_the_tree_and_the_canvas_select_together(hands: Hands, tmp_path: Path) -> None:
    (picture,) = make_project(tmp_path / "p", 1)
    annotation(picture, [*person(1, 50), *person(2, 150), {"label": "ball", "points": [[250, 60]]}])
    page = hands.open(picture.parent)
    hands.wait_picture()
    model = page.tree.people
    assert model.rowCount() == 3
    assert model.index(1, 0).data() == "person 2"
    assert model.rowCount(model.index(1, 0)) == 2
    hands.click(150, 120)
    rows = page.tree.selectionModel().selectedRows(0)
    assert [r.data() for r in rows] == ["left hip"]
    page.tree.setCurrentIndex(model.index(0, 0))
    assert page.document.selection == (0, 1)
    assert page.editor.person == 1
    eye = model.index(0, 1, model.index(1, 0))
    page.tree.clicked.emit(eye)
    assert page.document.content.shapes[2].occluded
    assert page.parts.skeleton.heading.text() == "Person 1"


def test_the_filter_and_its_mistakes(hands: Hands, tmp_path: Path) -> None:
    pictures = make_project(tmp_path / "p", 4)
    annotation(pictures[1], person(3, 50))
    page = hands.open(pictures[0].parent, 4)
    field = page.pictures.field
    for text, count in (("a2", 1), ("label:nose", 1), ("gid:3", 1), ("state:empty", 3), ("", 4)):
        field.setText(text)
        hands.wait_until(lambda n=count: len(page.pictures.model.entries) == n, timeout=4000)
    field.setText("occluded>x")
    hands.wait_until(lambda: not page.pictures.problem.isHidden(), timeout=4000)
    assert page.pictures.problem.text()
    assert len(page.pictures.model.entries) == 4


def test_states_follow_the_work(hands: Hands, tmp_path: Path) -> None:
    pictures = make_project(tmp_path / "p", 2)
    pictures[1].with_suffix(".json").write_text("{", encoding="utf-8")
    page = hands.open(pictures[0].parent, 2)
    hands.wait_picture()
    entries = lambda: [e.state for e in page.pictures.model.entries]  # noqa: E731
    hands.wait_until(lambda: entries() == ["empty", "problem"], timeout=4000)
    hands.key(Qt.Key.Key_P)
    hands.click(40, 40)
    assert entries()[0] == "annotated"
    hands.ctrl(Qt.Key.Key_Return)
    assert entries()[0] == "reviewed"
    hands.ctrl(Qt.Key.Key_S)
    assert page.parts.toolbar.saved.text() == "Saved"
    page.library.rescan()
    hands.wait_until(lambda: not page.library._scan.busy and not page.library._query.busy)
    assert entries() == ["reviewed", "problem"]


def test_another_page_sends_a_person(hands: Hands, tmp_path: Path) -> None:
    pictures = make_project(tmp_path / "p", 2)
    annotation(pictures[1], [*person(1, 50), *person(2, 150)])
    page = hands.open(pictures[0].parent, 2)
    hands.window.open_page("annotate", picture=pictures[1], group_id=2, note="look here")
    hands.wait_picture()
    assert page.document.selection == (2, 3)
    assert page.banner.message.text() == "look here"


def test_all_texts_change_with_the_language(hands: Hands, tmp_path: Path) -> None:
    (picture,) = make_project(tmp_path / "p", 1)
    page = hands.open(picture.parent)
    english = page.parts.hint.text(), page.commands.get("undo").text(), page.parts.tabs.tabText(0)
    translator.set_language("ja")
    now = page.parts.hint.text(), page.commands.get("undo").text(), page.parts.tabs.tabText(0)
    assert all(a != b for a, b in zip(english, now, strict=True))


def test_leaving_the_canvas_forgets_the_cursor(hands: Hands, tmp_path: Path) -> None:
    (picture,) = make_project(tmp_path / "p", 1)
    annotation(picture, person(1, 50))
    page = hands.open(picture.parent)
    hands.wait_picture()
    hands.hover(50, 40)
    assert page.canvas.hovered == 0
    page.canvas.event(QEvent(QEvent.Type.Leave))
    assert page.canvas.hovered is None
    hands.key(Qt.Key.Key_Q)
    assert not page.document.content.shapes[0].occluded
    assert page.tree.people.parent(QModelIndex()) == QModelIndex()


def test_labels_are_edited_hidden_and_drawn_with(
    hands: Hands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (picture,) = make_project(tmp_path / "p", 1)
    annotation(picture, [{"label": "ball", "points": [[50, 40]]}])
    page = hands.open(picture.parent)
    hands.wait_picture()
    labels = page.parts.labels
    page.parts.tabs.setCurrentWidget(labels)
    labels.field.setFocus()
    labels.field.setText("racket")
    QTest.keyClick(labels.field, Qt.Key.Key_Return)
    assert page.editor.label == "racket"
    hands.key(Qt.Key.Key_P)
    hands.click(100, 100)
    assert hands.labels() == ["ball", "racket"]
    ball = next(labels.list.item(n) for n in range(3) if "ball" in labels.list.item(n).text())
    ball.setCheckState(Qt.CheckState.Unchecked)
    assert page.editor.scene.hidden == {0}
    page.document.select([1])
    monkeypatch.setattr(QInputDialog, "getItem", lambda *_args: ("bat", True))
    hands.ctrl(Qt.Key.Key_E)
    assert hands.labels() == ["ball", "bat"]


def test_the_details_change_the_selection(hands: Hands, tmp_path: Path) -> None:
    (picture,) = make_project(tmp_path / "p", 1)
    annotation(picture, [*person(1, 50), *person(2, 150)])
    page = hands.open(picture.parent)
    hands.wait_picture()
    flags = page.parts.flags
    page.parts.tabs.setCurrentWidget(flags)
    hands.click(50, 40)
    flags.hidden.click()
    assert page.document.content.shapes[0].occluded
    flags.description.setText("far away")
    flags.description.editingFinished.emit()
    assert page.document.content.shapes[0].description == "far away"
    flags.person_field.setCurrentIndex(flags.person_field.findData(2))
    flags.person_field.activated.emit(flags.person_field.currentIndex())
    assert page.document.content.shapes[0].group_id == 2
    flags.new_flag.setFocus()
    flags.new_flag.setText("night")
    QTest.keyClick(flags.new_flag, Qt.Key.Key_Return)
    flags.reviewed.click()
    assert page.document.content.flags == {"night": True, "reviewed": True}
    for _ in range(5):
        hands.ctrl(Qt.Key.Key_Z)
    assert not page.document.is_dirty(picture)
    assert not flags.reviewed.isChecked()


def test_the_list_shows_the_side_of_a_picture_at_its_usual_width(
    hands: Hands, tmp_path: Path
) -> None:
    hands.open(make_project(tmp_path / "p", 1)[0].parent)
    entry = Entry(Path("a.png"), "annotated", 13, 206, "train", "")
    assert describe(entry) == "13 people · 206 shapes · train"
    short = describe(entry, short=True)
    assert short == "13 people · train"
    room = hands.page.pictures.view.viewport().width() - 120
    assert QFontMetrics(theme.font("small")).horizontalAdvance(short) < room
    # Where nobody is, the shapes are what there is to tell.
    assert describe(replace(entry, people=0), short=True) == "0 people · 206 shapes · train"


def test_a_long_hint_is_cut_with_a_sign_and_whole_in_the_tooltip(
    hands: Hands, tmp_path: Path
) -> None:
    hands.open(make_project(tmp_path / "p", 1)[0].parent)
    hint = hands.page.parts.hint
    hands.page.editor.said.emit("long " * 100)
    assert hint.text() == hint.toolTip() == "long " * 100
    assert hint.width() < hands.page.width()
