"""A full disk, a read-only one, and a drive that goes away: told in words, nothing lost."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from studio.core.errors import FileProblem
from studio.io import labelme
from studio.io.images import write_image
from studio.io.picture_index import PictureIndex
from studio.io.project import Project
from tests.io.data import small_picture
from tests.io.people import SKELETON
from tests.io.projects import make_project
from tests.jobs.converting import everything, make_pictures, run


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own of 256 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root may mount a small disk")
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path) -> None:
    with (disk / "ballast").open("wb", buffering=0) as stream:
        try:
            while True:
                stream.write(b"x" * 1024)
        except OSError:
            pass


def test_a_save_on_a_full_disk_keeps_the_old_file(small_disk: Path) -> None:
    picture = small_picture(small_disk / "a.png")
    path = labelme.annotation_path(picture)
    image = labelme.new_image(picture, (64, 48))
    labelme.write(path, image)
    before = path.read_bytes()
    fill(small_disk)
    with pytest.raises(FileProblem, match="disk is full") as caught:
        labelme.write(path, replace(image, extra={"note": "x" * 100_000}))
    assert caught.value.hint
    assert path.read_bytes() == before
    with pytest.raises(FileProblem, match="disk is full"):
        write_image(small_disk / "b.png", small_noise())
    assert sorted(p.name for p in small_disk.iterdir()) == ["a.json", "a.png", "ballast"]
    (small_disk / "ballast").unlink()
    labelme.write(path, replace(image, flags={"reviewed": True}))
    assert labelme.read(path).reviewed, "and it goes on when there is room again"


def small_noise():
    import numpy as np

    return np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)


def test_a_conversion_on_a_full_disk_leaves_nothing(small_disk: Path, tmp_path: Path) -> None:
    folder = make_pictures(tmp_path / "in", 40)
    fill(small_disk)
    with pytest.raises(FileProblem, match="disk is full"):
        run(folder, small_disk / "out")
    assert everything(small_disk) == ["ballast"]


def test_the_index_on_a_full_disk_says_so(small_disk: Path) -> None:
    for number in range(30):
        (small_disk / f"{number}.png").touch()
    fill(small_disk)
    with pytest.raises(FileProblem, match="list of pictures"):
        PictureIndex(small_disk, [small_disk], [SKELETON]).rescan()


def test_a_read_only_disk(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_project(small_disk / "p").close()
    monkeypatch.setenv("XDG_CACHE_HOME", str(small_disk.parent / "cache"))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    project = Project.open(small_disk / "p")
    project.index.rescan()
    assert project.index.count() == 6
    path = small_disk / "p" / "shots" / "img_1.json"
    before = path.read_bytes()
    with pytest.raises(FileProblem, match="read-only"):
        labelme.write(path, replace(labelme.read(path), flags={"reviewed": True}))
    assert path.read_bytes() == before
    with pytest.raises(FileProblem, match="read-only"):
        run(small_disk / "p" / "shots", small_disk / "out")
    result, _ = run(small_disk / "p" / "shots", small_disk.parent / "out", ratio=1.0)
    assert result["pictures"] == 3, "it can be converted to another disk"
    project.close()


def test_a_drive_that_goes_away_during_a_scan(tmp_path: Path) -> None:
    drive = tmp_path / "drive"
    make_project(drive).close()
    index = PictureIndex(tmp_path, [drive], [SKELETON])
    index.rescan()
    known = index.states()
    for file in drive.rglob("*.json"):
        os.utime(file, (1, 1))
    small_picture(drive / "shots" / "img_0.png")

    def goes_away() -> None:
        drive.rename(tmp_path / "away")

    index.rescan(listed=goes_away)
    assert index.count() == 7
    assert index.states() == known | {"empty": known["empty"] + 1}, "what was known stays"
    with pytest.raises(FileProblem, match="not there"):
        index.rescan()
    assert index.count() == 7, "and nothing is taken for deleted"
    (tmp_path / "away").rename(drive)
    assert index.rescan().changed >= 5
    index.close()


def test_a_drive_that_goes_away_during_a_conversion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from studio.jobs import convert

    drive = make_pictures(tmp_path / "drive", 6)
    real = convert.write_pictures

    def gone(*arguments: object) -> int:
        if drive.exists():
            drive.rename(tmp_path / "away")
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(convert, "write_pictures", gone)
    with pytest.raises(FileProblem, match="not there") as caught:
        run(drive, tmp_path / "out")
    assert str(drive) in str(caught.value.where)
    assert not (tmp_path / "out").exists()
    assert not [p for p in everything(tmp_path) if ".part" in p]
    with pytest.raises(FileProblem, match="not there"):
        run(drive, tmp_path / "out")


def test_a_drive_that_answers_with_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = small_picture(tmp_path / "a.png").with_suffix(".json")
    image = labelme.new_image(path, (64, 48))
    labelme.write(path, image)
    before = path.read_bytes()

    def broken(_handle: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("studio.io.files.os.fsync", broken)
    with pytest.raises(FileProblem, match="Input/output error"):
        labelme.write(path, replace(image, flags={"reviewed": True}))
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.json", "a.png"]
