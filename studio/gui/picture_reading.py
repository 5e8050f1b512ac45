"""Pictures read by Qt, upright as the studio's other reader (io/images.py) gives them.

Qt turns JPEG and TIFF by what their EXIF block says, but neither PNG nor WebP.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage, QImageIOHandler, QImageReader, QTransform

from studio.core.errors import FileProblem, FormatError, StudioError
from studio.io.picture_header import is_progressive, orientation_in_chunks

Transformation = QImageIOHandler.Transformation

# Kinds that can only be decoded whole are refused above this many pixels: they would take all the
# memory, four bytes a pixel and as much again for a moment.
MOST_WHOLE = 130_000_000
# A progressive JPEG takes three to six bytes a pixel, however small it is shown.
MOST_PROGRESSIVE = 200_000_000

_NOT_BY_QT = (b"png", b"webp")
# EXIF's numbers, from 1, as Qt says them.
_EXIF = (
    Transformation.TransformationNone,
    Transformation.TransformationMirror,
    Transformation.TransformationRotate180,
    Transformation.TransformationFlip,
    Transformation.TransformationFlipAndRotate90,
    Transformation.TransformationRotate90,
    Transformation.TransformationMirrorAndRotate90,
    Transformation.TransformationRotate270,
)


def reader_of(path: Path) -> QImageReader:
    """Reads a picture by what it holds and not by its name; `read_upright` turns it."""
    reader = QImageReader(str(path))
    reader.setDecideFormatFromContent(True)
    reader.setAutoTransform(True)
    # Our own limits stand in `refuse_giant`; Qt's would refuse a large picture outright.
    reader.setAllocationLimit(0)
    return reader


def format_of(reader: QImageReader) -> bytes:
    """What kind of file it is: b"jpeg", b"png", ..."""
    return bytes(reader.format().data())


def turn_of(path: Path, reader: QImageReader) -> Transformation:
    """How the stored pixels are to be turned."""
    if format_of(reader) not in _NOT_BY_QT:
        return reader.transformation()
    try:
        return _EXIF[orientation_in_chunks(path) - 1]
    except OSError:
        # It is gone: reading it says so.
        return Transformation.TransformationNone


def upright_size(path: Path, reader: QImageReader) -> QSize:
    """Width and height after the turning, from the header; invalid where it says nothing."""
    size = reader.size()
    turned = turn_of(path, reader).value & Transformation.TransformationRotate90.value
    return size.transposed() if turned and size.isValid() else size


def read_upright(path: Path, reader: QImageReader) -> QImage:
    """The picture, at the reader's scaled size if one is set; null where it cannot be decoded."""
    # The format is no longer known when the file has been read.
    by_hand = format_of(reader) in _NOT_BY_QT
    turn = turn_of(path, reader) if by_hand else Transformation.TransformationNone
    image = reader.read()
    return image if image.isNull() else _turned(image, turn)


def _turned(image: QImage, turn: Transformation) -> QImage:
    flags, sides = turn.value, Qt.Orientation(0)
    if flags & Transformation.TransformationMirror.value:
        sides |= Qt.Orientation.Horizontal
    if flags & Transformation.TransformationFlip.value:
        sides |= Qt.Orientation.Vertical
    if sides:
        image = image.flipped(sides)
    if flags & Transformation.TransformationRotate90.value:
        image = image.transformed(QTransform().rotate(90))
    return image


def refuse_giant(path: Path, reader: QImageReader) -> None:
    """Raises FormatError where decoding the picture would take all the memory."""
    size = reader.size()
    pixels = size.width() * size.height() if size.isValid() else 0
    jpeg = format_of(reader) == b"jpeg"
    if pixels <= (MOST_PROGRESSIVE if jpeg else MOST_WHOLE):
        return
    if jpeg and not progressive(path):
        return
    raise FormatError(
        f"This picture is too large to be shown: {size.width()} × {size.height()} pixels.",
        where=path,
        hint="Save it as a JPEG that is not progressive, of which parts can be read, or cut it "
        "into smaller pictures.",
    )


def progressive(path: Path) -> bool:
    """Whether it is a progressive JPEG; False where it is gone, as reading it will say."""
    try:
        return is_progressive(path)
    except OSError:
        return False


def problem_with(path: Path, reader: QImageReader) -> StudioError:
    """Why a picture could not be read."""
    hint = "Replace the picture by a good copy, or take it out; the others can be worked on."
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return FileProblem("This picture is not there any more.", where=path, hint=hint)
    except OSError as error:
        return FileProblem(
            f"This picture cannot be read: {error.strerror or error}.", where=path, hint=hint
        )
    if size == 0:
        return FormatError("This picture is empty (0 bytes).", where=path, hint=hint)
    return FormatError(
        f"This picture cannot be decoded: {reader.errorString()}.", where=path, hint=hint
    )
