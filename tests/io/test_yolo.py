"""YOLO: labels that ultralytics accepts, read back to a hundredth of a pixel."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.core.annotation import Instance
from studio.core.errors import DataError, FormatError, Problem
from studio.io import yolo
from studio.io.datasets import load_dataset
from studio.io.skeletons import load_skeleton
from tests.io.data import small_picture
from tests.io.golden import check_golden
from tests.io.people import SIZE, SKELETON, people, record
from tests.io.test_coco import example, raise_problem

QUIET = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
DATA = yolo.YoloData(Path(), {}, SKELETON, 3, ("person",))


@settings(max_examples=40, deadline=None, suppress_health_check=QUIET)
@given(persons=st.lists(people(), max_size=3))
def test_round_trip(tmp_path: Path, persons: list[Instance]) -> None:
    path = tmp_path / "a.txt"
    path.write_text(yolo.label_text(record(persons), raise_problem))
    back = yolo.read_labels(path, SIZE, DATA)
    assert len(back) == len(persons)
    for a, b in zip(persons, back, strict=True):
        np.testing.assert_allclose(a.keypoints, b.keypoints, atol=0.01)
        ours, theirs = a.tight_box(), b.box
        assert ours is not None
        assert theirs is not None
        np.testing.assert_allclose(ours, theirs, atol=0.01)


def test_golden_label_and_yaml() -> None:
    check_golden("yolo.txt", yolo.label_text(record([example()]), raise_problem))
    check_golden("pose.yaml", yolo.yaml_text(SKELETON))
    hand = yaml.safe_load(yolo.yaml_text(load_skeleton("hand21")))
    assert hand["kpt_shape"] == [21, 3]
    assert len(hand["flip_idx"]) == len(hand["kpt_oks_sigmas"]) == len(hand["kpt_names"][0]) == 21


def test_yaml_says_all_of_the_skeleton() -> None:
    data = yaml.safe_load(yolo.yaml_text(SKELETON))
    assert data["kpt_shape"] == [17, 3]
    assert data["flip_idx"] == list(SKELETON.flip_idx)
    np.testing.assert_allclose(data["kpt_oks_sigmas"], SKELETON.oks_sigmas)
    assert data["names"] == {0: "person"}
    assert data["kpt_names"][0] == list(SKELETON.keypoints)


def test_names_that_yaml_would_misread() -> None:
    from studio.core.skeleton import Skeleton

    odd = Skeleton("x", ("no", "1", "a: b", 'q"', "指先", "on"), category="yes")
    data = yaml.safe_load(yolo.yaml_text(odd))
    assert data["kpt_names"][0] == list(odd.keypoints)
    assert data["names"] == {0: "yes"}


def test_what_yolo_cannot_hold_is_said() -> None:
    keypoints = np.zeros((17, 3))
    keypoints[0] = (2000, 10, 2)
    keypoints[1] = (1240, 10, 2)
    box = np.array([0.0, 0.0, 50, 60])
    crowd = Instance("person", np.zeros((17, 3)), box, iscrowd=True)
    found: list[Problem] = []
    text = yolo.label_text(record([Instance("person", keypoints, box), crowd]), found.append)
    words = text.split()
    assert len(text.splitlines()) == 1
    assert words[5:8] == ["0", "0", "0"]
    assert words[10] == "2", "a joint on the picture's edge stays"
    assert [p.severity for p in found] == ["warning", "warning"]
    assert "1 joint of person 1" in found[0].message
    assert "1 crowd" in found[1].message


def dataset(folder: Path) -> Path:
    small_picture(folder / "images" / "train" / "a.jpg", SIZE)
    small_picture(folder / "images" / "val" / "b.jpg", SIZE)
    label = folder / "labels" / "train" / "a.txt"
    label.parent.mkdir(parents=True)
    label.write_text(yolo.label_text(record([example()]), raise_problem))
    (folder / "labels" / "val").mkdir()
    (folder / "labels" / "val" / "b.txt").write_text("\ufeff" + label.read_text())
    (folder / "pose.yaml").write_text(yolo.yaml_text(SKELETON))
    return label


def test_load_with_and_without_yaml(tmp_path: Path) -> None:
    dataset(tmp_path)
    for place in (tmp_path, tmp_path / "pose.yaml"):
        found = load_dataset(place)
        assert found.kind == "yolo"
        assert found.skeleton.keypoints == SKELETON.keypoints
        assert [len(s.instances) for s in found.split("train")] == [1]
        assert [s.image.name for s in found.split("val")] == ["b.jpg"]
        assert found.paths["yolo_yaml"] == tmp_path / "pose.yaml"
    (tmp_path / "pose.yaml").unlink()
    found = load_dataset(tmp_path)
    assert found.skeleton.name == "coco17"
    assert found.paths == {}


def test_foreign_yaml(tmp_path: Path) -> None:
    dataset(tmp_path)
    path = tmp_path / "pose.yaml"
    path.write_text("path: /nowhere/at/all\ntrain: images/train\nval: [images/val]\n"
                    "kpt_shape: [17, 3]\nnames: [person]\n")  # fmt: skip
    assert len(load_dataset(path).samples) == 2
    path.write_text("train: list.txt\nkpt_shape: [17, 3]\nnames: {0: person}\n")
    (tmp_path / "list.txt").write_text("images/train/a.jpg\n./images/val/b.jpg\n")
    assert len(load_dataset(path).samples) == 2
    path.write_text("train: images/train\n")
    with pytest.raises(FormatError, match="kpt_shape"):
        load_dataset(path)
    path.write_text("train: [a\n")
    with pytest.raises(FormatError, match="not YAML"):
        load_dataset(path)
    path.write_text("train: images/train\nkpt_shape: [17, 3]\n")
    with pytest.raises(DataError, match="does not fit"):
        load_dataset(path, load_skeleton("hand21"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda w: [*w, "0.5"], "57 columns instead of 56"),
        (lambda w: w[:-1], "55 columns instead of 56"),
        (lambda w: ["7", *w[1:]], "class 7 is not one of 0 to 0"),
        (lambda w: ["0", "x", *w[2:]], "'x' is no number"),
        (lambda w: ["0", "nan", *w[2:]], "not finite"),
        (lambda w: ["0", "640", *w[2:]], "640 is not between 0 and 1"),
        (lambda w: [*w[:-1], "5"], "visibility"),
    ],
)
def test_bad_labels_name_file_and_line(tmp_path: Path, change, said: str) -> None:
    label = dataset(tmp_path)
    words = label.read_text().split()
    label.write_text("\n" + " ".join(change(words)) + "\n")
    found: list[Problem] = []
    data = load_dataset(tmp_path, report=found.append)
    assert [s.image.name for s in data.samples] == ["b.jpg"], "the others go on"
    assert said in found[0].message
    assert found[0].where == f"{label}:2"
    with pytest.raises(DataError, match=r"Line 2"):
        load_dataset(tmp_path)


def test_two_dimensions(tmp_path: Path) -> None:
    dataset(tmp_path)
    words = ["0", "0.5", "0.5", "0.2", "0.2", *["0.5", "0.25"] * 16, "0", "0"]
    for label in (tmp_path / "labels").rglob("*.txt"):
        label.write_text(" ".join(words))
    (tmp_path / "pose.yaml").write_text(
        "train: images/train\nval: images/val\nkpt_shape: [17, 2]\nnames: [person]\n"
    )
    person = load_dataset(tmp_path).samples[0].instances[0]
    assert person.labelled == 16
    assert person.keypoints[0].tolist() == [SIZE[0] / 2, SIZE[1] / 4, 2]


def test_ultralytics_accepts_them(tmp_path: Path) -> None:
    if importlib.util.find_spec("ultralytics") is None:
        pytest.skip("needs ultralytics")
    label = dataset(tmp_path)
    picture = tmp_path / "images" / "train" / "a.jpg"
    code = (
        "import sys; from ultralytics.data.utils import verify_image_label as v\n"
        "answer = v((sys.argv[1], sys.argv[2], '', True, 1, 17, 3, False))\n"
        "assert answer[-1] == '' and answer[1].shape == (1, 5), answer\n"
    )
    offline = {"YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "False", "YOLO_CONFIG_DIR": str(tmp_path)}
    subprocess.run(
        [sys.executable, "-c", code, str(picture), str(label)],
        env={**os.environ, **offline},
        check=True,
    )
