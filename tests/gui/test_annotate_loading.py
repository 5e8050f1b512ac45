"""Pictures of any kind and size: loaded, shown upright, and what is wrong with them told."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from studio.gui.pages.annotate.pictures import (
    Picture,
    PictureLoader,
    load_picture,
    picture_size,
)
from tests.gui.annotating import Hands, annotation, make_picture, make_project, person


def test_problems_are_told_and_the_others_go_on(hands: Hands, tmp_path: Path) -> None:
    pictures = make_project(tmp_path / "p", 4)
    pictures[0].write_bytes(pictures[0].read_bytes()[:60])
    pictures[1].with_suffix(".json").write_text('{"shapes": [', encoding="utf-8")
    page = hands.open(pictures[0].parent, 4)
    hands.wait_until(lambda: not page.banner.isHidden(), timeout=4000)
    assert "picture" in page.banner.message.text()
    assert page.pictures.model.entries[0].state == "problem"
    hands.key(Qt.Key.Key_D)
    assert "too early" in page.banner.message.text()
    hands.wait_picture()
    hands.key(Qt.Key.Key_P)
    hands.click(40, 40)
    assert page.document.content.shapes == ()
    assert pictures[1].with_suffix(".json").read_text(encoding="utf-8") == '{"shapes": ['
    pictures[2].unlink()
    hands.key(Qt.Key.Key_D)
    hands.wait_until(lambda: "not there" in page.banner.message.text(), timeout=4000)
    hands.key(Qt.Key.Key_D)
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
    hands.ctrl(Qt.Key.Key_0)
    assert canvas.zoom_percent == pytest.approx(100)
    spot = QPointF(150.0, 120.0)
    before = canvas.view.to_picture(spot)
    canvas.zoom(2.0, spot)
    assert canvas.view.to_picture(spot) == pytest.approx(before)
    assert canvas.zoom_percent == pytest.approx(200)
    hands.ctrl(Qt.Key.Key_F)
    start = canvas.view
    hands.drag((100, 100), (120, 110), button=Qt.MouseButton.MiddleButton)
    assert canvas.view.scale == start.scale
    assert canvas.view.dx - start.dx == pytest.approx(20 * start.scale, abs=1.5)
    hands.key(Qt.Key.Key_K)
    QTest.keyPress(canvas, Qt.Key.Key_Space)
    hands.drag((100, 100), (90, 100))
    QTest.keyRelease(canvas, Qt.Key.Key_Space)
    assert page.document.content.shapes == ()
    plain = canvas.grab().toImage()
    page.parts.toolbar.adjustment.set_values(40, 30)
    middle = canvas.rect().center()
    assert (
        canvas.grab().toImage().pixelColor(middle).lightness()
        > plain.pixelColor(middle).lightness()
    )
    hands.key(Qt.Key.Key_Tab)
    assert page.parts.left.isHidden()
    assert page.parts.right.isHidden()
    hands.key(Qt.Key.Key_Tab)
    assert not page.parts.left.isHidden()


def test_joints_are_drawn_where_they_are(hands: Hands, tmp_path: Path) -> None:
    (picture,) = make_project(tmp_path / "p", 1)
    annotation(picture, person(1, 50))
    page = hands.open(picture.parent)
    hands.wait_picture()
    canvas = page.canvas
    shown = canvas.grab().toImage()
    hands.key(Qt.Key.Key_T)
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


def test_a_picture_that_shares_its_file_is_told(hands: Hands, tmp_path: Path) -> None:
    (picture,) = make_project(tmp_path / "p", 1)
    other = ".png" if picture.suffix != ".png" else ".jpg"
    make_picture(picture.with_suffix(other), (600, 400))
    page = hands.open(picture.parent, 2)
    hands.wait_picture()
    assert "one annotation file together" in page.banner.message.text()
