"""Which JSON files of a folder are meant, told by a look at their ends: some are gigabytes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

_END = 1 << 16
_JOINTS = re.compile(rb'"keypoints"\s*:\s*\[((?:\s*"(?:[^"\\]|\\.)*"\s*,?)+)\]')
_NAME = re.compile(rb'"((?:[^"\\]|\\.)*)"')
# Where annotation files stand below a dataset's folder, the likeliest first.
_PLACES = ("*.json", "annotations/*.json", "annotations/*/*.json", "json/*.json")


def ends_of(path: Path) -> bytes:
    """The first and the last 64 kB of a file; nothing where it cannot be read."""
    try:
        with path.open("rb") as stream:
            start = stream.read(_END)
            size = stream.seek(0, 2)
            stream.seek(max(_END, size - _END))
            return start + stream.read()
    except OSError:
        return b""


def joint_names(data: bytes) -> tuple[str, ...]:
    """The names of the first category's joints in plain spelling: "Head top" is "head_top"."""
    found = _JOINTS.search(data)
    names = _NAME.findall(found[1]) if found else []
    return tuple(plain(name.decode("utf-8", errors="replace")) for name in names)


def plain(name: str) -> str:
    """A joint's name as the studio spells names."""
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def files_below(path: Path, fits: Callable[[Path], bool]) -> tuple[Path, ...]:
    """The file itself, or those of a folder that fit; of several places only the first that has
    any: the others say the same again.
    """
    if path.is_file():
        return (path,) if path.suffix.lower() == ".json" and fits(path) else ()
    for place in _PLACES:
        found = tuple(p for p in sorted(path.glob(place)) if p.name != "dataset.json" and fits(p))
        if found:
            return found
    return ()
