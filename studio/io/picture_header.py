"""What a picture's first bytes say: its size, how it is to be turned, whether it is progressive.

JPEG by ITU-T T.81, PNG by its third edition (eXIf), WebP by RFC 9649, the orientation by EXIF 2.3.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, NamedTuple

# So many bytes hold the header of nearly every file.
HEAD = 1 << 14
ORIENTATION = 0x0112
# Markers that carry a frame header with the size; C4, C8 and CC are other things.
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset((0xC2, 0xC6, 0xCA, 0xCE))


class Header(NamedTuple):
    """Size as stored, EXIF orientation 1..8; `progressive`: a JPEG of which no part can be read
    without all that comes before it.
    """

    width: int
    height: int
    orientation: int = 1
    progressive: bool = False

    @property
    def upright(self) -> tuple[int, int]:
        """(width, height) after the turning."""
        turned = self.orientation >= 5
        return (self.height, self.width) if turned else (self.width, self.height)


def header_of(data: bytes) -> Header | None:
    """The header in a JPEG's or PNG's first bytes; None for other kinds, and where it goes on."""
    return _jpeg(data) or _png(data)


def is_progressive(path: Path | str) -> bool:
    """Whether the file is a progressive JPEG. Raises OSError."""
    with Path(path).open("rb") as stream:
        head = stream.read(HEAD)
        found = _jpeg(head)
        if found is None and head.startswith(b"\xff\xd8"):
            # Large blocks of EXIF, XMP or colours stand before the size.
            found = _jpeg(head + stream.read())
    return found is not None and found.progressive


def orientation_in_chunks(path: Path | str) -> int:
    """EXIF orientation 1..8 of a PNG or WebP file; 1 where it says nothing. Raises OSError."""
    with Path(path).open("rb") as stream:
        head = stream.read(HEAD)
        if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
            return _webp_orientation(stream, head)
        found = _png(head)
        if found is None and head.startswith(b"\x89PNG"):
            # Large blocks of text or colours stand before the pixels.
            found = _png(head + stream.read())
    return 1 if found is None else found.orientation


def _jpeg(data: bytes) -> Header | None:
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
            if not (width and height):
                return None
            return Header(width, height, orientation, marker in _PROGRESSIVE)
        if marker == 0xE1 and data[place + 4 : place + 10] == b"Exif\0\0":
            orientation = _exif_orientation(data[place + 10 : place + 2 + length])
        place += 2 + length
    return None


def _png(data: bytes) -> Header | None:
    if not data.startswith(b"\x89PNG\r\n\x1a\n") or data[12:16] != b"IHDR":
        return None
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    place = 33
    # What stands behind the pixels is not looked for: the size must be known from the header.
    while place + 8 <= len(data):
        kind = data[place + 4 : place + 8]
        if kind == b"IDAT":
            return Header(width, height)
        length = int.from_bytes(data[place : place + 4], "big")
        if kind == b"eXIf":
            return Header(width, height, _exif_orientation(data[place + 8 : place + 8 + length]))
        place += 12 + length
    return None


def _webp_orientation(stream: BinaryIO, head: bytes) -> int:
    # VP8X is the first chunk of every file with extras; bit 3 of its flags tells of EXIF.
    if head[12:16] != b"VP8X" or not head[20] & 0x08:
        return 1
    end = 8 + int.from_bytes(head[4:8], "little")
    place = 12
    while place + 8 <= end:
        stream.seek(place)
        mark = stream.read(8)
        if len(mark) < 8:
            break
        length = int.from_bytes(mark[4:], "little")
        if mark[:4] == b"EXIF":
            return _exif_orientation(stream.read(min(length, HEAD)).removeprefix(b"Exif\0\0"))
        place += 8 + length + length % 2
    return 1


def valid_orientation(value: object) -> int:
    """1 for what is no orientation."""
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


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
        if number(place, 2) == ORIENTATION:
            return valid_orientation(number(place + 8, 2))
    return 1
