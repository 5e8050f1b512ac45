"""The conversion job, on real files: what comes out."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.core.annotation import instances_of
from studio.core.errors import (
    UsageError,
)
from studio.core.requests.convert import ConvertOptions
from studio.io import labelme
from studio.io.datasets import load_dataset
from studio.jobs import convert
from tests.io.data import shared, small_picture
from tests.io.people import SKELETON
from tests.jobs.converting import damage, description, everything, make_pictures, problems, run


def test_the_real_people_into_both_formats(tmp_path: Path) -> None:
    result, events = run(shared("labelme_people"), tmp_path / "out", ratio=0.8)
    assert result["counts"] == {"train": 18, "val": 4}
    assert (result["people"], result["problems"], result["left_out"]) == (105, 0, 0)
    out = tmp_path / "out"
    for side, year, count in (("train", "train2017", 18), ("val", "val2017", 4)):
        names = {p.name for p in (out / "coco" / year).iterdir()}
        assert names == {p.name for p in (out / "images" / side).iterdir()}
        assert len(names) == count
        assert {Path(n).stem for n in names} == {p.stem for p in (out / "labels" / side).iterdir()}
    said = description(out)
    assert said["content_hash"] == result["content_hash"]
    assert said["skeleton"]["name"] == "coco17"
    assert {e.event for e in events} >= {"log", "progress", "artifact"}
    loaded = load_dataset(out)
    assert (loaded.kind, len(loaded.split("train")), len(loaded.split("val"))) == ("dataset", 18, 4)
    assert loaded.content_hash == result["content_hash"]
    assert set(loaded.paths) >= {"coco_train", "coco_val", "yolo_yaml"}
    assert all(p.exists() for p in loaded.paths.values())


@pytest.mark.parametrize("through", ["coco", "yolo"])
def test_the_real_people_survive_the_way_there_and_back(tmp_path: Path, through: str) -> None:
    source = shared("labelme_people")
    run(source, tmp_path / "there", to=(through,))
    result, _ = run(tmp_path / "there", tmp_path / "back", to=("labelme",))
    assert result["counts"] == {"train": 18, "val": 4}, "sides are kept"
    for path in sorted(source.glob("*.json")):
        before = instances_of(labelme.read(path), SKELETON)
        back = labelme.read(tmp_path / "back" / "labelme" / path.name)
        after = instances_of(back, SKELETON)
        assert len(after) == len(before)
        for a, b in zip(before, after, strict=True):
            np.testing.assert_allclose(a.keypoints, b.keypoints, atol=0.01)
            ours, theirs = a.tight_box(), b.tight_box()
            assert ours is not None
            assert theirs is not None
            np.testing.assert_allclose(ours, theirs, atol=0.01)
            if through == "coco":
                assert a.track_id == b.track_id
                for p, q in zip(a.polygons, b.polygons, strict=True):
                    np.testing.assert_allclose(p, q, atol=0.01)


def test_crowds_survive_labelme(tmp_path: Path) -> None:
    run(shared("coco_people"), tmp_path / "a", to=("labelme", "yolo"))
    assert len(problems(tmp_path / "a")) == 10, "YOLO cannot hold them, and that is said"
    shutil.rmtree(tmp_path / "a" / "labels")
    result, _ = run(tmp_path / "a" / "labelme", tmp_path / "b", to=("coco",))
    assert result["people"] == 385
    raw = json.loads((shared("coco_people") / "annotations/person_keypoints.json").read_text())
    old = {json.dumps(a["segmentation"]) for a in raw["annotations"] if a["iscrowd"]}
    new: set[str] = set()
    for path in (tmp_path / "b" / "coco" / "annotations").glob("*.json"):
        data = json.loads(path.read_text())
        new |= {json.dumps(a["segmentation"]) for a in data["annotations"] if a["iscrowd"]}
    assert new == old


def test_a_second_format_joins_the_first(tmp_path: Path) -> None:
    pictures = make_pictures(tmp_path / "in", 5)
    run(pictures, tmp_path / "out", to=("coco",))
    assert not (tmp_path / "out" / "images").exists()
    (tmp_path / "out" / "mine.txt").write_text("the user's own")
    run(pictures, tmp_path / "out", to=("yolo",))
    assert (tmp_path / "out" / "pose.yaml").exists()
    assert (tmp_path / "out" / "coco" / "annotations").exists()
    assert (tmp_path / "out" / "mine.txt").read_text() == "the user's own"
    assert description(tmp_path / "out")["formats"] == ["coco", "yolo"]


def test_links_and_copies(tmp_path: Path) -> None:
    folder = make_pictures(tmp_path / "in", 2)
    source = folder / "p000.png"
    run(folder, tmp_path / "linked", images="link")
    linked = next((tmp_path / "linked" / "images").rglob("p000.png"))
    assert linked.stat().st_ino == source.stat().st_ino
    run(folder, tmp_path / "copied", images="copy")
    copied = next((tmp_path / "copied" / "images").rglob("p000.png"))
    assert copied.stat().st_ino != source.stat().st_ino
    assert copied.read_bytes() == source.read_bytes()


def test_several_inputs_with_the_same_names(tmp_path: Path) -> None:
    a = make_pictures(tmp_path / "monday", 3)
    b = make_pictures(tmp_path / "tuesday", 3)
    result, _ = run([a, b, a], tmp_path / "out", name="both")
    out = tmp_path / "out" / "both"
    assert result["dataset"] == str(out)
    names = set(description(out)["split"])
    assert names == {"p000.png", "p001.png", "p002.png"} | {f"tuesday_p00{n}.png" for n in range(3)}
    assert len(problems(out)) == 3, "the folder given twice is said"
    run([b, a], tmp_path / "out", name="both")
    assert set(description(out)["split"]) == names, "names stay whatever the order"


def test_embedded_pictures_are_written(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("0011", "0025"):
        raw = json.loads((shared("labelme_found/v5") / f"{name}.json").read_text())
        raw["shapes"] = [{**raw["shapes"][0], "label": "person"}]
        (folder / f"{name}.json").write_text(json.dumps(raw))
    result, _ = run(folder, tmp_path / "out", ratio=0.5)
    assert result["pictures"] == 2
    sizes = {s.image.name: s.size for s in load_dataset(tmp_path / "out").samples}
    assert sizes["0025.jpg"] == (1209, 680)


def test_options_are_checked(tmp_path: Path) -> None:
    for values, said in (
        ({"to": ("voc",)}, "Formats are"),
        ({"to": ()}, "Formats are"),
        ({"ratio": 1.5}, "at most 1"),
        ({"images": "move"}, "one of"),
        ({"name": "../x"}, "must not contain"),
        ({"input": ()}, "at least one folder"),
    ):
        values = {"input": (tmp_path,), "output": tmp_path / "o", **values}
        with pytest.raises(UsageError, match=said):
            ConvertOptions(**values).validated()


@pytest.mark.parametrize("formats", [("coco", "yolo"), ("labelme",)])
def test_helper_processes_make_the_same(
    tmp_path: Path, formats: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_pictures(tmp_path / "in", 30)
    damage(folder)
    alone, _ = run(folder, tmp_path / "alone", to=formats)
    monkeypatch.setattr(convert, "helpers_for", lambda _count: 2)
    helped, _ = run(folder, tmp_path / "helped", to=formats)
    assert helped["content_hash"] == alone["content_hash"]
    assert everything(tmp_path / "helped") == everything(tmp_path / "alone")
    for name in everything(tmp_path / "alone"):
        one, other = tmp_path / "alone" / name, tmp_path / "helped" / name
        if one.is_file() and name != "dataset.json":
            assert one.read_bytes() == other.read_bytes(), name
    assert not [p for p in everything(tmp_path) if "spool" in p or ".part" in p]


def test_without_a_skeleton_the_datasets_own_is_taken(tmp_path: Path) -> None:
    folder = make_pictures(tmp_path / "in", 3)
    run(folder, tmp_path / "first", to=("coco",), skeleton="coco17")
    result, _ = run(tmp_path / "first", tmp_path / "second", to=("yolo",))
    assert description(tmp_path / "second")["skeleton"]["name"] == "coco17"
    assert result["pictures"] == 3


def test_what_x_anylabeling_writes_comes_over(tmp_path: Path) -> None:
    """`difficult` for a hidden joint, rectangles of four corners, descriptions, null flags."""
    folder = tmp_path / "in"
    picture = small_picture(folder / "a.png", (200, 160))

    def shape(label: str, kind: str, points: list[list[float]], **more: Any) -> dict[str, Any]:
        common = {"score": None, "group_id": 3, "description": "seen", "flags": {},
                  "attributes": {}, "kie_linking": []}  # fmt: skip
        return {"label": label, "points": points, "shape_type": kind, **common, **more}

    corners = [[10.0, 20.0], [60.0, 20.0], [60.0, 90.0], [10.0, 90.0]]
    shapes = [
        shape("person", "rectangle", corners, difficult=False),
        shape("nose", "point", [[30.0, 30.0]], difficult=True),
        shape("left_eye", "point", [[32.0, 28.0]], difficult=False),
    ]
    raw = {"version": "2.4.0", "flags": {}, "shapes": shapes, "imagePath": picture.name,
           "imageData": None, "imageHeight": 160, "imageWidth": 200}  # fmt: skip
    (folder / "a.json").write_text(json.dumps(raw))
    run(folder, tmp_path / "out", to=("coco", "labelme"), ratio=1.0)
    text = (tmp_path / "out/coco/annotations/person_keypoints_train2017.json").read_text()
    (person,) = json.loads(text)["annotations"]
    assert person["bbox"] == [10.0, 20.0, 50.0, 70.0]
    assert person["keypoints"][:6] == [30.0, 30.0, 1, 32.0, 28.0, 2]
    assert person["group_id"] == 3
    kept = json.loads((tmp_path / "out/labelme/a.json").read_text())
    assert kept["shapes"] == shapes, "nothing of theirs is lost on the way into labelme"
