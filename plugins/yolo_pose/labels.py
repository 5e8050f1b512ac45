"""Reads and checks every label file before a training: a fault names its file and line.

A label file holds one person a line: class, box centre x, centre y, width, height, then x, y, v
(or x, y) for each joint; all lengths as shares of the picture's sides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from studio.core.errors import Problem, StudioError
from studio.io.images import image_size, read_image

from .data import TrainingData, label_path, pictures_of

FloatArray = npt.NDArray[np.float32]

# Rounding of a point on the border may lead this far outside.
TOLERANCE = 0.01
MIN_SIDE = 10
MAX_LISTED = 50
_TAIL = 1 << 16


@dataclass(frozen=True, eq=False)
class Labelled:
    """One picture that can be trained on.

    size: (width, height) of the upright picture. rows: (N, columns) float32, one person a row.
    """

    picture: Path
    label: Path
    size: tuple[int, int]
    rows: FloatArray


@dataclass
class Checked:
    """What the check of one split found: the usable pictures, and the problems."""

    items: list[Labelled] = field(default_factory=list[Labelled])
    problems: list[Problem] = field(default_factory=list[Problem])
    people: int = 0

    @property
    def errors(self) -> list[Problem]:
        """The problems that forbid a start."""
        return [p for p in self.problems if p.severity == "error"]


def check_split(
    data: TrainingData, split: str, progress: Callable[[int, int], None] = lambda *_: None
) -> Checked:
    """Every picture and label of `split`; about 8,000 files a second.

    A damaged or missing picture is a warning and is left out; a label that does not fit is an
    error. At most `MAX_LISTED` of each are listed, with a count of the rest.
    """
    pictures = pictures_of(data.splits[split])
    result = Checked()
    if not pictures:
        result.problems.append(
            Problem(
                f'The split "{split}" holds no pictures.',
                where=str(data.splits[split][0]),
                hint="Convert the dataset again with another ratio, or put pictures there.",
            )
        )
        return result
    with ThreadPoolExecutor(max_workers=8) as pool:
        checked = pool.map(lambda path: _check_one(path, data), pictures, chunksize=64)
        for number, (item, problems) in enumerate(checked, 1):
            result.problems += problems
            if item is not None:
                result.items.append(item)
                result.people += len(item.rows)
            if number % 256 == 0 or number == len(pictures):
                progress(number, len(pictures))
    result.problems += _orphans(data, split, pictures)
    result.problems = _shortened(result.problems)
    if not result.errors:
        result.problems += _emptiness(result, data, split)
    return result


def _check_one(picture: Path, data: TrainingData) -> tuple[Labelled | None, list[Problem]]:
    try:
        size = image_size(picture)
        if _looks_cut(picture):
            read_image(picture)
    except StudioError as error:
        return None, [_warning(f"{error.message} It is left out.", picture, hint=error.hint)]
    if min(size) < MIN_SIDE:
        text = f"The picture is only {size[0]}x{size[1]} pixels. It is left out."
        return None, [_warning(text, picture)]
    label = label_path(picture)
    rows, problems = read_label(label, data)
    return Labelled(picture, label, size, rows), problems


def read_label(path: Path, data: TrainingData) -> tuple[FloatArray, list[Problem]]:
    """(N, columns) float32 rows, none where the file is missing or empty, and its problems."""
    nothing = np.zeros((0, data.columns), np.float32)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return nothing, []
    except (OSError, UnicodeDecodeError) as error:
        return nothing, [Problem(f"The label cannot be read: {error}.", where=str(path))]
    words = text.split()
    if not words:
        return nothing, []
    if len(words) % data.columns == 0:
        rows = _parsed(words, data)
        # As many words as whole lines need may still be spread wrongly over them.
        if rows is not None and all(
            len(line.split()) in (0, data.columns) for line in text.splitlines()
        ):
            unique = np.unique(rows, axis=0)
            if len(unique) == len(rows):
                return rows, []
            count = len(rows) - len(unique)
            return unique, [_warning(f"{count} people stand here twice; once is enough.", path)]
    problems = list(_line_problems(path, text, data))
    return nothing, problems


def _parsed(words: list[str], data: TrainingData) -> FloatArray | None:
    """The rows, where all of them are sound; the slow way finds out what is wrong."""
    try:
        rows = np.array(words, dtype=np.float64).reshape(-1, data.columns)
    except ValueError:
        return None
    if not np.isfinite(rows).all():
        return None
    classes, boxes = rows[:, 0], rows[:, 1:5]
    points = rows[:, 5:].reshape(len(rows), -1, data.dims)
    sound = (
        (classes % 1 == 0).all()
        and classes.min() >= 0
        and classes.max() < len(data.categories)
        and boxes.min() >= -TOLERANCE
        and boxes.max() <= 1 + TOLERANCE
        and boxes[:, 2:].min() > 0
        and points[..., :2].min() >= -TOLERANCE
        and points[..., :2].max() <= 1 + TOLERANCE
        and (data.dims == 2 or np.isin(points[..., 2], (0, 1, 2)).all())
    )
    if not sound:
        return None
    rows[:, 1:5] = boxes.clip(0, 1)
    points[..., :2] = points[..., :2].clip(0, 1)
    return rows.astype(np.float32)


def _line_problems(path: Path, text: str, data: TrainingData) -> Iterable[Problem]:
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if words and (message := _line_problem(words, data)):
            yield Problem(message, where=str(path), line=number)


def _line_problem(words: list[str], data: TrainingData) -> str | None:
    if len(words) != data.columns:
        joints = len(data.skeleton)
        return (
            f"{len(words)} columns, where {data.columns} belong "
            f"(class, box of 4, {joints} joints of {data.dims})."
        )
    values: list[float] = []
    for column, word in enumerate(words, 1):
        try:
            values.append(float(word))
        except ValueError:
            return f"Column {column} is {word!r}, not a number."
        if not np.isfinite(values[-1]):
            return f"Column {column} is {word}, not a finite number."
    return _class_problem(values[0], data) or _range_problem(values, data)


def _class_problem(value: float, data: TrainingData) -> str | None:
    count = len(data.categories)
    if value % 1 or not 0 <= value < count:
        known = "only class 0 exists" if count == 1 else f"classes are 0 to {count - 1}"
        return f"Class {value:g}: {known}."
    return None


def _range_problem(values: list[float], data: TrainingData) -> str | None:
    names = ["class", "box centre x", "box centre y", "box width", "box height"]
    letters = "xyv"[: data.dims]
    names += [f"{joint} {letter}" for joint in data.skeleton.keypoints for letter in letters]
    for column, (name, value) in enumerate(zip(names, values, strict=True), 1):
        if name.endswith(" v"):
            if value not in (0, 1, 2):
                return f"Column {column} ({name}) is {value:g}; visibility is 0, 1 or 2."
        elif column in (4, 5) and value <= 0:
            return f"Column {column} ({name}) is {value:g}; it must be above 0."
        elif column > 1 and not -TOLERANCE <= value <= 1 + TOLERANCE:
            return f"Column {column} ({name}) is {value:g}, outside 0 to 1."
    return None


def _looks_cut(picture: Path) -> bool:
    """Whether a JPEG or PNG lacks its end mark in the last 64 KiB: then it is decoded whole."""
    with picture.open("rb") as stream:
        head = stream.read(4)
        jpeg, png = head.startswith(b"\xff\xd8"), head == b"\x89PNG"
        if not (jpeg or png):
            return False
        size = stream.seek(0, 2)
        stream.seek(max(0, size - _TAIL))
        tail = stream.read()
    return (b"\xff\xd9" if jpeg else b"IEND") not in tail[-_TAIL:]


def _orphans(data: TrainingData, split: str, pictures: list[Path]) -> list[Problem]:
    """Labels whose picture is not there."""
    known = {label_path(p) for p in pictures}
    folders = {label_path(place / "x").parent for place in data.splits[split] if place.is_dir()}
    return [
        _warning("The picture of this label is not there. It is left out.", label)
        for folder in sorted(folders)
        if folder.is_dir()
        for label in sorted(folder.rglob("*.txt"))
        if label not in known and label.name != "classes.txt"
    ]


def _emptiness(result: Checked, data: TrainingData, split: str) -> list[Problem]:
    where = str(data.splits[split][0])
    if not result.items:
        return [Problem(f'No picture of the split "{split}" can be read.', where=where)]
    if result.people:
        return []
    hint = f"Labels are looked for at {result.items[0].label}."
    return [Problem(f'The split "{split}" has pictures and not one label.', where=where, hint=hint)]


def _shortened(problems: list[Problem]) -> list[Problem]:
    kept: list[Problem] = []
    for severity in ("error", "warning"):
        same = [p for p in problems if p.severity == severity]
        kept += same[:MAX_LISTED]
        if len(same) > MAX_LISTED:
            text = f"{len(same) - MAX_LISTED} more of this kind are not listed."
            kept.append(Problem(text, severity=severity))
    return kept


def _warning(message: str, path: Path, hint: str = "") -> Problem:
    return Problem(message, where=str(path), hint=hint, severity="warning")
