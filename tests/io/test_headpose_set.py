"""Head-pose sets: what is written is read again, and what is wrong with a row is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.core.errors import DataError, FormatError, Problem
from studio.core.head import Angles, angles_of, rotation_of
from studio.io.headpose_set import (
    HeadSample,
    detect_heads,
    is_headpose_set,
    load_heads,
    read_names,
    read_set,
    resolve_name,
)
from studio.io.headpose_writing import write_crop, write_set

SIDES = ("train", "train", "val", "test")


def make_set(root: Path, sides: tuple[str, ...] = SIDES) -> list[HeadSample]:
    samples = []
    for number, side in enumerate(sides):
        name = f"heads/scene {number % 2}/h{number}.jpg"
        write_crop(root / name, np.full((20, 30, 3), 40 + number, np.uint8), 90)
        rotation = rotation_of(Angles(10.0 * number, -5.0 * number, 3.0))
        samples.append(HeadSample(root / name, rotation, angles_of(rotation), side, name))
    write_set(root, samples, root.name, {"sources": []})
    return samples


def test_a_set_comes_back_as_it_was_written(tmp_path: Path) -> None:
    made = make_set(tmp_path / "set")
    found = load_heads(tmp_path / "set")
    assert found.kind == "headpose"
    assert [s.name for s in found.samples] == [s.name for s in made]
    for here, there in zip(found.samples, made, strict=True):
        assert here.rotation == pytest.approx(there.rotation, abs=1e-8)
        assert here.angles == pytest.approx(there.angles, abs=1e-5)
        assert here.split == there.split
        assert here.picture.is_file()
        assert here.box is None
    assert len(found.side("train")) == 2
    assert len(found.side("val")) == 1
    again = load_heads(tmp_path / "set")
    assert again.content_hash == found.content_hash


def test_another_rotation_or_side_is_another_content(tmp_path: Path) -> None:
    make_set(tmp_path / "a")
    make_set(tmp_path / "b", ("train", "val", "val", "test"))
    assert load_heads(tmp_path / "a").content_hash != load_heads(tmp_path / "b").content_hash


def test_a_list_names_heads_with_or_without_their_ending(tmp_path: Path) -> None:
    make_set(tmp_path / "set")
    chosen = tmp_path / "some.txt"
    chosen.write_text("heads/scene 1/h1\r\nheads\\scene 0\\h2.jpg\n\n", encoding="utf-8-sig")
    assert read_names(chosen) == ("heads/scene 1/h1", "heads/scene 0/h2.jpg")
    found = read_set(tmp_path / "set", chosen)
    assert [s.picture.name for s in found.samples] == ["h1.jpg", "h2.jpg"]
    chosen.write_text("heads/gone\nheads/scene 1/h1\n")
    with pytest.raises(DataError, match="gone"):
        read_set(tmp_path / "set", chosen)
    told: list[Problem] = []
    assert len(read_set(tmp_path / "set", chosen, told.append).samples) == 1
    assert "gone" in told[0].message


def test_angles_alone_are_enough(tmp_path: Path) -> None:
    write_crop(tmp_path / "a.png", np.zeros((8, 8, 3), np.uint8), 90)
    (tmp_path / "poses.csv").write_text("file,yaw,pitch,roll\na.png,20,-10,5\n")
    (sample,) = read_set(tmp_path).samples
    assert sample.rotation == pytest.approx(rotation_of(Angles(20, -10, 5)))
    assert sample.split == ""
    assert [s.name for s in read_set(tmp_path).side("val")] == ["a.png"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("a.png,1,2,3,1,0,0,0,1,0,0,0,2", "no rotation"),
        ("a.png,1,2,3,1,0,0,0,1,0,0,0,-1", "no rotation"),
        ("a.png,1,2,3,nan,0,0,0,1,0,0,0,1", "no rotation"),
        ("a.png,1,x,3,1,0,0,0,1,0,0,0,1", "no rotation"),
        ("a.png,1,2,3,1,0,0", "no rotation"),
        ("../a.png,0,0,0,1,0,0,0,1,0,0,0,1", "leads out"),
        ("/etc/a.png,0,0,0,1,0,0,0,1,0,0,0,1", "leads out"),
        ("gone.png,0,0,0,1,0,0,0,1,0,0,0,1", "not there"),
    ],
)
def test_a_row_that_is_wrong_is_named_and_left_out(tmp_path: Path, row: str, said: str) -> None:
    for name in ("a.png", "b.png"):
        write_crop(tmp_path / name, np.zeros((8, 8, 3), np.uint8), 90)
    head = "file,yaw,pitch,roll,r11,r12,r13,r21,r22,r23,r31,r32,r33\n"
    good = "b.png,0,0,0,1,0,0,0,1,0,0,0,1\n"
    (tmp_path / "poses.csv").write_text(head + row + "\n" + good)
    told: list[Problem] = []
    found = read_set(tmp_path, report=told.append)
    assert [s.name for s in found.samples] == ["b.png"]
    (problem,) = told
    assert said in problem.message
    if said != "not there":
        assert problem.line == 2
    with pytest.raises(DataError, match=said):
        read_set(tmp_path)


def test_what_is_no_set_says_what_one_is(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="No head-pose set"):
        detect_heads(tmp_path)
    assert not is_headpose_set(tmp_path)
    (tmp_path / "poses.csv").write_text("picture,yaw\n")
    with pytest.raises(FormatError, match="columns"):
        read_set(tmp_path)
    with pytest.raises(FormatError, match="no folder"):
        load_heads(tmp_path / "poses.csv")


def test_an_empty_side_is_named(tmp_path: Path) -> None:
    make_set(tmp_path / "set", ("train", "train"))
    with pytest.raises(DataError, match="val"):
        load_heads(tmp_path / "set").side("val")


def test_names_stay_inside(tmp_path: Path) -> None:
    for bad in ("../x", "a/../../x", "/x", "C:/x"):
        with pytest.raises(FormatError, match="leads out"):
            resolve_name(tmp_path, bad)
    (tmp_path / "x.png").write_bytes(b"")
    assert resolve_name(tmp_path, "x") == tmp_path / "x.png"
