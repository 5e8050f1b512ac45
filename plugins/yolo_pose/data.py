"""What to train on: any spelling of a dataset becomes one `TrainingData`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from studio.core.errors import DataError, FileProblem, FormatError
from studio.core.skeleton import Skeleton
from studio.io.files import IMAGE_SUFFIXES, atomic_write_text, read_json, read_text
from studio.io.skeletons import list_skeletons, load_skeleton

from .config import TrainOptions

POSE_YAML = "pose.yaml"
DATASET_JSON = "dataset.json"
_YAML_NAMES = (POSE_YAML, "data.yaml", "dataset.yaml")
_BOX_COLUMNS = 5


@dataclass(frozen=True)
class TrainingData:
    """Where the pictures of each split are, and what their labels hold.

    splits: "train" and "val" to folders, list files or pictures, all absolute. dims: 3 where a
    label holds x, y, v for each joint, 2 where it holds x, y. flip_idx: None where nobody knows
    which joints mirror each other, so that mirroring must stay off. yaml: the file it was read
    from, None where it was found without one.
    """

    root: Path
    splits: Mapping[str, tuple[Path, ...]]
    categories: tuple[str, ...]
    skeleton: Skeleton
    dims: int = 3
    flip_idx: tuple[int, ...] | None = None
    sigmas: tuple[float, ...] = ()
    dataset_hash: str | None = None
    yaml: Path | None = None

    @property
    def columns(self) -> int:
        """How many numbers a label line holds."""
        return _BOX_COLUMNS + len(self.skeleton) * self.dims

    def to_yaml(self) -> dict[str, Any]:
        """Ultralytics' data file, with everything that it would otherwise guess."""
        joints = list(self.skeleton.keypoints)
        data: dict[str, Any] = {
            "path": str(self.root),
            **{name: [str(p) for p in places] for name, places in self.splits.items()},
            "kpt_shape": [len(joints), self.dims],
        }
        if self.flip_idx is not None:
            data["flip_idx"] = list(self.flip_idx)
        if self.sigmas:
            data["kpt_oks_sigmas"] = list(self.sigmas)
        data["kpt_names"] = dict.fromkeys(range(len(self.categories)), joints)
        data["names"] = dict(enumerate(self.categories))
        return data


def find_data(options: TrainOptions, project: Path | None = None) -> TrainingData:
    """Raises DataError, FileProblem or FormatError that says what is missing and where."""
    place = options.data or options.dataset_root
    if place is None:
        raise DataError(
            "No dataset was given.",
            where="data",
            hint="Give --data (a folder, dataset.json or .yaml) or --dataset-root.",
        )
    place = place.expanduser().absolute()
    if not place.exists():
        raise FileProblem("The dataset is not there.", where=place, hint="Check the path.")
    if place.name == DATASET_JSON:
        place = place.parent
    if place.is_dir():
        found = _yaml_in(place)
        if found is None:
            return _found_without_yaml(place, options, project)
        place = found
    if place.suffix.lower() not in (".yaml", ".yml"):
        raise DataError(
            "A dataset is a folder, a dataset.json or a .yaml file.",
            where=place,
            hint="Convert your annotations first: pose-studio convert --to yolo.",
        )
    return _from_yaml(place, options, project)


def write_pose_yaml(data: TrainingData) -> Path | None:
    """Write `pose.yaml` beside images/ and labels/ where the dataset has none; its path if so."""
    if data.yaml is not None:
        return None
    path = data.root / POSE_YAML
    content = data.to_yaml()
    # Without `path` both the studio and the yolo program count from the file's own folder.
    del content["path"]
    for name, places in data.splits.items():
        content[name] = places[0].relative_to(data.root).as_posix()
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, default_flow_style=None)
    atomic_write_text(path, text)
    return path


def _yaml_in(folder: Path) -> Path | None:
    for inside in (folder, folder / "yolo"):
        for name in _YAML_NAMES:
            if (inside / name).is_file():
                return inside / name
    others = sorted(p for p in folder.glob("*.y*ml") if p.suffix.lower() in (".yaml", ".yml"))
    return others[0] if len(others) == 1 else None


def _from_yaml(path: Path, options: TrainOptions, project: Path | None) -> TrainingData:
    content = _read_yaml(path)
    root = path.parent
    if content.get("path"):
        # Relative to the file itself; ultralytics would look in its own datasets folder.
        root = (path.parent / str(content["path"])).resolve()
        if not root.is_dir():
            raise DataError(
                f"The data file's path: {content['path']} is no folder.", where=path,
                hint="Correct `path`, or take it out where the pictures stand beside the file.",
            )  # fmt: skip
    splits = {
        name: _places(root, content.get(key), path, key)
        for name, key in (("train", "train"), ("val", _val_key(content)))
    }
    categories = _categories(content, path)
    count, dims = _keypoint_shape(content, splits["train"], options, path)
    meta = _dataset_json(path.parent)
    skeleton, known = _skeleton(content, count, meta, options, project, path)
    return TrainingData(
        root=root,
        splits=splits,
        categories=categories,
        skeleton=skeleton,
        dims=dims,
        flip_idx=_flip_idx(content, count, path) or (skeleton.flip_idx if known else None),
        sigmas=_sigmas(content, count, path) or skeleton.sigmas,
        dataset_hash=meta.get("content_hash"),
        yaml=path,
    )


def _found_without_yaml(folder: Path, options: TrainOptions, project: Path | None) -> TrainingData:
    splits = {name: folder / "images" / name for name in ("train", "val")}
    missing = [p for p in splits.values() if not p.is_dir()]
    if missing:
        raise DataError(
            f"The folder holds no {missing[0].relative_to(folder).as_posix()}/.",
            where=folder,
            hint="A YOLO dataset has images/train, images/val, labels/train and labels/val; "
            "make one with: pose-studio convert --to yolo.",
        )
    places = {name: (place,) for name, place in splits.items()}
    count, dims = _keypoint_shape({}, places["train"], options, folder)
    skeleton, known = _skeleton({}, count, _dataset_json(folder), options, project, folder)
    return TrainingData(
        root=folder,
        splits=places,
        categories=(skeleton.category,),
        skeleton=skeleton,
        dims=dims,
        flip_idx=skeleton.flip_idx if known else None,
        sigmas=skeleton.sigmas,
        dataset_hash=_dataset_json(folder).get("content_hash"),
    )


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        raise FormatError(
            f"The data file is not YAML{line}.", where=path, hint="Mend it in a text editor."
        ) from error
    if not isinstance(content, dict):
        raise FormatError("The data file holds no names and values.", where=path)
    return content


def _val_key(content: Mapping[str, Any]) -> str:
    return "validation" if "val" not in content and "validation" in content else "val"


def _places(root: Path, value: Any, path: Path, key: str) -> tuple[Path, ...]:
    if not value:
        raise DataError(
            f"The data file names no pictures for `{key}`.",
            where=path,
            hint="Give a folder of pictures or a list file for train and for val.",
        )
    names = value if isinstance(value, list) else [value]
    found = []
    for name in names:
        place = (root / str(name)).resolve()
        if not place.exists() and str(name).startswith("../"):
            # As ultralytics reads the data files of an older habit.
            place = (root / str(name)[3:]).resolve()
        if not place.exists():
            raise DataError(f"`{key}` names {name}, which is not there.", where=path)
        found.append(place)
    return tuple(found)


def _categories(content: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    names = content.get("names")
    if isinstance(names, Mapping):
        if sorted(names) != list(range(len(names))):
            raise FormatError("The class numbers of `names` are not 0, 1, 2 ...", where=path)
        return tuple(str(names[i]) for i in range(len(names)))
    if isinstance(names, list) and names:
        return tuple(str(n) for n in names)
    if isinstance(content.get("nc"), int):
        return (
            ("person",) if content["nc"] == 1 else tuple(f"class_{i}" for i in range(content["nc"]))
        )
    raise FormatError("The data file has no `names`.", where=path, hint="Add: names: {0: person}")


def _keypoint_shape(
    content: Mapping[str, Any], train: Sequence[Path], options: TrainOptions, path: Path
) -> tuple[int, int]:
    shape = content.get("kpt_shape")
    if shape is not None:
        if not (
            isinstance(shape, list) and len(shape) == 2 and shape[0] > 0 and shape[1] in (2, 3)
        ):
            raise FormatError(
                f"`kpt_shape` is {shape!r}, not [number of joints, 2 or 3].", where=path
            )
        if options.keypoints not in (None, shape[0]):
            raise DataError(
                f"--keypoints is {options.keypoints}, and the data file's kpt_shape says {shape[0]}.",
                where=path,
                hint="Leave --keypoints out, or correct the file.",
            )
        return int(shape[0]), int(shape[1])
    if options.keypoints is not None:
        return options.keypoints, 3
    columns = _first_label_columns(train)
    if columns is not None and columns > _BOX_COLUMNS and (columns - _BOX_COLUMNS) % 3 == 0:
        return (columns - _BOX_COLUMNS) // 3, 3
    raise DataError(
        "How many joints the labels hold is not known.",
        where=path,
        hint="Give --keypoints N, or a kpt_shape in the data file.",
    )


def _first_label_columns(train: Sequence[Path]) -> int | None:
    for place in train:
        folder = label_path(place / "x.jpg").parent if place.is_dir() else None
        for label in sorted(folder.glob("*.txt"))[:200] if folder and folder.is_dir() else ():
            lines = read_text(label).split("\n")
            if lines and lines[0].strip():
                return len(lines[0].split())
    return None


def _skeleton(
    content: Mapping[str, Any],
    count: int,
    meta: Mapping[str, Any],
    options: TrainOptions,
    project: Path | None,
    path: Path,
) -> tuple[Skeleton, bool]:
    """The skeleton, and whether its mirror pairs are known rather than made up."""
    if options.skeleton:
        chosen = load_skeleton(options.skeleton, project)
        if len(chosen) != count:
            raise DataError(
                f"The skeleton {chosen.name} has {len(chosen)} joints, the labels hold {count}.",
                where=path,
                hint="Choose the skeleton that the labels were made with.",
            )
        return chosen, True
    stored = meta.get("skeleton")
    if isinstance(stored, Mapping):
        return _fitting(Skeleton.from_mapping(stored, where=str(path)), count, path), True
    names = content.get("kpt_names")
    if isinstance(names, Mapping):
        names = next(iter(names.values()), None)
    if names and len(names) == count:
        listed = tuple(str(n) for n in names)
        for skeleton in list_skeletons(project):
            if skeleton.keypoints == listed:
                return skeleton, True
        return Skeleton(name=f"points{count}", keypoints=listed), False
    coco = load_skeleton("coco17")
    return (coco, True) if count == len(coco) else (Skeleton.numbered(count), False)


def _fitting(skeleton: Skeleton, count: int, path: Path) -> Skeleton:
    if len(skeleton) == count:
        return skeleton
    raise DataError(
        f"dataset.json has a skeleton of {len(skeleton)} joints, kpt_shape says {count}.",
        where=path,
        hint="Convert the dataset again.",
    )


def _flip_idx(content: Mapping[str, Any], count: int, path: Path) -> tuple[int, ...] | None:
    value = content.get("flip_idx")
    if not value:
        return None
    if not isinstance(value, list) or sorted(value) != list(range(count)):
        raise FormatError(
            f"`flip_idx` must hold each of 0 to {count - 1} once.", where=path, hint="Correct it."
        )
    return tuple(int(i) for i in value)


def _sigmas(content: Mapping[str, Any], count: int, path: Path) -> tuple[float, ...]:
    value = content.get("kpt_oks_sigmas")
    if not value:
        return ()
    if not isinstance(value, list) or len(value) != count or min(value) <= 0:
        raise FormatError(f"`kpt_oks_sigmas` must be {count} positive numbers.", where=path)
    return tuple(float(s) for s in value)


def _dataset_json(folder: Path) -> Mapping[str, Any]:
    for place in (folder, folder.parent):
        path = place / DATASET_JSON
        if path.is_file():
            content = read_json(path)
            return content if isinstance(content, Mapping) else {}
    return {}


def label_path(picture: Path) -> Path:
    """The label file of a picture: the last `images` of its path becomes `labels`."""
    parts = list(picture.parts)
    for i in range(len(parts) - 2, -1, -1):
        if parts[i] == "images":
            parts[i] = "labels"
            break
    return Path(*parts).with_suffix(".txt")


def pictures_of(places: Sequence[Path]) -> list[Path]:
    """All pictures of one split, sorted; a list file's relative lines count from its folder."""
    found: list[Path] = []
    for place in places:
        if place.is_dir():
            found += [p for p in place.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES]
        elif place.suffix.lower() == ".txt":
            lines = (line.strip() for line in read_text(place).splitlines())
            found += [place.parent / line for line in lines if line]
        else:
            found.append(place)
    return sorted(p for p in found if not p.name.startswith("."))
