"""The conversion job, on real files: what comes out, what is said, and what never happens."""

import csv
import errno
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from studio.core.annotation import instances_of, shapes_of
from studio.core.errors import (
    Cancelled,
    DataError,
    FileProblem,
    FormatError,
    Problem,
    UsageError,
)
from studio.core.job import JobContext, JobEvent
from studio.core.requests.convert import ConvertOptions
from studio.io import labelme
from studio.io.datasets import load_dataset
from studio.jobs import convert
from tests.io.data import shared, small_picture
from tests.io.people import SKELETON
from tests.io.test_coco import example


@dataclass
class Cancel:
    """A person who cancels at the n-th question, or does not."""

    after: int = -1
    stop_requested: bool = False

    @property
    def cancel_requested(self) -> bool:
        self.after -= 1
        return self.after == 0 or self.after < -(10**9)

    def take_values(self) -> dict[str, Any]:
        return {}


def run(
    inputs: Path | list[Path], output: Path, control: Any = None, **values: Any
) -> tuple[dict[str, Any], list[JobEvent]]:
    listed = inputs if isinstance(inputs, list) else [inputs]
    options = ConvertOptions(input=tuple(listed), output=output, **values).validated()
    events: list[JobEvent] = []
    context = JobContext(events.append, control or Cancel())
    return convert.run(options, context), events


def make_pictures(
    folder: Path, count: int, *, name: Callable[[int], str] = "p{:03}".format
) -> Path:
    for number in range(count):
        picture = small_picture(folder / f"{name(number)}.png", (200, 160))
        image = labelme.new_image(picture, (200, 160))
        shapes = shapes_of(example(), SKELETON, number)
        labelme.write(labelme.annotation_path(picture), replace(image, shapes=shapes))
    return folder


def description(dataset: Path) -> dict[str, Any]:
    return json.loads((dataset / "dataset.json").read_text())


def problems(dataset: Path) -> list[dict[str, str]]:
    with (dataset / "problems.csv").open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def everything(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


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


def test_what_was_wrong_is_said_even_when_too_little_is_left(tmp_path: Path) -> None:
    events: list[JobEvent] = []
    folder = make_pictures(tmp_path / "in", 2)
    (folder / "p001.json").write_text("{")
    options = ConvertOptions(input=(folder,), output=tmp_path / "out")
    with pytest.raises(DataError, match="would be empty: 1 picture at"):
        convert.run(options, JobContext(events.append, Cancel()))
    assert any("p001.json" in str(e.data.get("message")) for e in events)


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


def damage(folder: Path) -> dict[str, str]:
    """One of each: what the file is called and what must be said of it."""
    whole = (folder / "p000.json").read_text()
    (folder / "p001.json").write_text(whole[: len(whole) // 2])
    (folder / "p002.png").write_bytes((folder / "p002.png").read_bytes()[:60])
    (folder / "p003.png").unlink()
    (folder / "p004.json").write_text(whole.replace("100.25", "NaN"))
    (folder / "p005.json").write_text(whole.replace("p000.png", "p005.png").replace("200", "999"))
    (folder / "p006.json").write_text('{"info": [], "images": []}')
    (folder / "p007.json").write_text(
        whole.replace("p000.png", "p007.png").replace('"person"', '"dog"').replace("nose", "tail")
        .replace("left_eye", "x").replace("right_eye", "y")
    )  # fmt: skip
    (folder / "p008.json").write_text(
        whole.replace("p000.png", "p008.png").replace(
            '"flags": {}', '"flags": {}, "source": "m"', 2
        )
    )
    return {
        "p001.json": "ends too early",
        "p002.json": "cut short",
        "p003.json": "not there",
        "p004.json": "not finite",
        "p005.json": "999",
        "p006.json": "no labelme file",
        "p007.json": "fits the skeleton",
        "p008.json": "wait to be accepted",
    }


def test_each_bad_file_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    folder = make_pictures(tmp_path / "in", 14)
    expected = damage(folder)
    small_picture(folder / "bare.png")
    result, events = run(folder, tmp_path / "out")
    assert result["counts"] == {"train": 5, "val": 1}
    rows = {
        Path(r["file"].partition(".json:")[0]).name.removesuffix(".json"): r
        for r in problems(tmp_path / "out")
    }
    for name, said in expected.items():
        row = rows[name.removesuffix(".json")]
        assert row["severity"] == "error"
        assert said in row["message"]
        assert row["what to do"]
    assert rows["bare.png"]["severity"] == "warning"
    assert result["problems"] == len(expected) + 1
    assert result["left_out"] == len(expected)
    logged = " ".join(str(e.data.get("message")) for e in events if e.event == "log")
    assert "9 problems (8 left out), see problems.csv" in logged
    assert all(name in logged for name in expected)


def test_what_is_left_out_of_a_good_file_is_said(tmp_path: Path) -> None:
    folder = make_pictures(tmp_path / "in", 2)
    path = folder / "p000.json"
    image = labelme.read(path)
    nose = next(s for s in image.shapes if s.label == "nose")
    odd = (
        nose,
        replace(nose, group_id=None),
        replace(nose, label="handle"),
        replace(image.shapes[0], group_id=9, points=image.shapes[0].points[:1]),
    )
    labelme.write(path, replace(image, shapes=(*image.shapes, *odd)))
    run(folder, tmp_path / "out")
    said = [r["message"] for r in problems(tmp_path / "out")]
    assert said == [
        "nose of group 0 stands there twice; the first was taken.",
        "A person (polygon) has only 1 point; left out.",
        "1 shape handle (point) not of the skeleton; left out.",
        "1 joint nose without a group_id; left out.",
    ]


def test_nothing_to_convert_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    out = tmp_path / "out"
    with pytest.raises(DataError, match="nothing to convert"):
        run(tmp_path / "empty", out)
    with pytest.raises(FileProblem, match="not there"):
        run(tmp_path / "none", out)
    with pytest.raises(DataError, match=r"None of the files can be converted.*10100\.json"):
        run(shared("labelme_found") / "malformed", out)
    with pytest.raises(DataError, match='"val" would be empty: 1 picture at'):
        run(make_pictures(tmp_path / "one", 1), out)
    with pytest.raises(UsageError, match="no skeleton called"):
        run(tmp_path / "one", out, skeleton="nix")
    assert not out.exists()
    result, _ = run(tmp_path / "one", out, ratio=1.0)
    assert result["counts"] == {"train": 1, "val": 0}


def test_a_skeleton_that_does_not_fit(tmp_path: Path) -> None:
    folder = make_pictures(tmp_path / "in", 3)
    with pytest.raises(DataError, match=r'fits the skeleton "hand21"'):
        run(folder, tmp_path / "out", skeleton="hand21")
    run(folder, tmp_path / "coco", to=("coco",))
    with pytest.raises(DataError, match="was made with the skeleton"):
        run(tmp_path / "coco", tmp_path / "out", skeleton="hand21")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("after", [1, 2, 3, 4])
def test_a_cancel_leaves_nothing(tmp_path: Path, after: int, monkeypatch: Any) -> None:
    monkeypatch.setattr(convert, "_TICK", 0.0)
    folder = make_pictures(tmp_path / "in", 2)
    shutil.copytree(folder, tmp_path / "backup")
    with pytest.raises(Cancelled):
        run(folder, tmp_path / "out" / "deep", Cancel(after))
    assert everything(folder) == everything(tmp_path / "backup")
    assert not list((tmp_path / "out").glob("*") if (tmp_path / "out").exists() else ())
    run(folder, tmp_path / "out")
    before = {p: (tmp_path / "out" / p).stat().st_ino for p in everything(tmp_path / "out")}
    with pytest.raises(Cancelled):
        run(folder, tmp_path / "out", Cancel(after), seed=5, ratio=0.5)
    assert {p: (tmp_path / "out" / p).stat().st_ino for p in everything(tmp_path / "out")} == before


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    folder = make_pictures(tmp_path / "in", 4)
    real = os.link
    calls = iter(range(100))

    def full(source: str, place: str) -> None:
        if next(calls) == 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(source, place)

    monkeypatch.setattr("studio.io.dataset_folder.os.link", full)
    monkeypatch.setattr("studio.io.dataset_folder.os.symlink", full_disk)
    monkeypatch.setattr("studio.io.dataset_folder.shutil.copyfile", full_disk)
    monkeypatch.setattr("studio.io.dataset_folder.os.copy_file_range", full_disk, raising=False)
    with pytest.raises(FileProblem, match="disk is full"):
        run(folder, tmp_path / "out")
    assert everything(tmp_path) == everything_of(tmp_path, folder)


@pytest.mark.parametrize("kernel", ["copies", "cannot", "stops early", "is none"])
def test_a_copy_is_whole_whatever_the_kernel_does(
    tmp_path: Path, kernel: str, monkeypatch: Any
) -> None:
    folder = make_pictures(tmp_path / "in", 3)
    ends: list[int] = []

    def some(*what: int) -> int:
        if kernel == "cannot":
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        ends.append(what[-1])
        # Half of it, and then nothing more.
        return os.write(what[1], os.read(what[0], what[-1] // 2)) if len(ends) % 2 else 0

    if kernel == "is none":
        monkeypatch.delattr("studio.io.dataset_folder.os.copy_file_range", raising=False)
    elif kernel != "copies":
        monkeypatch.setattr("studio.io.dataset_folder.os.copy_file_range", some, raising=False)
    run(folder, tmp_path / "out", images="copy")
    for picture in folder.glob("*.png"):
        (copy,) = (tmp_path / "out" / "images").rglob(picture.name)
        assert copy.read_bytes() == picture.read_bytes()
        assert not copy.samefile(picture)
    assert len(ends) == (6 if kernel == "stops early" else 0)


def full_disk(*_what: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def everything_of(root: Path, folder: Path) -> list[str]:
    return sorted(
        [str(folder.relative_to(root)), *(f"{folder.name}/{p}" for p in everything(folder))]
    )


def test_an_output_folder_in_use_is_respected(tmp_path: Path) -> None:
    """As the old guide has it: the output is the parent of the input."""
    data = tmp_path / "data"
    pictures = make_pictures(data / "input", 5)
    before = everything(pictures)
    run(pictures, data, to=("coco",))
    assert (data / "coco" / "annotations" / "person_keypoints_train2017.json").exists()
    assert everything(pictures) == before
    run(data, data, to=("coco",))
    assert description(data)["counts"] == {"train": 4, "val": 1}
    taken = tmp_path / "taken"
    (taken / "images").mkdir(parents=True)
    (taken / "images" / "mine.jpg").write_bytes(b"x")
    with pytest.raises(FileProblem, match="in the way: images"):
        run(pictures, taken)
    assert everything(taken) == ["images", "images/mine.jpg"]
    # COCO alone is written beside it, and again, and takes nothing of it away.
    for _ in range(2):
        run(pictures, taken, to=("coco",))
        assert (taken / "images" / "mine.jpg").read_bytes() == b"x"
    with pytest.raises(FileProblem, match="in the way: images"):
        run(pictures, taken, to=("yolo",))


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


def test_a_damaged_dataset_json_is_told(tmp_path: Path) -> None:
    folder = make_pictures(tmp_path / "in", 3)
    run(folder, tmp_path / "out")
    (tmp_path / "out" / "dataset.json").write_text('{"v": 1')
    with pytest.raises(FormatError, match="ends too early"):
        run(folder, tmp_path / "out")


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
