"""`quality.json`: what the quality desk found, and what is usual in the data it looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.core.errors import FormatError
from studio.io.files import read_json, write_json
from studio.io.plain import is_table

NAME = "quality.json"


@dataclass(frozen=True)
class QualityReport:
    """found: (picture, finding as plain values), the most serious first. usual: what is usual for
    the skeleton, as plain values.
    """

    skeleton: str
    pictures: int
    found: tuple[tuple[Path, Mapping[str, Any]], ...]
    usual: Mapping[str, Any]


def write_report(path: Path, report: QualityReport) -> None:
    """Raises FileProblem."""
    write_json(
        path,
        {
            "v": 1,
            "skeleton": report.skeleton,
            "pictures": report.pictures,
            "usual": dict(report.usual),
            "found": [{"picture": str(p), **finding} for p, finding in report.found],
        },
    )


def read_report(path: Path) -> QualityReport:
    """Raises FileProblem, FormatError."""
    data = read_json(path)
    try:
        rows: Sequence[dict[str, Any]] = data["found"]
        found = tuple((Path(row["picture"]), row) for row in rows)
        return QualityReport(str(data["skeleton"]), int(data["pictures"]), found, data["usual"])
    except (KeyError, TypeError, ValueError) as error:
        kind = "" if is_table(data) else " (no table)"
        raise FormatError(
            f"This is no quality report{kind}: {error!r}.", where=path, hint="Check again."
        ) from error
