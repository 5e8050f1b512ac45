"""What a search leaves for people and for the window: `search.json` (how it was asked, and every
trial), `trials.csv`, and `best.toml`, the best trial's options as a preset.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

from studio.core.errors import FormatError
from studio.core.options import Options
from studio.core.search_space import value_text
from studio.io.files import atomic_write_text, read_json, write_json
from studio.jobs.search_study import Study, Trial

SEARCH_JSON, TRIALS_CSV, BEST_TOML = "search.json", "trials.csv", "best.toml"
# What belongs to a place and not to a way of training.
_OF_A_PLACE = frozenset({"dataset", "folder"})


@dataclass(frozen=True)
class Asked:
    """How a search was asked; a search that goes on keeps it.

    fixed: the family's options that every trial has. higher: more of `metric` is better.
    """

    family: str
    space: str
    metric: str
    higher: bool
    fixed: Mapping[str, Any]
    sampler: str
    pruner: str
    search_seed: int

    @classmethod
    def read(cls, folder: Path) -> Asked:
        """Of the search in `folder`. Raises FileProblem, FormatError."""
        path = folder / SEARCH_JSON
        data = read_json(path)
        try:
            if data["v"] != 1:
                raise ValueError("another version")
            return cls(**{name: data[name] for name in cls.__dataclass_fields__})
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(
                f"This search cannot be read ({error}).", where=path, hint="Start a new search."
            ) from error


def write_table(folder: Path, asked: Asked, study: Study, trials: int) -> None:
    """All three files, as things stand now."""
    rows = [study.trials[number] for number in sorted(study.trials)]
    best = study.best
    write_json(
        folder / SEARCH_JSON,
        {
            "v": 1,
            **{name: getattr(asked, name) for name in Asked.__dataclass_fields__},
            "wanted": trials,
            "best": None if best is None else best.number,
            "trials": [plain_value(row.to_mapping()) for row in rows],
        },
    )
    atomic_write_text(folder / TRIALS_CSV, _csv(rows, [d.name for d in study.space], asked.metric))


def write_best(folder: Path, asked: Asked, best: Trial, declared: type[Options]) -> Path:
    """The best trial's options as a preset, without the dataset, which belongs to a project."""
    places = {f.name for f in declared.fields() if f.kind in _OF_A_PLACE}
    values = {**asked.fixed, **best.params}
    kept = {k: plain_value(v) for k, v in values.items() if k not in places and v is not None}
    document = tomlkit.document()
    more = f"{asked.metric} {best.value:.6g}, trial {best.number}, best epoch {best.best_epoch}"
    document.add(tomlkit.comment(f"{asked.family}: {more}"))
    document.update(kept)
    atomic_write_text(folder / BEST_TOML, tomlkit.dumps(document))
    return folder / BEST_TOML


def _csv(rows: Sequence[Trial], names: Sequence[str], metric: str) -> str:
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["trial", "state", *names, metric, "best_epoch", "epochs", "seconds", "message"])
    for row in rows:
        value = row.to_mapping()["value"]
        told = "" if value is None else value
        params = [value_text(row.params.get(n)) for n in names]
        end = [told, row.best_epoch, row.epoch, row.seconds, row.message]
        table.writerow([row.number, row.state, *params, *end])
    return out.getvalue()


def plain_value(value: Any) -> Any:
    """As JSON and TOML hold it."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple | list):
        return [plain_value(v) for v in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, Mapping):
        return {str(k): plain_value(v) for k, v in value.items()}
    return value
