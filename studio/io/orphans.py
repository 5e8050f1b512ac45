"""Annotation files whose picture is not there: they would be seen by nobody."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import orjson

from studio.core.errors import FileProblem
from studio.io.files import IMAGE_SUFFIXES, read_bytes

SUFFIX = ".json"


def orphans(
    folders: Iterable[Path],
    skip: Callable[[str], bool] = lambda _path: False,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[Path, ...]:
    """The labelme files below `folders` that have no picture beside them, in order.

    Folders of datasets and those that `skip` names are left out, as are other JSON files.
    """
    found: list[Path] = []
    for folder in folders:
        for place, inner, names in os.walk(folder):
            if cancelled():
                return tuple(found)
            if "dataset.json" in names:
                inner.clear()
                continue
            inner[:] = sorted(
                name
                for name in inner
                if not name.startswith(".") and not skip(os.path.join(place, name))  # noqa: PTH118
            )
            pictures = {Path(n).stem for n in names if Path(n).suffix.lower() in IMAGE_SUFFIXES}
            lone = (n for n in names if n.endswith(SUFFIX) and not n.startswith("."))
            bare = (Path(place, n) for n in sorted(lone) if n.removesuffix(SUFFIX) not in pictures)
            found += [path for path in bare if _is_annotation(path)]
    return tuple(found)


def _is_annotation(path: Path) -> bool:
    try:
        value: object = orjson.loads(read_bytes(path))
    except (FileProblem, orjson.JSONDecodeError):
        return False
    return isinstance(value, dict) and "shapes" in value and "imagePath" in value
