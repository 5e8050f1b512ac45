"""What a dataset or a folder of annotated pictures holds, counted."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from studio.core.annotation import HIDDEN, VISIBLE, AnnotatedImage, Instance, instances_of
from studio.core.dataset import Dataset, Sample
from studio.core.errors import Cancelled, StudioError
from studio.core.skeleton import Skeleton
from studio.io import labelme
from studio.io.annotations import annotation_files
from studio.io.files import atomic_write_bytes

Progress = Callable[[int, int], None]

# COCO's bounds of small and of medium people, in square pixels of the box.
SMALL, MEDIUM = 32.0**2, 96.0**2
_SHARES = (5, 25, 50, 75, 95)


@dataclass(frozen=True)
class LabelCount:
    """How many shapes carry a label, and in how many pictures it stands."""

    shapes: int = 0
    pictures: int = 0


@dataclass(frozen=True)
class JointCount:
    """One joint of all people: `missing` is neither set nor absent on purpose; `outside` of the
    picture are some of those that are hidden or visible.
    """

    name: str
    visible: int = 0
    hidden: int = 0
    absent: int = 0
    missing: int = 0
    outside: int = 0


@dataclass(frozen=True)
class Statistics:
    """Counts over pictures and people.

    pictures: with an annotation. empty: those without people. problems: files that cannot be read.
    people: crowds left out. people_per_picture: pictures by their number of people. completeness:
    people by the number of joints that are set, from 0 to all. sizes: people that are "small"
    (under 32 x 32 pixels), "medium" and "large" (from 96 x 96). heights: of the boxes in pixels,
    at 5, 25, 50, 75 and 95 %; empty without people. splits: pictures by side, "" where none.
    """

    pictures: int = 0
    empty: int = 0
    reviewed: int = 0
    problems: int = 0
    people: int = 0
    crowds: int = 0
    people_per_picture: Mapping[int, int] = field(default_factory=dict[int, int])
    labels: Mapping[str, LabelCount] = field(default_factory=dict[str, LabelCount])
    joints: tuple[JointCount, ...] = ()
    completeness: tuple[int, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict[str, int])
    heights: tuple[float, ...] = ()
    picture_sizes: Mapping[tuple[int, int], int] = field(default_factory=dict[tuple[int, int], int])
    splits: Mapping[str, int] = field(default_factory=dict[str, int])


class Counting:
    """Counts one picture after the other; `result` at any time."""

    def __init__(self, skeleton: Skeleton) -> None:
        self.skeleton = skeleton
        count = len(skeleton)
        self._joints = np.zeros((count, 5), dtype=np.int64)
        self._completeness = np.zeros(count + 1, dtype=np.int64)
        self._totals: Counter[str] = Counter()
        self._per_picture: Counter[int] = Counter()
        self._shapes: Counter[str] = Counter()
        self._labelled: Counter[str] = Counter()
        self._sizes: Counter[str] = Counter()
        self._heights: list[float] = []
        self._picture_sizes: Counter[tuple[int, int]] = Counter()
        self._splits: Counter[str] = Counter()

    def add_image(self, image: AnnotatedImage, split: str = "") -> None:
        """An annotation file: its labels count too."""
        labels = Counter(s.label for s in image.shapes)
        self._shapes.update(labels)
        self._labelled.update(labels.keys())
        self._totals["reviewed"] += image.reviewed
        self.add(instances_of(image, self.skeleton), (image.width, image.height), split)

    def add(self, people: Iterable[Instance], size: tuple[int, int], split: str = "") -> None:
        """A picture of `size` (width, height), with its people."""
        count = 0
        for person in people:
            if person.iscrowd:
                self._totals["crowds"] += 1
                continue
            count += 1
            self._add_person(person, size)
        self._totals["pictures"] += 1
        self._totals["empty"] += not count
        self._totals["people"] += count
        self._per_picture[count] += 1
        self._picture_sizes[size] += 1
        self._splits[split] += 1

    def add_problem(self) -> None:
        """A file that cannot be read."""
        self._totals["problems"] += 1

    def _add_person(self, person: Instance, size: tuple[int, int]) -> None:
        x, y, v = person.keypoints.T
        there = v > 0
        absent = np.array([name in person.absent for name in self.skeleton.keypoints]) & ~there
        width, height = size
        outside = there & ((x < 0) | (y < 0) | (x > width) | (y > height))
        columns = (v == VISIBLE, v == HIDDEN, absent, ~there & ~absent, outside)
        self._joints += np.column_stack(columns)
        self._completeness[int(there.sum())] += 1
        box = person.tight_box()
        if box is not None:
            area = float(box[2] * box[3])
            kind = "small" if area < SMALL else "medium" if area < MEDIUM else "large"
            self._sizes[kind] += 1
            self._heights.append(float(box[3]))

    def result(self) -> Statistics:
        """What was counted so far."""
        totals = self._totals
        heights: list[float] = []
        if self._heights:
            heights = [float(h) for h in np.percentile(self._heights, _SHARES)]
        names = self.skeleton.keypoints
        return Statistics(
            pictures=totals["pictures"],
            empty=totals["empty"],
            reviewed=totals["reviewed"],
            problems=totals["problems"],
            people=totals["people"],
            crowds=totals["crowds"],
            people_per_picture=dict(sorted(self._per_picture.items())),
            labels={
                label: LabelCount(shapes, self._labelled[label])
                for label, shapes in self._shapes.most_common()
            },
            joints=tuple(
                JointCount(name, *row)
                for name, row in zip(names, self._joints.tolist(), strict=True)
            ),
            completeness=tuple(self._completeness.tolist()),
            sizes={kind: self._sizes[kind] for kind in ("small", "medium", "large")},
            heights=tuple(heights),
            picture_sizes=dict(self._picture_sizes.most_common()),
            splits=dict(self._splits),
        )


def statistics_of(
    dataset: Dataset | Iterable[Sample], skeleton: Skeleton | None = None
) -> Statistics:
    """Counts over a dataset, or over samples and their skeleton."""
    samples = dataset.samples if isinstance(dataset, Dataset) else dataset
    skeleton = dataset.skeleton if isinstance(dataset, Dataset) else skeleton
    if skeleton is None:
        raise TypeError("samples alone do not tell their skeleton")
    counting = Counting(skeleton)
    for sample in samples:
        counting.add(sample.instances, sample.size, sample.split)
    return counting.result()


def folder_statistics(
    folders: Sequence[Path],
    skeleton: Skeleton,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Statistics:
    """Counts over the annotation files below `folders`; unreadable ones are `problems`.

    Raises FileProblem where a folder is not there, Cancelled where `cancelled()` turns true.
    """
    files = dict.fromkeys(path for folder in folders for path in annotation_files(folder)[0])
    counting = Counting(skeleton)
    for number, path in enumerate(files, 1):
        if cancelled is not None and cancelled():
            raise Cancelled
        try:
            counting.add_image(labelme.read(path))
        except StudioError:
            counting.add_problem()
        if progress is not None:
            progress(number, len(files))
    return counting.result()


def rows(statistics: Statistics) -> list[tuple[str, str, str, float]]:
    """All counts as (group, name, what, value), for a table or a CSV file."""
    plain = ("pictures", "empty", "reviewed", "problems", "people", "crowds")
    found: list[tuple[str, str, str, float]] = [
        ("total", name, "count", getattr(statistics, name)) for name in plain
    ]
    found += [("split", side or "none", "pictures", n) for side, n in statistics.splits.items()]
    for label, count in statistics.labels.items():
        found += [("label", label, "shapes", count.shapes)]
        found += [("label", label, "pictures", count.pictures)]
    for joint in statistics.joints:
        for what in ("visible", "hidden", "absent", "missing", "outside"):
            found.append(("joint", joint.name, what, getattr(joint, what)))
    found += [("joints set", str(n), "people", c) for n, c in enumerate(statistics.completeness)]
    per_picture = statistics.people_per_picture.items()
    found += [("people in a picture", str(n), "pictures", c) for n, c in per_picture]
    found += [("size", kind, "people", n) for kind, n in statistics.sizes.items()]
    pairs = zip(_SHARES, statistics.heights, strict=False)
    found += [("height", f"{share} %", "px", round(value, 2)) for share, value in pairs]
    sizes = statistics.picture_sizes.items()
    return [*found, *(("picture size", f"{w} x {h}", "pictures", n) for (w, h), n in sizes)]


def write_csv(path: Path, statistics: Statistics) -> None:
    """All counts, with a byte order mark so that spreadsheets read the names right.

    Raises FileProblem.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("group", "name", "what", "value"))
    table.writerows(rows(statistics))
    atomic_write_bytes(path, text.getvalue().encode("utf-8-sig"))
