"""What stands in the picture folders: names first, the annotations' content by helper processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from studio.core.errors import StudioError
from studio.core.skeleton import Skeleton
from studio.io import labelme
from studio.io.files import IMAGE_SUFFIXES, problem_of, remove_leftovers
from studio.io.picture_facts import PictureFacts, facts_of

_ENDINGS = IMAGE_SUFFIXES | {suffix.upper() for suffix in IMAGE_SUFFIXES}


def names_in(
    folders: Sequence[Path], root: Path, skip: Callable[[str], bool] = lambda _path: False
) -> dict[str, str]:
    """The annotation's name ("" for none) by each picture's, both relative to `root` with forward
    slashes, or absolute where they stand outside.

    No file is opened or asked for its times. Hidden folders, datasets and those that `skip` names
    are left out. Raises FileProblem where a folder cannot be listed.
    """
    found: dict[str, str] = {}
    for folder in folders:
        try:
            _walk(str(folder), str(root), found, skip)
        except OSError as error:
            raise problem_of(error, folder, "read") from error
    return found


def key_of(path: str, root: str) -> str:
    """How a file or folder is named in the list."""
    text = os.path.abspath(path)  # noqa: PTH100 - without following links
    if text == root:
        return ""
    return text.removeprefix(root.rstrip(os.sep) + os.sep).replace(os.sep, "/")


def _walk(folder: str, root: str, found: dict[str, str], skip: Callable[[str], bool]) -> None:
    pictures: list[str] = []
    annotations: set[str] = set()
    inner: list[str] = []
    leftovers = False
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            stem, suffix = os.path.splitext(name)  # noqa: PTH122 - ten times as fast here
            if name.startswith("."):
                leftovers = leftovers or ".part" in name
            elif suffix == labelme.SUFFIX:
                annotations.add(stem)
            elif suffix in _ENDINGS or suffix.lower() in IMAGE_SUFFIXES:
                pictures.append(name)
            elif entry.is_dir(follow_symlinks=False) and not skip(entry.path):
                inner.append(entry.path)
    if leftovers:
        remove_leftovers(Path(folder))
    if "dataset" in annotations:
        return
    key = key_of(folder, root)
    start = f"{key.rstrip('/')}/" if key else ""
    for name in pictures:
        stem = name[: name.rfind(".")]
        beside = f"{start}{stem}{labelme.SUFFIX}" if stem in annotations else ""
        found[start + name] = beside
    for path in inner:
        _walk(path, root, found, skip)


class ToRead(NamedTuple):
    """A picture to look at: its name and its annotation's, and the stamp that the list knows."""

    path: str
    annotation: str
    stamp: str


class Looked(NamedTuple):
    """What was found: the stamp now, and the facts; None where nothing has changed."""

    item: ToRead
    stamp: str
    facts: PictureFacts | None


@dataclass(frozen=True)
class Reader:
    """What a helper process needs to read annotations; it travels with every chunk."""

    root: Path
    skeletons: tuple[Skeleton, ...]

    def look(self, items: Sequence[ToRead]) -> list[Looked]:
        """Each picture's stamp, and where it is not the known one, the facts of its annotation."""
        return [self._look(item) for item in items]

    def _look(self, item: ToRead) -> Looked:
        stamp = self.stamp(item.path, item.annotation)
        # What cannot be looked at now, such as on a drive that is away, stays as it was.
        known = stamp in ("", item.stamp)
        return Looked(item, stamp, None if known else self.facts(item.annotation))

    def stamp(self, path: str, annotation: str) -> str:
        """What changes when a picture or its annotation changes; "" where it is gone."""
        root = str(self.root)
        try:
            picture = os.stat(os.path.join(root, path))  # noqa: PTH116, PTH118
            text = f"{picture.st_mtime_ns}:{picture.st_size}:"
            if annotation:
                beside = os.stat(os.path.join(root, annotation))  # noqa: PTH116, PTH118
                text += f"{beside.st_mtime_ns}:{beside.st_size}"
        except OSError:
            # Gone, or its drive is, since it was listed: it is looked at again the next time.
            return ""
        return text

    def facts(self, annotation: str) -> PictureFacts:
        """What the annotation file says; why, where it cannot be read."""
        if not annotation:
            return PictureFacts()
        try:
            return facts_of(labelme.read(self.root / annotation), self.skeletons)
        except StudioError as error:
            return PictureFacts(state="problem", problem=f"{error.message} {error.hint}".strip())
