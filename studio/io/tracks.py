"""`tracks.jsonl`: people followed through the frames of a clip, a line a frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import orjson

from studio.core.annotation import Shape
from studio.core.errors import FormatError
from studio.io.edit_codec import decode_shape, encode_shape
from studio.io.files import atomic_write_bytes, read_bytes

NAME = "tracks.jsonl"


def write_tracks(path: Path, found: Mapping[Path, Mapping[int, Sequence[Shape]]]) -> None:
    """{"picture", "people": {group id: [shapes]}} a line. Raises FileProblem."""
    lines = [
        orjson.dumps(
            {
                "picture": str(picture),
                "people": {
                    str(g): [encode_shape(s) for s in shapes] for g, shapes in people.items()
                },
            }
        )
        for picture, people in found.items()
    ]
    atomic_write_bytes(path, b"".join(line + b"\n" for line in lines))


def read_tracks(path: Path) -> Iterator[tuple[Path, dict[int, tuple[Shape, ...]]]]:
    """The inverse of `write_tracks`. Raises FileProblem, FormatError."""
    for number, line in enumerate(read_bytes(path).splitlines(), 1):
        try:
            value = orjson.loads(line)
            people = {
                int(g): tuple(decode_shape(s) for s in shapes)
                for g, shapes in value["people"].items()
            }
            yield Path(value["picture"]), people
        except (ValueError, KeyError, TypeError) as error:
            raise FormatError(
                f"Line {number} is no track: {error!r}.", where=path, hint="Track again."
            ) from error
