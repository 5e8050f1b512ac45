"""COCO: what we write is COCO's own form, and what we read comes back to a hundredth of a pixel."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.core.annotation import AnnotatedImage, Instance, instances_of, shapes_of
from studio.core.errors import DataError, FormatError, Problem
from studio.io import coco, coco_writing
from studio.io.datasets import load_dataset
from studio.io.records import Record
from studio.io.skeletons import load_skeleton
from tests.io.data import shared, small_picture
from tests.io.golden import check_golden
from tests.io.people import SIZE, SKELETON, people, record

QUIET = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]


def raise_problem(problem: Problem) -> None:
    raise AssertionError(str(problem))


def write_coco(folder: Path, records: list[Record]) -> Path:
    ids = {r.name: i for i, r in enumerate(records, 1)}
    path = folder / "annotations" / "person_keypoints_val2017.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    for r in records:
        small_picture(folder / "val2017" / r.name, r.size)
    path.write_text(json.dumps(coco_writing.document(records, SKELETON, ids)))
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("coco")
    write_coco(folder, [record([])])
    return folder / "annotations" / "person_keypoints_val2017.json"


@settings(max_examples=40, deadline=None, suppress_health_check=QUIET)
@given(persons=st.lists(people(), max_size=3))
def test_round_trip_through_labelme(place: Path, persons: list[Instance]) -> None:
    place.write_text(json.dumps(coco_writing.document([record(persons)], SKELETON, {"a.jpg": 7})))
    records, skeleton = coco.read(place, raise_problem)
    assert skeleton == SKELETON
    back = records[0].instances
    assert len(back) == len(persons)
    for a, b in zip(persons, back, strict=True):
        same(a, b)
    # ... and on into labelme's shapes and back.
    for number, b in enumerate(back, 100):
        image = AnnotatedImage("a.jpg", *SIZE, shapes=shapes_of(b, SKELETON, number))
        (again,) = instances_of(image, SKELETON) or (b,)
        np.testing.assert_allclose(again.keypoints, b.keypoints, atol=0.01)


def same(a: Instance, b: Instance) -> None:
    np.testing.assert_allclose(a.keypoints, b.keypoints, atol=0.01)
    ours, theirs = a.tight_box(), b.tight_box()
    assert ours is not None
    assert theirs is not None
    np.testing.assert_allclose(ours, theirs, atol=0.01)
    assert len(a.polygons) == len(b.polygons)
    for p, q in zip(a.polygons, b.polygons, strict=True):
        np.testing.assert_allclose(p, q, atol=0.01)
    assert (a.absent, a.track_id, a.score) == (b.absent, b.track_id, b.score)


def test_pycocotools_agrees(tmp_path: Path) -> None:
    """The judge loads the file and finds the same masks, areas, boxes and counts."""
    from pycocotools.coco import COCO

    source = load_dataset(shared("labelme_people"), SKELETON)
    records = [
        Record(s.image.name, s.image, s.size, s.instances, str(s.image)) for s in source.samples
    ]
    path = tmp_path / "coco.json"
    ids = {r.name: i for i, r in enumerate(records, 1)}
    path.write_text(json.dumps(coco_writing.document(records, SKELETON, ids)))
    with contextlib.redirect_stdout(io.StringIO()):
        judge = COCO(str(path))
    annotations: list[Any] = list(judge.loadAnns(judge.getAnnIds()))
    assert len(annotations) == sum(len(r.instances) for r in records) == 105
    assert max(len(a["segmentation"]) for a in annotations) > 1
    for annotation in annotations:
        assert annotation["area"] == judge.annToMask(annotation).sum()
        corners = np.concatenate([np.reshape(p, (-1, 2)) for p in annotation["segmentation"]])
        low, size = corners.min(axis=0), np.ptp(corners, axis=0)
        np.testing.assert_allclose(annotation["bbox"], [*low, *size], atol=1e-6)
        assert annotation["num_keypoints"] == sum(v > 0 for v in annotation["keypoints"][2::3])
    category: Any = judge.loadCats([1])[0]
    assert category["keypoints"] == list(SKELETON.keypoints)
    assert min(min(limb) for limb in category["skeleton"]) == 1


def test_cocos_own_files(tmp_path: Path) -> None:
    """COCO's file with crowds: read, written and read again, the same people."""
    folder = shared("coco_people")
    first = load_dataset(folder, SKELETON)
    crowds = [i for s in first.samples for i in s.instances if i.iscrowd]
    people_count = sum(len(s.instances) for s in first.samples)
    assert (len(first.samples), people_count, len(crowds)) == (88, 385, 10)
    raw = json.loads((folder / "annotations" / "person_keypoints.json").read_text())
    records = [Record(s.image.name, s.image, s.size, s.instances, "") for s in first.samples]
    written = coco_writing.document(records, SKELETON, {r.name: i for i, r in enumerate(records)})
    # The same mask for each crowd, and areas as COCO's own polygons have them within a few per
    # cent (COCO's areas are polygon areas).
    old = sorted(json.dumps(a["segmentation"]) for a in raw["annotations"] if a["iscrowd"])
    new = sorted(json.dumps(a["segmentation"]) for a in written["annotations"] if a["iscrowd"])
    assert old == new
    old_areas = sorted(a["area"] for a in raw["annotations"])
    new_areas = sorted(a["area"] for a in written["annotations"])
    large = [(o, n) for o, n in zip(old_areas, new_areas, strict=True) if o > 1000]
    assert max(abs(n - o) / o for o, n in large) < 0.05


def test_golden(tmp_path: Path) -> None:
    person = example()
    value = coco_writing.document([record([person])], SKELETON, {"a.jpg": 1})
    check_golden("coco.json", json.dumps(value, indent=1) + "\n")


def example() -> Instance:
    keypoints = np.zeros((17, 3))
    keypoints[:3] = [(100.25, 50.5, 2), (104, 46, 2), (96, 46, 1)]
    square = np.array([[80.0, 30], [120, 30], [120, 90], [80, 90]])
    return Instance(
        "person", keypoints, None, (square, square + 60), frozenset({"left_ankle"}), track_id=4
    )


def test_a_box_stays_a_box_and_points_stay_points(place: Path) -> None:
    box = Instance("person", np.zeros((17, 3)), np.array([1.5, 2.5, 30.25, 40.0]))
    dots = example()
    dots = Instance("person", dots.keypoints)
    place.write_text(
        json.dumps(coco_writing.document([record([box, dots])], SKELETON, {"a.jpg": 7}))
    )
    data = json.loads(place.read_text())["annotations"]
    assert data[0]["segmentation"] == [[1.5, 2.5, 31.75, 2.5, 31.75, 42.5, 1.5, 42.5]]
    assert data[1]["bbox"] == [96.0, 46.0, 8.0, 4.5]
    assert (data[1]["segmentation"], data[1]["area"]) == ([], 36.0)
    first, second = coco.read(place, raise_problem)[0][0].instances
    assert first.polygons == ()
    assert first.box is not None
    assert first.box.tolist() == [1.5, 2.5, 30.25, 40.0]
    assert second.box is None


def test_joints_in_another_order(place: Path) -> None:
    value = coco_writing.document([record([example()])], SKELETON, {"a.jpg": 7})
    value["categories"][0]["keypoints"].reverse()
    points = np.reshape(value["annotations"][0]["keypoints"], (17, 3))[::-1]
    value["annotations"][0]["keypoints"] = points.ravel().tolist()
    place.write_text(json.dumps(value))
    records, _skeleton = coco.read(place, raise_problem, skeleton=SKELETON)
    np.testing.assert_allclose(records[0].instances[0].keypoints, example().keypoints)


def test_bad_files_are_told(place: Path, tmp_path: Path) -> None:
    good = coco_writing.document([record([example()])], SKELETON, {"a.jpg": 7})
    place.write_text("[]")
    with pytest.raises(FormatError, match="no COCO file"):
        coco.read(place, raise_problem)
    place.write_text(json.dumps({**good, "categories": [{"id": 1, "name": "person"}]}))
    with pytest.raises(FormatError, match="has keypoints"):
        coco.read(place, raise_problem)
    place.write_text(json.dumps(good))
    with pytest.raises(DataError, match=r'"hand21" \(21 joints\) does not fit'):
        coco.read(place, raise_problem, skeleton=load_skeleton("hand21"))
    found: list[Problem] = []
    broken = json.loads(json.dumps(good))
    broken["annotations"].append({**broken["annotations"][0], "id": 2, "keypoints": [1, 2]})
    broken["annotations"].append({**broken["annotations"][0], "id": 3, "image_id": 99})
    broken["annotations"].append({**broken["annotations"][0], "id": 4, "category_id": 5})
    broken["annotations"].append("x")
    broken["images"].append({"id": 8, "file_name": "none.jpg"})
    broken["images"].append({"id": 9})
    place.write_text(json.dumps(broken))
    records, _skeleton = coco.read(place, found.append)
    assert [len(r.instances) for r in records] == [1]
    said = " | ".join(p.message for p in found)
    for part in (
        "annotations[1] (id 2)",
        "image 99",
        "other categories",
        "annotations[4] is not an object",
        "none.jpg is not there",
        "images[2] has no file_name",
    ):
        assert part in said
    small_picture(place.parent.parent / "val2017" / "a.jpg", (32, 32))
    found.clear()
    place.write_text(json.dumps(good))
    assert coco.read(place, found.append)[0] == []
    assert "32 x 32" in found[0].message
