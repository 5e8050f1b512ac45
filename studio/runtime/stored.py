"""Predictions that stand in files: our own `predictions.json`, COCO results, AlphaPose's list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from studio.core.errors import FileProblem, FormatError
from studio.core.prediction import Prediction
from studio.io.files import read_json
from studio.runtime.results import head_from_values

# The names that the studio and AlphaPose give such files, looked for in a folder first.
USUAL = ("predictions.json", "alphapose-results.json")
# What stands beside predictions and is none.
_OTHERS = frozenset({"spec.json", "model.json", "dataset.json", "report.json", "config.json"})
_FORM = (
    'A list is expected, one object a person with "image_id" (or "image"), "keypoints" as '
    'x, y, score one after the other, and "score".'
)


@dataclass(frozen=True, eq=False)
class StoredPerson:
    """One record. picture: the file's name where it says one, else the number of the picture.

    person: `category_id` is as the file says it. where: the file and the record, for messages.
    frame, time: of a video, where the file says them.
    """

    picture: str | int
    person: Prediction
    where: str
    frame: int | None = None
    time: float | None = None


def read_stored(path: Path) -> list[StoredPerson]:
    """Every person in a file, or in the files of a folder. Raises FileProblem, FormatError."""
    files = _files(path) if path.is_dir() else [path]
    return [person for file in files for person in _read(file)]


def _files(folder: Path) -> list[Path]:
    usual = [folder / name for name in USUAL if (folder / name).is_file()]
    if len(usual) > 1:
        raise FormatError(
            f"Several files of predictions stand here: {', '.join(p.name for p in usual)}.",
            where=folder,
            hint="Name the one that is meant.",
        )
    found = usual or [p for p in sorted(folder.glob("*.json")) if p.name not in _OTHERS]
    if not found:
        raise FileProblem(
            "No predictions stand in this folder.",
            where=folder,
            hint=f"It is looked for {' and '.join(USUAL)}, then for any .json.",
        )
    return found


def _read(path: Path) -> list[StoredPerson]:
    data = read_json(path)
    if not isinstance(data, list):
        raise FormatError("This is no list of predictions.", where=path, hint=_FORM)
    return [_person(values, f"{path}, record {number}") for number, values in enumerate(data, 1)]


def _person(values: Any, where: str) -> StoredPerson:
    if not isinstance(values, Mapping):
        raise FormatError("A record is no object.", where=where, hint=_FORM)
    picture = values.get("image", values.get("image_id", values.get("file_name")))
    if isinstance(picture, bool) or not isinstance(picture, str | int):
        raise FormatError("A record names no picture.", where=where, hint=_FORM)
    try:
        flat = np.asarray(values["keypoints"], dtype=np.float32).ravel()
        score = float(values["score"])
        category = int(values.get("category_id", 1))
        frame, time = values.get("frame"), values.get("time")
        frame = None if frame is None else int(frame)
        time = None if time is None else float(time)
        head, box_score = values.get("head"), values.get("box_score")
        head = None if head is None else head_from_values(head)
        box_score = None if box_score is None else float(box_score)
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(
            f"A record is no prediction: {error!r}.", where=where, hint=_FORM
        ) from error
    if not len(flat) or len(flat) % 3:
        raise FormatError(
            f'"keypoints" holds {len(flat)} numbers, which are not x, y, score of joints.',
            where=where,
            hint=_FORM,
        )
    if not np.isfinite(flat).all() or not np.isfinite(score):
        raise FormatError("A record holds a number that is not finite.", where=where, hint=_FORM)
    points = flat.reshape(-1, 3)
    box = _box(values, points, where)
    person = Prediction(box, score, points, category, head=head, box_score=box_score)
    return StoredPerson(picture, person, where, frame, time)


def _box(values: Mapping[str, Any], points: Any, where: str) -> Any:
    """x1, y1, x2, y2: as said (AlphaPose calls it "box"), else around the joints."""
    said = values.get("bbox", values.get("box"))
    if said is None:
        low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
        return np.concatenate([low, high]).astype(np.float32)
    try:
        x, y, width, height = (float(v) for v in said)
    except (TypeError, ValueError) as error:
        raise FormatError("A box is not x, y, width, height.", where=where) from error
    return np.array([x, y, x + width, y + height], dtype=np.float32)
