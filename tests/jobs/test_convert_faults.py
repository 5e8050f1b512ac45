"""A conversion of what is wrong: what is said, and what never happens."""

import errno
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio.core.errors import (
    Cancelled,
    DataError,
    FileProblem,
    FormatError,
    UsageError,
)
from studio.core.job import JobContext, JobEvent
from studio.core.requests.convert import ConvertOptions
from studio.io import labelme
from studio.jobs import convert
from tests.io.data import shared, small_picture
from tests.jobs.converting import (
    Cancel,
    damage,
    description,
    everything,
    make_pictures,
    problems,
    run,
)


def test_what_was_wrong_is_said_even_when_too_little_is_left(tmp_path: Path) -> None:
    events: list[JobEvent] = []
    folder = make_pictures(tmp_path / "in", 2)
    (folder / "p001.json").write_text("{")
    options = ConvertOptions(input=(folder,), output=tmp_path / "out")
    with pytest.raises(DataError, match="would be empty: 1 picture at"):
        convert.run(options, JobContext(events.append, Cancel()))
    assert any("p001.json" in str(e.data.get("message")) for e in events)


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


def test_a_damaged_dataset_json_is_told(tmp_path: Path) -> None:
    folder = make_pictures(tmp_path / "in", 3)
    run(folder, tmp_path / "out")
    (tmp_path / "out" / "dataset.json").write_text('{"v": 1')
    with pytest.raises(FormatError, match="ends too early"):
        run(folder, tmp_path / "out")
