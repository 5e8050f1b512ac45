"""Motion folders: scenes of pictures, each with the table of a motion capture.

image/01_250116_111927_0/*.jpg     a scene, its number first
motion/001_name.csv                the angles of scene 1
keypoint/01_250116_111927_0/*.csv  optional: joints of each picture, for a crop by them
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy.typing as npt

from studio.core.errors import FormatError, Problem, StudioError
from studio.core.head import angles_of
from studio.core.requests.motion_table import MotionTable
from studio.io.files import list_images
from studio.io.headpose_set import HeadSample
from studio.io.records import many

from .table import Motion as Table
from .table import read_joints, read_motion

_FIRST = re.compile(r"^(\d+)_?")
_LAST = re.compile(r"(\d+)(?!.*\d)")
_IMAGES, _TABLES, _JOINTS = "image", "motion", "keypoint"


class Motion:
    """See `studio.registry.interfaces.HeadFormat`. `options` is a `MotionTable` that may also ask
    for the joints (`face_detect_method`).
    """

    margin = 0.6
    size = 64
    ratio = 0.8

    def recognises(self, path: Path) -> bool:
        """Whether image/ and motion/ stand there."""
        return (path / _IMAGES).is_dir() and any((path / _TABLES).glob("*.csv"))

    def read(
        self,
        path: Path,
        names: Sequence[str] | None,
        report: Callable[[Problem], None],
        options: Any | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Sequence[HeadSample]:
        """Every picture that a row belongs to, scene by scene; a scene keeps to one side."""
        table = options if isinstance(options, MotionTable) else MotionTable()
        joints = getattr(options, "face_detect_method", "auto") in ("keypoint", "auto")
        if not self.recognises(path):
            raise FormatError(
                "The folders image and motion are needed, with scenes and their tables.", where=path
            )
        scenes = sorted(p for p in (path / _IMAGES).iterdir() if p.is_dir())
        tables = _tables(path / _TABLES)
        wanted = None if names is None else {_bare(n) for n in names}
        found: list[HeadSample] = []
        for number, scene in enumerate(scenes, 1):
            try:
                samples = _scene(path, scene, tables, table, report)
            except StudioError as error:
                report(Problem(error.message, where=error.where or str(scene), hint=error.hint))
                continue
            chosen = [s for s in samples if wanted is None or s.name in wanted]
            found += [_with_joints(path, s, report) for s in chosen] if joints else chosen
            if progress is not None:
                progress(number, len(scenes))
        return found


def _bare(name: str) -> str:
    return re.sub(r"\.\w{3,4}$", "", name.removeprefix(f"{_IMAGES}/"))


def _tables(folder: Path) -> dict[int, Path]:
    """The table of each scene's number. Raises FormatError where two claim one."""
    found: dict[int, Path] = {}
    for path in sorted(folder.glob("*.csv")):
        first = _FIRST.match(path.name)
        if first is None:
            continue
        number = int(first[1])
        if number in found:
            raise FormatError(
                f"Two tables belong to scene {number}: {found[number].name} and {path.name}.",
                where=folder,
                hint="Take one of them out.",
            )
        found[number] = path
    return found


def _scene(
    root: Path,
    scene: Path,
    tables: dict[int, Path],
    table: MotionTable,
    report: Callable[[Problem], None],
) -> list[HeadSample]:
    first = _FIRST.match(scene.name)
    path = tables.get(int(first[1])) if first is not None else None
    if path is None:
        raise FormatError(
            "No table belongs to this scene.",
            where=scene,
            hint="A scene 01_... and its table 001_....csv begin with the same number.",
        )
    motion = read_motion(path, table)
    pictures = list_images(scene)
    found: list[HeadSample] = []
    for place, picture in enumerate(pictures):
        rotation = motion.at(_key(picture, place, motion, table))
        if rotation is not None:
            found.append(_sample(root, scene, picture, rotation))
    lost = len(pictures) - len(found)
    if lost:
        text = f"{many(lost, 'picture')} of {len(pictures)} without a row in {path.name}; left out."
        report(Problem(text, where=str(scene), severity="warning"))
    return found


def _sample(root: Path, scene: Path, picture: Path, rotation: npt.NDArray[Any]) -> HeadSample:
    return HeadSample(
        picture,
        rotation,
        angles_of(rotation),
        name=picture.relative_to(root / _IMAGES).with_suffix("").as_posix(),
        video=scene.name,
        loose=True,
    )


def _key(picture: Path, place: int, motion: Table, table: MotionTable) -> float:
    if motion.kind == "time":
        return place / table.motion_fps + table.motion_offset
    last = _LAST.search(picture.stem) if motion.kind == "frame" else None
    return (int(last[1]) if last is not None else place) + table.motion_offset


def _with_joints(root: Path, sample: HeadSample, report: Callable[[Problem], None]) -> HeadSample:
    try:
        joints = read_joints(root / _JOINTS / f"{sample.name}.csv")
    except StudioError as error:
        report(Problem(error.message, where=error.where or "", hint=error.hint))
        return sample
    return replace(sample, joints=joints)
