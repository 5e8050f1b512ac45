"""Disks that are full, read-only or gone, and two windows: told on the page, and nothing is lost."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from studio.io import journal, labelme
from studio.io.windows import Presence
from tests.gui.annotating import Hands, annotation, make_project

Key = Qt.Key


def mount(*words: str) -> bool:
    """Whether it could be mounted: root may, where the system lets it."""
    if shutil.which("mount") is None:
        return False
    return subprocess.run(["mount", *words], capture_output=True, check=False).returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 kB of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    if not mount("-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)):
        pytest.skip("a disk cannot be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(path: Path) -> None:
    """A file that takes all that is left of its disk."""
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as stream:
        while True:
            stream.write(b"x" * 512)


def click_points(hands: Hands, *spots: tuple[float, float]) -> None:
    hands.key(Key.Key_P)
    for spot in spots:
        hands.click(*spot)


def as_killed(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], list[journal.Recovery]]:
    """What the next window would find if this one were killed now."""

    def found(project: Path) -> list[journal.Recovery]:
        with monkeypatch.context() as patch:
            patch.setattr(journal, "_is_running", lambda _head: False)
            return list(journal.leftovers(project))

    return found


def test_a_full_disk(hands: Hands, small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (picture,) = make_project(small_disk, 1)
    path = annotation(picture, [{"label": "tree", "points": [[5, 5]]}])
    before = path.read_bytes()
    page = hands.open(small_disk)
    hands.wait_picture()
    click_points(hands, (50, 50))
    filler = small_disk / "filler"
    fill(filler)
    click_points(hands, (60, 60), (70, 70))
    hands.ctrl(Key.Key_S)
    assert page.banner.isVisible()
    assert "disk is full" in page.banner.message.text()
    assert path.read_bytes() == before
    assert page.document.is_dirty(picture)
    assert len(page.document.content.shapes) == 4
    # The journal has moved to the person's own disk, with all that was edited.
    (kept,) = as_killed(monkeypatch)(small_disk)
    assert kept.image is not None
    assert len(kept.image.shapes) == 4
    filler.unlink()
    hands.ctrl(Key.Key_S)
    assert not page.document.is_dirty(picture)
    assert len(labelme.read(path).shapes) == 4
    assert as_killed(monkeypatch)(small_disk) == []


def test_a_read_only_disk(hands: Hands, small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (picture,) = make_project(small_disk, 1)
    path = annotation(picture, [{"label": "tree", "points": [[5, 5]]}])
    before = path.read_bytes()
    assert mount("-o", "remount,ro", str(small_disk))
    page = hands.open(small_disk)
    hands.wait_picture()
    click_points(hands, (50, 50))
    hands.ctrl(Key.Key_S)
    assert page.banner.isVisible()
    assert "read-only" in page.banner.message.text()
    assert path.read_bytes() == before
    assert page.document.is_dirty(picture)
    (kept,) = as_killed(monkeypatch)(small_disk)
    assert kept.image is not None
    assert len(kept.image.shapes) == 2
    assert mount("-o", "remount,rw", str(small_disk))
    hands.ctrl(Key.Key_S)
    assert len(labelme.read(path).shapes) == 2


def test_a_folder_that_vanishes_and_comes_back(
    hands: Hands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "p"
    (picture,) = make_project(folder, 1)
    path = annotation(picture, [{"label": "tree", "points": [[5, 5]]}])
    page = hands.open(folder)
    hands.wait_picture()
    click_points(hands, (50, 50))
    folder.rename(tmp_path / "away")
    page.keeper.watch()
    assert page.banner.isVisible()
    assert "not there any more" in page.banner.message.text()
    assert page.document.content.shapes[0].label == "tree"
    page.banner.clear()
    page.keeper.watch()
    assert not page.banner.isVisible()  # said once
    click_points(hands, (60, 60))
    hands.ctrl(Key.Key_S)
    assert page.banner.isVisible()
    assert not folder.exists()  # nothing is made in the place of a drive that is away
    assert len(page.document.content.shapes) == 3
    (tmp_path / "away").rename(folder)
    page.keeper.watch()
    hands.ctrl(Key.Key_S)
    assert len(labelme.read(path).shapes) == 3
    assert as_killed(monkeypatch)(folder) == []


def test_without_unsaved_edits_a_vanished_folder_changes_nothing(
    hands: Hands, tmp_path: Path
) -> None:
    folder = tmp_path / "p"
    (picture,) = make_project(folder, 1)
    annotation(picture, [{"label": "tree", "points": [[5, 5]]}])
    page = hands.open(folder)
    folder.rename(tmp_path / "away")
    page.keeper.watch()
    assert hands.labels() == ["tree"]
    assert page.document.history.count() == 0


def test_two_windows_on_one_folder_are_told(hands: Hands, tmp_path: Path) -> None:
    folder = tmp_path / "p"
    make_project(folder, 1)
    page = hands.open(folder)
    assert page.parts.others.isHidden()
    other = Presence(folder)
    other.renew()
    page.keeper.watch()
    assert not page.parts.others.isHidden()
    other.leave()
    page.keeper.watch()
    assert page.parts.others.isHidden()
    assert page.confirm_close()
    assert Presence(folder).others() == ()
