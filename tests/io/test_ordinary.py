"""The quick way through an ordinary file finds what the careful one finds, and knows its limits."""

import json
import random
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import orjson
import pytest

from studio.core.annotation import Instance, find_boxes, instances_of
from studio.core.errors import FormatError, Problem
from studio.io import annotations, labelme
from studio.io.ordinary import ordinary_people
from studio.io.prepared import Setup, prepare_files
from studio.io.records import people_digest, people_digests
from tests.io.data import small_picture
from tests.io.mutations import KINDS, mutated, originals
from tests.io.people import SKELETON

VALUES: tuple[Any, ...] = (
    None, True, 0, 1, 2, -1, 1.5, 1e7, -1e7, 10**400, "person", "nose", "point", "polygon", "rectangle",
    "ab", [], {}, [1, 2], [[1, 2]], [[1, True]], [[1, 2, 3]], ["ab", "cd", "ef"], [{"a": 1, "b": 2}],
    {"occluded": True}, [[0, 0], [9, 0], [0, 9]], [[0, 0], [9, 0, 1], [9]],
)  # fmt: skip
KEYS = (
    "label", "points", "group_id", "shape_type", "flags", "description", "mask", "absent",
    "difficult", "score", "source", "iscrowd", "head_rotation", "extra",
)  # fmt: skip


def ordinary(picture: str = "a.png") -> dict[str, Any]:
    """Two people, one hidden joint, one outline of nobody's group."""
    square = [[10, 10], [90.5, 10], [90.5, 80], [10, 80]]

    def shape(label: str, kind: str, points: list[Any], group: int | None) -> dict[str, Any]:
        return {
            "label": label,
            "points": points,
            "group_id": group,
            "description": "",
            "shape_type": kind,
            "flags": {},
            "mask": None,
        }

    shapes = [
        shape("person", "polygon", square, 1),
        shape("nose", "point", [[30.25, 20]], 1),
        shape("left_eye", "point", [[31, 18.75]], 1) | {"flags": {"occluded": True}},
        shape("right_eye", "point", [[200, 100]], 7),
        shape("person", "polygon", square[:3], None),
        shape("person", "polygon", square[1:], 1),
    ]
    size = {"imagePath": picture, "imageData": None, "imageHeight": 480, "imageWidth": 640}
    return {"version": "5.5.0", "flags": {}, "shapes": shapes, **size}


def damaged(count: int) -> Iterator[bytes]:
    """Ordinary files with a few values changed: most are still read, many are not ordinary."""
    chance = random.Random(3)
    for _ in range(count):
        raw = deepcopy(ordinary())
        for _again in range(chance.choice((1, 1, 2, 4))):
            shape = chance.choice(raw["shapes"])
            if chance.random() < 0.3:
                points = [chance.choice(((5, 5), (1e6, 3), (640, -0.0), (700, 3.25)))]
                shape["points"] = (points * 4)[: chance.choice((1, 3, 4))]
            elif chance.random() < 0.2:
                shape.pop(chance.choice(KEYS), None)
            else:
                shape[chance.choice(KEYS)] = deepcopy(chance.choice(VALUES))
        yield _dumped(raw)


def _dumped(raw: dict[str, Any]) -> bytes:
    # orjson writes no whole number of 400 digits.
    return json.dumps(raw).encode()


def test_an_ordinary_file_is_known_as_one() -> None:
    people = ordinary_people(ordinary(), SKELETON)
    assert people is not None
    expected = instances_of(labelme.parse(orjson.dumps(ordinary())), SKELETON)
    assert [described(p) for p in people] == [described(p) for p in expected]
    assert [p.track_id for p in people] == [1, 7, None]
    assert [p.labelled for p in people] == [2, 1, 0]


def described(person: Instance) -> tuple[object, ...]:
    box = person.tight_box()
    return (
        person.category,
        person.keypoints.tolist(),
        [p.tolist() for p in person.polygons],
        None if box is None else box.tolist(),
        person.labelled,
        person.track_id,
        person.absent,
        person.iscrowd,
        person.score,
        person.source,
        person.head_rotation,
        person.extra,
    )


@pytest.mark.parametrize(
    ("place", "key", "value"),
    [
        (1, "label", "no joint"),
        (1, "group_id", None),
        (1, "group_id", True),
        (1, "points", [[1, 2], [3, 4]]),
        (1, "points", [["1", "2"]]),
        (1, "points", [[1e7, 2]]),
        (1, "points", [[10**400, 2]]),
        (2, "label", "nose"),
        (0, "label", "dog"),
        (0, "points", [[1, 2], [3, 4]]),
        (0, "points", [[1, 2], [3, 4], [5, True]]),
        (0, "points", [[1, 2], [3, 4, 5], [6]]),
        (0, "points", [[1, 2], [3, 4], "ab"]),
        (0, "points", [[1, 2], [3, 4], [5, 10**400]]),
        (0, "points", [[1, 2], [3, 4], [5, float("nan")]]),
        (0, "points", [[1, 2], [3, 4], [5, -1e7]]),
        (0, "shape_type", "rectangle"),
        (0, "shape_type", None),
        (0, "flags", None),
        (0, "description", 3),
        (0, "source", "a model"),
        (0, "absent", ["nose"]),
        (0, "iscrowd", True),
        (0, "difficult", True),
    ],
)
def test_anything_else_is_left_to_the_careful_way(place: int, key: str, value: object) -> None:
    raw = ordinary()
    raw["shapes"][place][key] = value
    assert ordinary_people(raw, SKELETON) is None


@pytest.mark.parametrize("raw", [None, [], {}, {"shapes": []}, {"shapes": {}}, {"shapes": [3]}])
def test_what_is_no_annotation_is_not_ordinary(raw: object) -> None:
    assert ordinary_people(raw, SKELETON) is None


def test_both_ways_say_and_write_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [*damaged(800), *mutated(800, seed=11), *originals()]
    chance = random.Random(5)
    files += [KINDS[-1](_dumped(ordinary()), chance) for _ in range(200)]
    small_picture(tmp_path / "a.png", (640, 480))
    kept: list[bool] = []

    def counted(raw: Any, skeleton: Any) -> object:
        people = ordinary_people(raw, skeleton)
        kept.append(people is not None)
        return people

    monkeypatch.setattr(annotations, "ordinary_people", counted)
    quick = [converted(data, tmp_path) for data in files]
    monkeypatch.setattr(annotations, "ordinary_people", lambda *_: None)
    for number, data in enumerate(files):
        assert quick[number] == converted(data, tmp_path), f"file {number}: {data[:2000]!r}"
    # The comparison would say nothing if all of them went one way.
    assert 200 < sum(kept) < len(kept) - 200


def converted(data: bytes, folder: Path) -> tuple[object, ...]:
    """What the conversion makes of one file: its texts, its digest, and what it says."""
    path = folder / "a.json"
    path.write_bytes(data)
    for old in folder.glob("spool-*"):
        old.unlink()
    items, problems = prepare_files(Setup(SKELETON, ("coco", "yolo"), folder), [str(path)])
    texts = [spool.read_bytes() for spool in folder.glob("spool-*")]
    return texts, [(i.name, i.size, i.people, i.digest) for i in items], problems


def test_many_at_once_are_the_same_as_one_by_one(tmp_path: Path) -> None:
    small_picture(tmp_path / "a.png", (640, 480))
    problems: list[Problem] = []
    records: list[annotations.Record] = []
    for number, data in enumerate(damaged(60)):
        path = tmp_path / f"{number}.json"
        path.write_bytes(data)
        record = annotations.read_or_report(path, SKELETON, problems.append)
        records += [record] if record is not None else []
    assert len(records) > 20
    people = [p for record in records for p in record.instances]
    alone = [describe_box(Instance(p.category, p.keypoints, p.box, p.polygons)) for p in people]
    one_by_one = [people_digest(record) for record in records]
    find_boxes(people)
    assert [describe_box(p) for p in people] == alone
    assert people_digests(records) == one_by_one
    assert len(set(one_by_one)) > 5


def describe_box(person: Instance) -> object:
    box = person.tight_box()
    return None if box is None else box.tolist()


def test_a_file_without_its_picture_is_refused_either_way(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(_dumped(ordinary("gone.png")))
    with pytest.raises(FormatError, match=r"gone\.png is not there"):
        annotations.read_record(path, SKELETON, lambda _: None)
