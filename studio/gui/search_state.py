"""A search as the window shows it: from `search.json`, and from its events while it runs. No Qt."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.core.errors import FormatError
from studio.core.job import JobEvent
from studio.core.options import N_
from studio.core.search_space import value_text

SEARCH_JSON = "search.json"
TRIAL = "trial"
RUNNING, DONE = "running", "done"
STATES = {
    RUNNING: N_("Running"),
    DONE: N_("Done"),
    "pruned": N_("Broken off"),
    "failed": N_("Failed"),
    "cancelled": N_("Cancelled"),
}


@dataclass(frozen=True)
class TrialRow:
    """One trial; `value` is NaN where none is known."""

    number: int
    state: str
    params: Mapping[str, Any]
    value: float = math.nan
    best_epoch: int = 0
    epoch: int = 0
    seconds: float = 0.0
    folder: str = ""
    message: str = ""
    machine: str = ""

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> TrialRow:
        """Of a `trial` event or a row of `search.json`."""
        value = data.get("value")
        return cls(
            number=int(data["number"]),
            state=str(data.get("state", "")),
            params=dict(data.get("params") or {}),
            value=float(value) if isinstance(value, int | float) else math.nan,
            best_epoch=int(data.get("best_epoch") or 0),
            epoch=int(data.get("epoch") or 0),
            seconds=float(data.get("seconds") or 0),
            folder=str(data.get("folder") or ""),
            message=str(data.get("message") or ""),
            machine=str(data.get("machine") or ""),
        )


@dataclass
class SearchState:
    """What is known of a search."""

    folder: Path
    family: str = ""
    metric: str = ""
    higher: bool = True
    space: str = ""
    wanted: int = 0
    best: int | None = None
    fixed: Mapping[str, Any] = field(default_factory=dict[str, Any])
    trials: dict[int, TrialRow] = field(default_factory=dict[int, TrialRow])

    def feed(self, event: JobEvent) -> bool:
        """Take a `trial` event in; whether it was one."""
        if event.event != TRIAL:
            return False
        row = TrialRow.read(event.data)
        self.trials[row.number] = row
        best = event.data.get("best")
        self.best = None if best is None else int(best)
        return True

    @property
    def rows(self) -> list[TrialRow]:
        """All trials in order."""
        return [self.trials[n] for n in sorted(self.trials)]

    @property
    def best_row(self) -> TrialRow | None:
        """The best trial that ran to its end."""
        return self.trials.get(self.best) if self.best is not None else None

    @property
    def ended(self) -> int:
        """How many trials came to an end of their own."""
        return sum(r.state in (DONE, "pruned", "failed") for r in self.trials.values())

    @property
    def names(self) -> list[str]:
        """The options that are varied."""
        first = next(iter(self.trials.values()), None)
        return list(first.params) if first is not None else []

    def options(self) -> dict[str, Any]:
        """The best trial's options, those that every trial had with them."""
        row = self.best_row
        return {**self.fixed, **row.params} if row is not None else {}


def read_search(folder: Path) -> SearchState:
    """Raises FormatError where there is no search."""
    path = folder / SEARCH_JSON
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return SearchState(
            folder,
            family=str(data["family"]),
            metric=str(data["metric"]),
            higher=bool(data["higher"]),
            space=str(data["space"]),
            wanted=int(data.get("wanted") or 0),
            best=data.get("best"),
            fixed=dict(data.get("fixed") or {}),
            trials={r.number: r for r in map(TrialRow.read, data["trials"])},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FormatError(f"This search cannot be read: {error}.", where=path) from error


def searches(project: Path) -> list[Path]:
    """The folders of a project's searches, the newest first."""
    found = [p.parent for p in (project / "searches").glob(f"*/*/{SEARCH_JSON}")]
    return sorted(found, key=lambda f: (f / SEARCH_JSON).stat().st_mtime, reverse=True)


def shown(value: Any) -> str:
    """A value of an option in a table: short."""
    return f"{value:.4g}" if isinstance(value, float) else value_text(value)
