"""Jobs: what is asked (JobSpec), what comes back line by line (JobEvent), and the context that
a running job talks through. Names and meanings are a contract with other programs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast

from studio.core.errors import Cancelled, UsageError

EVENT_VERSION = 1

STARTED = "started"
PROGRESS = "progress"
METRICS = "metrics"
LOG = "log"
ARTIFACT = "artifact"
ERROR = "error"
FINISHED = "finished"
FRAME = "frame"


@dataclass(frozen=True)
class JobSpec:
    """One request: which job, with which options (plain values), in which folder.

    run_dir is where `spec.json`, `events.jsonl`, `job.log` and what the job makes stand.
    """

    job: str
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    run_dir: Path | None = None
    project: Path | None = None

    def to_mapping(self) -> dict[str, Any]:
        """As it stands in `spec.json`."""
        data: dict[str, Any] = {"v": EVENT_VERSION, "job": self.job, "options": dict(self.options)}
        if self.run_dir is not None:
            data["run_dir"] = str(self.run_dir)
        if self.project is not None:
            data["project"] = str(self.project)
        return data

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> JobSpec:
        """Raises UsageError where the spec is not one."""
        if data.get("v") != EVENT_VERSION or not isinstance(data.get("job"), str):
            raise UsageError('A job spec is {"v": 1, "job": NAME, "options": {...}}.')
        options = data.get("options", {})
        if not isinstance(options, Mapping):
            raise UsageError("A job spec's options are a table of names and values.")
        return cls(
            job=data["job"],
            options=cast("Mapping[str, Any]", options),
            run_dir=Path(data["run_dir"]) if data.get("run_dir") else None,
            project=Path(data["project"]) if data.get("project") else None,
        )


@dataclass(frozen=True)
class JobEvent:
    """One line of the event stream. `t` is unix time in seconds."""

    event: str
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])
    t: float = 0.0

    def to_mapping(self) -> dict[str, Any]:
        """As one JSON line holds it."""
        return {"v": EVENT_VERSION, "event": self.event, "t": self.t, **self.data}

    @classmethod
    def from_mapping(cls, line: Mapping[str, Any]) -> JobEvent:
        """Raises ValueError where the line is no event of this version."""
        if line.get("v") != EVENT_VERSION or not isinstance(line.get("event"), str):
            raise ValueError(f"not an event: {str(line)[:200]}")
        data = {k: v for k, v in line.items() if k not in ("v", "event", "t")}
        return cls(line["event"], data, float(line.get("t", 0.0)))


Emit = Callable[[JobEvent], None]


class Control(Protocol):
    """What a running job may be asked from outside."""

    @property
    def stop_requested(self) -> bool:
        """Finish the epoch or frame, save, end as ok."""
        ...

    @property
    def cancel_requested(self) -> bool:
        """End now, keep the last checkpoint."""
        ...

    def take_values(self) -> Mapping[str, Any]:
        """Live options that came since the last call."""
        ...


class NoControl:
    """For a job that nobody can reach: it runs to its end."""

    stop_requested = False
    cancel_requested = False

    def take_values(self) -> Mapping[str, Any]:
        """Nothing, ever."""
        return {}


@dataclass(frozen=True)
class JobContext:
    """A job's way to speak and to be spoken to. Every job is `run(options, context) -> result`,
    where the result is a table of plain values.
    """

    emit: Emit
    control: Control = field(default_factory=NoControl)
    run_dir: Path | None = None
    project: Path | None = None

    def event(self, name: str, **data: Any) -> None:
        """Send any event."""
        self.emit(JobEvent(name, data, time.time()))

    def progress(self, stage: str, done: int, total: int) -> None:
        """`total` 0 means: not known."""
        self.event(PROGRESS, stage=stage, done=done, total=total)

    def metrics(self, *, epoch: int, step: int, split: str, values: Mapping[str, float]) -> None:
        """`epoch` counts from 1, 0 is a judgement outside a training; `step` counts batches from 1 over the whole run. `split` is
        "train" for batches, "train_epoch" for an epoch's means, "val" for judged values.
        """
        self.event(METRICS, epoch=epoch, step=step, split=split, values=dict(values))

    def log(self, message: str, level: str = "info") -> None:
        """`level` is "info", "warning" or "error"."""
        self.event(LOG, level=level, message=message)

    def artifact(self, kind: str, path: Path) -> None:
        """Something that was made and stays."""
        self.event(ARTIFACT, kind=kind, path=str(path))

    def check(self) -> None:
        """Raise Cancelled where the user asked for an end now."""
        if self.control.cancel_requested:
            raise Cancelled

    @property
    def stop_requested(self) -> bool:
        """Whether to finish the step in hand and end well."""
        return self.control.stop_requested or self.control.cancel_requested
