"""What a person does with a run's folder: notes on it, and putting it away; no Qt."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from studio.core.errors import FileProblem

NOTES = "notes.txt"
TRASH = Path(".studio", "trash")


def read_notes(folder: Path) -> str:
    """The person's own words on a run. Raises FileProblem."""
    from studio.io.files import read_text

    path = folder / NOTES
    return read_text(path) if path.is_file() else ""


def write_notes(folder: Path, text: str) -> None:
    """Keep them; no words, no file. Raises FileProblem."""
    from studio.io.files import atomic_write_text, problem_of

    path = folder / NOTES
    if text.strip():
        atomic_write_text(path, text)
        return
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise problem_of(error, path, "write") from error


def put_away(folder: Path, project: Path) -> Path:
    """Move a folder of the project into its trash; returns where it stands there.

    Raises FileProblem.
    """
    from studio.io.files import problem_of

    trash = project / TRASH
    place = trash / f"{time.strftime('%Y%m%d-%H%M%S')}-{folder.name}"
    number = 2
    while place.exists():
        place = trash / f"{time.strftime('%Y%m%d-%H%M%S')}-{folder.name}-{number}"
        number += 1
    try:
        trash.mkdir(parents=True, exist_ok=True)
        shutil.move(folder, place)
    except OSError as error:
        raise problem_of(error, folder, "move") from error
    return place


def put_back(place: Path, folder: Path) -> Path:
    """Move a folder from the trash to where it was. Raises FileProblem."""
    from studio.io.files import problem_of

    if folder.exists():
        raise FileProblem(
            "Something of this name is there again.",
            where=folder,
            hint=f"What was put away stands in {place}.",
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(place, folder)
    except OSError as error:
        raise problem_of(error, folder, "move") from error
    return folder
