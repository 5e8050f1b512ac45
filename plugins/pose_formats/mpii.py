"""MPII Human Pose in the JSON form that its toolkits share: a list of people.

http://human-pose.mpi-inf.mpg.de; each has `image`, 16 `joints` counted from 1 as MATLAB does,
`joints_vis`, and a `center` with a `scale` instead of a box.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from studio.core.annotation import Instance
from studio.core.errors import FormatError, Problem, StudioError
from studio.core.skeleton import Skeleton
from studio.io.files import read_json
from studio.io.images import image_size
from studio.io.plain import is_list, is_table, numbers
from studio.io.records import Record, Report, warn

from .files import ends_of, files_below

_JOINTS = 16
_MEND = "Mend the file, or get it again."


class Mpii:
    """Reads `mpii_train.json` and its like; people without a box get one from their joints."""

    skeleton = "mpii"

    def recognises(self, path: Path) -> bool:
        """Whether the file, or a folder's files, are of this dataset."""
        return bool(files_below(path, self._fits))

    @staticmethod
    def _fits(path: Path) -> bool:
        data = ends_of(path)
        return data.lstrip()[:1] == b"[" and b'"joints_vis"' in data and b'"joints"' in data

    def read(self, path: Path, skeleton: Skeleton, report: Report) -> Sequence[Record]:
        """Every picture. Raises FormatError where there is nothing of this kind."""
        files = files_below(path, self._fits)
        if not files:
            raise FormatError(
                "No annotation file of MPII stands here.",
                where=path,
                hint="Choose the dataset's folder or its JSON file, such as mpii_train.json.",
            )
        records: list[Record] = []
        for file in files:
            people: dict[str, list[Instance]] = {}
            for number, raw in enumerate(read_json(file), 1):
                try:
                    name, person = _person(raw, skeleton)
                except ValueError as error:
                    report(Problem(f"Person {number}: {error}.", where=str(file), hint=_MEND))
                    continue
                people.setdefault(name, []).append(person)
            side = next((s for s in ("train", "val") if s in file.stem.lower()), "")
            for name, found in people.items():
                records += _records(file, name, found, side, report)
        return records


def _person(raw: Any, skeleton: Skeleton) -> tuple[str, Instance]:
    """Raises ValueError with what is wrong."""
    if not is_table(raw) or not isinstance(raw.get("image"), str):
        raise ValueError("it names no image")
    joints, flags = raw.get("joints"), numbers(raw.get("joints_vis"))
    points = [numbers(p) for p in joints] if is_list(joints) else []
    if len(points) != _JOINTS or any(p is None or len(p) != 2 for p in points):
        raise ValueError(f"its joints are not {_JOINTS} pairs of numbers")
    if flags is None or len(flags) != _JOINTS:
        raise ValueError(f"its joints_vis are not {_JOINTS} numbers")
    keypoints = np.zeros((_JOINTS, 3))
    keypoints[:, :2] = np.array(points) - 1.0
    keypoints[:, 2] = np.where(np.array(flags) > 0, 2, 0)
    keypoints[keypoints[:, 2] == 0] = 0
    return raw["image"], Instance(category=skeleton.category, keypoints=keypoints)


def _records(
    file: Path, name: str, people: Sequence[Instance], side: str, report: Report
) -> list[Record]:
    folders = (file.parent / "images", file.parent.parent / "images", file.parent)
    picture = next((f / name for f in folders if (f / name).is_file()), None)
    if picture is None:
        report(
            Problem(
                f"The picture {name} is not there.",
                where=str(file),
                hint=f"Put the pictures into {folders[0]}.",
            )
        )
        return []
    try:
        size = image_size(picture)
    except StudioError as error:
        report(Problem(error.message, where=error.where or str(picture), hint=error.hint))
        return []
    bare = sum(not person.labelled for person in people)
    if bare:
        warn(report, f"{bare} people of {name} have no joint; left out.", str(file))
    kept = tuple(person for person in people if person.labelled)
    return [Record(picture.name, picture, size, kept, str(picture), side)]
