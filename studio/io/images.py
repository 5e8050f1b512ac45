"""Reading and writing pictures: always upright, always BGR, whatever the file holds."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt

from studio.core.errors import FormatError
from studio.io.files import atomic_write_bytes, problem_of, read_bytes

Picture = npt.NDArray[np.uint8]

_CORRUPT = "Replace the picture by a good copy, or take it out."
_HEAD = 1 << 14
# Decoded it takes three bytes a pixel, and often twice that for a moment.
MAX_PIXELS = 300_000_000
_ORIENTATION = 0x0112
_TIFF = (b"II*\0", b"MM\0*")
# Markers that carry a frame header with the size; C4, C8 and CC are other things.
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def read_image(path: Path | str) -> Picture:
    """(H, W, 3) uint8 BGR, turned upright by its EXIF orientation.

    Grey becomes three equal channels, 16 bits become 8, transparency is left out. Raises
    FileProblem where it cannot be read and FormatError where it is cut short or no picture.
    """
    return decode_image(read_bytes(path), path)


def decode_image(data: bytes, path: Path | str = "") -> Picture:
    """`read_image` of a file's bytes; `path` is only for messages."""
    import cv2

    if not data:
        raise FormatError("This picture is empty (0 bytes).", where=path, hint=_CORRUPT)
    if _is_cut(data):
        raise FormatError("This picture is cut short.", where=path, hint=_CORRUPT)
    _refuse_giant(header_size(data) or _size_with_pillow(io.BytesIO(data), path), path)
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        decoded = None
    if decoded is None:
        decoded = _decode_with_pillow(data, path)
    picture = np.asarray(decoded, dtype=np.uint8)
    # OpenCV and Pillow both turn TIFF themselves.
    return picture if data[:4] in _TIFF else _upright(picture, orientation_of(data))


def image_size(path: Path | str, *, whole: bool = False) -> tuple[int, int]:
    """(width, height) of the upright picture, from the file's header alone.

    `whole`: look at the end of the file too, and raise FormatError where it is cut short. Raises
    FileProblem, or FormatError where it is no picture.
    """
    try:
        with open(path, "rb", buffering=0) as stream:  # noqa: PTH123 - twice as fast here
            head = stream.read(_HEAD)
            if whole and _end_is_missing(stream, head):
                raise FormatError("This picture is cut short.", where=path, hint=_CORRUPT)
    except OSError as error:
        raise problem_of(error, path, "read") from error
    if not head:
        raise FormatError("This picture is empty (0 bytes).", where=path, hint=_CORRUPT)
    return header_size(head) or _size_with_pillow(path, path)


def header_size(data: bytes) -> tuple[int, int] | None:
    """(width, height), upright, of a JPEG's or PNG's first bytes; None for other kinds."""
    found = _jpeg_header(data) or _png_header(data)
    if found is None:
        return None
    width, height, orientation = found
    return (height, width) if orientation >= 5 else (width, height)


def _refuse_giant(size: tuple[int, int], path: Path | str) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        raise FormatError(
            f"This picture is too large to open: {width} x {height} pixels.",
            where=path,
            hint=f"Cut or shrink it to at most {MAX_PIXELS // 10**6} megapixels.",
        )


def _end_is_missing(stream: io.RawIOBase, head: bytes) -> bool:
    mark = {b"\xff\xd8": b"\xff\xd9", b"\x89P": b"IEND"}.get(head[:2])
    if mark is None:
        return False
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - 64))
    if mark in (stream.read(64) or b""):
        return False
    stream.seek(0)
    return _is_cut(stream.read() or b"")


def write_image(path: Path | str, picture: Picture, *, quality: int = 95) -> None:
    """Write (H, W, 3) or (H, W) uint8 BGR atomically, in the format of the name's ending.

    Raises FileProblem, or FormatError where the ending is no picture format.
    """
    atomic_write_bytes(path, encode_image(path, picture, quality=quality))


def encode_image(path: Path | str, picture: Picture, *, quality: int = 95) -> bytes:
    """The file's content that `write_image` writes. For many pictures in a folder that is moved
    into its place as a whole: each on the disk at once takes its time.
    """
    import cv2

    suffix = Path(path).suffix.lower()
    options = {
        ".jpg": [cv2.IMWRITE_JPEG_QUALITY, quality],
        ".jpeg": [cv2.IMWRITE_JPEG_QUALITY, quality],
        ".webp": [cv2.IMWRITE_WEBP_QUALITY, quality],
    }.get(suffix, [])
    try:
        good, data = cv2.imencode(suffix, picture, options)
    except cv2.error:
        good, data = False, np.empty(0, np.uint8)
    if not good:
        raise FormatError(
            f"Pictures cannot be written as {suffix or '(no ending)'}.",
            where=path,
            hint="Use .jpg or .png.",
        )
    return data.tobytes()


def orientation_of(data: bytes) -> int:
    """EXIF orientation 1..8 of a file's bytes; 1 where it says nothing."""
    found = _jpeg_header(data) or _png_header(data)
    if found is not None:
        return found[2]
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as picture:
            return _valid_orientation(picture.getexif().get(_ORIENTATION))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return 1


def _upright(picture: Picture, orientation: int) -> Picture:
    if orientation >= 5:
        picture = picture.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        picture = picture[:, ::-1]
    if orientation in (3, 4, 7, 8):
        picture = picture[::-1]
    return np.ascontiguousarray(picture)


def _is_cut(data: bytes) -> bool:
    """Whether a JPEG or PNG ends before its end mark: decoders fill the rest with grey."""
    if data.startswith(b"\xff\xd8"):
        return data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda")
    if data.startswith(b"\x89PNG"):
        return data.rfind(b"IEND") < 0
    return False


def _decode_with_pillow(data: bytes, path: Path | str) -> Picture:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as picture:
            rgb = np.asarray(picture.convert("RGB"), dtype=np.uint8)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise FormatError(
            "This is no picture that can be read, or it is damaged.", where=path, hint=_CORRUPT
        ) from error
    return rgb[:, :, ::-1]


def _size_with_pillow(source: Path | str | io.BytesIO, path: Path | str) -> tuple[int, int]:
    from PIL import Image

    # Sizes are checked here, before anything is decoded.
    Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(source) as picture:
            width, height = picture.size
            turned = _valid_orientation(picture.getexif().get(_ORIENTATION)) >= 5
            turned = turned and picture.format != "TIFF"  # its size is upright already
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise FormatError(
            "This is no picture that can be read, or it is damaged.", where=path, hint=_CORRUPT
        ) from error
    return (height, width) if turned else (width, height)


def _valid_orientation(value: object) -> int:
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _jpeg_header(data: bytes) -> tuple[int, int, int] | None:
    """(width, height, orientation) as stored, or None where this is no plain JPEG header."""
    if not data.startswith(b"\xff\xd8"):
        return None
    place, orientation = 2, 1
    while place + 9 < len(data):
        if data[place] != 0xFF:
            return None
        marker = data[place + 1]
        if marker == 0xFF:
            place += 1
            continue
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        if marker in _FRAME_MARKERS:
            height = int.from_bytes(data[place + 5 : place + 7], "big")
            width = int.from_bytes(data[place + 7 : place + 9], "big")
            return (width, height, orientation) if width and height else None
        if marker == 0xE1 and data[place + 4 : place + 10] == b"Exif\0\0":
            orientation = _exif_orientation(data[place + 10 : place + 2 + length])
        place += 2 + length
    return None


def _png_header(data: bytes) -> tuple[int, int, int] | None:
    """(width, height, orientation) as stored; None for another kind or an EXIF block to read."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n") or data[12:16] != b"IHDR":
        return None
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    place = data.find(b"eXIf")
    if place < 0:
        return width, height, 1
    length = int.from_bytes(data[place - 4 : place], "big")
    return width, height, _exif_orientation(data[place + 4 : place + 4 + length])


def _exif_orientation(tiff: bytes) -> int:
    """The orientation in the first directory of a TIFF block."""
    if tiff[:2] not in (b"II", b"MM"):
        return 1
    little = tiff[:2] == b"II"

    def number(start: int, size: int) -> int:
        return int.from_bytes(tiff[start : start + size], "little" if little else "big")

    start = number(4, 4)
    for entry in range(number(start, 2)):
        place = start + 2 + 12 * entry
        if place + 12 > len(tiff):
            break
        if number(place, 2) == _ORIENTATION:
            return _valid_orientation(number(place + 8, 2))
    return 1
