"""Where a run's results go, and what its pictures are called in them."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from pathlib import Path

from studio.core.errors import DataError, FileProblem
from studio.runtime.sources import ImagesSource, Source

# Formats that a drawn picture can be written in under its own name; others get .png added.
_WRITABLE = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})


def next_folder(root: Path, hint: str) -> Path:
    """The next free `root`/<n>, made. hint: what to do where that cannot be. Raises
    FileProblem.
    """
    for number in itertools.count(1):
        folder = root / str(number)
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise FileProblem(
                f"Results cannot be written here: {error.strerror}.",
                where=root,
                hint=hint,
            ) from error
        return folder
    raise AssertionError


def picture_names(source: Source) -> dict[Path, str]:
    """What each picture is called in the results: its file name, or, where two share one, its
    path below the folder that holds them all.
    """
    if not isinstance(source, ImagesSource):
        return {}
    paths = source.paths
    if len({p.name for p in paths}) == len(paths):
        return {p: p.name for p in paths}
    whole = [p.absolute() for p in paths]
    if len({p.anchor for p in whole}) > 1:
        # Several drives have no folder in common: C:/a/x.jpg is called C/a/x.jpg.
        return {
            p: "/".join((w.drive.strip(":\\/"), *w.parts[1:]))
            for p, w in zip(paths, whole, strict=True)
        }
    root = os.path.commonpath([w.parent for w in whole])
    return {p: w.relative_to(root).as_posix() for p, w in zip(paths, whole, strict=True)}


def drawn_targets(names: Mapping[Path, str], folder: Path, hint: str) -> dict[Path, Path]:
    """Where each drawn picture goes. hint: what to do where it cannot. Raises DataError where
    that is the picture itself.
    """
    targets: dict[Path, Path] = {}
    for path, name in names.items():
        target = folder / name
        if target.suffix.lower() not in _WRITABLE:
            target = target.with_name(target.name + ".png")
        if target.resolve() == path.resolve():
            raise DataError(
                "Drawn pictures would replace the pictures themselves.",
                where=folder,
                hint=hint,
            )
        targets[path] = target
    return targets
