"""The page around the canvas: list, tree, panels, view, problems, recovery."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QModelIndex, QPointF, Qt
from PySide6.QtGui import QFontMetrics, QImage
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QInputDialog, QPushButton
from pytestqt.qtbot import QtBot

from studio.gui.i18n import translator
from studio.gui.main_window import MainWindow
from studio.gui.pages.annotate.picture_list import describe
from studio.gui.pages.annotate.picture_rows import Entry
from studio.gui.pages.annotate.pictures import (
    Picture,
    PictureLoader,
    load_picture,
    picture_size,
)
from studio.gui.theme import theme
from studio.io import journal, labelme
from tests.gui.annotating import LEFT, NONE, Hands, annotation, make_picture, make_project

Key = Qt.Key
STRICT = QAbstractItemModelTester.FailureReportingMode.Fatal


@pytest.fixture
def hands(window: MainWindow, qtbot: QtBot) -> Hands:
    return Hands(window, qtbot.waitUntil)


def person(group: int, x: float) -> list[dict]:
    return [
        {"label": "nose", "group_id": group, "points": [[x, 40]]},
        {"label": "left_hip", "group_id": group, "points": [[x, 120]]},
    ]


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
    hands.key(Key.Key_Delete)
    hands.ctrl(Key.Key_Z)
    hands.key(Key.Key_D)
    hands.key(Key.Key_A)
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
    hands.key(Key.Key_P)
    hands.click(40, 40)
    assert entries()[0] == "annotated"
    hands.ctrl(Key.Key_Return)
    assert entries()[0] == "reviewed"
    hands.ctrl(Key.Key_S)
    assert page.parts.toolbar.saved.text() == "Saved"
    page.library.rescan()
    hands.wait_until(lambda: not page.library._scan.busy and not page.library._query.busy)
    assert entries() == ["reviewed", "problem"]


def test_problems_are_told_and_the_others_go_on(hands: Hands, tmp_path: Path) -> None:
    pictures = make_project(tmp_path / "p", 4)
    pictures[0].write_bytes(pictures[0].read_bytes()[:60])
    pictures[1].with_suffix(".json").write_text('{"shapes": [', encoding="utf-8")
    page = hands.open(pictures[0].parent, 4)
    hands.wait_until(lambda: not page.banner.isHidden(), timeout=4000)
    assert "picture" in page.banner.message.text()
    assert page.pictures.model.entries[0].state == "problem"
    hands.key(Key.Key_D)
    assert "too early" in page.banner.message.text()
    hands.wait_picture()
    hands.key(Key.Key_P)
    hands.click(40, 40)
    assert page.document.content.shapes == ()
    assert pictures[1].with_suffix(".json").read_text(encoding="utf-8") == '{"shapes": ['
    pictures[2].unlink()
    hands.key(Key.Key_D)
    hands.wait_until(lambda: "not there" in page.banner.message.text(), timeout=4000)
    hands.key(Key.Key_D)
    hands.wait_picture()
    assert page.banner.isHidden()
    hands.click(40, 40)
    assert len(page.document.content.shapes) == 1


@pytest.mark.qt_log_ignore("Corrupt JPEG data")
def test_a_picture_cut_short_is_shown_and_told(hands: Hands, tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    picture = make_picture(folder / "a.jpg", (600, 400))
    picture.write_bytes(picture.read_bytes()[: picture.stat().st_size // 2])
    page = hands.open(folder)
    hands.wait_picture()
    assert "cut short" in page.banner.message.text()
    assert page.pictures.model.entries[0].state == "problem"
    # The index knows nothing of the picture's pixels: a new listing keeps what the window found.
    before = page.pictures.model.entries
    page.library.rescan()
    hands.wait_until(lambda: page.pictures.model.entries is not before)
    assert page.pictures.model.entries[0].state == "problem"


def test_a_wrong_size_in_the_file_is_told(hands: Hands, tmp_path: Path) -> None:
    (picture,) = make_project(tmp_path / "p", 1)
    annotation(picture, person(1, 50), size=(640, 480))
    page = hands.open(picture.parent)
    hands.wait_picture()
    assert "640" in page.banner.message.text()
    assert not page.document.is_dirty(picture)


def test_the_view(hands: Hands, tmp_path: Path) -> None:
    (picture,) = make_project(tmp_path / "p", 1)
    page = hands.open(picture.parent)
    hands.wait_picture()
    canvas = page.canvas
    hands.ctrl(Key.Key_0)
    assert canvas.zoom_percent == pytest.approx(100)
    spot = QPointF(150.0, 120.0)
    before = canvas.view.to_picture(spot)
    canvas.zoom(2.0, spot)
    assert canvas.view.to_picture(spot) == pytest.approx(before)
    assert canvas.zoom_percent == pytest.approx(200)
    hands.ctrl(Key.Key_F)
    start = canvas.view
    hands.drag((100, 100), (120, 110), button=Qt.MouseButton.MiddleButton)
    assert canvas.view.scale == start.scale
    assert canvas.view.dx - start.dx == pytest.approx(20 * start.scale, abs=1.5)
    hands.key(Key.Key_K)
    QTest.keyPress(canvas, Key.Key_Space)
    hands.drag((100, 100), (90, 100))
    QTest.keyRelease(canvas, Key.Key_Space)
    assert page.document.content.shapes == ()
    plain = canvas.grab().toImage()
    page.parts.toolbar.adjustment.set_values(40, 30)
    middle = canvas.rect().center()
    assert (
        canvas.grab().toImage().pixelColor(middle).lightness()
        > plain.pixelColor(middle).lightness()
    )
    hands.key(Key.Key_Tab)
    assert page.parts.left.isHidden()
    assert page.parts.right.isHidden()
    hands.key(Key.Key_Tab)
    assert not page.parts.left.isHidden()


def test_joints_are_drawn_where_they_are(hands: Hands, tmp_path: Path) -> None:
    (picture,) = make_project(tmp_path / "p", 1)
    annotation(picture, person(1, 50))
    page = hands.open(picture.parent)
    hands.wait_picture()
    canvas = page.canvas
    shown = canvas.grab().toImage()
    hands.key(Key.Key_T)
    hidden = canvas.grab().toImage()
    nose, elsewhere = hands.spot(50, 40), hands.spot(200, 200)
    assert shown.pixelColor(nose) != hidden.pixelColor(nose)
    assert shown.pixelColor(elsewhere) == hidden.pixelColor(elsewhere)
    between = hands.spot(50, 80)  # nose and hip share no limb
    assert shown.pixelColor(between) == hidden.pixelColor(between)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_pictures_are_upright(tmp_path: Path, orientation: int) -> None:
    from PIL import Image

    image = Image.new("RGB", (40, 20), (200, 30, 30))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "x.jpg"
    image.save(path, exif=exif)
    expected = (20, 40) if orientation in (6, 8) else (40, 20)
    assert picture_size(path) == expected
    picture = load_picture(path)
    assert picture.size == expected
    assert (picture.levels[0].width(), picture.levels[0].height()) == expected


@pytest.mark.parametrize(
    "kind",
    [
        QImage.Format.Format_Grayscale16,
        QImage.Format.Format_Grayscale8,
        QImage.Format.Format_RGBA64,
    ],
)
def test_any_depth_can_be_shown(tmp_path: Path, kind: QImage.Format) -> None:
    image = QImage(600, 500, kind)
    image.fill(Qt.GlobalColor.darkGray)
    path = tmp_path / "x.png"
    assert image.save(str(path))
    picture = load_picture(path)
    assert picture.levels[0].depth() == 32
    assert picture.level_for(0.5).width() == 300
    assert picture.level_for(0.51).width() == 600


def test_a_large_jpeg_is_seen_coarse_first(tmp_path: Path, qtbot: QtBot) -> None:
    image = QImage(3000, 2000, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.darkCyan)
    path = tmp_path / "x.jpg"
    assert image.save(str(path))
    loader = PictureLoader()
    seen: list[Picture] = []
    loader.loaded.connect(seen.append)
    loader.request(path)
    qtbot.waitUntil(lambda: len(seen) == 2)
    assert [p.preview for p in seen] == [True, False]
    assert {p.size for p in seen} == {(3000, 2000)}
    loader.request(path)
    assert len(seen) == 3
    assert seen[2] is seen[1]
    loader.stop()


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


CRASH = """
import os, signal, sys
from pathlib import Path
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from studio.gui.app import make_window
from studio.gui.context import StudioContext
from tests.gui.annotating import Hands
app = QApplication([])
studio = StudioContext()
window = make_window(studio)
window.resize(1280, 800)
window.show()
def until(done, timeout=8000):
    for _ in range(timeout // 5):
        if done():
            return
        QTest.qWait(5)
    raise SystemExit("too slow")
hands = Hands(window, until)
hands.open(Path(sys.argv[1]), 2)
hands.wait_picture()
hands.key(Qt.Key.Key_K)
for n in range(4):
    hands.click(40 + 20 * n, 60)
hands.key(Qt.Key.Key_D)
hands.wait_picture()
hands.key(Qt.Key.Key_P)
for n in range(int(sys.argv[2])):
    hands.click(40 + 20 * n, 60)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_killed_window_gives_its_edits_back(hands: Hands, tmp_path: Path) -> None:
    pictures = make_project(tmp_path / "p", 2)
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", CRASH, str(pictures[0].parent), "3"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        check=False,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL
    # The picture that was left is saved; the one in hand is in the journal.
    assert len(labelme.read(pictures[0].with_suffix(".json")).shapes) == 4
    assert not pictures[1].with_suffix(".json").exists()
    page = hands.open(pictures[0].parent, 2)
    assert not page.parts.recovery.isHidden()
    (found,) = journal.leftovers(pictures[0].parent)
    assert found.picture == pictures[1]
    restore = next(
        b for b in page.parts.recovery.findChildren(QPushButton) if b.text() == "Restore all"
    )
    QTest.mouseClick(restore, LEFT, NONE)
    assert page.document.picture == pictures[1]
    assert len(page.document.content.shapes) == 3
    assert page.parts.recovery.isHidden()
    assert journal.leftovers(pictures[0].parent) == ()
    page.keeper.save()
    hands.written()
    assert len(labelme.read(pictures[1].with_suffix(".json")).shapes) == 3
    page.undo()
    assert page.document.content.shapes == ()


def test_a_conflict_waits_for_an_answer(hands: Hands, tmp_path: Path) -> None:
    (picture,) = make_project(tmp_path / "p", 1)
    path = annotation(picture, person(1, 50))
    page = hands.open(picture.parent)
    hands.wait_picture()
    hands.key(Key.Key_P)
    hands.click(200, 100)
    annotation(picture, person(9, 60))
    os.utime(path, ns=(7, 7))
    hands.ctrl(Key.Key_S)
    assert not page.parts.conflict.isHidden()
    assert labelme.read(path).group_ids() == (9,)
    keep = next(b for b in page.parts.conflict.findChildren(QPushButton) if "mine" in b.text())
    QTest.mouseClick(keep, LEFT, NONE)
    assert page.parts.conflict.isHidden()
    assert labelme.read(path).group_ids() == (1,)


def test_big_lists_stay_quick(qtbot: QtBot) -> None:
    from studio.gui.pages.annotate.picture_list import PictureList
    from studio.gui.pages.annotate.picture_rows import Entry
    from studio.gui.pages.annotate.thumbnails import Thumbnails

    thumbnails = Thumbnails()
    made = PictureList(thumbnails, lambda _path: False)
    qtbot.addWidget(made)
    made.resize(260, 600)
    made.show()
    entries = [Entry(Path(f"/nowhere/{n:06}.jpg")) for n in range(100_000)]
    made.show_entries(entries, entries[70_000].path)
    made.repaint()
    assert made.view.currentIndex().row() == 70_000
    assert made.neighbour(entries[70_000].path, 1) == entries[70_001].path
    thumbnails.stop()


def test_leaving_the_canvas_forgets_the_cursor(hands: Hands, tmp_path: Path) -> None:
    (picture,) = make_project(tmp_path / "p", 1)
    annotation(picture, person(1, 50))
    page = hands.open(picture.parent)
    hands.wait_picture()
    hands.hover(50, 40)
    assert page.canvas.hovered == 0
    page.canvas.event(QEvent(QEvent.Type.Leave))
    assert page.canvas.hovered is None
    hands.key(Key.Key_Q)
    assert not page.document.content.shapes[0].occluded
    assert page.tree.people.parent(QModelIndex()) == QModelIndex()


def test_a_thumbnail_is_kept_in_the_project(hands: Hands, tmp_path: Path) -> None:
    folder = tmp_path / "p"
    make_project(folder, 1)
    make_picture(folder / "wide.png", (900, 200))
    page = hands.open(folder, 2)
    made = lambda: list((folder / ".studio" / "thumbnails").glob("*.jpg"))  # noqa: E731
    hands.wait_until(lambda: len(made()) == 2, timeout=5000)
    pixmap = page.thumbnails.get(folder / "wide.png")
    assert pixmap is not None
    assert (pixmap.width(), pixmap.height()) == (128, 96)


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
    QTest.keyClick(labels.field, Key.Key_Return)
    assert page.editor.label == "racket"
    hands.key(Key.Key_P)
    hands.click(100, 100)
    assert hands.labels() == ["ball", "racket"]
    ball = next(labels.list.item(n) for n in range(3) if "ball" in labels.list.item(n).text())
    ball.setCheckState(Qt.CheckState.Unchecked)
    assert page.editor.scene.hidden == {0}
    page.document.select([1])
    monkeypatch.setattr(QInputDialog, "getItem", lambda *_args: ("bat", True))
    hands.ctrl(Key.Key_E)
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
    QTest.keyClick(flags.new_flag, Key.Key_Return)
    flags.reviewed.click()
    assert page.document.content.flags == {"night": True, "reviewed": True}
    for _ in range(5):
        hands.ctrl(Key.Key_Z)
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


def test_a_picture_that_shares_its_file_is_told(hands: Hands, tmp_path: Path) -> None:
    (picture,) = make_project(tmp_path / "p", 1)
    other = ".png" if picture.suffix != ".png" else ".jpg"
    make_picture(picture.with_suffix(other), (600, 400))
    page = hands.open(picture.parent, 2)
    hands.wait_picture()
    assert "one annotation file together" in page.banner.message.text()
