"""The memory of a search: an Optuna study in the search's own folder (`study.sqlite3`).

Optuna chooses the values and says which trials are hopeless; everything else about a trial (its
folder, its best epoch, why it failed) is kept as the trial's own attributes, so that the file
alone tells the whole search, to us and to any other program that reads Optuna's files.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.core.errors import FileProblem, MissingTool
from studio.core.search_space import Dimension, value_text

if TYPE_CHECKING:
    import optuna

STUDY_FILE = "study.sqlite3"
NAME = "search"
RUNNING, DONE, PRUNED, FAILED, CANCELLED = "running", "done", "pruned", "failed", "cancelled"
# Trials that end by themselves; the others were broken off from outside and are made again.
ENDED = frozenset({DONE, PRUNED, FAILED})
_STATE = "state"


@dataclass
class Trial:
    """One training of a search. `value`: the best so far, NaN where there is none yet."""

    number: int
    params: Mapping[str, Any]
    state: str = RUNNING
    value: float = math.nan
    best_epoch: int = 0
    epoch: int = 0
    seconds: float = 0.0
    folder: str = ""
    message: str = ""
    machine: str = ""

    def to_mapping(self) -> dict[str, Any]:
        """Plain values; a value that is not there is None."""
        row = asdict(self)
        row["params"] = dict(self.params)
        row["value"] = None if math.isnan(self.value) else self.value
        return row


@dataclass
class Study:
    """All trials. Every call comes from one thread."""

    study: optuna.Study
    space: Sequence[Dimension]
    higher: bool
    storage: Any
    trials: dict[int, Trial] = field(default_factory=dict[int, Trial])
    _open: dict[int, Any] = field(default_factory=dict[int, Any])

    def begin(self) -> Trial:
        """A new trial with values to try."""
        asked = self.study.ask()
        params = {d.name: self._suggest(asked, d) for d in self.space}
        trial = Trial(asked.number, params)
        self.trials[trial.number] = trial
        self._open[trial.number] = asked
        return trial

    def judge(self, trial: Trial, epoch: int, value: float) -> bool:
        """Take an epoch's value in; whether the trial is hopeless."""
        trial.epoch = epoch
        if not math.isfinite(value):
            return False
        if math.isnan(trial.value) or (value > trial.value) == self.higher:
            trial.value, trial.best_epoch = value, epoch
        asked = self._open[trial.number]
        asked.report(value, epoch)
        return bool(asked.should_prune())

    def end(self, trial: Trial, state: str, message: str = "") -> None:
        """The trial is over. One that was broken off from outside is tried again first of all."""
        from optuna.trial import TrialState

        asked = self._open.pop(trial.number)
        if state == DONE and math.isnan(trial.value):
            state, message = FAILED, message or "It reported no value to judge it by."
        trial.state, trial.message = state, message
        self._keep(asked, trial)
        if state == DONE:
            self.study.tell(asked, trial.value)
        else:
            self.study.tell(asked, state=TrialState.PRUNED if state == PRUNED else TrialState.FAIL)
        if state == CANCELLED:
            self.study.enqueue_trial(self._stored(trial.params))

    def close(self) -> None:
        """Let the file go."""
        self.storage.remove_session()
        self.storage.engine.dispose()

    def _keep(self, asked: Any, trial: Trial) -> None:
        row = trial.to_mapping()
        for name in (_STATE, "best_epoch", "epoch", "seconds", "folder", "message", "machine"):
            asked.set_user_attr(name, row[name])
        if row["value"] is not None:
            asked.set_user_attr("value", row["value"])

    @property
    def ended(self) -> int:
        """How many trials came to an end of their own."""
        return sum(t.state in ENDED for t in self.trials.values())

    @property
    def best(self) -> Trial | None:
        """The best trial that ran to its end."""
        done = [t for t in self.trials.values() if t.state == DONE]
        if not done:
            return None
        return max(done, key=lambda t: t.value if self.higher else -t.value)

    def take_up(self) -> int:
        """Read the trials of an earlier process. Those that were running when it died are
        closed, and tried again first of all; how many they were.
        """
        from optuna.trial import TrialState

        lost = 0
        for frozen in self.study.get_trials(deepcopy=False):
            if frozen.state == TrialState.WAITING:
                continue
            trial = self._read(frozen)
            self.trials[trial.number] = trial
            if frozen.state == TrialState.RUNNING:
                self.study.tell(frozen.number, state=TrialState.FAIL)
                self.study.enqueue_trial(dict(frozen.params))
                trial.state = CANCELLED
                trial.message = "The search's process was gone."
                lost += 1
        return lost

    def _read(self, frozen: Any) -> Trial:
        said = frozen.user_attrs
        return Trial(
            number=frozen.number,
            params={d.name: self._value(d, frozen.params.get(d.name)) for d in self.space},
            # Without a word of ours it was broken off: also between the process's two writes.
            state=str(said.get(_STATE, CANCELLED)),
            value=float(said.get("value", math.nan)),
            best_epoch=int(said.get("best_epoch", 0)),
            epoch=int(said.get("epoch", 0)),
            seconds=float(said.get("seconds", 0.0)),
            folder=str(said.get("folder", "")),
            message=str(said.get("message", "")),
            machine=str(said.get("machine", "")),
        )

    def _suggest(self, asked: Any, dimension: Dimension) -> Any:
        d = dimension
        if d.choices:
            stored = [_stored(c) for c in d.choices]
            return self._value(d, asked.suggest_categorical(d.name, stored))
        step = d.step or None
        if d.whole:
            return asked.suggest_int(
                d.name, int(d.low), int(d.high), step=int(step or 1), log=d.log
            )
        return self._value(d, asked.suggest_float(d.name, d.low, d.high, step=step, log=d.log))

    def _stored(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return {name: _stored(value) for name, value in params.items()}

    def _value(self, dimension: Dimension, stored: Any) -> Any:
        """The option's value of what stands in the study."""
        if dimension.choices:
            return next((c for c in dimension.choices if _stored(c) == stored), stored)
        if not isinstance(stored, float):
            return stored
        # More digits than anybody would write make no other training.
        return min(max(float(f"{stored:.4g}"), dimension.low), dimension.high)


def _stored(value: Any) -> Any:
    """Optuna keeps words and numbers as choices; lists and paths become words."""
    plain = value is None or isinstance(value, bool | int | float | str)
    return value if plain else value_text(value)


@dataclass(frozen=True)
class Manner:
    """How a study chooses and breaks off; see `SearchRequest`."""

    sampler: str = "tpe"
    pruner: str = "median"
    seed: int = 0
    parallel: int = 1


def open_study(
    folder: Path,
    space: Sequence[Dimension],
    manner: Manner,
    *,
    higher: bool,
) -> Study:
    """The study of `folder`, made where there is none. Raises MissingTool, FileProblem."""
    optuna = load_optuna()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path = folder / STUDY_FILE
    try:
        storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
        study = optuna.create_study(
            storage=storage,
            study_name=NAME,
            direction="maximize" if higher else "minimize",
            load_if_exists=True,
        )
        # Taken up again, the same seed would begin with the same guesses.
        tried = len(study.get_trials(deepcopy=False))
    except Exception as error:
        # Its storage speaks through sqlalchemy's many errors.
        raise FileProblem(
            f"The search's memory cannot be opened: {error}.",
            where=path,
            hint="Start a new search; this file is damaged or another program holds it.",
        ) from error
    study.sampler = _sampler(optuna, manner, manner.seed + tried)
    study.pruner = _pruner(optuna, manner)
    return Study(study, space, higher, storage)


def load_optuna() -> Any:
    """The optuna module. Raises MissingTool."""
    try:
        import optuna
    except ImportError as error:
        raise MissingTool(
            "A search needs Optuna, which is not installed.",
            where="optuna",
            hint="Install it with: pip install 'pose-studio[search]'",
        ) from error
    return optuna


def _sampler(optuna: Any, manner: Manner, seed: int) -> Any:
    if manner.sampler == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    # Trials that run beside each other count as poor ones meanwhile, or all would try one place.
    return optuna.samplers.TPESampler(
        seed=seed, n_startup_trials=8, constant_liar=manner.parallel > 1
    )


def _pruner(optuna: Any, manner: Manner) -> Any:
    if manner.pruner == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=1)
    if manner.pruner == "halving":
        return optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2)
    return optuna.pruners.NopPruner()
