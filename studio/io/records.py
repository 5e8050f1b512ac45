"""One picture on its way from one format to another, and the checks that all formats share."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.annotation import Instance
from studio.core.dataset import Dataset, Sample
from studio.core.errors import Problem
from studio.core.skeleton import Skeleton

FloatArray = npt.NDArray[np.float64]
Report = Callable[[Problem], None]


@dataclass(frozen=True, eq=False)
class Record:
    """One picture with its people.

    picture: the file, or None where it travels inside `embedded`. size: (width, height),
    upright. origin: the file to name in messages. split: the side it comes from, or "".
    annotation: the labelme file it was read from, or None.
    video: what keeps the frames of one video together, or "".
    image_id: the number that a COCO file gives it.
    """

    name: str
    picture: Path | None
    size: tuple[int, int]
    instances: tuple[Instance, ...]
    origin: str
    split: str = ""
    embedded: bytes | None = None
    annotation: Path | None = None
    video: str = ""
    image_id: int | None = None

    @property
    def source(self) -> str:
        """What tells this picture from every other: its file, or the one it travels in."""
        if self.picture is None:
            return self.origin
        return os.path.abspath(self.picture)  # noqa: PTH100 - without following links


def many(count: int, word: str) -> str:
    """The number with its word: 1 picture, 2 pictures."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def warn(
    report: Report, message: str, where: str, *, line: int | None = None, hint: str = ""
) -> None:
    """Report something that was left out of a picture that is kept."""
    report(Problem(message, where=where, line=line, hint=hint, severity="warning"))


def dataset_of(
    records: Sequence[Record],
    skeleton: Skeleton,
    root: Path,
    kind: str,
    paths: Mapping[str, Path] | None = None,
) -> Dataset:
    """The dataset that `records` make; picture ids count from 1 by name."""
    ordered = sorted(records, key=lambda r: (r.name, str(r.picture)))
    samples = tuple(
        Sample(r.picture, r.size, r.instances, number, r.split)
        for number, r in enumerate(ordered, 1)
        if r.picture is not None
    )
    return Dataset(
        root=root,
        skeleton=skeleton,
        samples=samples,
        kind=kind,
        content_hash=content_hash(ordered, skeleton),
        paths=dict(paths or {}),
    )


def content_hash(records: Iterable[Record], skeleton: Skeleton) -> str:
    """32 hex digits over the skeleton and every picture's name, side, size and people.

    Coordinates count to a hundredth of a pixel, so that every format of a dataset gives the
    same digits.
    """
    return hash_of(((r.name, r.split, r.size, people_digest(r)) for r in records), skeleton)


def hash_of(pictures: Iterable[tuple[str, str, tuple[int, int], bytes]], skeleton: Skeleton) -> str:
    """`content_hash` of pictures given as name, side, size and `people_digest`."""
    total = hashlib.sha256("\n".join((skeleton.name, *skeleton.keypoints)).encode())
    for line in sorted(
        hashlib.sha256(f"{name}\0{side}\0{size}".encode() + people).digest()
        for name, side, size, people in pictures
    ):
        total.update(line)
    return total.hexdigest()[:32]


def people_digest(record: Record) -> bytes:
    """32 bytes over the people of a picture, whatever its name and side."""
    return people_digests([record])[0]


def people_digests(records: Sequence[Record]) -> list[bytes]:
    """`people_digest` of each; together they take a third of the time."""
    people = [person for record in records for person in record.instances]
    boxes = [person.tight_box() for person in people]
    joints = _hundredths([p.keypoints for p in people])
    edges = _hundredths([box for box in boxes if box is not None])
    found: list[bytes] = []
    each = iter(zip(people, boxes, strict=True))
    for record in records:
        parts: list[bytes] = []
        for person, box in itertools.islice(each, len(record.instances)):
            parts += (person.category.encode(), next(joints))
            parts.append(b"-" if box is None else next(edges))
        found.append(hashlib.sha256(b"".join(parts)).digest())
    return found


def _hundredths(arrays: Sequence[FloatArray]) -> Iterator[bytes]:
    if not arrays:
        return
    flat = np.concatenate([array.ravel() for array in arrays])
    data, place = np.rint(flat * 100.0).astype("<i8").tobytes(), 0
    for array in arrays:
        yield data[place : place + 8 * array.size]
        place += 8 * array.size


def fit_keypoints(names: Sequence[str], skeleton: Skeleton) -> tuple[int, ...] | None:
    """For each of the skeleton's joints its place in `names`; None where they do not fit."""
    if set(names) != set(skeleton.keypoints) or len(names) != len(skeleton):
        return None
    place = {name: i for i, name in enumerate(names)}
    return tuple(place[name] for name in skeleton.keypoints)


def with_joints_of(record: Record, own: Skeleton, wanted: Skeleton) -> Record:
    """The same people with `wanted`'s joints, taken over by name; others are not set."""
    places = [own.index.get(name, -1) for name in wanted.keypoints]
    chosen = np.array(places)
    people: list[Instance] = []
    for person in record.instances:
        keypoints = person.keypoints[chosen]
        keypoints[chosen < 0] = 0
        absent = person.absent & set(wanted.keypoints)
        category = wanted.category
        people.append(replace(person, category=category, keypoints=keypoints, absent=absent))
    return replace(record, instances=tuple(people))


def plain_extra(instance: Instance, keypoint_order: Sequence[str]) -> dict[str, Any]:
    """What the studio knows of a person beyond COCO's own fields, as plain values."""
    extra: dict[str, Any] = {}
    if instance.track_id is not None:
        extra["group_id"] = instance.track_id
    if instance.absent:
        extra["absent"] = [k for k in keypoint_order if k in instance.absent]
    if instance.score is not None:
        extra["score"] = instance.score
    if instance.source is not None:
        extra["source"] = instance.source
    if instance.head_rotation is not None:
        extra["head_rotation"] = instance.head_rotation.tolist()
    return extra
