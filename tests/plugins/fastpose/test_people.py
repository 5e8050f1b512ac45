"""What is wrong with a dataset is named before the start, with its file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

from studio.core.errors import StudioError
from studio.io.skeletons import load_skeleton
from studio.plugins.fastpose.family import FastPoseFamily
from studio.plugins.fastpose.people import find_people, people_of
from tests.plugins.fastpose.folk import dots, options


def coco_set(root: Path, count: int = 4, **changes: Any) -> Path:
    """A COCO set of one person a picture; `changes` go into the first training annotation."""
    names = list(load_skeleton("coco17").keypoints)
    rng = np.random.default_rng(3)
    (root / "annotations").mkdir(parents=True)
    for side in ("train", "val"):
        folder = root / f"{side}2017"
        folder.mkdir()
        images, annotations = [], []
        for number in range(1, count + 1):
            name = f"{number:012d}.jpg"
            cv2.imwrite(str(folder / name), rng.integers(0, 255, (120, 100, 3), dtype=np.uint8))
            images.append({"id": number, "file_name": name, "width": 100, "height": 120})
            points = [v for _ in names for v in (*rng.uniform(20, 80, 2).round(1), 2)]
            annotation = {
                "id": number, "image_id": number, "category_id": 1, "iscrowd": 0, "area": 3600.0,
                "bbox": [20, 20, 60, 60], "keypoints": points, "num_keypoints": 17,
            }  # fmt: skip
            if side == "train" and number == 1:
                annotation |= changes
            annotations.append(annotation)
        category = {"id": 1, "name": "person", "keypoints": names, "skeleton": []}
        content = {"images": images, "annotations": annotations, "categories": [category]}
        (root / "annotations" / f"person_keypoints_{side}2017.json").write_text(json.dumps(content))
    return root


def errors(data: Path, **values: Any) -> list[str]:
    problems = FastPoseFamily().preflight(options(data=str(data), **values))
    return [str(p) for p in problems if p.severity == "error"]


def test_a_sound_set_has_no_problem(tmp_path: Path) -> None:
    data = coco_set(tmp_path / "coco")
    assert errors(data) == []
    people = find_people(options(data=str(data)))
    assert len(people.train) == 4
    assert len(people.val) == 4
    assert people.train[0].box.tolist() == [20, 20, 80, 80]


def test_crowds_and_people_without_joints_are_not_learnt_from(tmp_path: Path) -> None:
    crowd = find_people(options(data=str(coco_set(tmp_path / "a", iscrowd=1))))
    assert len(crowd.train) == 3
    bare = coco_set(tmp_path / "b", keypoints=[0] * 51, num_keypoints=0)
    people = find_people(options(data=str(bare)))
    assert len(people.train) == 3
    assert all(p.keypoints[:, 2].any() for s in people.val for p in people_of(s))


def test_a_joint_outside_the_picture_is_named(tmp_path: Path) -> None:
    points = [30.0, 30.0, 2] * 16 + [900.0, 30.0, 2]
    (found,) = errors(coco_set(tmp_path / "coco", keypoints=points))
    assert "000000000001.jpg" in found
    assert "right_ankle at 900, 30" in found


def test_a_wrong_visibility_is_named(tmp_path: Path) -> None:
    (found,) = errors(coco_set(tmp_path / "coco", keypoints=[30.0, 30.0, 7] * 17))
    assert "person_keypoints_train2017.json" in found


def test_a_picture_that_is_cut_short_is_named(tmp_path: Path) -> None:
    data = coco_set(tmp_path / "coco")
    picture = data / "train2017" / "000000000002.jpg"
    picture.write_bytes(picture.read_bytes()[:-200])
    (found,) = errors(data)
    assert "000000000002.jpg" in found
    assert "cut short" in found


def test_a_picture_that_is_not_there_is_named(tmp_path: Path) -> None:
    data = coco_set(tmp_path / "coco")
    (data / "val2017" / "000000000003.jpg").unlink()
    assert any("000000000003.jpg" in e for e in errors(data))


def test_another_skeleton_is_refused(tmp_path: Path) -> None:
    data = coco_set(tmp_path / "coco")
    assert any("mpii" in e or "skeleton" in e for e in errors(data, skeleton="mpii"))


def test_a_validation_set_of_other_joints_is_refused(tmp_path: Path) -> None:
    from tests.training_runs import write_split

    other = tmp_path / "five"
    write_split(other, "train", 2, joints=5)
    write_split(other, "val", 2, joints=5)
    (other / "pose.yaml").write_text(
        "train: images/train\nval: images/val\nkpt_shape: [5, 3]\nnames: {0: person}\n"
    )
    (found,) = errors(coco_set(tmp_path / "coco"), val_data=str(other))
    assert "5 joints" in found
    assert "17 joints" in found


def test_no_dataset_and_no_such_dataset() -> None:
    with pytest.raises(StudioError, match="No dataset"):
        find_people(options(data=None))
    assert errors(Path("/nowhere/at/all"))


def test_the_toy_set_can_be_read() -> None:
    people = find_people(options())
    assert (len(people.train), len(people.val)) == (8, 4)
    assert dots().is_dir()
