"""Datasets of every format behind one function: `load_dataset`."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from studio.core.dataset import SIDES, Dataset
from studio.core.errors import DataError, FileProblem, FormatError, Problem
from studio.core.skeleton import Skeleton
from studio.io import coco, labelme, yolo
from studio.io.annotations import annotation_files, check_pictures, read_folder
from studio.io.files import IMAGE_SUFFIXES, list_images, read_json
from studio.io.plain import is_list, is_table
from studio.io.records import Record, Report, dataset_of, warn, with_joints_of
from studio.io.skeletons import list_skeletons, load_skeleton
from studio.io.splits import split_names
from studio.registry import contributions, find
from studio.registry.interfaces import Format

__all__ = [
    "DATASET_JSON",
    "Source",
    "bare_pictures",
    "check_pictures",
    "detect_kind",
    "files_of",
    "load_dataset",
    "read_dataset_json",
    "read_source",
    "split_names",
]

DATASET_JSON = "dataset.json"
KINDS = ("labelme", "coco", "yolo")
_USUAL = "coco17"

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Source:
    """What was read from one place: its pictures, skeleton and the files worth knowing."""

    records: tuple[Record, ...]
    skeleton: Skeleton
    kind: str
    paths: dict[str, Path] = field(default_factory=dict[str, Path])


def load_dataset(
    path: Path | str, skeleton: Skeleton | None = None, report: Report | None = None
) -> Dataset:
    """A dataset of any kind: a folder with dataset.json, COCO (folder or JSON), YOLO (folder or
    YAML) or a folder of labelme files.

    Without `skeleton` the dataset's own is taken. `report` hears what single files are wrong;
    without it the first error is raised. Raises FileProblem, FormatError, DataError.
    """
    path = Path(path)
    source = read_source(path, detect_kind(path), skeleton, report or _raise_errors)
    root = path if path.is_dir() else path.parent
    made = dataset_of(source.records, source.skeleton, root, source.kind, source.paths)
    if not made.samples:
        raise DataError(
            "This dataset holds no picture that can be used.",
            where=str(path),
            hint="Choose the dataset's folder, or its JSON or YAML file.",
        )
    if source.kind != "dataset":
        return made
    said = read_dataset_json(path)
    digest = said.get("content_hash")
    return replace(made, content_hash=str(digest)) if digest else made


def _raise_errors(problem: Problem) -> None:
    if problem.severity == "error":
        raise DataError(problem.message, where=problem.where, hint=problem.hint)


def detect_kind(path: Path) -> str:
    """One of "dataset", "coco", "yolo", "labelme" and the format plugins' names. Raises FileProblem or FormatError."""
    if not path.exists():
        raise FileProblem("This is not there.", where=path, hint="Check the path.")
    suffix = path.suffix.lower()
    if path.is_file():
        if suffix in (".yaml", ".yml"):
            return "yolo"
        if path.name == DATASET_JSON:
            return "dataset"
        named = _plugin_kind(path) if suffix == ".json" else ""
        if named:
            return named
        if suffix == ".json" and coco.looks_like_coco(path):
            return "coco"
        raise FormatError(
            "This file is no dataset that the studio knows.",
            where=path,
            hint="Choose a folder, a COCO JSON or a YOLO YAML.",
        )
    if (path / DATASET_JSON).is_file():
        return "dataset"
    # Asking every format about each of 20,000 annotations would take longer than to convert them.
    named = "" if _has_annotated_pictures(path) else _plugin_kind(path)
    if named:
        return named
    if coco.annotation_files(path):
        return "coco"
    if yolo.find_yaml(path) or ((path / "images").is_dir() and (path / "labels").is_dir()):
        return "yolo"
    return "labelme"


def _has_annotated_pictures(folder: Path) -> bool:
    """Whether a picture stands here with a JSON file of its own name beside it."""
    names = os.listdir(folder)  # noqa: PTH208 - many, and quick
    end = len(labelme.SUFFIX)
    files = {name[:-end] for name in names if name[-end:].lower() == labelme.SUFFIX}
    for name in names:
        stem, dot, ending = name.rpartition(".")
        if stem and stem in files and (dot + ending).lower() in IMAGE_SUFFIXES:
            return True
    return False


def _plugin_kind(path: Path) -> str:
    """The format plugin that knows this place, or ""."""
    usable = (c for c in contributions("format") if c.enabled)
    return next((c.id for c in usable if c.load().recognises(path)), "")


def read_source(
    path: Path,
    kind: str,
    skeleton: Skeleton | None,
    report: Report,
    progress: Progress | None = None,
) -> Source:
    """Read one place as what it is. Raises FileProblem, FormatError, DataError."""
    if kind == "dataset":
        return _read_dataset(path, skeleton, report, progress)
    if kind == "coco":
        return _read_coco(path, skeleton, report)
    if kind == "yolo":
        return _read_yolo(path, skeleton, report, progress)
    if kind != "labelme":
        return _read_with_plugin(path, kind, skeleton, report)
    _need_folder(path)
    chosen = skeleton or _guess_skeleton(path)
    return Source(tuple(read_folder(path, chosen, report, progress)), chosen, "labelme")


def files_of(path: Path) -> tuple[list[Path], list[Path]]:
    """`annotation_files` of a folder of pictures. Raises FileProblem where it is none."""
    _need_folder(path)
    return annotation_files(path)


def bare_pictures(path: Path) -> tuple[Path, ...]:
    """The pictures of a folder that holds no annotation at all, with those of its folders; none
    where it is a dataset. Raises FileProblem, FormatError.
    """
    if not path.is_dir() or detect_kind(path) != "labelme":
        return ()
    if any(path.rglob(f"*{labelme.SUFFIX}")):
        return ()
    return list_images(path, recursive=True)


def _need_folder(path: Path) -> None:
    if not path.is_dir():
        raise FileProblem(
            "This is no folder of pictures.", where=path, hint="Choose the folder they stand in."
        )


def _read_with_plugin(path: Path, kind: str, skeleton: Skeleton | None, report: Report) -> Source:
    """A format of a plugin. Another skeleton than its own takes joints over by their names."""
    reader: Format = find("format", kind).load()
    own = load_skeleton(reader.skeleton)
    records: list[Record] = list(reader.read(path, own, report))
    if skeleton is None or skeleton.keypoints == own.keypoints:
        return Source(tuple(records), own, kind)
    lost = [name for name in own.keypoints if name not in skeleton.index]
    if len(lost) == len(own):
        raise DataError(
            f'None of the joints of {kind} is in the skeleton "{skeleton.name}".',
            where=str(path),
            hint=f"Choose the skeleton {own.name}, or one with joints of the same names.",
        )
    if lost:
        warn(report, f"Joints not of the skeleton; left out: {', '.join(lost)}.", str(path))
    made = tuple(with_joints_of(record, own, skeleton) for record in records)
    return Source(made, skeleton, kind)


def _read_coco(path: Path, skeleton: Skeleton | None, report: Report) -> Source:
    files = {"": path} if path.is_file() else coco.annotation_files(path)
    if not files:
        raise FormatError(
            "No COCO keypoint file stands in this folder.",
            where=path,
            hint="It is looked for in annotations/ and coco/annotations/.",
        )
    records: list[Record] = []
    paths: dict[str, Path] = {}
    for side, file in files.items():
        split = side if side in SIDES else ""
        found, skeleton = coco.read(file, report, skeleton=skeleton, split=split)
        records += found
        paths[f"coco_{split or 'all'}"] = file
        pictures = [r.picture for r in found if r.picture is not None]
        if pictures:
            paths[f"coco_{split or 'all'}_images"] = pictures[0].parent
    if skeleton is None:
        raise FormatError("No COCO file could be read.", where=path)
    return Source(tuple(records), skeleton, "coco", paths)


def _read_yolo(
    path: Path, skeleton: Skeleton | None, report: Report, progress: Progress | None
) -> Source:
    found = path if path.is_file() else yolo.find_yaml(path)
    data = yolo.read_yaml(found, skeleton) if found else yolo.data_of_folder(path, skeleton)
    paths = {"yolo_yaml": found} if found else {}
    return Source(tuple(yolo.read(data, report, progress)), data.skeleton, "yolo", paths)


def read_dataset_json(path: Path) -> dict[str, Any]:
    """The content of a dataset's `dataset.json`, by its folder or its own path.

    Raises FileProblem or FormatError.
    """
    path = path / DATASET_JSON if path.is_dir() else path
    data = read_json(path)
    if not is_table(data) or data.get("v") != 1 or not is_table(data.get("split")):
        raise FormatError(
            "This dataset.json is not one of this studio's.",
            where=path,
            hint="Convert the dataset again into a new folder.",
        )
    return data


def _read_dataset(
    path: Path, skeleton: Skeleton | None, report: Report, progress: Progress | None
) -> Source:
    root = path if path.is_dir() else path.parent
    data = read_dataset_json(path)
    if data.get("kind") == "head-pose":
        raise DataError(
            "This is a set of heads, without people and joints.",
            where=str(root),
            hint="Train or judge a head-pose model on it, or choose a dataset of people.",
        )
    own = Skeleton.from_mapping(data.get("skeleton", {}), where=str(root / DATASET_JSON))
    if skeleton is not None and skeleton.keypoints != own.keypoints:
        raise DataError(
            f'The dataset was made with the skeleton "{own.name}" ({len(own)} joints), not with '
            f'"{skeleton.name}" ({len(skeleton)} joints).',
            where=str(root),
            hint="Choose that skeleton, or convert the pictures again.",
        )
    said = data.get("paths")
    paths = {k: root / str(v) for k, v in said.items()} if is_table(said) else {}
    formats = data.get("formats")
    first = next((f for f in ("coco", "yolo", "labelme") if is_list(formats) and f in formats), "")
    if not first:
        raise FormatError("This dataset names no format.", where=root / DATASET_JSON)
    place = {"coco": root / "coco", "labelme": root / "labelme"}.get(
        first, paths.get("yolo_yaml", root)
    )
    source = read_source(place, first, own, report, progress)
    sides = data["split"]
    records = tuple(replace(r, split=str(sides.get(r.name, r.split))) for r in source.records)
    return Source(records, own, "dataset", paths)


def _guess_skeleton(folder: Path) -> Skeleton:
    """The known skeleton that most of the points in the first files belong to."""
    files, _bare = annotation_files(folder)
    labels: Counter[str] = Counter()
    for path in files[:50]:
        try:
            image = labelme.read(path)
        except FileProblem:
            # It is reported when it is read in earnest.
            continue
        labels.update(s.label for s in image.shapes if s.shape_type == "point")
    known = list_skeletons()
    # Joints that several skeletons share are COCO's until others tell.
    best = max(known, key=lambda s: (sum(labels[k] for k in s.keypoints), s.name == _USUAL))
    if files and not any(labels[k] for k in best.keypoints):
        raise DataError(
            f"The points in these files belong to none of the known skeletons "
            f"({', '.join(s.name for s in known)}).",
            where=str(folder),
            hint="Name the skeleton that they were annotated with.",
        )
    return best
