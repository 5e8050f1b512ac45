"""`proposals.jsonl`: what a model proposed, a line a picture, on its way into annotation files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from studio.core.annotation import AnnotatedImage, Instance, instances_of, shapes_of
from studio.core.errors import FormatError
from studio.core.skeleton import Skeleton
from studio.io.edit_codec import decode_shape, encode_shape
from studio.io.files import atomic_write_bytes, read_bytes

NAME = "proposals.jsonl"


@dataclass(frozen=True, eq=False)
class PictureProposals:
    """The people proposed for one picture of `size` (width, height) pixels."""

    picture: Path
    size: tuple[int, int]
    people: tuple[Instance, ...]

    @property
    def score(self) -> float | None:
        """The lowest score, None without people."""
        return min((p.score or 0.0 for p in self.people), default=None)


def write_proposals(path: Path, found: Iterable[PictureProposals], skeleton: Skeleton) -> None:
    """{"picture", "size": [w, h], "score", "people": [[shapes of one person], ...]} a line."""
    lines = [
        orjson.dumps(
            {
                "picture": str(item.picture),
                "size": item.size,
                "score": item.score,
                "people": [
                    [encode_shape(s) for s in shapes_of(person, skeleton, number)]
                    for number, person in enumerate(item.people, 1)
                ],
            }
        )
        for item in found
    ]
    atomic_write_bytes(path, b"".join(line + b"\n" for line in lines))


def read_proposals(path: Path, skeleton: Skeleton) -> Iterator[PictureProposals]:
    """The inverse of `write_proposals`. Raises FileProblem, FormatError."""
    for number, line in enumerate(read_bytes(path).splitlines(), 1):
        try:
            value = orjson.loads(line)
            shapes = tuple(decode_shape(s) for person in value["people"] for s in person)
            width, height = value["size"]
            people = instances_of(AnnotatedImage("", shapes=shapes), skeleton)
            yield PictureProposals(Path(value["picture"]), (width, height), people)
        except (ValueError, KeyError, TypeError) as error:
            raise FormatError(
                f"Line {number} is no proposal: {error!r}.", where=path, hint="Pre-label again."
            ) from error
