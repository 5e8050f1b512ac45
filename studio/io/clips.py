"""Which pictures are the frames of one video, and their order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from studio.io.annotations import video_of
from studio.io.files import list_images

_NUMBER = re.compile(r"^(?P<before>.*?)(?P<number>\d+)$")


@dataclass(frozen=True)
class Frame:
    """One picture of a clip; `number` is the frame's, as its name tells it."""

    picture: Path
    number: int


def frames_of(picture: Path) -> tuple[Frame, ...]:
    """The frames of the clip that `picture` belongs to, in their order, itself among them.

    They stand in its folder and share the video that their names tell (`walk.mp4_000123.jpg`), or
    else everything before the number that ends the name. A name without a number is alone. Raises
    FileProblem.
    """
    key = _key(picture)
    if key is None:
        return (Frame(picture, 0),)
    found = [
        Frame(path, other[1])
        for path in list_images(picture.parent)
        if (other := _key(path)) is not None and other[0] == key[0]
    ]
    return tuple(sorted(found, key=lambda f: (f.number, f.picture.name)))


def _key(picture: Path) -> tuple[str, int] | None:
    match = _NUMBER.match(picture.stem)
    if match is None:
        return None
    return video_of(picture.name) or match["before"], int(match["number"])
