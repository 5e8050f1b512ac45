"""A search for the best options: many trainings, each a real run of its own through the job host,
their values chosen and the hopeless ones broken off by Optuna.

    searches/<family>/<name>/   search.json, trials.csv, best.toml, study.sqlite3
    searches/<family>/<name>/trials/0007/   a training run like any other

Stop lets the trials in hand come to their end and begins no other; cancel ends them at once, and
they are made again when the search goes on. The same holds where the process was killed.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from studio.core import job as names
from studio.core.errors import DataError, FileProblem, StudioError, UsageError
from studio.core.job import JobContext, JobEvent, JobSpec
from studio.core.options import Options
from studio.core.requests.search import BEST, SearchRequest
from studio.core.search_space import parse_space
from studio.io.files import write_json
from studio.jobs import search_study as states
from studio.jobs.children import Child, ProcessChild, Tell, Told
from studio.jobs.cluster_worker import BEGUN
from studio.jobs.host import encode
from studio.jobs.search_asked import alone, check_same, new_search
from studio.jobs.search_keep import keep_weights
from studio.jobs.search_study import Manner, Study, Trial, open_study
from studio.jobs.search_table import (
    BEST_TOML,
    SEARCH_JSON,
    Asked,
    plain_value,
    write_best,
    write_table,
)
from studio.registry.jobs import PluginRequest, options_for

SEARCHES, TRIALS = "searches", "trials"
DEFAULT_NAME = "search"
TRIAL = "trial"
# So many failures before any success are no accident of the values.
_FAILURES = 3
_OF_A_REFUSED_START = frozenset({"events.jsonl", "job.log", "spec.json"})

Start = Callable[[JobSpec, Tell], Child]


def place(request: PluginRequest, project: Path | None) -> Path:
    """Where the search stands: `searches/<family>/<name>`, or the one that goes on."""
    asked: SearchRequest = request.job
    root = (asked.output or (project or Path.cwd()) / SEARCHES) / request.plugin
    if asked.resume is not None:
        return search_folder(asked.resume, root)
    name, number = asked.name or DEFAULT_NAME, 1
    folder = root / name
    while folder.exists() and {p.name for p in folder.iterdir()} - _OF_A_REFUSED_START:
        number += 1
        folder = root / f"{name}{number}"
    return folder


def search_folder(path: Path, root: Path) -> Path:
    """The search that a person means: its folder, or its name. Raises FileProblem."""
    for folder in (path.expanduser(), root / path):
        if (folder / SEARCH_JSON).is_file():
            return folder.absolute()
    raise FileProblem(
        "There is no search to go on with here.", where=path, hint="Give a search's folder."
    )


def run(request: PluginRequest, context: JobContext) -> dict[str, Any]:
    """Search; see `SearchRequest`. Raises StudioError."""
    wanted: SearchRequest = request.job
    folder = context.run_dir
    assert folder is not None
    declared = type(request.options)
    asked = Asked.read(folder) if wanted.resume is not None else new_search(request, context)
    check_same(asked, request, context)
    space = parse_space(asked.space, declared)
    manner = Manner(asked.sampler, asked.pruner, asked.search_seed, wanted.parallel)
    with alone(folder), _start_of(wanted, context) as start:
        study = open_study(folder, space, manner, higher=asked.higher)
        try:
            search = _Search(wanted, asked, declared, study, context, folder, start)
            return search.go()
        finally:
            study.close()


@contextlib.contextmanager
def _start_of(wanted: SearchRequest, context: JobContext) -> Generator[Start]:
    """What starts a training: here, or on a cluster."""
    if not wanted.on:
        yield ProcessChild
        return
    from studio.jobs.cluster import Cluster

    with Cluster(wanted, context) as cluster:
        yield lambda spec, tell: cluster.start(spec, _recorded(spec, tell))


def _recorded(spec: JobSpec, tell: Tell) -> Tell:
    """A trial's events in its own folder too, as a process of this machine would write them."""
    assert spec.run_dir is not None
    write_json(spec.run_dir / "spec.json", spec.to_mapping())
    path = spec.run_dir / "events.jsonl"

    def both(event: JobEvent | None) -> None:
        if event is not None and event.event != BEGUN:
            with path.open("ab") as stream:
                stream.write(encode(event))
        tell(event)

    return both


@dataclass
class _Running:
    """A trial in hand. `told` folds what its process says."""

    trial: Trial
    child: Child
    begun: float
    told: Told = field(default_factory=Told)
    pruned: bool = False


@dataclass
class _Search:
    """The loop: start what may start, hear what comes, end what has ended."""

    wanted: SearchRequest
    asked: Asked
    declared: type[Options]
    study: Study
    context: JobContext
    folder: Path
    start: Start
    running: dict[int, _Running] = field(default_factory=dict[int, _Running])
    heard: SimpleQueue[tuple[int, JobEvent | None]] = field(
        default_factory=SimpleQueue[tuple[int, JobEvent | None]]
    )
    begun: float = field(default_factory=time.monotonic)

    def go(self) -> dict[str, Any]:
        """All trials; the result. Raises StudioError where no trial can be made."""
        lost = self.study.take_up()
        if lost:
            self.context.log(f"{lost} trials were broken off; they are tried again.", "warning")
        self._write()
        try:
            while True:
                while self._may_begin():
                    self._begin()
                if not self.running:
                    break
                self._hear()
        finally:
            # Also where something of ours went wrong: no training is left behind.
            for each in self.running.values():
                each.child.kill()
        self._write()
        self.context.check()
        return self._result()

    def _may_begin(self) -> bool:
        late = self.wanted.search_minutes and (
            time.monotonic() - self.begun > 60 * self.wanted.search_minutes
        )
        left = self.wanted.trials - self.study.ended - len(self.running)
        free = len(self.running) < self.wanted.parallel
        return free and left > 0 and not late and not self.context.stop_requested

    def _begin(self) -> None:
        trial = self.study.begin()
        trial.folder = f"{TRIALS}/{trial.number:04d}"
        run_dir = self.folder / trial.folder
        options = {"family": self.asked.family, **self.asked.fixed, **trial.params}
        spec = JobSpec("train", options, run_dir, self.context.project)
        try:
            # Rules between options: what no single range can promise.
            options_for(spec)
            run_dir.mkdir(parents=True, exist_ok=True)
            child = self.start(spec, lambda event: self.heard.put((trial.number, event)))
        except UsageError as error:
            self._end(trial, states.FAILED, str(error), error)
            return
        self.running[trial.number] = _Running(trial, child, time.monotonic())
        self._say(trial)
        self._write()

    def _hear(self) -> None:
        """One event, or a look at what is asked of the search itself."""
        if self.context.control.cancel_requested:
            for each in self.running.values():
                each.child.ask("cancel")
        try:
            number, event = self.heard.get(timeout=0.25)
        except Empty:
            return
        running = self.running[number]
        if event is None:
            self._over(running)
            return
        running.told.hear(event)
        running.trial.seconds = round(time.monotonic() - running.begun, 2)
        if event.event == names.METRICS and event.data.get("split") == "val":
            self._judge(running, event.data)
        elif event.event == names.STARTED:
            running.trial.machine = str(event.data.get("machine", ""))

    def _judge(self, running: _Running, data: Mapping[str, Any]) -> None:
        values: Mapping[str, Any] = data.get("values") or {}
        if self.asked.metric not in values:
            raise UsageError(
                f"The training reports no {self.asked.metric!r}.",
                where="metric",
                hint=f"Judge by one of {', '.join(sorted(values))}.",
            )
        value = values[self.asked.metric]
        number = float(value) if isinstance(value, int | float) else float("nan")
        hopeless = self.study.judge(running.trial, int(data.get("epoch", 0)), number)
        if hopeless and not running.pruned:
            running.pruned = True
            running.child.ask("cancel")
        self._say(running.trial)

    def _over(self, running: _Running) -> None:
        """Its process has ended."""
        del self.running[running.trial.number]
        running.trial.seconds = round(time.monotonic() - running.begun, 2)
        status, log = running.told.status, self.folder / running.trial.folder / "job.log"
        if running.pruned:
            self._end(running.trial, states.PRUNED)
        elif status == "ok":
            self._end(running.trial, states.DONE)
        elif status == "cancelled" or self.context.control.cancel_requested:
            self._end(running.trial, states.CANCELLED)
        else:
            error = running.told.failure(log)
            self._end(running.trial, states.FAILED, str(error), error)

    def _end(
        self, trial: Trial, state: str, message: str = "", error: StudioError | None = None
    ) -> None:
        self.study.end(trial, state, message)
        keep_weights(self.folder, self.study, self.wanted.keep)
        self._write()
        self._say(trial)
        self.context.log(_sentence(trial, self.asked.metric, self.study), _level(state))
        if error is not None and self._hopeless():
            raise error

    def _hopeless(self) -> bool:
        """Whether nothing but failures came so far: then it is not the values' fault."""
        ended = [t.state for t in self.study.trials.values() if t.state in states.ENDED]
        enough = len(ended) >= min(_FAILURES, self.wanted.trials)
        return enough and set(ended) == {states.FAILED}

    def _write(self) -> None:
        write_table(self.folder, self.asked, self.study, self.wanted.trials)
        best = self.study.best
        if best is not None:
            write_best(self.folder, self.asked, best, self.declared)
        self.context.progress("trials", self.study.ended, self.wanted.trials)

    def _say(self, trial: Trial) -> None:
        best = self.study.best
        self.context.event(TRIAL, best=None if best is None else best.number, **trial.to_mapping())

    def _result(self) -> dict[str, Any]:
        best = self.study.best
        if best is None:
            if self.context.stop_requested or not self.study.ended:
                return {"trials": self.study.ended, "search": str(self.folder)}
            raise DataError(
                "No trial came to its end.",
                where=self.folder / SEARCH_JSON,
                hint="Its table says of each why; give fewer or milder values, or more trials.",
            )
        preset = self.folder / BEST_TOML
        self.context.artifact("preset", preset)
        if self.wanted.keep in (BEST, "all"):
            self.context.artifact("model", self.folder / best.folder)
        return {
            "search": str(self.folder),
            "trials": self.study.ended,
            "best": best.number,
            "value": best.value,
            "metric": self.asked.metric,
            "preset": str(preset),
            "options": {k: plain_value(v) for k, v in best.params.items()},
        }


def _sentence(trial: Trial, metric: str, study: Study) -> str:
    values = ", ".join(
        f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in trial.params.items()
    )
    judged = f": {metric} {trial.value:.4g}" if trial.value == trial.value else ""
    best = " (the best so far)" if study.best is trial else ""
    more = f". {trial.message}" if trial.message else ""
    return f"Trial {trial.number} {trial.state}: {values}{judged}{best}{more}"


def _level(state: str) -> str:
    return "warning" if state == states.FAILED else "info"
