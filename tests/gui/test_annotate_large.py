"""Pictures of 100 megapixels and more, and of every orientation and kind of pixels."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPointF, QRect, QRectF, QTimer
from PySide6.QtGui import QColor, QImage

from studio.core.errors import FormatError
from studio.gui import picture_reading
from studio.gui.pages.annotate.details import read_part
from studio.gui.pages.annotate.pictures import MOST_PIXELS, load_picture, load_preview, picture_size
from studio.gui.pages.annotate.thumbnails import make_thumbnail
from studio.gui.picture_reading import reader_of
from studio.gui.widgets.figures import read_scaled, size_of
from studio.io.images import image_size, read_image
from tests.gui.annotating import Hands
from tests.io.test_bad_input import giant_png

SIDE = 10_000
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100 megapixels; each square of 100 has its own grey, with one red pixel-wide mark."""
    path = tmp_path_factory.mktemp("large") / "p" / "large.jpg"
    path.parent.mkdir()
    tones = np.random.default_rng(0).integers(40, 200, (100, 100, 1), dtype=np.uint8)
    picture = np.repeat(np.repeat(tones, 100, axis=0), 100, axis=1).repeat(3, axis=2)
    picture[8040:8060, 9040:9060] = (0, 0, 255)
    assert cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, 85])
    return path


def test_a_hundred_megapixels_are_shown_sharp_where_one_looks(hands: Hands, large: Path) -> None:
    page = hands.open(large.parent, 1)
    hands.wait_until(lambda: page.canvas.picture is not None and not page.canvas.picture.preview)
    picture = page.canvas.picture
    assert picture is not None
    assert picture.size == (SIDE, SIDE) == image_size(large)
    assert picture.levels[0].width() * picture.levels[0].height() <= MOST_PIXELS
    assert picture.parts
    canvas = page.canvas
    gaps: list[float] = []
    last = time.perf_counter()

    def beat() -> None:
        nonlocal last
        now = time.perf_counter()
        gaps.append(now - last)
        last = now

    timer = QTimer(interval=2)
    timer.timeout.connect(beat)
    timer.start()
    canvas.show_area(QRectF(8900, 7900, 300, 300))
    canvas.update()
    hands.wait_until(lambda: canvas.details.version > 1, timeout=8000)
    timer.stop()
    image = canvas.grab().toImage()
    red = QColor(image.pixel(canvas.view.to_canvas(9050, 8050).toPoint()))
    assert red.red() > 180
    assert red.green() < 90
    # The edge of the mark is sharp: two pixels of the picture beside it there is none of it.
    for x, y in ((9036, 8050), (9064, 8050), (9050, 8036), (9050, 8064)):
        beside = QColor(image.pixel(canvas.view.to_canvas(x, y).toPoint()))
        assert abs(beside.red() - beside.blue()) < 40
    # The file was read in a thread meanwhile: the window went on.
    assert len(gaps) > 3
    version = canvas.details.version
    canvas.set_view(canvas.view.moved(QPointF(20, 10)))
    canvas.repaint()
    assert not canvas.details.busy
    assert canvas.details.version == version


MEMORY = """
import resource, sys
from pathlib import Path
from PySide6.QtCore import QRect
from studio.gui.pages.annotate.details import read_part
from studio.gui.pages.annotate.pictures import load_picture, load_preview
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
path = Path(sys.argv[1])
load_preview(path)
picture = load_picture(path)
for n in range(6):
    read_part(path, QRect(1500 * n, 1500 * n, 2048, 1536))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_its_memory_is_bounded(large: Path) -> None:
    """The whole picture would be 400 MB, and as much again for its levels."""
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(large)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert int(done.stdout) * 1024 < 300e6
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 0


def test_a_picture_that_can_only_be_decoded_whole_is_refused_with_the_reason(
    hands: Hands, tmp_path: Path
) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    Image.new("1", (20_000, 20_000)).save(folder / "huge.png")
    with pytest.raises(FormatError, match="too large"):
        load_picture(folder / "huge.png")
    page = hands.open(folder, 1)
    hands.wait_until(page.banner.isVisible)
    assert "too large" in page.banner.message.text()
    assert page.canvas.size_shown == (20_000, 20_000)


def test_four_hundred_megapixels_of_jpeg_open_reduced(tmp_path: Path) -> None:
    path = tmp_path / "huge.jpg"
    Image.new("L", (20_000, 20_000), 90).save(path, quality=50)
    picture = load_picture(path)
    assert picture.size == (20_000, 20_000)
    assert picture.levels[0].width() == 5000
    part = read_part(path, QRect(19_000, 19_000, 500, 500))
    assert (part.width(), part.height()) == (500, 500)


def colors(image: QImage) -> np.ndarray:
    """(H, W, 3) BGR."""
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    rows = rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3)
    return rows[..., ::-1].copy()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_upright_as_the_studio_reads_it(
    tmp_path: Path, orientation: int
) -> None:
    path = tmp_path / "a.jpg"
    dice = np.random.default_rng(orientation)
    tones = dice.integers(0, 255, (6, 10, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    whole = Image.fromarray(tones).resize((160, 96), Image.Resampling.NEAREST)
    whole.save(path, exif=exif, quality=95)
    truth = read_image(path)
    picture = load_picture(path)
    assert picture.size == picture_size(path) == image_size(path) == truth.shape[1::-1]
    assert np.abs(colors(picture.levels[0]).astype(int) - truth).mean() < 2
    area = QRect(10, 20, 50, 30)
    part = colors(read_part(path, area))
    assert np.abs(part.astype(int) - truth[20:50, 10:60]).mean() < 4
    assert reader_of(path).autoTransform()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["png", "16 bit png", "webp"])
def test_kinds_that_qt_does_not_turn_are_upright_too(
    tmp_path: Path, kind: str, orientation: int
) -> None:
    path = tmp_path / f"a.{kind.rsplit(maxsplit=1)[-1]}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    dice = np.random.default_rng(orientation)
    tones = dice.integers(0, 255, (6, 10), dtype=np.uint8)
    whole = Image.fromarray(tones).resize((160, 96), Image.Resampling.NEAREST)
    if kind == "16 bit png":
        whole = Image.fromarray(np.asarray(whole).astype(np.uint16) * 257)
    if kind == "webp":
        whole.save(path, exif=exif, lossless=True)
    else:
        whole.save(path, exif=exif)
    truth = read_image(path)
    assert truth.shape[:2] == ((160, 96) if orientation >= 5 else (96, 160))
    picture = load_picture(path)
    assert picture.size == picture_size(path) == image_size(path) == truth.shape[1::-1]
    assert np.abs(colors(picture.levels[0]).astype(int) - truth).max() <= 1
    assert size_of(path).toTuple() == picture.size
    assert np.abs(colors(read_scaled(path)).astype(int) - truth).max() <= 1
    # The thumbnail is a part of the middle.
    small = colors(make_thumbnail(path)).astype(int)
    height, width = truth.shape[:2]
    factor = max(128 / width, 96 / height)
    like = cv2.resize(truth, (round(width * factor), round(height * factor)))
    top, left = (like.shape[0] - 96) // 2, (like.shape[1] - 128) // 2
    assert np.abs(small - like[top : top + 96, left : left + 128]).mean() < 12


def test_a_giant_makes_no_thumbnail(tmp_path: Path) -> None:
    path = giant_png(tmp_path / "giant.png", 40_000, 40_000)
    assert make_thumbnail(path).isNull()
    with pytest.raises(FormatError, match="too large"):
        read_scaled(path, 320)


def test_a_progressive_jpeg_counts_by_what_all_of_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, progressive = tmp_path / "plain.jpg", tmp_path / "progressive.jpg"
    whole = Image.new("RGB", (2400, 2000), (90, 20, 160))
    whole.save(plain)
    whole.save(progressive, progressive=True)
    # The coarse one would take as long as the whole one.
    assert load_preview(plain) is not None
    assert load_preview(progressive) is None
    assert load_picture(progressive).size == (2400, 2000)
    monkeypatch.setattr(picture_reading, "MOST_PROGRESSIVE", 4_000_000)
    assert load_picture(plain).size == (2400, 2000)
    assert not make_thumbnail(plain).isNull()
    with pytest.raises(FormatError, match="too large") as caught:
        load_picture(progressive)
    assert "not progressive" in caught.value.hint
    assert make_thumbnail(progressive).isNull()


@pytest.mark.parametrize("kind", ["grey", "16 bit", "16 bit colour", "alpha", "palette"])
def test_all_kinds_of_pixels_are_shown_as_the_studio_reads_them(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.png"
    dice = np.random.default_rng(1)
    if kind == "16 bit":
        assert cv2.imwrite(str(path), dice.integers(0, 65535, (40, 60), dtype=np.uint16))
    elif kind == "16 bit colour":
        assert cv2.imwrite(str(path), dice.integers(0, 65535, (40, 60, 3), dtype=np.uint16))
    else:
        mode = {"grey": "L", "alpha": "RGBA", "palette": "P"}[kind]
        tones = Image.fromarray(dice.integers(0, 255, (40, 60, 3), dtype=np.uint8)).convert(mode)
        if kind == "alpha":
            tones.putalpha(255)
        tones.save(path)
    truth = read_image(path)
    picture = load_picture(path)
    assert picture.size == (60, 40)
    assert np.abs(colors(picture.levels[0]).astype(int) - truth).max() <= 1
