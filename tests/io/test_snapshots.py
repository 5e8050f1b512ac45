"""Many files changed in one step, and taken back."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from studio.core.annotation import AnnotatedImage, Shape
from studio.core.errors import Cancelled, FileProblem
from studio.io import labelme, snapshots
from studio.io.images import write_image


def _pictures(folder: Path, count: int = 3) -> list[Path]:
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"p{n}.png" for n in range(count)]
    for path in paths:
        write_image(path, np.zeros((30, 40, 3), np.uint8))
    return paths


def _mark(_picture: Path, image: AnnotatedImage) -> AnnotatedImage:
    return replace(image, shapes=(*image.shapes, Shape("nose", "point", ((1.0, 2.0),), 1)))


def test_changes_and_back_and_again(tmp_path: Path) -> None:
    pictures = _pictures(tmp_path)
    labelme.write(pictures[0].with_suffix(".json"), labelme.new_image(pictures[0], (40, 30)))
    first = pictures[0].with_suffix(".json").read_bytes()
    done = snapshots.edit_files(pictures, _mark, tmp_path / ".studio" / "snapshots")
    assert done is not None
    assert done.paths == tuple(p.with_suffix(".json") for p in pictures)
    assert labelme.read(pictures[1].with_suffix(".json")).shapes[0].label == "nose"
    redo = snapshots.revert(done)
    assert pictures[0].with_suffix(".json").read_bytes() == first
    assert not pictures[1].with_suffix(".json").exists()
    again = snapshots.revert(redo)
    assert again.files == done.files
    assert labelme.read(pictures[2].with_suffix(".json")).width == 40


def test_a_file_changed_outside_stops_it(tmp_path: Path) -> None:
    pictures = _pictures(tmp_path)
    done = snapshots.edit_files(pictures, _mark, tmp_path / "store")
    assert done is not None
    pictures[1].with_suffix(".json").write_text("{}")
    with pytest.raises(FileProblem) as raised:
        snapshots.revert(done)
    assert "p1.json" in str(raised.value.where)
    assert pictures[0].with_suffix(".json").exists()


def test_a_failure_puts_everything_back(tmp_path: Path) -> None:
    pictures = _pictures(tmp_path)

    def stop(done: int, _total: int) -> None:
        if done == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        snapshots.edit_files(pictures, _mark, tmp_path / "store", progress=stop)
    assert not list(tmp_path.glob("*.json"))
    assert not list((tmp_path / "store").iterdir())


def test_nothing_to_do_leaves_nothing(tmp_path: Path) -> None:
    pictures = _pictures(tmp_path)
    assert snapshots.edit_files(pictures, lambda _p, _i: None, tmp_path / "store") is None
    assert not list((tmp_path / "store").iterdir())


def test_unreadable_files_are_told_and_left(tmp_path: Path) -> None:
    pictures = _pictures(tmp_path)
    pictures[0].with_suffix(".json").write_text("broken")
    problems: list[Exception] = []
    done = snapshots.edit_files(pictures, _mark, tmp_path / "store", problems=problems)  # type: ignore[arg-type]
    assert done is not None
    assert len(done.files) == 2
    assert len(problems) == 1
    assert pictures[0].with_suffix(".json").read_text() == "broken"


def test_old_ones_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "KEPT", 2)
    store = tmp_path / "store"
    for number in range(4):
        snapshots.apply([(tmp_path / f"{number}.txt", b"x")], store)
    assert len(list(store.iterdir())) == 2


def test_a_change_cut_off_by_a_crash_is_found_and_put_back(tmp_path: Path) -> None:
    script = """
import os, sys
from pathlib import Path
from studio.io import snapshots
folder = Path(sys.argv[1])
real, made = snapshots._set, []
def dying(store, path, digest):
    if len(made) == 2:
        os._exit(9)
    made.append(path)
    real(store, path, digest)
snapshots._set, snapshots.WRITERS = dying, 1
snapshots.apply([(folder / f"{n}.json", b"new") for n in range(4)], folder / "store", title="t")
"""
    for number in range(4):
        (tmp_path / f"{number}.json").write_bytes(b"old")
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(root)},
        check=False,
    )
    assert done.returncode == 9
    assert [(tmp_path / f"{n}.json").read_bytes() for n in range(4)] == [b"new"] * 2 + [b"old"] * 2
    (left,) = snapshots.unfinished(tmp_path / "store")
    assert left.title == "t"
    (tmp_path / "1.json").write_bytes(b"mine")
    assert snapshots.put_back(left) == (tmp_path / "1.json",)
    assert (tmp_path / "0.json").read_bytes() == b"old"
    assert (tmp_path / "1.json").read_bytes() == b"mine"
    assert snapshots.unfinished(tmp_path / "store") == ()


def test_what_is_whole_is_not_unfinished(tmp_path: Path) -> None:
    made = snapshots.apply([(tmp_path / "a.txt", b"x")], tmp_path / "store")
    snapshots.revert(snapshots.revert(made))
    assert snapshots.unfinished(tmp_path / "store") == ()
    assert snapshots.unfinished(tmp_path / "nowhere") == ()
