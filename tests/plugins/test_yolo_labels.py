"""Every fault of a dataset is named before a training starts, with its file and line."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from studio.core.errors import DataError, FileProblem, FormatError
from studio.plugins.yolo_pose.data import find_data, label_path, write_pose_yaml
from studio.plugins.yolo_pose.labels import check_split
from studio.plugins.yolo_pose.preflight import prepare
from tests.training_runs import make_dataset, needs_yolo, tiny_options, write_split

pytestmark = needs_yolo

GOOD = "0 0.5 0.5 0.4 0.4 " + " ".join(["0.5 0.5 2"] * 17)


def errors(options) -> list[str]:
    return [str(p) for p in prepare(options).problems if p.severity == "error"]


def test_a_sound_dataset_has_no_problems(tmp_path):
    prepared = prepare(tiny_options(make_dataset(tmp_path / "d")))
    assert prepared.problems == []
    assert [len(prepared.splits[s].items) for s in ("train", "val")] == [8, 4]
    item = prepared.splits["train"].items[0]
    assert item.size == (96, 96)
    assert item.rows.shape == (1, 5 + 17 * 3)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (GOOD + " 0.1", "57 columns, where 56 belong"),
        (GOOD.rsplit(" ", 3)[0], "53 columns, where 56 belong"),
        ("1" + GOOD[1:], "Class 1: only class 0 exists."),
        ("0.5" + GOOD[1:], "Class 0.5"),
        (GOOD.replace("0.4", "0", 1), "Column 4 (box width) is 0; it must be above 0."),
        (GOOD.replace("0.5 0.5 2", "1.2 0.5 2", 1), "Column 6 (nose x) is 1.2, outside 0 to 1."),
        (GOOD.replace("0.5 0.5 2", "0.5 -3 2", 1), "Column 7 (nose y) is -3, outside 0 to 1."),
        (GOOD.replace("0.5 0.5 2", "0.5 0.5 3", 1), "Column 8 (nose v) is 3; visibility is 0, 1"),
        (GOOD.replace("0.5 0.5 2", "nan 0.5 2", 1), "Column 6 is nan, not a finite number."),
        (GOOD.replace("0.5 0.5 2", "0,5 0.5 2", 1), "Column 6 is '0,5', not a number."),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, message):
    data = make_dataset(tmp_path / "d", train=3)
    label = data / "labels" / "train" / "p001.txt"
    label.write_text(f"{GOOD}\n\n{line}\n{GOOD}\n")
    found = errors(tiny_options(data, keypoints=17))
    assert len(found) == 1
    assert found[0].startswith(f"{label}:3: ")
    assert message in found[0]


def test_columns_that_only_add_up_are_not_believed(tmp_path):
    data = make_dataset(tmp_path / "d", train=2)
    words = f"{GOOD} {GOOD}".split()
    label = data / "labels" / "train" / "p000.txt"
    label.write_text(" ".join(words[:50]) + "\n" + " ".join(words[50:]) + "\n")
    found = errors(tiny_options(data, keypoints=17))
    assert [f.split(": ")[0] for f in found] == [f"{label}:1", f"{label}:2"]


def test_many_faults_are_counted_not_listed(tmp_path):
    data = make_dataset(tmp_path / "d", train=2)
    label = data / "labels" / "train" / "p001.txt"
    label.write_text("0 1 2\n" * 80)
    checked = check_split(find_data(tiny_options(data)), "train")
    assert len(checked.errors) == 51
    assert "30 more" in checked.errors[-1].message


def test_damaged_and_missing_pictures_are_left_out(tmp_path):
    data = make_dataset(tmp_path / "d")
    pictures = data / "images" / "train"
    whole = (pictures / "p000.jpg").read_bytes()
    (pictures / "p000.jpg").write_bytes(whole[: len(whole) // 2])
    (pictures / "p001.jpg").write_text("no picture")
    (pictures / "p002.jpg").write_bytes(b"")
    (pictures / "p003.jpg").unlink()
    # Bytes after the end mark, as some cameras write them, do no harm.
    (pictures / "p004.jpg").write_bytes((pictures / "p004.jpg").read_bytes() + b"\0" * 100)
    prepared = prepare(tiny_options(data))
    assert {p.severity for p in prepared.problems} == {"warning"}
    named = {Path(p.where).name for p in prepared.problems}
    assert named == {"p000.jpg", "p001.jpg", "p002.jpg", "p003.txt"}
    assert len(prepared.splits["train"].items) == 4
    assert (pictures / "p000.jpg").read_bytes() == whole[: len(whole) // 2]


def test_rotated_pictures_count_upright(tmp_path):
    from PIL import Image

    data = make_dataset(tmp_path / "d", train=2)
    path = data / "images" / "train" / "p000.jpg"
    picture = Image.fromarray(np.zeros((40, 100, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(path, exif=exif)
    items = prepare(tiny_options(data)).splits["train"].items
    assert items[0].size == (40, 100)


def test_an_empty_split(tmp_path):
    data = make_dataset(tmp_path / "d")
    shutil.rmtree(data / "images" / "val")
    (data / "images" / "val").mkdir()
    assert 'The split "val" holds no pictures.' in errors(tiny_options(data))[0]


def test_pictures_without_any_label(tmp_path):
    data = make_dataset(tmp_path / "d")
    shutil.rmtree(data / "labels" / "val")
    found = errors(tiny_options(data))
    assert "not one label" in found[0]
    assert str(data / "labels" / "val" / "p000.txt") in found[0]


def test_no_images_folder(tmp_path):
    (tmp_path / "d").mkdir()
    with pytest.raises(DataError, match="no images/train"):
        find_data(tiny_options(tmp_path / "d"))


def test_a_dataset_that_is_not_there(tmp_path):
    with pytest.raises(FileProblem, match="not there"):
        find_data(tiny_options(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="No dataset was given"):
        find_data(type(tiny_options(tmp_path))())


def test_pose_yaml_is_made_once_and_read_again(tmp_path):
    data = find_data(tiny_options(make_dataset(tmp_path / "d", joints=17)))
    assert data.yaml is None
    path = write_pose_yaml(data)
    assert path == tmp_path / "d" / "pose.yaml"
    again = find_data(tiny_options(tmp_path / "d"))
    assert again.yaml == path
    assert again.to_yaml() == data.to_yaml()
    assert again.skeleton.name == "coco17"
    assert again.to_yaml()["flip_idx"][1] == 2
    assert again.to_yaml()["kpt_oks_sigmas"][0] == 0.026
    assert write_pose_yaml(again) is None


def test_the_number_of_joints_is_read_from_the_labels(tmp_path):
    data = find_data(tiny_options(make_dataset(tmp_path / "d", joints=5)))
    assert (len(data.skeleton), data.columns) == (5, 20)
    # Nobody knows which of five nameless joints mirror each other.
    assert data.flip_idx is None
    warnings = [p.message for p in prepare(tiny_options(tmp_path / "d")).problems]
    assert warnings == [
        "Which joints mirror each other is not known: pictures will not be mirrored."
    ]


def test_a_skeleton_that_does_not_fit(tmp_path):
    data = make_dataset(tmp_path / "d", joints=5)
    with pytest.raises(DataError, match="hand21 has 21 joints, the labels hold 5"):
        find_data(tiny_options(data, skeleton="hand21"))
    assert find_data(tiny_options(data, skeleton="face5")).flip_idx == (1, 0, 2, 4, 3)


def test_keypoints_against_the_data_file(tmp_path):
    data = make_dataset(tmp_path / "d")
    write_pose_yaml(find_data(tiny_options(data)))
    with pytest.raises(DataError, match="--keypoints is 5, and the data file's kpt_shape says 17"):
        find_data(tiny_options(data, keypoints=5))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train: [", "not YAML in line"),
        ("just words", "no names and values"),
        ("train: images/train\n", "names no pictures for `val`"),
        ("train: images/train\nval: images/none\nnames: [person]\n", "which is not there"),
        ("train: images/train\nval: images/val\n", "no `names`"),
        (
            "train: images/train\nval: images/val\nnames: [person]\nkpt_shape: [17]\n",
            "`kpt_shape` is",
        ),
        (
            "{train: images/train, val: images/val, names: [a], kpt_shape: [17, 3], flip_idx: [0]}",
            "`flip_idx`",
        ),
        ("path: nowhere\ntrain: a\nval: b\n", "is no folder"),
    ],
)
def test_a_bad_data_file(tmp_path, text, message):
    data = make_dataset(tmp_path / "d", train=2, val=2)
    (data / "data.yaml").write_text(text)
    with pytest.raises((DataError, FormatError), match=message.replace("[", r"\[")):
        find_data(tiny_options(data / "data.yaml"))


def test_a_list_file_of_pictures(tmp_path):
    data = make_dataset(tmp_path / "d")
    (data / "train.txt").write_text("images/train/p000.jpg\nimages/train/p001.jpg\n")
    (data / "data.yaml").write_text("train: train.txt\nval: images/val\nnames: {0: person}\n")
    prepared = prepare(tiny_options(data / "data.yaml", keypoints=17))
    assert len(prepared.splits["train"].items) == 2


def test_two_dimensional_labels(tmp_path):
    root = tmp_path / "d"
    write_split(root, "train", 2)
    write_split(root, "val", 2)
    for label in root.rglob("labels/**/*.txt"):
        words = label.read_text().split()
        kept = words[:5] + [w for i, w in enumerate(words[5:]) if i % 3 != 2]
        label.write_text(" ".join(kept))
    (root / "data.yaml").write_text(
        "train: images/train\nval: images/val\nnames: [person]\nkpt_shape: [17, 2]\n"
    )
    prepared = prepare(tiny_options(root))
    assert prepared.problems == []
    assert prepared.splits["train"].items[0].rows.shape == (1, 39)


def test_the_last_images_folder_counts():
    path = Path("/data/images/set/images/train/a.jpg")
    assert label_path(path) == Path("/data/images/set/labels/train/a.txt")


def test_weights_that_are_not_there_are_not_fetched(tmp_path):
    found = errors(tiny_options(make_dataset(tmp_path / "d"), pretrained="yolo26x-pose.pt"))
    assert "yolo26x-pose.pt is not there" in found[0]
    assert "yolo26x-pose.yaml" in found[0]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("yolo11n.yaml", "ends in Detect"),
        ("nothing.yaml", "cannot be read"),
        ("weights.onnx", "no file to start from"),
    ],
)
def test_a_description_of_something_else(tmp_path, name, message):
    found = errors(tiny_options(make_dataset(tmp_path / "d"), pretrained=name))
    assert len(found) == 1
    assert message in found[0]


def test_a_thousand_labels_leave_the_threads_of_opencv(tmp_path):
    root = tmp_path / "d"
    write_split(root, "train", 1)
    write_split(root, "val", 1)
    picture = (root / "images" / "train" / "p000.jpg").read_bytes()
    label = (root / "labels" / "train" / "p000.txt").read_bytes()
    for number in range(1, 1000):
        (root / "images" / "train" / f"p{number:03d}.jpg").write_bytes(picture)
        (root / "labels" / "train" / f"p{number:03d}.txt").write_bytes(label)
    data = find_data(tiny_options(root))
    assert len(check_split(data, "train").items) == 1000
    assert cv2.getNumThreads() != 0
