"""Counts of what is annotated, against counts made by hand."""

import csv
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from studio.core.annotation import Instance
from studio.core.dataset import Sample
from studio.core.errors import Cancelled
from studio.io.datasets import load_dataset
from studio.io.skeletons import load_skeleton
from studio.io.statistics import folder_statistics, rows, statistics_of, write_csv
from tests.io.data import shared
from tests.io.people import SKELETON
from tests.io.projects import make_project
from tests.io.test_coco import example


def test_the_real_people_are_counted() -> None:
    folder = shared("labelme_people")
    found = folder_statistics([folder], SKELETON)
    texts = [json.loads(p.read_text()) for p in folder.glob("*.json")]
    shapes = [s for t in texts for s in t["shapes"]]
    assert found.pictures == len(texts) == 22
    assert found.people == 105
    assert {k: v.shapes for k, v in found.labels.items()} == Counter(s["label"] for s in shapes)
    for joint in found.joints:
        points = [s for s in shapes if s["label"] == joint.name]
        hidden = sum(bool((s["flags"] or {}).get("occluded")) for s in points)
        assert (joint.hidden, joint.visible) == (hidden, len(points) - hidden)
        assert joint.visible + joint.hidden + joint.absent + joint.missing == 105
    assert sum(found.completeness) == sum(found.sizes.values()) == 105
    assert sum(n * c for n, c in found.people_per_picture.items()) == 105
    assert list(found.heights) == sorted(found.heights)
    assert len(found.heights) == 5
    assert sum(found.picture_sizes.values()) == 22
    loaded = statistics_of(load_dataset(folder))
    assert (loaded.joints, loaded.heights) == (found.joints, found.heights)


def test_what_is_absent_missing_outside_and_a_crowd() -> None:
    person = example()
    points = person.keypoints.copy()
    points[SKELETON.index["right_ankle"]] = (-5.0, 3.0, 2)
    person = replace(person, keypoints=points, absent=frozenset({"left_wrist"}))
    crowd = Instance("person", np.zeros((17, 3)), box=np.array([0.0, 0, 9, 9]), iscrowd=True)
    samples = [
        Sample(Path("a.jpg"), (200, 160), (person, crowd), 1, "train"),
        Sample(Path("b.jpg"), (200, 160), (), 2, "val"),
    ]
    found = statistics_of(samples, SKELETON)
    joints = {j.name: j for j in found.joints}
    assert joints["right_ankle"].outside == joints["right_ankle"].visible == 1
    assert (joints["left_wrist"].absent, joints["left_wrist"].missing) == (1, 0)
    assert (found.pictures, found.empty, found.people, found.crowds) == (2, 1, 1, 1)
    assert found.splits == {"train": 1, "val": 1}
    assert found.completeness[person.labelled] == 1


def test_problems_and_reviews_of_a_project(tmp_path: Path) -> None:
    make_project(tmp_path).close()
    told: list[tuple[int, int]] = []
    found = folder_statistics([tmp_path], SKELETON, lambda *n: told.append(n))
    assert (found.pictures, found.reviewed, found.problems, found.people) == (4, 1, 1, 4)
    assert told[-1] == (5, 5)
    with pytest.raises(Cancelled):
        folder_statistics([tmp_path], SKELETON, cancelled=lambda: True)


def test_csv(tmp_path: Path) -> None:
    make_project(tmp_path / "p").close()
    found = folder_statistics([tmp_path / "p"], SKELETON)
    write_csv(tmp_path / "s.csv", found)
    with (tmp_path / "s.csv").open(encoding="utf-8-sig", newline="") as stream:
        read = list(csv.reader(stream))
    assert read[0] == ["group", "name", "what", "value"]
    assert len(read) == 1 + len(rows(found))
    assert ["joint", "nose", "hidden", "0"] in read
    assert ["total", "people", "count", "4"] in read


def test_nothing_counts_as_nothing(tmp_path: Path) -> None:
    found = folder_statistics([tmp_path], load_skeleton("hand21"))
    assert (found.pictures, found.heights, len(found.joints)) == (0, (), 21)
