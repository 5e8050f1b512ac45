"""Reading and writing pictures: always upright, always BGR, whatever the file holds."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt

from studio.core.errors import FormatError
from studio.io.files import atomic_write_bytes, problem_of, read_bytes
from studio.io.picture_header import HEAD, ORIENTATION, header_of, valid_orientation

Picture = npt.NDArray[np.uint8]

_CORRUPT = "Replace the picture by a good copy, or take it out."
# Decoded it takes three bytes a pixel, and often twice that for a moment.
MAX_PIXELS = 300_000_000
_TIFF = (b"II*\0", b"MM\0*")


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
            head = stream.read(HEAD)
            if whole and _end_is_missing(stream, head):
                raise FormatError("This picture is cut short.", where=path, hint=_CORRUPT)
    except OSError as error:
        raise problem_of(error, path, "read") from error
    if not head:
        raise FormatError("This picture is empty (0 bytes).", where=path, hint=_CORRUPT)
    return header_size(head) or _size_with_pillow(path, path)


def header_size(data: bytes) -> tuple[int, int] | None:
    """(width, height), upright, of a JPEG's or PNG's first bytes; None for other kinds."""
    found = header_of(data)
    return None if found is None else found.upright


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
    found = header_of(data)
    if found is not None:
        return found.orientation
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as picture:
            return valid_orientation(picture.getexif().get(ORIENTATION))
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
            turned = valid_orientation(picture.getexif().get(ORIENTATION)) >= 5
            turned = turned and picture.format != "TIFF"  # its size is upright already
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise FormatError(
            "This is no picture that can be read, or it is damaged.", where=path, hint=_CORRUPT
        ) from error
    return (height, width) if turned else (width, height)
