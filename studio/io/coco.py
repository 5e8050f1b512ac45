"""COCO keypoint annotations read: `person_keypoints_*.json`.

The format: https://cocodataset.org/#format-data. Coordinates are pixels of the upright picture.
`studio.io.coco_writing` writes it, and says what stands in keys of its own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.annotation import Instance, box_around
from studio.core.dataset import TEST, TRAIN, VAL
from studio.core.errors import DataError, FormatError, Problem, StudioError
from studio.core.skeleton import Skeleton
from studio.io.files import IMAGE_SUFFIXES, read_json
from studio.io.images import image_size
from studio.io.plain import is_list, is_number, is_table, is_whole, numbers
from studio.io.records import Record, Report, fit_keypoints, warn
from studio.io.skeletons import list_skeletons

FloatArray = npt.NDArray[np.float64]

_MEND = "Mend the file, or export it again."


def read(
    path: Path,
    report: Report,
    *,
    skeleton: Skeleton | None = None,
    split: str = "",
    need_pictures: bool = True,
) -> tuple[list[Record], Skeleton]:
    """The pictures of one COCO file and the skeleton of its people.

    What is wrong with one annotation or one picture is reported and that one left out. Without
    `need_pictures` a picture that is not there is taken as the file says. Raises FormatError
    where the file is no COCO file and DataError where `skeleton` does not fit it.
    """
    return read_value(
        read_json(path),
        path,
        report,
        skeleton=skeleton,
        split=split,
        need_pictures=need_pictures,
    )


def read_value(
    data: Any,
    path: Path,
    report: Report,
    *,
    skeleton: Skeleton | None = None,
    split: str = "",
    need_pictures: bool = True,
) -> tuple[list[Record], Skeleton]:
    """`read` of a file's content; pictures are looked for around `path`."""
    if not is_table(data) or not all(is_list(data.get(k)) for k in ("images", "annotations")):
        raise FormatError(
            'This is no COCO file: it needs the lists "images" and "annotations".',
            where=path,
            hint="Choose the JSON with the keypoints, such as person_keypoints_train2017.json.",
        )
    category, found = _category(data, path, skeleton)
    order = _joint_order(category, found, path)
    people: dict[Any, list[tuple[int, dict[str, Any]]]] = {}
    others = 0
    for number, annotation in enumerate(data["annotations"]):
        if not is_table(annotation):
            report(Problem(f"annotations[{number}] is not an object.", where=str(path), hint=_MEND))
        elif annotation.get("category_id") == category["id"]:
            people.setdefault(annotation.get("image_id"), []).append((number, annotation))
        else:
            others += 1
    if others:
        warn(
            report,
            f'{others} annotations are of other categories than "{found.category}" and were left '
            "out.",
            str(path),
        )
    records = _records(
        data["images"], people, path, report, found, order, split, need_pictures=need_pictures
    )
    return records, found


def category_in(path: Path, skeleton: Skeleton) -> tuple[int, tuple[int, ...]]:
    """The id of the category that `read` takes for `skeleton`, and for each joint of the skeleton
    its place in the file. Raises FormatError, DataError.
    """
    data = read_json(path)
    if not is_table(data):
        raise FormatError("This is no COCO file.", where=path)
    category, found = _category(data, path, skeleton)
    if not is_whole(category.get("id")):
        raise FormatError("A category has no number as its id.", where=path)
    return int(category["id"]), _joint_order(category, found, path)


def _records(
    images: list[Any],
    people: dict[Any, list[tuple[int, dict[str, Any]]]],
    path: Path,
    report: Report,
    skeleton: Skeleton,
    order: tuple[int, ...],
    split: str,
    *,
    need_pictures: bool,
) -> list[Record]:
    folders = _picture_folders(path)
    records: list[Record] = []
    known: set[Any] = set()
    for number, image in enumerate(images):
        if not is_table(image) or not isinstance(image.get("file_name"), str):
            report(Problem(f"images[{number}] has no file_name.", where=str(path), hint=_MEND))
            continue
        known.add(image.get("id"))
        try:
            picture, size = _picture(image, folders, path, needed=need_pictures)
        except StudioError as error:
            report(Problem(error.message, where=error.where or str(path), hint=error.hint))
            continue
        instances: list[Instance] = []
        for place, annotation in people.get(image.get("id"), []):
            try:
                instances.append(_instance(annotation, skeleton, order))
            except ValueError as error:
                message = f"annotations[{place}] (id {annotation.get('id')}): {error}."
                report(Problem(message, where=str(path), hint=_MEND))
        records.append(
            Record(
                picture.name,
                picture,
                size,
                tuple(instances),
                str(picture),
                split,
                image_id=image["id"] if is_whole(image.get("id")) else None,
            )
        )
    for image_id in people.keys() - known:
        message = (
            f"{len(people[image_id])} annotations are of image {image_id!r}, which is not listed."
        )
        report(Problem(message, where=str(path), hint=_MEND))
    return records


def _picture(
    image: dict[str, Any], folders: Sequence[Path], path: Path, *, needed: bool
) -> tuple[Path, tuple[int, int]]:
    name = str(image["file_name"])
    said = (image.get("width"), image.get("height"))
    found = next((f / name for f in folders if (f / name).is_file()), None)
    if found is None:
        base = Path(name).name
        found = next((f / base for f in folders if (f / base).is_file()), None)
    if found is None and not needed and is_whole(said[0]) and is_whole(said[1]):
        return folders[0] / name, (int(said[0]), int(said[1]))
    if found is None:
        raise FormatError(
            f"The picture {name} is not there.",
            where=path,
            hint=f"Put the pictures into {folders[0]}.",
        )
    size = image_size(found)
    if is_number(said[0]) and is_number(said[1]) and said != size:
        raise FormatError(
            f"The picture is {size[0]} x {size[1]}, but {path.name} says {said[0]} x {said[1]}.",
            where=found,
            hint="Its coordinates would be wrong: find the picture that was annotated.",
        )
    return found, size


def _picture_folders(path: Path) -> list[Path]:
    """Where the pictures of a COCO file usually stand, the likeliest first."""
    root = path.parent.parent if path.parent.name == "annotations" else path.parent
    side = side_of(path.stem)
    year = "".join(c for c in path.stem.rpartition("_")[2] if c.isdigit())
    names = [side + year, side, f"images/{side}{year}", f"images/{side}", "images", "", "."]
    folders = [root / n for n in dict.fromkeys(names) if n and (root / n).is_dir()]
    return [*dict.fromkeys((*folders, *list(path.parents)[:3]))]


def _category(
    data: dict[str, Any], path: Path, skeleton: Skeleton | None
) -> tuple[dict[str, Any], Skeleton]:
    listed = data.get("categories")
    categories = [c for c in listed if is_table(c)] if is_list(listed) else []
    posed = [c for c in categories if is_list(c.get("keypoints")) and c["keypoints"]]
    if not posed:
        raise FormatError(
            "No category of this COCO file has keypoints.",
            where=path,
            hint="Choose the keypoint file (person_keypoints_...), not the boxes or captions.",
        )
    if skeleton is None:
        return posed[0], skeleton_of(posed[0], path)
    fitting = [c for c in posed if fit_keypoints([str(k) for k in c["keypoints"]], skeleton)]
    if not fitting:
        there = ", ".join(str(k) for k in posed[0]["keypoints"][:5])
        raise DataError(
            f'The skeleton "{skeleton.name}" ({len(skeleton)} joints) does not fit this file, '
            f"whose {len(posed[0]['keypoints'])} joints are {there}, ...",
            where=str(path),
            hint="Choose the skeleton that the file was made with.",
        )
    named = [c for c in fitting if c.get("name") == skeleton.category]
    return (named or fitting)[0], skeleton


def skeleton_of(category: dict[str, Any], path: Path) -> Skeleton:
    """The known skeleton with the category's joints, else one made of the category itself."""
    names = tuple(str(k) for k in category["keypoints"])
    for known in list_skeletons():
        if known.keypoints == names:
            return known
    edges: list[tuple[int, int]] = []
    limbs = category.get("skeleton")
    for limb in limbs if is_list(limbs) else []:
        pair = numbers(limb)
        if pair is not None and len(pair) == 2:
            edges.append((int(pair[0]) - 1, int(pair[1]) - 1))
    index = {name: i for i, name in enumerate(names)}
    pairs = [
        (i, index[name.replace("left", "right")])
        for name, i in index.items()
        if "left" in name and name.replace("left", "right") in index
    ]
    return Skeleton(
        name=str(category.get("name", path.stem)),
        keypoints=names,
        edges=tuple(edges),
        flip_pairs=tuple(pairs),
        category=str(category.get("name", "person")),
    )


def _joint_order(category: dict[str, Any], skeleton: Skeleton, path: Path) -> tuple[int, ...]:
    order = fit_keypoints([str(k) for k in category["keypoints"]], skeleton)
    if order is None:
        raise DataError(f'The skeleton "{skeleton.name}" does not fit.', where=str(path))
    return order


def _instance(raw: dict[str, Any], skeleton: Skeleton, order: tuple[int, ...]) -> Instance:
    """Raises ValueError with what is wrong."""
    flat = numbers(raw.get("keypoints", [0] * 3 * len(order)))
    if flat is None or len(flat) != 3 * len(order):
        raise ValueError(f'its "keypoints" are not {3 * len(order)} numbers')
    keypoints = np.array(flat).reshape(-1, 3)[list(order)]
    if not np.isin(keypoints[:, 2], (0, 1, 2)).all():
        raise ValueError("a visibility is not 0, 1 or 2")
    keypoints[keypoints[:, 2] == 0] = 0
    box = numbers(raw.get("bbox"))
    if box is not None and len(box) != 4:
        raise ValueError('its "bbox" is not x, y, width, height')
    crowd = bool(raw.get("iscrowd"))
    polygons, masked = _segmentation(raw.get("segmentation"))
    given = None if box is None or raw.get("box_from_points") else np.array(box)
    if len(polygons) == 1 and given is not None and _is_box(polygons[0], given):
        given, polygons = box_around(polygons[0]), ()
    elif polygons:
        given = None
    area, score = raw.get("area"), raw.get("score")
    absent = raw.get("absent")
    rotation = raw.get("head_rotation")
    return Instance(
        category=skeleton.category,
        keypoints=keypoints,
        box=given,
        polygons=polygons,
        absent=frozenset(str(n) for n in absent if n in skeleton.index)
        if is_list(absent)
        else frozenset(),
        track_id=raw["group_id"] if is_whole(raw.get("group_id")) else None,
        iscrowd=crowd,
        area=float(area) if is_number(area) else None,
        score=float(score) if is_number(score) else None,
        source=str(raw["source"]) if "source" in raw else None,
        head_rotation=None if rotation is None else np.array(rotation, dtype=np.float64),
        extra={"segmentation": masked} if masked is not None else {},
    )


def _segmentation(raw: Any) -> tuple[tuple[FloatArray, ...], dict[str, Any] | None]:
    """Polygons, or a crowd's run-length mask. Raises ValueError."""
    if is_table(raw):
        return (), raw
    polygons: list[FloatArray] = []
    for polygon in raw if is_list(raw) else []:
        flat = numbers(polygon)
        if flat is None or len(flat) < 6 or len(flat) % 2:
            raise ValueError("a polygon of its segmentation is not at least 3 x, y pairs")
        polygons.append(np.array(flat).reshape(-1, 2))
    return tuple(polygons), None


def _is_box(polygon: FloatArray, box: FloatArray) -> bool:
    """Whether a polygon only says what the box says (a rectangle has no other outline)."""
    x, y, w, h = box
    corners = np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]])
    return len(polygon) == 4 and bool(np.abs(polygon - corners).max() < 1e-4)


def side_of(stem: str) -> str:
    """The side that a file's name tells: "train", "val", "test" or ""."""
    side = next((s for s in (TRAIN, VAL) if s in stem), "")
    # "latest" and "contest" are no test.
    return side or (TEST if re.search("(?<![a-z])test", stem) else "")


def annotation_files(folder: Path) -> dict[str, Path]:
    """The COCO keypoint files below `folder` by side, or by a name of their own."""
    found: dict[str, Path] = {}
    for place in (folder / "coco" / "annotations", folder / "annotations", folder):
        names = os.listdir(place) if place.is_dir() else []  # noqa: PTH208 - many, and quick
        parts = (name.rpartition(".") for name in names)
        pictures = {stem for stem, dot, end in parts if (dot + end).lower() in IMAGE_SUFFIXES}
        for name in sorted(name for name in names if name.endswith(".json")):
            stem = name.removesuffix(".json")
            # A JSON file beside its picture is labelme's.
            if stem in pictures or stem in ("", "dataset"):
                continue
            side = side_of(stem.lower()) or stem
            path = place / name
            if "keypoint" in stem or place.name == "annotations" or looks_like_coco(path):
                found.setdefault(side, path)
        if found:
            break
    return found


def looks_like_coco(path: Path) -> bool:
    """Whether a JSON file has COCO's lists; false also where it cannot be read."""
    try:
        data = read_json(path)
    except StudioError:
        return False
    return is_table(data) and all(is_list(data.get(k)) for k in ("images", "annotations"))
