"""What is sent to another machine: whole, the same for the same content, nothing out of its place."""

from __future__ import annotations

import io
import os
import tarfile
import time
from pathlib import Path

import pytest
import yaml

from studio.core.errors import DataError, FileProblem, UsageError
from studio.jobs import parcels
from studio.jobs.cluster_files import Arrivals, in_words_of_here, rewrite_paths
from studio.jobs.parcels import Parcel, blocks, kept, pack, unpack

GB = 1e9


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parcels, "parcel_folder", lambda: tmp_path / "cache")


def sent(path: Path, tmp_path: Path, limit: float = GB) -> tuple[Parcel, Path]:
    into = tmp_path / "parcels"
    into.mkdir(exist_ok=True)
    parcel = pack(path, limit, into)
    return parcel, unpack(parcel.digest, blocks(parcel.archive, 1000))


def tree(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def make_folder(root: Path) -> Path:
    for name in ("images/train/a.jpg", "images/val/ü.jpg", "labels/train/a.txt", "dataset.json"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode() * 200)
    return root


def test_a_folder_comes_whole_and_links_as_what_they_point_to(tmp_path):
    folder = make_folder(tmp_path / "data")
    outside = tmp_path / "outside.jpg"
    outside.write_bytes(b"linked")
    (folder / "images" / "train" / "b.jpg").symlink_to(outside)
    expected = tree(folder)
    (folder / ".hidden").write_text("stays")
    (folder / "x.part").write_text("stays")
    parcel, place = sent(folder, tmp_path)
    assert tree(place) == expected
    assert parcel.inside == ""
    assert kept(parcel.digest) == place
    parcel, place = sent(folder / "dataset.json", tmp_path)
    assert (parcel.root, parcel.inside) == (folder, "dataset.json")


def test_the_same_content_has_the_same_name_wherever_it_stands(tmp_path):
    one, two = make_folder(tmp_path / "one"), make_folder(tmp_path / "two")
    for file in two.rglob("*"):
        os.utime(file, (1, 1))
    first, _ = sent(one, tmp_path)
    second, _ = sent(two, tmp_path)
    assert first.digest == second.digest
    (two / "dataset.json").write_text("other")
    assert sent(two, tmp_path)[0].digest != first.digest


def test_a_data_file_means_its_folder_and_loses_its_path(tmp_path):
    folder = make_folder(tmp_path / "data")
    file = tmp_path / "elsewhere" / "my pose.yaml"
    file.parent.mkdir()
    said = {
        "path": str(folder),
        "train": "images/train",
        "val": ["images/val"],
        "kpt_shape": [2, 3],
    }
    file.write_text(yaml.safe_dump(said))
    parcel, place = sent(file, tmp_path)
    del said["path"]
    assert yaml.safe_load((place / parcel.inside).read_text()) == said
    assert (place / "images" / "train" / "a.jpg").is_file()
    for place in (str(tmp_path / "outside"), "../outside"):
        file.write_text(
            yaml.safe_dump({"path": str(folder), "train": "images/train", "val": place})
        )
        with pytest.raises(DataError, match="outside the dataset's folder"):
            pack(file, GB, tmp_path / "parcels")


def test_a_models_description_is_one_file(tmp_path):
    file = tmp_path / "models" / "mine.yaml"
    file.parent.mkdir()
    file.write_text("nc: 1\nbackbone: []\n")
    (file.parent / "other.pt").write_text("not asked for")
    parcel, place = sent(file, tmp_path)
    assert tree(place) == {"mine.yaml": file.read_bytes()}
    assert parcel.inside == "mine.yaml"


def test_more_than_the_limit_is_refused_before_anything_is_read(tmp_path):
    folder = make_folder(tmp_path / "data")
    with (folder / "large.bin").open("wb") as stream:
        stream.truncate(3_000_000_000)
    (tmp_path / "parcels").mkdir()
    with pytest.raises(UsageError, match=r"3\.00 GB, more than the 2 GB"):
        pack(folder, 2e9, tmp_path / "parcels")
    assert not list((tmp_path / "parcels").iterdir())
    with pytest.raises(FileProblem, match="not there"):
        pack(tmp_path / "nowhere", GB, tmp_path / "parcels")


def test_what_comes_damaged_is_not_kept(tmp_path):
    folder = make_folder(tmp_path / "data")
    (tmp_path / "parcels").mkdir()
    parcel = pack(folder, GB, tmp_path / "parcels")
    pieces = list(blocks(parcel.archive, 1000))
    with pytest.raises(DataError, match="damaged"):
        unpack(parcel.digest, iter(pieces[:-1]))
    assert kept(parcel.digest) is None
    assert not list((tmp_path / "cache").iterdir())


def test_an_archive_cannot_lead_out(tmp_path):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        head = tarfile.TarInfo("../out.txt")
        head.size = 3
        tar.addfile(head, io.BytesIO(b"bad"))
    import hashlib

    data = buffer.getvalue()
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpack(hashlib.sha256(data).hexdigest(), iter([data]))
    assert not (tmp_path / "cache" / "out.txt").exists()


def test_what_nobody_asked_for_long_is_thrown_away(tmp_path):
    old, _ = sent(make_folder(tmp_path / "old"), tmp_path)
    place = kept(old.digest)
    assert place is not None
    (tmp_path / "old" / "dataset.json").write_text("newer")
    os.utime(place, (1, time.time() - 15 * 86_400))
    new, _ = sent(tmp_path / "old", tmp_path)
    assert kept(old.digest) is None
    assert kept(new.digest) is not None


def piece(name: str, data: bytes, *, first: bool = True, last: bool = True) -> dict[str, object]:
    return {"name": name, "data": data, "first": first, "last": last}


def test_files_arrive_whole_or_not_at_all(tmp_path):
    arrivals = Arrivals(tmp_path)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "last.pt").write_bytes(b"old")
    arrivals.take(piece("weights/last.pt", b"ne", last=False))
    assert (tmp_path / "weights" / "last.pt").read_bytes() == b"old"
    arrivals.take(piece("weights/last.pt", b"w", first=False))
    assert (tmp_path / "weights" / "last.pt").read_bytes() == b"new"
    arrivals.take(piece("report/a.jpg", b"half", last=False))
    arrivals.close()
    assert tree(tmp_path) == {"weights/last.pt": b"new"}


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "", "C:/x", "a\\..\\x", "out/x"])
def test_a_file_cannot_leave_the_run(tmp_path, name):
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    (tmp_path / "beside").mkdir()
    (run_dir / "out").symlink_to(tmp_path / "beside")
    with pytest.raises(FileProblem, match="leads out"):
        Arrivals(run_dir).take(piece(name, b"x"))
    assert not list((tmp_path / "beside").iterdir())


def test_paths_are_told_in_words_of_here(tmp_path):
    words = {"/there/run": str(tmp_path), "/there/data": "/home/me/data"}
    told = in_words_of_here({"path": "/there/run/w.pt", "more": ["/there/data", 3]}, words)
    assert told == {"path": f"{tmp_path}/w.pt", "more": ["/home/me/data", 3]}
    (tmp_path / "config.toml").write_text('data = "/there/data"\n')
    (tmp_path / "weights.json").write_text('{"v": 1}')
    rewrite_paths(tmp_path, words)
    assert (tmp_path / "config.toml").read_text() == 'data = "/home/me/data"\n'
