"""Which pictures of a folder are looked at: those on a list, or of one format."""

from __future__ import annotations

from pathlib import Path

from studio.core.errors import FileProblem, UsageError
from studio.io.files import list_images
from studio.io.headpose_set import read_names, resolve_name
from studio.runtime.sources import ImagesSource


def chosen_pictures(text: str, names: Path | None, ending: str) -> ImagesSource | None:
    """The pictures of the folder `text` that the list `names` names, one a line with or without
    its ending, or that end in `ending`; None where neither is asked for.

    Raises FileProblem where there are none, UsageError where `text` is no folder, FormatError where
    the list leads out of it.
    """
    if names is None and not ending:
        return None
    folder = Path(text).expanduser()
    if not folder.is_dir():
        raise UsageError(
            "Only pictures of a folder can be chosen.",
            where="filename_list" if names is not None else "img_ext",
            hint="Give --source a folder, or leave this out.",
        )
    ending = f".{ending.lower().lstrip('.')}" if ending else ""
    if names is None:
        found = list_images(folder) or list_images(folder, recursive=True)
        found = tuple(path for path in found if path.suffix.lower() == ending)
    else:
        found = tuple(_named(folder, name, ending) for name in read_names(names))
    if not found and names is not None:
        raise FileProblem("This list names no pictures.", where=names)
    if not found:
        raise FileProblem(f"No picture of this folder ends in {ending}.", where=folder)
    return ImagesSource(text, dict.fromkeys(found))


def _named(folder: Path, name: str, ending: str) -> Path:
    picture = resolve_name(folder, name)
    told = resolve_name(folder, name + ending) if ending else picture
    return told if told.is_file() else picture
