"""Video keypoint sets: rows, the guide's layout, and what is wrong where."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.core.errors import DataError, FileProblem, FormatError, Problem
from studio.core.skeleton import Skeleton
from studio.io.images import write_image
from studio.io.video_keypoints import (
    Row,
    crowded,
    frame_name,
    frame_of,
    in_a_row,
    is_video_keypoints,
    joined_skeleton,
    mask_files,
    read_rows,
    read_video_set,
    rows_text,
    splits_of,
    write_categories,
)

HAND = Skeleton("hand2", ("wrist", "tip"), edges=((0, 1),), sigmas=(0.1, 0.1))
TOOL = Skeleton("tool", ("tip",), sigmas=(0.2,))


def _row(frame: int, category: int, points: list[list[float]], track: int = 1) -> Row:
    return Row(frame, track, category, np.array(points, np.float64))


def _write(root: Path) -> Path:
    """The guide's layout: train a file a frame, val a file a video."""
    picture = np.zeros((20, 30, 3), np.uint8)
    for number in (3, 4):
        stem = frame_name("A36O", number)
        write = root / "train" / "frames" / f"{stem}.png"
        write.parent.mkdir(parents=True, exist_ok=True)
        write_image(write, picture)
        rows = [_row(number, 0, [[1.5, 2.25, 2], [0, 0, 0]]), _row(number, 2, [[9, 9, 1]], 7)]
        path = root / "train" / "mot" / f"{stem}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(rows_text(rows))
    for number in (10, 11):
        write = root / "val" / "frames" / "E66F" / f"{frame_name('E66F', number)}.png"
        write.parent.mkdir(parents=True, exist_ok=True)
        write_image(write, picture)
    path = root / "val" / "mot" / "E66F.txt"
    path.parent.mkdir(parents=True)
    path.write_text(rows_text([_row(11, 0, [[3, 4, 2], [5, 6, 2]]), _row(12, 2, [[1, 1, 2]])]))
    return root


def test_rows_come_back(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    rows = [_row(5, 1, [[1.25, -3, 2], [10.1234, 7, 0]]), _row(6, 0, [[0.5, 0.5, 1]], track=-1)]
    path.write_text("# made by hand\n\n" + rows_text(rows))
    back = read_rows(path)
    assert [(r.frame, r.track, r.category, r.line) for r in back] == [(5, 1, 1, 3), (6, -1, 0, 4)]
    for row, other in zip(rows, back, strict=True):
        assert np.abs(row.keypoints - other.keypoints).max() < 1e-3
    assert path.read_text().splitlines()[2].startswith("5,1,1,-1,-1,-1,-1,1.250,-3.000,2,10.123,")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("1,1,0,-1,-1,-1,-1,5,5", "has 9 values"),
        ("1,1,0,-1,-1,-1,-1", "has 7 values"),
        ("1,1,0,-1,-1,-1,-1,5,five,2", "'five'"),
        ("1,1,0,-1,-1,-1,-1,5,nan,2", "not finite"),
        ("1.5,1,0,-1,-1,-1,-1,5,5,2", "not whole"),
    ],
)
def test_a_bad_row_is_named_with_file_and_line(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "clip.txt"
    path.write_text("1,1,0,-1,-1,-1,-1,5,5,2\n" + line + "\n")
    with pytest.raises(FormatError, match=said) as caught:
        read_rows(path)
    assert caught.value.where == f"{path}:2"


def test_names_of_frames() -> None:
    assert frame_of("A36O_frame_000012") == ("A36O", 12)
    assert frame_of("my_frame_video_frame_7") == ("my_frame_video", 7)
    assert frame_of("clip_12") is None
    assert frame_of(frame_name("a", 5)) == ("a", 5)


def test_the_guides_layout(tmp_path: Path) -> None:
    root = _write(tmp_path / "data")
    assert is_video_keypoints(root)
    assert not is_video_keypoints(tmp_path)
    assert splits_of(root) == ("train", "val")
    train, val = read_video_set(root, "train"), read_video_set(root, "val")
    assert [(p.category, p.name, p.places) for p in train.parts] == [
        (0, "class_0", (0, 1)),
        (2, "class_2", (2,)),
    ]
    assert val.parts == train.parts
    assert len(train.skeleton) == 3
    (clip,) = train.videos
    assert clip.name == "A36O"
    assert [n for n, _ in clip.frames] == [3, 4]
    assert [r.frame for r in clip.rows] == [3, 3, 4, 4]
    (clip,) = val.videos
    # Frame 10 has no rows, frame 12 no picture: both are known.
    assert [(n, p is not None) for n, p in clip.frames] == [(10, True), (11, True), (12, False)]
    with pytest.raises(FileProblem, match="test"):
        read_video_set(root, "test")


def test_names_of_classes_come_from_the_file(tmp_path: Path) -> None:
    root = _write(tmp_path)
    write_categories(root, in_a_row([(0, "left_hand", HAND), (2, "scissors", TOOL)]))
    found = read_video_set(root, "val")
    assert [p.name for p in found.parts] == ["left_hand", "scissors"]
    assert found.skeleton.keypoints == ("wrist", "left_hand_tip", "scissors_tip")
    assert found.skeleton.edges == ((0, 1),)
    write_categories(root, in_a_row([(0, "left_hand", HAND)]))
    problems: list[Problem] = []
    read_video_set(root, "train", problems.append)
    assert [(Path(p.where).name, p.line) for p in problems] == [
        ("A36O_frame_000003.txt", 2),
        ("A36O_frame_000004.txt", 2),
    ]
    (root / "categories.json").write_text("[]")
    with pytest.raises(FormatError, match="no categories"):
        read_video_set(root, "train")


def test_sides_mirror_each_other() -> None:
    parts = in_a_row([(0, "left_hand", HAND), (1, "right_hand", HAND), (2, "scissors", TOOL)])
    joined = joined_skeleton(parts)
    assert joined.flip_pairs == ((0, 2), (1, 3))
    assert joined.oks_sigmas.tolist() == [0.1, 0.1, 0.1, 0.1, 0.2]
    assert joined_skeleton(parts[:1]) is HAND


def test_what_does_not_fit_is_reported_with_its_line(tmp_path: Path) -> None:
    root = _write(tmp_path)
    path = root / "val" / "mot" / "E66F.txt"
    path.write_text(
        "10,1,0,-1,-1,-1,-1,5,5,2,5,5,3\n"
        "11,1,0,-1,-1,-1,-1,5,5,2,5,5,2\n"
        "11,2,0,-1,-1,-1,-1,5,5,2,5,5,2\n"
        "11,1,2,-1,-1,-1,-1,5,5,2,5,5,2\n"
    )
    problems: list[Problem] = []
    found = read_video_set(root, "val", problems.append)
    assert [(p.line, p.message) for p in problems] == [
        (1, "A joint's v is none of 0, 1 and 2."),
        (4, "This row has 2 joints; class 2 has 1."),
    ]
    (twice,) = crowded(found.videos)
    assert (twice.where, twice.line) == (str(path), 3)
    assert "line 2" in twice.message
    with pytest.raises(DataError, match="none of 0, 1 and 2") as caught:
        read_video_set(root, "val")
    assert caught.value.where == f"{path}:1"


def test_mask_files_are_found_by_their_number(tmp_path: Path) -> None:
    for name in ("A36O_frame_000003.png", "00012.png", "notes.png"):
        (tmp_path / "A36O").mkdir(exist_ok=True)
        write_image(tmp_path / "A36O" / name, np.zeros((4, 4), np.uint8))
    assert sorted(mask_files(tmp_path, "A36O")) == [3, 12]
    assert mask_files(tmp_path, "other") == {}
