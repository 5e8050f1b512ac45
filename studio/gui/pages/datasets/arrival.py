"""What an import has converted takes its place among the project's pictures; no Qt."""

from __future__ import annotations

import shutil
from pathlib import Path


def take_over(staged: Path, target: Path) -> Path:
    """The labelme part of a conversion becomes a folder of the project's pictures. The list of
    problems stays where the conversion wrote it. Raises FileProblem.
    """
    from studio.io.files import problem_of

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(staged / "labelme", target)
        (staged / "dataset.json").unlink(missing_ok=True)
    except OSError as error:
        raise problem_of(error, target, "write") from error
    return target
