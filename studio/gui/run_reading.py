"""A stored run as a RunHistory: from its events, or from the table of a run that has none. No Qt."""

from __future__ import annotations

import csv
import json
import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from studio.core.errors import FileProblem
from studio.gui.job import replay
from studio.gui.run_history import EPOCH, VAL, RunHistory, Series

TABLE = "results.csv"
# The names that such a table gives to what the studio calls otherwise.
_NAMES = {"mAP50-95": "AP", "mAP50": "AP50"}
# Values of poses, not of boxes, are the ones that a training here is about.
_POSE, _BOX = "(P)", "(B)"


def read_history(folder: Path) -> RunHistory:
    """Everything that a run's folder tells. Raises FileProblem."""
    history = RunHistory().feed_all(replay(folder))
    if history.started:
        return history.close()
    history.status = "ok" if _is_finished(folder) else "crashed"
    _read_table(folder / TABLE, history)
    history.artifacts = [("picture", str(p)) for p in sorted(folder.glob("report/*.jpg"))]
    return history


def read_options(folder: Path) -> dict[str, Any]:
    """The options that a run was trained with, plain values: from its `config.toml`, else those
    that were asked for; none where neither can be read.
    """
    try:
        found = tomllib.loads((folder / "config.toml").read_text(encoding="utf-8")).get("options")
    except (OSError, ValueError):
        try:
            found = json.loads((folder / "spec.json").read_bytes()).get("options")
        except (OSError, ValueError, AttributeError):
            return {}
    return dict(found) if isinstance(found, Mapping) else {}


def _is_finished(folder: Path) -> bool:
    return any(folder.glob("**/model.json")) or any(folder.glob("weights/best.*"))


def _read_table(path: Path, history: RunHistory) -> None:
    """A row an epoch: `epoch, time, train/..., metrics/..., val/...`."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FileProblem(f"The run's table cannot be read: {error}.", where=path) from error
    for row in rows:
        values = {str(k).strip(): _number(v) for k, v in row.items() if k}
        epoch = values.get("epoch", math.nan)
        if not math.isfinite(epoch):
            continue
        history.epoch = history.done = history.total = int(epoch)
        seconds = values.get("time", 0.0)
        history.ended = path.stat().st_mtime
        history.started = history.ended - (seconds if math.isfinite(seconds) else 0.0)
        _add(history, values, epoch)


def _add(history: RunHistory, values: dict[str, float], epoch: float) -> None:
    totals: dict[str, float] = {}
    for column, value in values.items():
        group, _, name = column.partition("/")
        if group not in ("train", "val", "metrics") or name.endswith(_BOX):
            continue
        split = EPOCH if group == "train" else VAL
        name = name.removesuffix(_POSE)
        history.series.setdefault((split, _NAMES.get(name, name)), Series()).add(epoch, value, 0.0)
        if name.endswith("loss"):
            totals[split] = totals.get(split, 0.0) + value
    for split, total in totals.items():
        history.series.setdefault((split, "loss"), Series()).add(epoch, total, 0.0)


def _number(text: object) -> float:
    try:
        return float(str(text))
    except ValueError:
        return math.nan
