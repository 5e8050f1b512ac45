"""MOT rows with keypoints: `frame,track,class,-1,-1,-1,-1,x,y,v,x,y,v,...`, a line an instance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from studio.core.errors import FormatError
from studio.io.files import read_text

FloatArray = npt.NDArray[np.float64]

_BEFORE_POINTS = 7


@dataclass(frozen=True, eq=False)
class Row:
    """One instance on one frame. keypoints: (K, 3) float64 x, y in pixels and v (labels: 0, 1,
    2; predictions: anything). where, line: the file it was read from, lines counted from 1.
    """

    frame: int
    track: int
    category: int
    keypoints: FloatArray
    where: str = ""
    line: int = 0


def read_rows(path: Path | str) -> tuple[Row, ...]:
    """The rows of one file. Raises FileProblem, or FormatError that names the line."""
    path = Path(path)
    rows: list[Row] = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        text = line.strip()
        if text and not text.startswith("#"):
            rows.append(_row(text, path, number))
    return tuple(rows)


def row_text(row: Row) -> str:
    """One line of a file, without its end; coordinates to a thousandth of a pixel."""
    points = ",".join(
        f"{x:.3f},{y:.3f},{v:.6g}" for x, y, v in np.asarray(row.keypoints, dtype=np.float64)
    )
    return f"{row.frame},{row.track},{row.category},-1,-1,-1,-1,{points}"


def rows_text(rows: Iterable[Row]) -> str:
    """A whole file's text."""
    return "".join(row_text(row) + "\n" for row in rows)


def _row(text: str, path: Path, line: int) -> Row:
    fields = text.split(",")
    count, rest = divmod(len(fields) - _BEFORE_POINTS, 3)
    if count < 1 or rest:
        raise _bad(
            f"Line {line} has {len(fields)} values; 7 and then 3 for each joint are needed",
            path,
            line,
        )
    try:
        values = [float(f) for f in fields]
    except ValueError:
        wrong = next(f for f in fields if not _is_number(f))
        raise _bad(f"Line {line} holds {wrong.strip()!r}, which is no number", path, line) from None
    if not np.isfinite(values).all() or any(v != int(v) for v in values[:3]):
        raise _bad(
            f"Line {line} holds a number that is not finite, or a frame, track or class that is "
            "not whole",
            path,
            line,
        )
    points = np.array(values[_BEFORE_POINTS:]).reshape(-1, 3)
    frame, track, category = (int(v) for v in values[:3])
    return Row(frame, track, category, points, str(path), line)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _bad(message: str, path: Path, line: int) -> FormatError:
    return FormatError(
        message + ".",
        where=f"{path}:{line}",
        hint="A row is frame,track,class,-1,-1,-1,-1 and x,y,v for each joint.",
    )
