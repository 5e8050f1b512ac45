"""Pictures of a report on which the model is wrong and the label is right; no Qt.

They stand in `marks.json` beside the report: `{"v": 1, "model_errors": ["name.jpg", ...]}`, by the
path that the report itself gives.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

from studio.core.errors import FormatError

MARKS = "marks.json"
_KEY = "model_errors"
_writing = threading.Lock()


def marks_file(report: Path) -> Path:
    """Where the marks of `report` (its `report.json`) stand."""
    return report.with_name(MARKS)


def read_marks(report: Path) -> frozenset[Path]:
    """The pictures marked. Raises FormatError for a file that is none, FileProblem."""
    from studio.io.files import read_json

    path = marks_file(report)
    if not path.is_file():
        return frozenset()
    data = read_json(path)
    names = data.get(_KEY) if isinstance(data, dict) else None
    if not isinstance(names, list):
        raise FormatError(
            "These marks cannot be read.", where=path, hint="Delete the file to begin anew."
        )
    return frozenset(Path(str(name)) for name in names)


def write_marks(report: Path, marked: Iterable[Path]) -> None:
    """Keep the pictures marked, whole or not at all. Raises FileProblem."""
    from studio.io.files import write_json

    with _writing:
        write_json(marks_file(report), {"v": 1, _KEY: sorted(str(p) for p in marked)})
