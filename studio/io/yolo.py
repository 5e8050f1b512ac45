"""YOLO pose datasets: `pose.yaml`, `images/{train,val}` and one text file per picture.

A line is `class cx cy w h (x y v) * K`, all but class and v divided by the picture's width or
height. The format: https://docs.ultralytics.com/datasets/pose.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from studio.core.annotation import Instance
from studio.core.dataset import SIDES, TEST
from studio.core.errors import DataError, FileProblem, FormatError, Problem, StudioError
from studio.core.skeleton import Skeleton
from studio.io.files import list_images, read_text
from studio.io.images import image_size
from studio.io.plain import is_list, is_table, is_whole
from studio.io.records import Record, Report, many, warn
from studio.io.skeletons import guess_skeleton, list_skeletons

YAML_NAME = "pose.yaml"

# A label outside by more than this makes ultralytics leave the whole picture out.
_TOLERANCE = 0.01
_MEND = "Mend that line, or convert the dataset again."


Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class YoloData:
    """What a dataset's YAML says.

    `sides` holds folders or list files by "train", "val" and "test"; `dims` is 2 (x, y) or
    3 (x, y, v).
    """

    root: Path
    sides: dict[str, tuple[Path, ...]]
    skeleton: Skeleton
    dims: int
    names: tuple[str, ...]


def label_text(record: Record, report: Report) -> str:
    """The label file of one picture; empty where nobody is in it.

    What YOLO cannot hold (crowds, joints outside the picture) is left out and reported.
    """
    lines: list[str] = []
    crowds = 0
    for number, person in enumerate(record.instances, 1):
        if person.iscrowd:
            crowds += 1
            continue
        line = _line(person, number, record, report)
        if line:
            lines.append(line)
    if crowds:
        warn(
            report,
            f"{many(crowds, 'crowd region')} left out: YOLO cannot hold them.",
            record.origin,
        )
    return "".join(line + "\n" for line in lines)


def _line(person: Instance, number: int, record: Record, report: Report) -> str:
    width, height = record.size
    box = person.tight_box()
    if box is None:
        warn(report, f"Person {number} has no box and no joint; left out.", record.origin)
        return ""
    left, top = max(0.0, float(box[0])), max(0.0, float(box[1]))
    right = min(float(width), float(box[0] + box[2]))
    bottom = min(float(height), float(box[1] + box[3]))
    if right < left or bottom < top:
        warn(report, f"Person {number} stands outside the picture; left out.", record.origin)
        return ""
    outside = 0
    parts = ["0", _text((left + right) / 2 / width), _text((top + bottom) / 2 / height)]
    parts += [_text((right - left) / width), _text((bottom - top) / height)]
    least, most = -_TOLERANCE, 1 + _TOLERANCE
    for x, y, v in person.keypoints.tolist():
        nx, ny = x / width, y / height
        if not v:
            parts.append("0 0 0")
        elif least <= nx <= most and least <= ny <= most:
            parts.append(f"{_text(nx)} {_text(ny)} {v:.0f}")
        else:
            outside += 1
            parts.append("0 0 0")
    if outside:
        message = f"{many(outside, 'joint')} of person {number} outside the picture; YOLO leaves them out."
        warn(report, message, record.origin)
    return " ".join(parts)


def _text(value: float) -> str:
    """Eight decimals: a hundredth of a pixel in a picture of 500,000 pixels' width."""
    # The general form would write small numbers with an exponent.
    if value >= 1e-3 or value <= -1e-3:
        return f"{value:.8g}"
    return f"{value:.8f}".rstrip("0").rstrip(".")


def yaml_text(skeleton: Skeleton, *, test: bool = False) -> str:
    """`pose.yaml` for a dataset that stands beside it, with a test side or without."""
    names = "\n".join(f"    - {_quoted(k)}" for k in skeleton.keypoints)
    sigmas = ", ".join(f"{s:.6g}" for s in skeleton.oks_sigmas)
    return (
        "# Made by Pose Studio. Paths are relative to this file.\n"
        "train: images/train\n"
        "val: images/val\n" + ("test: images/test\n" if test else "") + "\n"
        f"kpt_shape: [{len(skeleton)}, 3]\n"
        f"flip_idx: [{', '.join(str(i) for i in skeleton.flip_idx)}]\n"
        f"kpt_oks_sigmas: [{sigmas}]\n"
        "\n"
        "names:\n"
        f"  0: {_quoted(skeleton.category)}\n"
        "\n"
        "kpt_names:\n"
        f"  0:\n{names}\n"
    )


def _quoted(text: str) -> str:
    plain = text.replace("_", "").replace("-", "")
    if (
        plain.isascii()
        and plain.isalpha()
        and plain.lower() not in ("yes", "no", "on", "off", "null", "true", "false", "y", "n")
    ):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def read_yaml(path: Path, skeleton: Skeleton | None = None) -> YoloData:
    """A dataset's YAML.

    Raises FileProblem, FormatError, or DataError where `skeleton` does not fit.
    """
    import yaml

    try:
        data: Any = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        raise FormatError(
            f"This is not YAML: {error}.", where=path, hint="Mend the line named."
        ) from error
    if not is_table(data):
        raise FormatError("This YAML holds no table.", where=path, hint=_YAML_HINT)
    shape = data.get("kpt_shape")
    if not is_list(shape) or len(shape) != 2 or not is_whole(shape[0]) or shape[1] not in (2, 3):
        raise FormatError(
            "kpt_shape is missing or is not [number of joints, 2 or 3].",
            where=path,
            hint=_YAML_HINT,
        )
    root = Path(str(data["path"])) if data.get("path") else path.parent
    root = root if root.is_absolute() else path.parent / root
    # A YAML that names the machine it was made on still works where it stands.
    root = root if root.is_dir() else path.parent
    sides = {side: _places(data.get(side), root) for side in SIDES}
    # A test side is often named where its pictures were never fetched.
    sides[TEST] = tuple(place for place in sides[TEST] if place.exists())
    found = _skeleton(data, shape[0], path, skeleton)
    return YoloData(root, {k: v for k, v in sides.items() if v}, found, int(shape[1]), _names(data))


_YAML_HINT = "A pose dataset's YAML has kpt_shape, names, train and val; see the help on files."


def _places(value: Any, root: Path) -> tuple[Path, ...]:
    values = value if is_list(value) else [value]
    return tuple(root / str(v) for v in values if v)


def _names(data: dict[str, Any]) -> tuple[str, ...]:
    names = data.get("names")
    if is_table(names):
        return tuple(str(v) for _k, v in sorted(names.items(), key=lambda item: int(item[0])))
    return tuple(str(v) for v in names) if is_list(names) else ("person",)


def _skeleton(data: dict[str, Any], count: int, path: Path, wanted: Skeleton | None) -> Skeleton:
    listed = data.get("kpt_names")
    joints = next(iter(listed.values()), None) if is_table(listed) else listed
    names = tuple(str(k) for k in joints) if is_list(joints) and len(joints) == count else ()
    if wanted is not None:
        fits = len(wanted) == count and (not names or names == wanted.keypoints)
        if not fits:
            raise DataError(
                f'The skeleton "{wanted.name}" ({len(wanted)} joints) does not fit this dataset '
                f"({count} joints{': ' + ', '.join(names[:5]) + ', ...' if names else ''}).",
                where=str(path),
                hint="Choose the skeleton that the dataset was made with.",
            )
        return wanted
    known = list_skeletons()
    for skeleton in known:
        if names and skeleton.keypoints == names:
            return skeleton
    flips = data.get("flip_idx")
    if not names:
        same = [s for s in known if len(s) == count and list(s.flip_idx) == flips]
        if len(same) == 1:
            return same[0]
    return _made(names, count, flips, _names(data))


def _made(names: tuple[str, ...], count: int, flips: Any, classes: tuple[str, ...]) -> Skeleton:
    base = Skeleton.numbered(count)
    good = is_list(flips) and len(flips) == count and sorted(flips) == list(range(count))
    pairs = tuple((a, b) for a, b in enumerate(flips) if a < b) if good else ()
    return replace(
        base,
        name=classes[0] if names else base.name,
        keypoints=names or base.keypoints,
        flip_pairs=pairs,
        category=classes[0] if classes else "person",
    )


def read(data: YoloData, report: Report, progress: Progress | None = None) -> list[Record]:
    """All pictures of all sides; a bad label or picture is reported and that picture left out.

    Of several classes the one with the skeleton's category is taken, else the first.
    """
    records: list[Record] = []
    done = 0
    for side, places in data.sides.items():
        pictures = pictures_of(places, report)
        if side == TEST:
            pictures = _labelled(pictures, places, report)
        for picture in pictures:
            try:
                records.append(_record(picture, data, side, report))
            except StudioError as error:
                report(Problem(error.message, where=error.where or str(picture), hint=error.hint))
            done += 1
            if progress is not None:
                progress(done, 0)
    return records


def pictures_of(places: Sequence[Path], report: Report) -> list[Path]:
    """The pictures of folders and of list files (one path a line)."""
    pictures: list[Path] = []
    for place in places:
        try:
            if place.suffix == ".txt":
                lines = [line.strip() for line in read_text(place).splitlines()]
                pictures += [place.parent / line for line in lines if line]
            else:
                pictures += list_images(place, recursive=True)
        except FileProblem as error:
            report(Problem(error.message, where=error.where or str(place), hint=error.hint))
    return pictures


def _labelled(pictures: list[Path], places: Sequence[Path], report: Report) -> list[Path]:
    """A public test side comes without labels: its pictures are not pictures without people."""
    kept = [picture for picture in pictures if label_path(picture).is_file()]
    if len(kept) < len(pictures):
        bare = many(len(pictures) - len(kept), "test picture")
        warn(report, f"{bare} without a label file; left out.", str(places[0]))
    return kept


def label_path(picture: Path) -> Path:
    """`images` becomes `labels`, the last time it stands in the path, and the ending `.txt`."""
    parts = list(PurePath(picture).parts)
    for place in range(len(parts) - 2, -1, -1):
        if parts[place] == "images":
            parts[place] = "labels"
            break
    return Path(*parts).with_suffix(".txt")


def _record(picture: Path, data: YoloData, side: str, report: Report) -> Record:
    size = image_size(picture)
    label = label_path(picture)
    instances: tuple[Instance, ...] = ()
    if label.is_file():
        instances = read_labels(label, size, data)
    else:
        warn(report, "It has no label file: taken as a picture without people.", str(picture))
    wanted = data.skeleton.category if data.skeleton.category in data.names else data.names[0]
    others = sum(person.category != wanted for person in instances)
    if others:
        warn(report, f'{others} lines are of other classes than "{wanted}"; left out.', str(label))
    instances = tuple(
        replace(p, category=data.skeleton.category) for p in instances if p.category == wanted
    )
    return Record(picture.name, picture, size, instances, str(label), side)


def read_labels(path: Path, size: tuple[int, int], data: YoloData) -> tuple[Instance, ...]:
    """One label file. Raises FormatError naming the line."""
    found: list[Instance] = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if line.strip():
            try:
                found.append(_instance(line.split(), size, data))
            except ValueError as error:
                raise FormatError(
                    f"Line {number}: {error}.", where=f"{path}:{number}", hint=_MEND
                ) from None
    return tuple(found)


def _instance(words: list[str], size: tuple[int, int], data: YoloData) -> Instance:
    """Raises ValueError with what is wrong."""
    count, dims = len(data.skeleton), data.dims
    expected = 5 + count * dims
    if len(words) != expected:
        raise ValueError(
            f"{len(words)} columns instead of {expected} (class, box, {count} joints of {dims})"
        )
    try:
        values = [float(word) for word in words]
    except ValueError:
        bad = next(word for word in words if not _is_float(word))
        raise ValueError(f"{bad!r} is no number") from None
    if not all(math.isfinite(v) for v in values):
        raise ValueError("a number is not finite")
    if not values[0].is_integer() or not 0 <= values[0] < len(data.names):
        raise ValueError(f"class {words[0]} is not one of 0 to {len(data.names) - 1}")
    outside = [w for w, v in zip(words[1:5], values[1:5], strict=True) if not -0.01 <= v <= 1.01]
    if outside:
        raise ValueError(f"{outside[0]} is not between 0 and 1")
    return _instance_of(values, size, data)


def _instance_of(values: list[float], size: tuple[int, int], data: YoloData) -> Instance:
    width, height = size
    cx, cy, w, h = values[1:5]
    points = np.array(values[5:]).reshape(len(data.skeleton), data.dims)
    keypoints = np.zeros((len(points), 3))
    keypoints[:, :2] = points[:, :2] * (width, height)
    if data.dims == 3:
        keypoints[:, 2] = points[:, 2]
        if not np.isin(keypoints[:, 2], (0, 1, 2)).all():
            raise ValueError("a visibility is not 0, 1 or 2")
    else:
        keypoints[:, 2] = np.where((points > 0).all(axis=1), 2, 0)
    keypoints[keypoints[:, 2] == 0] = 0
    box = np.array([(cx - w / 2) * width, (cy - h / 2) * height, w * width, h * height])
    return Instance(category=data.names[int(values[0])], keypoints=keypoints, box=box)


def _is_float(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def data_of_folder(folder: Path, skeleton: Skeleton | None = None) -> YoloData:
    """A dataset folder without a YAML: `images/{train,val,test}` and `labels/…`.

    The number of joints is taken from the first label where no skeleton is given. Raises
    FormatError where there is no label to tell it.
    """
    sides = {s: (folder / "images" / s,) for s in SIDES if (folder / "images" / s).is_dir()}
    if not sides and (folder / "images").is_dir():
        sides = {"train": (folder / "images",)}
    if skeleton is None:
        skeleton = guess_skeleton(_joint_count(folder))
    return YoloData(folder, sides, skeleton, 3, (skeleton.category,))


def _joint_count(folder: Path) -> int:
    for label in sorted((folder / "labels").rglob("*.txt")):
        words = read_text(label).split("\n", 1)[0].split()
        if len(words) > 5 and (len(words) - 5) % 3 == 0:
            return (len(words) - 5) // 3
    raise FormatError(
        "No label tells how many joints this dataset has.",
        where=folder,
        hint=f"Put a {YAML_NAME} with kpt_shape beside its images, or name the skeleton.",
    )


def find_yaml(folder: Path) -> Path | None:
    """The dataset's YAML in a folder: `pose.yaml`, else the first with `kpt_shape`."""
    candidates = [folder / YAML_NAME, *sorted(folder.glob("*.yaml")), *sorted(folder.glob("*.yml"))]
    for path in candidates:
        if path.is_file() and "kpt_shape" in read_text(path):
            return path
    return None
