"""Skeletons from TOML files: those that come along, the project's own, and any file by its path."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from studio import RESOURCES
from studio.core.errors import FormatError, StudioError, UsageError
from studio.core.skeleton import Skeleton
from studio.io.files import read_text

FOLDER = "skeletons"


def load_skeleton(name_or_path: str | Path, project: Path | None = None) -> Skeleton:
    """A skeleton by name ("coco17") or by the path of its TOML file.

    A project's own file hides the bundled one of the same name. Raises UsageError for an unknown
    name, FormatError for a file that is not TOML, DataError for one that is no skeleton.
    """
    text = str(name_or_path)
    if text.endswith(".toml") or "/" in text or "\\" in text:
        return read_skeleton(Path(text))
    files = skeleton_files(project)
    if text in files:
        return read_skeleton(files[text])
    for path in files.values():
        try:
            skeleton = read_skeleton(path)
        except StudioError:
            # A damaged file is reported where it is asked for, not where another one is.
            continue
        if skeleton.name == text:
            return skeleton
    raise UsageError(
        f"There is no skeleton called {text!r}.",
        hint=f"Known are {', '.join(files)}; or give the path of a TOML file.",
    )


def list_skeletons(project: Path | None = None) -> tuple[Skeleton, ...]:
    """The bundled skeletons and the project's own, by name. Raises FormatError, DataError."""
    return tuple(read_skeleton(path) for path in skeleton_files(project).values())


def guess_skeleton(count: int, names: Sequence[str] = ()) -> Skeleton:
    """The likeliest skeleton of a model or dataset that tells only its joints' number, or names.

    A bundled one with just these names; else one made of the names; by number alone the only
    bundled one, COCO's for 17 (other sets of 17 always name their joints), else a numbered one.
    """
    known = list_skeletons()
    listed = tuple(names)
    if len(listed) == count:
        for skeleton in known:
            if skeleton.keypoints == listed:
                return skeleton
        if len(set(listed)) == count and not all(name.isdigit() for name in listed):
            return Skeleton(name=f"points{count}", keypoints=listed)
    alike = [s for s in known if len(s) == count]
    coco = [s for s in alike if s.name == "coco17"]
    alike = coco or alike
    return alike[0] if len(alike) == 1 else Skeleton.numbered(count)


def skeleton_files(project: Path | None = None) -> dict[str, Path]:
    """Where each known skeleton stands, by file name without its ending."""
    folders = [RESOURCES / FOLDER]
    if project is not None:
        folders.append(project / FOLDER)
    found = {path.stem: path for folder in folders for path in sorted(folder.glob("*.toml"))}
    return dict(sorted(found.items()))


def read_skeleton(path: Path) -> Skeleton:
    """One TOML file. Raises FileProblem, FormatError, DataError."""
    try:
        data = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise FormatError(
            f"This skeleton is not TOML: {error}.", where=path, hint="Mend the line named."
        ) from error
    return Skeleton.from_mapping({"name": path.stem, **data}, where=str(path))


def skeleton_text(skeleton: Skeleton) -> str:
    """The skeleton as the TOML that `read_skeleton` reads, one joint, limb or pair a line."""
    import tomlkit

    document = tomlkit.document()
    for key, value in skeleton.to_mapping().items():
        if not isinstance(value, list):
            document[key] = value
            continue
        array: Any = tomlkit.array()
        array.extend(value)
        document[key] = array.multiline(True)
    return tomlkit.dumps(document)
