"""Pictures made ready for all formats of a dataset, their texts waiting on the disk.

Which side and which name a picture gets is known only when all have been read. Until then its
labels stand in a spool file, so that a conversion's memory does not grow with its annotations.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, NamedTuple

import orjson

from studio.core.annotation import AnnotatedImage, Shape, find_boxes, shapes_of
from studio.core.errors import Problem
from studio.core.skeleton import Skeleton
from studio.io import coco_writing, labelme, yolo
from studio.io.annotations import read_or_report
from studio.io.masks import areas_in
from studio.io.records import Record, people_digests

_NEW_LINE = b"\n"
_AT_ONCE = 12


class Prepared(NamedTuple):
    """What stays in memory of one picture.

    source: what tells it from every other (see `Record.source`). picture: its file, or "" where
    it travels inside `origin`. annotation: the labelme file it was read from, or "". people: how
    many. digest: of its people, for the content hash. spool, place: the file and the offset where
    its texts begin; coco, yolo, labelme: their lengths in bytes, in this order.
    """

    name: str
    source: str
    picture: str
    origin: str
    annotation: str
    size: tuple[int, int]
    split: str
    video: str
    people: int
    digest: bytes
    spool: str
    place: int
    coco: int
    yolo: int
    labelme: int


@dataclass(frozen=True)
class Setup:
    """What a helper process needs to know: it travels with every chunk.

    spool: a folder for the spool files. formats: those the dataset will hold.
    """

    skeleton: Skeleton
    formats: tuple[str, ...]
    spool: Path


Found = tuple[list[Prepared], list[Problem]]


def prepare_files(setup: Setup, files: Sequence[str]) -> Found:
    """Annotation files read and made ready; what cannot be used is in the problems."""
    problems: list[Problem] = []
    records = [
        record
        for path in files
        if (record := read_or_report(Path(path), setup.skeleton, problems.append)) is not None
    ]
    return prepare(setup, records, problems.append), problems


def prepare(
    setup: Setup, records: Sequence[Record], report: Callable[[Problem], None]
) -> list[Prepared]:
    """Write every format's text of `records` to this process's spool file. Raises OSError."""
    find_boxes([person for record in records for person in record.instances])
    areas = _areas(records)
    spool = f"{setup.spool}/spool-{os.getpid()}"
    made: list[Prepared] = []
    parts: list[bytes] = []
    with open(spool, "ab") as stream:  # noqa: PTH123 - texts all along
        place = stream.tell()
        for record, digest in zip(records, people_digests(records), strict=True):
            texts = _texts(record, setup, areas, report)
            parts += texts
            lengths = [len(text) for text in texts]
            made.append(_prepared(record, digest, spool, place, lengths))
            place += sum(lengths)
        stream.write(b"".join(parts))
    return made


def _texts(
    record: Record, setup: Setup, areas: Iterator[float], report: Callable[[Problem], None]
) -> tuple[bytes, bytes, bytes]:
    in_coco = in_yolo = in_labelme = b""
    if "coco" in setup.formats:
        annotations = coco_writing.annotations_with(record, setup.skeleton, areas)
        in_coco = _NEW_LINE.join(map(orjson.dumps, annotations))
    if "yolo" in setup.formats:
        in_yolo = yolo.label_text(record, report).encode()
    if "labelme" in setup.formats and record.annotation is None:
        in_labelme = labelme.dumps(annotation_of(record, setup.skeleton))
    return in_coco, in_yolo, in_labelme


def _areas(records: Sequence[Record]) -> Iterator[float]:
    """The mask areas of all people, some pictures at a time: neither few calls nor large arrays."""
    for start in range(0, len(records), _AT_ONCE):
        here = records[start : start + _AT_ONCE]
        people = [(person, record.size) for record in here for person in record.instances]
        yield from areas_in(
            [coco_writing.outlines_of(p) for p, _ in people], [s for _, s in people]
        )


def _prepared(
    record: Record, digest: bytes, spool: str, place: int, lengths: Sequence[int]
) -> Prepared:
    return Prepared(
        name=record.name,
        source=record.source,
        picture="" if record.picture is None else str(record.picture),
        origin=record.origin,
        annotation="" if record.annotation is None else str(record.annotation),
        size=record.size,
        split=record.split,
        video=record.video,
        people=len(record.instances),
        digest=digest,
        spool=spool,
        place=place,
        coco=lengths[0],
        yolo=lengths[1],
        labelme=lengths[2],
    )


class SpoolReader:
    """Reads texts back; keeps the few spool files open."""

    def __init__(self) -> None:
        self._streams: dict[str, BinaryIO] = {}

    def read(self, item: Prepared, kind: str) -> bytes:
        """The text of one format: "coco", "yolo" or "labelme"."""
        before = {"coco": 0, "yolo": item.coco, "labelme": item.coco + item.yolo}[kind]
        length = {"coco": item.coco, "yolo": item.yolo, "labelme": item.labelme}[kind]
        stream = self._streams.get(item.spool)
        if stream is None:
            stream = self._streams[item.spool] = open(item.spool, "rb")  # noqa: SIM115, PTH123
        stream.seek(item.place + before)
        return stream.read(length)

    def people(self, item: Prepared) -> list[bytes]:
        """The picture's COCO annotations, without `id` and `image_id`, one JSON object each."""
        text = self.read(item, "coco")
        return text.split(_NEW_LINE) if text else []

    def close(self) -> None:
        """Let go of the files."""
        for stream in self._streams.values():
            stream.close()
        self._streams.clear()


def annotation_of(record: Record, skeleton: Skeleton) -> AnnotatedImage:
    """A new labelme annotation for a picture that came from another format."""
    used = {p.track_id for p in record.instances if p.track_id is not None}
    fresh = iter(n for n in range(len(used) + len(record.instances) + 1) if n not in used)
    shapes: list[Shape] = []
    for person in record.instances:
        group = person.track_id if person.track_id is not None else next(fresh)
        shapes += shapes_of(person, skeleton, group)
    empty = labelme.new_image(Path(record.name), record.size)
    return replace(empty, shapes=tuple(shapes))
