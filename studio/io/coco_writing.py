"""COCO keypoint annotations written: `person_keypoints_*.json`.

The format: https://cocodataset.org/#format-data. Coordinates are pixels of the upright picture.
What COCO has no place for (`group_id`, `absent`, ...) stands in keys of its own, which other
programs ignore.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import orjson

from studio.core.annotation import Instance
from studio.core.skeleton import Skeleton
from studio.io.masks import mask_areas
from studio.io.plain import is_table
from studio.io.records import Record, plain_extra

FloatArray = npt.NDArray[np.float64]

CATEGORY_ID = 1


def document(
    records: Iterable[Record], skeleton: Skeleton, image_ids: Mapping[str, int]
) -> dict[str, Any]:
    """The whole JSON value for `records`, whose picture ids are `image_ids[name]`."""
    stream = io.BytesIO()
    listed = list(records)
    people = (map(orjson.dumps, annotations_of(r, skeleton)) for r in listed)
    write_document(
        stream,
        [(image_ids[r.name], r.name, r.size) for r in listed],
        people,
        skeleton,
    )
    return orjson.loads(stream.getvalue())


def write_document(
    stream: BinaryIO,
    pictures: Sequence[tuple[int, str, tuple[int, int]]],
    people: Iterable[Iterable[bytes]],
    skeleton: Skeleton,
) -> None:
    """Write a COCO file piece by piece, so that a large one needs no memory.

    pictures: (id, file name, (width, height)); people: for each of them its annotations, JSON
    objects without `id` and `image_id`. Raises OSError.
    """
    info = {"description": "Converted by Pose Studio", "version": "1.0"}
    stream.write(b'{"info":' + orjson.dumps(info) + b',"licenses":[],"images":[')
    between = b""
    for number, name, (width, height) in pictures:
        image = {"id": number, "file_name": name, "width": width, "height": height}
        stream.write(between + orjson.dumps(image))
        between = b","
    stream.write(b'],"annotations":[')
    between, count = b"", 0
    for (number, _name, _size), persons in zip(pictures, people, strict=True):
        parts: list[bytes] = []
        for annotation in persons:
            count += 1
            parts += (between, annotation[:-1], b',"id":%d,"image_id":%d}' % (count, number))
            between = b","
        stream.write(b"".join(parts))
    stream.write(b'],"categories":[' + orjson.dumps(category_of(skeleton)) + b"]}")


def category_of(skeleton: Skeleton) -> dict[str, Any]:
    """The category with its joint names and 1-based limbs."""
    return {
        "id": CATEGORY_ID,
        "name": skeleton.category,
        "supercategory": skeleton.category,
        "keypoints": list(skeleton.keypoints),
        "skeleton": skeleton.coco_skeleton,
    }


def annotations_of(record: Record, skeleton: Skeleton) -> list[dict[str, Any]]:
    """One annotation per person, without `id` and `image_id`.

    `area` is the mask's area in pixels as pycocotools counts it; where a person has no outline
    it is the box's. `bbox` is tight: from the outline, else the box, else the joints.
    """
    areas = mask_areas([outlines_of(p) for p in record.instances], *record.size)
    return annotations_with(record, skeleton, iter(areas))


def annotations_with(
    record: Record, skeleton: Skeleton, areas: Iterator[float]
) -> list[dict[str, Any]]:
    """`annotations_of` with the areas of the people's masks known already."""
    return [
        _annotation(person, outlines_of(person), next(areas), skeleton)
        for person in record.instances
    ]


def outlines_of(person: Instance) -> tuple[FloatArray, ...]:
    """The polygons of a person; the box as one where there is none."""
    if person.polygons or person.box is None:
        return person.polygons
    x, y, w, h = person.box
    return (np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]]),)


def _annotation(
    person: Instance, outlines: Sequence[FloatArray], area: float, skeleton: Skeleton
) -> dict[str, Any]:
    box = person.tight_box()
    x, y, w, h = (0.0, 0.0, 0.0, 0.0) if box is None else box.tolist()
    keypoints: list[float] = []
    for px, py, v in person.keypoints.tolist():
        keypoints += (px, py, int(v)) if v else (0, 0, 0)
    segmentation: Any = [p.ravel().tolist() for p in outlines]
    if person.iscrowd and is_table(person.extra.get("segmentation")):
        segmentation = person.extra["segmentation"]
        area = person.area if person.area is not None else area
    annotation: dict[str, Any] = {
        "category_id": CATEGORY_ID,
        "iscrowd": int(person.iscrowd),
        "num_keypoints": person.labelled,
        "keypoints": keypoints,
        "bbox": [round(v, 6) for v in (x, y, w, h)],
        "area": area if outlines else w * h,
        "segmentation": segmentation,
    }
    if not outlines:
        annotation["box_from_points"] = True
    annotation.update(plain_extra(person, skeleton.keypoints))
    return annotation
