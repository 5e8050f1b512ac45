"""A run's events folded into series that a plot can show; no Qt, so replay and live are one path."""

from __future__ import annotations

import math
from array import array
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core import job as events
from studio.core.job import JobEvent
from studio.core.options import N_
from studio.metrics.names import BEST_BY, is_loss, measure

FloatArray = npt.NDArray[np.float64]

BATCH, EPOCH, VAL = "train", "train_epoch", "val"
# What a job's state is called, and the theme's role for it.
STATUS = {
    "queued": (N_("In the queue"), "muted"),
    "running": (N_("Running"), "title"),
    "ok": (N_("Done"), "success"),
    "failed": (N_("Failed"), "error"),
    "cancelled": (N_("Cancelled"), "warning"),
    "crashed": (N_("Crashed"), "error"),
}
LOG_LINES = 500
RATE_WINDOW = 40


class Series:
    """One value over a run: `x` counts batches or epochs from 1, `t` is unix seconds."""

    def __init__(self) -> None:
        self._x = array("d")
        self._y = array("d")
        self._t = array("d")
        self.rewound = 0

    def __len__(self) -> int:
        return len(self._x)

    def add(self, x: float, y: float, t: float) -> None:
        """Append a point; a step that comes again (a resumed run) replaces what followed it."""
        while self._x and self._x[-1] >= x:
            for column in (self._x, self._y, self._t):
                column.pop()
            self.rewound += 1
        self._x.append(x)
        self._y.append(y)
        self._t.append(t)

    def arrays(self) -> tuple[FloatArray, FloatArray]:
        """(N,) x and (N,) y, copies."""
        return np.array(self._x, dtype=np.float64), np.array(self._y, dtype=np.float64)

    @property
    def last(self) -> float:
        """The newest value; NaN where there is none."""
        return self._y[-1] if self._y else math.nan

    def rate(self) -> float:
        """Points per second over the last points; NaN where that cannot be told."""
        if len(self) < 2:
            return math.nan
        first = max(0, len(self) - RATE_WINDOW)
        seconds = self._t[-1] - self._t[first]
        return (self._x[-1] - self._x[first]) / seconds if seconds > 0 else math.nan


@dataclass(frozen=True)
class Best:
    """The best epoch so far, and the value that says so."""

    epoch: int
    name: str
    value: float


@dataclass
class RunHistory:
    """Everything a run has said, folded. Feed it events in order; ask it at any time.

    status: "running" until a `finished` event; the reader of a stored run turns a "running"
    whose process is gone into "crashed" with `close()`.
    """

    series: dict[tuple[str, str], Series] = field(default_factory=dict)
    status: str = "running"
    stage: str = ""
    done: int = 0
    total: int = 0
    epoch: int = 0
    started: float = 0.0
    ended: float = 0.0
    versions: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)
    error: Mapping[str, Any] = field(default_factory=dict)
    artifacts: list[tuple[str, str]] = field(default_factory=list)
    suggestion: Mapping[str, Any] = field(default_factory=dict)
    log: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=LOG_LINES))
    _stage_start: tuple[float, int] = (0.0, 0)
    _now: float = 0.0

    def feed(self, event: JobEvent) -> None:
        """Fold one event in; unknown names are ignored."""
        self._now = event.t or self._now
        handler = _HANDLERS.get(event.event)
        if handler is not None:
            handler(self, event)

    def feed_all(self, stream: Iterable[JobEvent]) -> RunHistory:
        """Fold many events in and return itself."""
        for event in stream:
            self.feed(event)
        return self

    def close(self) -> RunHistory:
        """The stream ended: a run that has not said `finished` has crashed."""
        if self.status == "running":
            self.status = "crashed"
            self.ended = self._now
        return self

    def names(self, split: str) -> tuple[str, ...]:
        """The values known of one split, in the order they first came."""
        return tuple(name for s, name in self.series if s == split)

    def get(self, split: str, name: str) -> Series:
        """A series; an empty one where nothing has come."""
        return self.series.get((split, name)) or Series()

    def pictures(self) -> list[Path]:
        """Pictures that the run made of itself, in order."""
        return [Path(path) for kind, path in self.artifacts if kind == "picture"]

    @property
    def steps(self) -> int:
        """How many batches have been seen."""
        return max((len(s) for (split, _), s in self.series.items() if split == BATCH), default=0)

    @property
    def duration(self) -> float:
        """Seconds from the start to the end, or to the newest event."""
        return max(0.0, (self.ended or self._now) - self.started) if self.started else 0.0

    def batches_per_second(self) -> float:
        """NaN where it cannot be told."""
        for (split, _), series in self.series.items():
            if split == BATCH:
                return series.rate()
        return math.nan

    def seconds_left(self) -> float:
        """What the stage in hand still needs at its own pace so far; NaN where not known."""
        start, first = self._stage_start
        steps = self.done - first
        if self.status != "running" or self.total <= 0 or steps <= 0:
            return math.nan
        return (self._now - start) / steps * (self.total - self.done)

    def best(self) -> Best | None:
        """The epoch whose weights were kept: the one that the run itself names at its end, else
        the best by the first of `BEST_BY` that was judged.
        """
        for name in BEST_BY:
            x, y = self.get(VAL, name).arrays()
            if not len(y) or np.isnan(y).all():
                continue
            at = int(np.nanargmax(y) if measure(name).more else np.nanargmin(y))
            said = self.result.get("best_epoch")
            if isinstance(said, int) and said in x:
                at = int(np.flatnonzero(x == said)[-1])
            return Best(int(x[at]), name, float(y[at]))
        return None

    def judged_at(self, epoch: int) -> dict[str, float]:
        """Every value judged in an epoch, by name; losses are none."""
        found: dict[str, float] = {}
        for name in self.names(VAL):
            x, y = self.get(VAL, name).arrays()
            if not is_loss(name) and len(at := np.flatnonzero(x == epoch)):
                found[name] = float(y[at[-1]])
        return found

    def _on_started(self, event: JobEvent) -> None:
        self.started = self.started or event.t
        self.status, self.ended, self.error = "running", 0.0, {}
        versions = event.data.get("versions")
        self.versions = versions if isinstance(versions, Mapping) else {}

    def _on_progress(self, event: JobEvent) -> None:
        stage = str(event.data.get("stage", ""))
        done = int(event.data.get("done", 0))
        if stage != self.stage or done < self.done:
            self._stage_start = (event.t, done)
        self.stage, self.done, self.total = stage, done, int(event.data.get("total", 0))

    def _on_metrics(self, event: JobEvent) -> None:
        split = str(event.data.get("split", BATCH))
        epoch, step = int(event.data.get("epoch", 0)), int(event.data.get("step", 0))
        self.epoch = epoch or self.epoch
        x = step if split == BATCH else epoch
        values = event.data.get("values")
        for name, value in (values if isinstance(values, Mapping) else {}).items():
            number = float(value) if isinstance(value, int | float) else math.nan
            self.series.setdefault((split, str(name)), Series()).add(x, number, event.t)

    def _on_log(self, event: JobEvent) -> None:
        self.log.append((str(event.data.get("level", "info")), str(event.data.get("message", ""))))

    def _on_artifact(self, event: JobEvent) -> None:
        self.artifacts.append((str(event.data.get("kind", "")), str(event.data.get("path", ""))))

    def _on_suggest(self, event: JobEvent) -> None:
        """An option with a value that would go better, such as a smaller batch."""
        if "option" in event.data and "value" in event.data:
            self.suggestion = {event.data["option"]: event.data["value"]}

    def _on_error(self, event: JobEvent) -> None:
        self.error = dict(event.data)

    def _on_finished(self, event: JobEvent) -> None:
        self.status = str(event.data.get("status", "ok"))
        self.ended = event.t
        result = event.data.get("result")
        self.result = result if isinstance(result, Mapping) else {}


_HANDLERS = {
    events.STARTED: RunHistory._on_started,
    events.PROGRESS: RunHistory._on_progress,
    events.METRICS: RunHistory._on_metrics,
    events.LOG: RunHistory._on_log,
    events.ARTIFACT: RunHistory._on_artifact,
    "suggest": RunHistory._on_suggest,
    events.ERROR: RunHistory._on_error,
    events.FINISHED: RunHistory._on_finished,
}


class Smoother:
    """An exponential moving mean that is unbiased at its start, passes over NaN and goes on from
    where it stood, so that a long run costs no more per batch than a short one.

    `weight` 0 changes nothing, 0.99 is very smooth.
    """

    def __init__(self, weight: float) -> None:
        self.weight = weight
        self._out = array("d")
        self._mean = self._norm = 0.0
        self._rewound = 0

    def of(self, series: Series) -> tuple[FloatArray, FloatArray]:
        """(N,) x and (N,) smoothed y of a series that has only grown since the last call, or
        was rewound, which starts anew.
        """
        x, y = series.arrays()
        if self.weight <= 0:
            return x, y
        if series.rewound != self._rewound or len(y) < len(self._out):
            self.__init__(self.weight)
            self._rewound = series.rewound
        for value in y[len(self._out) :].tolist():
            if math.isfinite(value):
                self._mean = self.weight * self._mean + (1 - self.weight) * value
                self._norm = self.weight * self._norm + (1 - self.weight)
            self._out.append(self._mean / self._norm if self._norm else math.nan)
        return x, np.array(self._out, dtype=np.float64)
