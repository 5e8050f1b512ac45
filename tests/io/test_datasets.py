"""One function opens every kind of dataset, and says what is wrong with what is none."""

from dataclasses import replace
from pathlib import Path

import pytest

from studio.core.annotation import Shape, shapes_of
from studio.core.errors import DataError, FileProblem, FormatError, Problem
from studio.io import labelme
from studio.io.annotations import annotation_files
from studio.io.datasets import check_pictures, detect_kind, load_dataset
from studio.io.skeletons import load_skeleton
from tests.io.data import shared, small_picture
from tests.io.golden import check_golden
from tests.io.people import SKELETON
from tests.io.test_coco import example


def annotate(folder: Path, name: str, shapes: tuple[Shape, ...]) -> Path:
    picture = small_picture(folder / name, (200, 160))
    image = labelme.new_image(picture, (200, 160))
    path = labelme.annotation_path(picture)
    labelme.write(path, replace(image, shapes=shapes))
    return path


def test_the_skeleton_is_found_out(tmp_path: Path) -> None:
    hand = load_skeleton("hand21")
    shapes = tuple(
        Shape(name, "point", ((float(i), 5.0),), 1) for i, name in enumerate(hand.keypoints)
    )
    annotate(tmp_path / "in", "a.png", shapes)
    found = load_dataset(tmp_path / "in")
    assert (found.kind, found.skeleton.name) == ("labelme", "hand21")
    assert found.samples[0].instances[0].labelled == 21
    assert found.split("all") == found.samples
    assert found.splits == ("",)
    with pytest.raises(DataError, match=r'no pictures in its split "val" \(\(none\): 1\)'):
        found.split("val")
    annotate(tmp_path / "odd", "a.png", (Shape("wheel", "point", ((1.0, 2.0),), 1),))
    with pytest.raises(DataError, match="none of the known skeletons"):
        load_dataset(tmp_path / "odd")


def test_kinds(tmp_path: Path) -> None:
    assert detect_kind(shared("coco_people")) == "coco"
    assert detect_kind(shared("coco_people") / "annotations/person_keypoints.json") == "coco"
    assert detect_kind(shared("labelme_people")) == "labelme"
    assert detect_kind(shared("labelme_found")) == "labelme"
    with pytest.raises(FileProblem, match="not there"):
        detect_kind(tmp_path / "none")
    (tmp_path / "x.txt").write_text("x")
    with pytest.raises(FormatError, match="no dataset that the studio knows"):
        detect_kind(tmp_path / "x.txt")
    with pytest.raises(DataError, match="holds no picture"):
        load_dataset(tmp_path)


def test_problems_are_raised_or_reported(tmp_path: Path) -> None:
    shapes = shapes_of(example(), SKELETON, 1)
    annotate(tmp_path, "a.png", shapes)
    bad = annotate(tmp_path, "b.png", shapes)
    bad.write_text("{")
    small_picture(tmp_path / "bare.png")
    with pytest.raises(DataError, match="ends too early"):
        load_dataset(tmp_path, SKELETON)
    found: list[Problem] = []
    assert len(load_dataset(tmp_path, SKELETON, found.append).samples) == 1
    assert [p.severity for p in found] == ["warning", "error"]
    ticks: list[tuple[int, int]] = []
    checked = check_pictures([tmp_path], SKELETON, lambda done, total: ticks.append((done, total)))
    assert [str(p) for p in checked] == [str(p) for p in found]
    assert ticks == [(1, 2), (2, 2)]


def test_the_hash_follows_the_content(tmp_path: Path) -> None:
    shapes = shapes_of(example(), SKELETON, 1)
    annotate(tmp_path, "a.png", shapes)
    first = load_dataset(tmp_path).content_hash
    assert load_dataset(tmp_path).content_hash == first
    annotate(tmp_path, "a.png", shapes[:-1])
    assert load_dataset(tmp_path).content_hash != first


def test_golden_labelme(tmp_path: Path) -> None:
    path = annotate(tmp_path, "a.png", shapes_of(example(), SKELETON, 4))
    check_golden("labelme.json", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("mark", ["studio.toml", ".studio"])
def test_what_the_studio_made_itself_is_no_annotation(tmp_path: Path, mark: str) -> None:
    (tmp_path / "runs" / "yolo-pose" / "first").mkdir(parents=True)
    (tmp_path / "runs" / "yolo-pose" / "first" / "model.json").write_text("{}", encoding="utf-8")
    (tmp_path / "a.json").write_text("{}", encoding="utf-8")
    (tmp_path / mark).mkdir() if mark == ".studio" else (tmp_path / mark).touch()
    files, bare = annotation_files(tmp_path)
    assert files == [tmp_path / "a.json"]
    assert bare == []


def test_pictures_that_share_an_annotation_are_told(tmp_path: Path) -> None:
    path = annotate(tmp_path, "a.png", shapes_of(example(), SKELETON, 4))
    assert check_pictures((tmp_path,), SKELETON) == ()
    small_picture(tmp_path / "a.jpg", (200, 160))
    files, bare = annotation_files(tmp_path)
    assert files == [path]
    assert len(bare) == 1
    (problem,) = check_pictures((tmp_path,), SKELETON)
    assert problem.severity == "warning"
    assert "shares a.json with another picture" in problem.message
