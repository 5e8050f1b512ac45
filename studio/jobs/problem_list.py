"""What was wrong with single files of a conversion: told, and written as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from studio.core.errors import Problem
from studio.core.job import JobContext

_LOGGED = 20


def write_problems(path: Path, problems: Sequence[Problem]) -> None:
    """One row each, with a byte order mark so that spreadsheets read the names right."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("severity", "file", "line", "message", "what to do"))
    for p in problems:
        rows.writerow((p.severity, p.where, "" if p.line is None else p.line, p.message, p.hint))
    path.write_text(text.getvalue(), encoding="utf-8-sig")


def say_problems(problems: Sequence[Problem], context: JobContext) -> None:
    """The first ones as log lines."""
    for problem in problems[:_LOGGED]:
        context.log(str(problem), "error" if problem.severity == "error" else "warning")
    if len(problems) > _LOGGED:
        context.log(f"... and {len(problems) - _LOGGED} more.", "warning")
