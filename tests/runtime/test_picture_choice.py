"""Pictures of a folder by a list or by their ending."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.core.errors import FileProblem, FormatError, UsageError
from studio.io.images import write_image
from studio.runtime.picture_choice import chosen_pictures


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "pictures"
    for name in ("a.png", "b.jpg", "in/c.JPG", "in/d.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        write_image(
            (root / name).with_suffix(Path(name).suffix.lower()), np.zeros((8, 8, 3), np.uint8)
        )
    return root


def names(folder: Path, listed: str | None = None, ending: str = "") -> list[str] | None:
    path = None
    if listed is not None:
        path = folder.parent / "list.txt"
        path.write_text(listed, encoding="utf-8")
    source = chosen_pictures(str(folder), path, ending)
    if source is None:
        return None
    assert [f.picture is not None for f in source] == [p.is_file() for p in source.paths]
    return [p.relative_to(folder).as_posix() for p in source.paths]


def test_nothing_asked_is_nothing_chosen(folder: Path) -> None:
    assert names(folder) is None


def test_an_ending_with_or_without_its_dot(folder: Path) -> None:
    assert names(folder, ending=".png") == ["a.png"]
    assert names(folder, ending="JPG") == ["b.jpg"]
    assert names(folder / "in", ending="png") == ["d.png"]


def test_a_list_keeps_its_order_and_takes_each_once(folder: Path) -> None:
    assert names(folder, "in/d\nb\n\na.png\nb.jpg\n") == ["in/d.png", "b.jpg", "a.png"]
    # With an ending it is put behind names that have none.
    assert names(folder, "in/c\n", ".jpg") == ["in/c.jpg"]
    # One that is not there stays in the row and is reported when it is read.
    assert names(folder, "gone.png\na\n") == ["gone.png", "a.png"]


def test_what_cannot_be_chosen(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match=r"ends in \.tif"):
        names(folder, ending="tif")
    with pytest.raises(FileProblem, match="names no pictures"):
        names(folder, "\n")
    for outside in ("../list.txt", "/etc/passwd", "C:/x.png"):
        with pytest.raises(FormatError, match="leads out"):
            names(folder, outside)
    with pytest.raises(UsageError, match="of a folder"):
        chosen_pictures(str(folder / "a.png"), None, ".png")
    with pytest.raises(FileProblem):
        chosen_pictures(str(folder), tmp_path / "no-list.txt", "")
