"""Skeletons: bundled, the project's own, by path; and what a bad one is told."""

from pathlib import Path

import pytest

from studio.core.errors import DataError, FormatError, UsageError
from studio.io.skeletons import list_skeletons, load_skeleton

MINE = 'name = "dog"\ncategory = "dog"\nkeypoints = ["nose", "tail"]\nedges = [["nose", "tail"]]\n'


def test_bundled() -> None:
    names = {s.name: len(s) for s in list_skeletons()}
    published = {"aic": 14, "crowdpose": 14, "mpii": 16, "posetrack18": 17}
    assert names == {"coco17": 17, "hand21": 21, "face5": 5, **published}
    coco = load_skeleton("coco17")
    assert coco.keypoints[0] == "nose"
    assert coco.flip_idx[5:7] == (6, 5)
    assert len(coco.coco_skeleton) == 19
    assert load_skeleton("coco17").to_mapping() == coco.to_mapping()


def test_project_and_path(tmp_path: Path) -> None:
    (tmp_path / "skeletons").mkdir()
    path = tmp_path / "skeletons" / "my_dog.toml"
    path.write_text(MINE)
    assert load_skeleton("dog", tmp_path).keypoints == ("nose", "tail")
    assert load_skeleton("my_dog", tmp_path).name == "dog"
    assert load_skeleton(path).category == "dog"
    assert "dog" in {s.name for s in list_skeletons(tmp_path)}
    with pytest.raises(UsageError, match="no skeleton called 'dog'") as caught:
        load_skeleton("dog")
    assert "coco17" in caught.value.hint


def test_bad_files_are_told(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text("keypoints = [")
    with pytest.raises(FormatError, match="not TOML"):
        load_skeleton(path)
    path.write_text('keypoints = ["a", "b"]\nedges = [["a", "c"]]\n')
    with pytest.raises(DataError, match="'c'"):
        load_skeleton(path)
    path.write_text('keypoints = ["a", "b"]\nsigmas = [0.1]\n')
    with pytest.raises(DataError, match="1 sigmas for 2 keypoints"):
        load_skeleton(path)
