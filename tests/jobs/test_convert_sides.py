"""Which picture goes to which side of a converted set, and stays there."""

import json
from pathlib import Path

import pytest
import yaml

from studio.core.errors import (
    DataError,
    Problem,
    UsageError,
)
from studio.io.datasets import load_dataset
from tests.io.data import small_picture
from tests.jobs.converting import description, everything, make_pictures, run


def test_exact_ratio_and_stable_sides(tmp_path: Path) -> None:
    pictures = make_pictures(tmp_path / "in", 20)
    out = tmp_path / "out"
    first, _ = run(pictures, out, ratio=0.8)
    assert first["counts"] == {"train": 16, "val": 4}
    before = description(out)
    make_pictures(pictures, 30)
    (pictures / "p003.json").unlink()
    second, events = run(pictures, out, ratio=0.8, seed=99)
    after = description(out)
    assert second["counts"] == {"train": 23, "val": 6}
    kept = before["split"].keys() - {"p003.png"}
    assert {n: before["split"][n] for n in kept} == {n: after["split"][n] for n in kept}
    assert {n: before["pictures"][n]["id"] for n in kept} == {
        n: after["pictures"][n]["id"] for n in kept
    }
    assert second["content_hash"] != first["content_hash"]
    assert any("keep the side" in str(e.data.get("message")) for e in events)
    other, _ = run(pictures, tmp_path / "other", ratio=0.8, seed=99)
    assert other["content_hash"] != second["content_hash"]
    again, _ = run(pictures, tmp_path / "again", ratio=0.8, seed=99)
    assert again["content_hash"] == other["content_hash"]
    assert not [p for p in everything(tmp_path) if ".part" in p]


def test_frames_of_one_video_stay_together(tmp_path: Path) -> None:
    make_pictures(tmp_path / "in", 10, name="walk.mp4_{:06}".format)
    make_pictures(tmp_path / "in", 6)
    result, _ = run(tmp_path / "in", tmp_path / "out", ratio=0.75)
    sides = description(tmp_path / "out")["split"]
    assert len({s for n, s in sides.items() if n.startswith("walk")}) == 1
    assert result["counts"] == {"train": 12, "val": 4}
    make_pictures(tmp_path / "one", 10, name="walk.mp4_{:06}".format)
    with pytest.raises(DataError, match=r'"val" would be empty.*one video'):
        run(tmp_path / "one", tmp_path / "out2")
    assert not (tmp_path / "out2").exists()


def test_a_test_side_in_every_format_and_kept_later(tmp_path: Path) -> None:
    pictures = make_pictures(tmp_path / "in", 20)
    out = tmp_path / "out"
    options = {"ratio": 0.8, "test_ratio": 0.1, "to": ("coco", "yolo", "labelme")}
    result, events = run(pictures, out, **options)
    assert result["counts"] == {"train": 16, "val": 2, "test": 2}
    assert any("2 for validation, 2 for test" in e.data.get("message", "") for e in events)
    said = description(out)
    assert (said["ratio"], said["test_ratio"]) == (0.8, 0.1)
    tested = {n for n, side in said["split"].items() if side == "test"}
    assert {p.name for p in (out / "images/test").iterdir()} == tested
    assert {p.stem for p in (out / "labels/test").iterdir()} == {Path(n).stem for n in tested}
    assert {p.name for p in (out / "coco/test2017").iterdir()} == tested
    document = json.loads((out / "coco/annotations/person_keypoints_test2017.json").read_text())
    assert {i["file_name"] for i in document["images"]} == tested
    assert len(document["annotations"]) > 0
    assert yaml.safe_load((out / "pose.yaml").read_text())["test"] == "images/test"
    assert said["paths"]["coco_test"] == "coco/annotations/person_keypoints_test2017.json"
    # Training has just the pictures that it has without a test side.
    plain, _ = run(pictures, tmp_path / "plain")
    assert plain["counts"] == {"train": 16, "val": 4}
    sides = description(tmp_path / "plain")["split"]
    assert {n for n, s in sides.items() if s == "train"} == {
        n for n, s in said["split"].items() if s == "train"
    }
    assert not (tmp_path / "plain/images/test").exists()
    assert "test" not in yaml.safe_load((tmp_path / "plain/pose.yaml").read_text())
    # Later, with more pictures, and even where no share is asked any more.
    make_pictures(tmp_path / "in", 30)
    for later in ({"test_ratio": 0.1}, {}):
        again, _ = run(pictures, out, **later)
        now = description(out)["split"]
        assert said["split"].items() <= now.items()
        assert again["counts"] == {"train": 24, "val": 3, "test": 3}


@pytest.mark.parametrize("form", ["coco", "yolo"])
def test_a_test_side_survives_a_conversion_of_the_dataset_and_of_a_bare_format(
    tmp_path: Path, form: str
) -> None:
    out = tmp_path / "out"
    run(make_pictures(tmp_path / "in", 20), out, ratio=0.6, test_ratio=0.2, to=(form,))
    said = description(out)["split"]
    loaded = load_dataset(out)
    assert len(loaded.split("test")) == 4
    run(out, tmp_path / "whole", to=("labelme",))
    assert description(tmp_path / "whole")["split"] == said
    # As another program sees it: without dataset.json.
    (out / "dataset.json").unlink()
    bare = load_dataset(out)
    assert {s.image.name: s.split for s in bare.samples} == said
    run(out, tmp_path / "bare", to=("yolo",))
    assert description(tmp_path / "bare")["split"] == said


def test_a_yaml_that_names_a_test_side_without_labels(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(make_pictures(tmp_path / "in", 10), out, to=("yolo",))
    text = (out / "pose.yaml").read_text()
    (out / "pose.yaml").write_text(text + "test: images/never_fetched\n")
    (out / "dataset.json").unlink()
    assert len(load_dataset(out).samples) == 10
    small_picture(out / "images/unlabelled/u.png", (200, 160))
    (out / "pose.yaml").write_text(text + "test: images/unlabelled\n")
    told: list[Problem] = []
    assert len(load_dataset(out, report=told.append).samples) == 10
    assert [p.message for p in told] == ["1 test picture without a label file; left out."]


def test_shares_that_are_more_than_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at most 1"):
        run(tmp_path, tmp_path / "out", ratio=0.9, test_ratio=0.2)
    result, _ = run(make_pictures(tmp_path / "in", 8), tmp_path / "out", ratio=0.5, test_ratio=0.5)
    assert result["counts"] == {"train": 4, "val": 0, "test": 4}
