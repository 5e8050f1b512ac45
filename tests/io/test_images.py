"""Pictures come upright, BGR and 8 bit, whatever the file holds."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from studio.core.errors import FileProblem, FormatError
from studio.io.images import image_size, read_image, write_image
from studio.io.picture_header import orientation_in_chunks


def _picture() -> np.ndarray:
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:20, :30] = (255, 0, 0)
    picture[20:, :30] = (0, 255, 0)
    picture[:20, 30:] = (0, 0, 255)
    return picture


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations_as_pillow_turns_them(tmp_path: Path, suffix: str, orientation: int) -> None:
    path = tmp_path / f"写真{suffix}"
    source = Image.fromarray(_picture()[:, :, ::-1].copy())
    exif = Image.Exif()
    exif[0x0112] = orientation
    if suffix in (".jpg", ".webp"):
        source.save(path, exif=exif, quality=95)
    else:
        source.save(path, exif=exif)
    from PIL import ImageOps

    with Image.open(path) as opened:
        turned = ImageOps.exif_transpose(opened)
        expected = np.asarray(turned.convert("RGB"))[:, :, ::-1]
    picture = read_image(path)
    assert image_size(path) == (picture.shape[1], picture.shape[0])
    assert picture.shape == expected.shape
    assert np.abs(picture.astype(int) - expected).mean() < 3


def test_a_turned_png_is_known_behind_much_text(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    exif, words = Image.Exif(), PngInfo()
    exif[0x0112] = 6
    words.add_text("comment", "word " * 10_000)
    Image.fromarray(_picture()).save(path, exif=exif, pnginfo=words)
    assert path.read_bytes().index(b"eXIf") > 1 << 14
    assert orientation_in_chunks(path) == 6
    assert image_size(path) == (40, 60) == read_image(path).shape[1::-1]


def test_sixteen_bits_grey_alpha_cmyk(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "deep.png"), np.full((4, 5), 0x8000, np.uint16))
    assert read_image(tmp_path / "deep.png").tolist() == [[[128] * 3] * 5] * 4
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((4, 5), 77, np.uint8))
    assert read_image(tmp_path / "grey.png").tolist() == [[[77] * 3] * 5] * 4
    Image.new("RGBA", (5, 4), (10, 20, 30, 0)).save(tmp_path / "alpha.png")
    assert read_image(tmp_path / "alpha.png").tolist() == [[[30, 20, 10]] * 5] * 4
    Image.new("CMYK", (5, 4), (0, 255, 255, 0)).save(tmp_path / "cmyk.jpg")
    assert read_image(tmp_path / "cmyk.jpg").shape == (4, 5, 3)
    Image.new("P", (5, 4)).save(tmp_path / "palette.gif")
    assert read_image(tmp_path / "palette.gif").shape == (4, 5, 3)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp"])
def test_cut_and_broken_pictures_are_told(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    rng = np.random.default_rng(0)
    write_image(path, rng.integers(0, 255, (80, 90, 3), dtype=np.uint8))
    whole = path.read_bytes()
    if suffix != ".bmp":
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(FormatError, match=r"cut short|damaged") as caught:
            read_image(path)
        assert str(path) in str(caught.value)
    path.write_bytes(b"no picture at all")
    with pytest.raises(FormatError, match="no picture"):
        read_image(path)
    with pytest.raises(FormatError, match="no picture"):
        image_size(path)
    path.write_bytes(b"")
    with pytest.raises(FormatError, match="empty"):
        read_image(path)


def test_missing_and_unwritable(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="not there"):
        read_image(tmp_path / "no.jpg")
    with pytest.raises(FormatError, match="cannot be written"):
        write_image(tmp_path / "a.xyz", _picture())
    write_image(tmp_path / "a.png", _picture())
    assert np.array_equal(read_image(tmp_path / "a.png"), _picture())
