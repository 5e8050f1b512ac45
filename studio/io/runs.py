"""Training runs as their folders tell them: `runs/<family>/<name>/`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from studio.core.errors import StudioError
from studio.io.files import read_json
from studio.io.plain import is_number, is_table

EVENTS = "events.jsonl"
_TAIL = 65_536


@dataclass(frozen=True)
class RunSummary:
    """One run. status: "ok", "failed", "cancelled", "running" or "crashed" (its process is gone
    and said no last word). `started` is unix time; `metrics` are those of its `model.json`.
    """

    folder: Path
    family: str
    name: str
    status: str
    started: float = 0.0
    epochs: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])

    def to_mapping(self) -> dict[str, Any]:
        """A row for lists: plain values."""
        stamp = time.strftime("%Y-%m-%d %H:%M", time.localtime(self.started))
        return {
            "name": self.name,
            "family": self.family,
            "status": self.status,
            "started": stamp if self.started else "",
            "epochs": self.epochs,
            "AP": round(self.metrics["AP"], 4) if "AP" in self.metrics else None,
            "folder": str(self.folder),
        }


def list_runs(project: Path) -> tuple[RunSummary, ...]:
    """The training runs of a project folder, the newest first."""
    folders = (path.parent for path in (project / "runs").glob(f"*/*/{EVENTS}"))
    found = [summary for folder in folders if (summary := run_summary(folder)) is not None]
    return tuple(sorted(found, key=lambda r: (-r.started, r.name)))


def run_summary(folder: Path) -> RunSummary | None:
    """What a run's folder tells; None where it holds another job's events, or none."""
    first, last = _events(folder / EVENTS)
    if not first or first[0].get("job") not in (None, "train"):
        return None
    status, epochs, pid = "", 0, first[0].get("pid")
    for event in last:
        kind = event.get("event")
        if kind == "started":
            status, pid = "", event.get("pid")
        elif kind == "finished":
            status = str(event.get("status", "ok"))
        elif kind == "metrics" and isinstance(event.get("epoch"), int):
            epochs = max(epochs, int(event["epoch"]))
    began = first[0].get("t")
    return RunSummary(
        folder=folder,
        family=folder.parent.name,
        name=folder.name,
        status=status or ("running" if _is_alive(pid) else "crashed"),
        started=float(began) if is_number(began) else 0.0,
        epochs=epochs,
        metrics=_metrics(folder),
    )


def _metrics(folder: Path) -> dict[str, float]:
    for path in (folder / "model.json", folder / "weights" / "model.json"):
        if path.is_file():
            try:
                data = read_json(path)
            except StudioError:
                # A damaged model.json is told where the model is opened.
                continue
            found = data.get("metrics") if is_table(data) else None
            if is_table(found):
                return {k: float(v) for k, v in found.items() if is_number(v)}
    return {}


def _is_alive(pid: Any) -> bool:
    import psutil

    if not isinstance(pid, int):
        return False
    try:
        name = psutil.Process(pid).name().lower()
    except psutil.Error:
        return False
    # A frozen studio is its own interpreter.
    return "python" in name or "pose-studio" in name


def _events(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The first event and the last ones; a line that is cut is passed over."""
    try:
        with path.open("rb") as stream:
            first = stream.readline()
            stream.seek(max(0, path.stat().st_size - _TAIL))
            last = stream.read().splitlines()
    except OSError:
        return [], []
    return _parsed([first]), _parsed(last)


def _parsed(lines: list[bytes]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for line in lines:
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if is_table(value):
            found.append(value)
    return found
