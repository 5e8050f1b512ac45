"""Where a run's numbers go besides its events: TensorBoard always, other loggers where asked for.

Nothing here calls the network unasked. Weights & Biases writes into the run's folder unless its own
WANDB_MODE says otherwise (`wandb sync` sends such a run later); MLflow writes into the run's folder
unless its own MLFLOW_TRACKING_URI names another place.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from studio.core.errors import MissingTool, Problem
from studio.core.job import JobContext
from studio.ml.board import Board
from studio.ml.course import CourseOptions

WANDB, MLFLOW = "wandb", "mlflow"
_PROJECT = "pose-studio"
# Both report home about themselves, unless a person set these otherwise.
_QUIET = {"WANDB_ERROR_REPORTING": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}


class Sink(Protocol):
    """Something that takes numbers."""

    def add(self, split: str, step: int, values: Mapping[str, float]) -> None:
        """Numbers `split/name` at `step`."""
        ...

    def close(self) -> None:
        """Flush and end."""
        ...


def missing_loggers(asked: Sequence[str]) -> list[Problem]:
    """What stands between a training and the loggers asked for."""
    found: list[Problem] = []
    for name in asked:
        if name not in (WANDB, MLFLOW):
            text = f"There is no logger called {name!r}."
            found.append(Problem(text, where="log_to", hint=f"Known are {WANDB} and {MLFLOW}."))
        elif importlib.util.find_spec(name) is None:
            hint = f"Install it with: pip install {name}, or leave it out."
            found.append(Problem(f"{name} is not installed.", where="log_to", hint=hint))
    return found


def open_boards(
    run_dir: Path, family: str, options: CourseOptions, context: JobContext
) -> list[Sink]:
    """TensorBoard and what `options.log_to` names. Raises MissingTool."""
    for problem in missing_loggers(options.log_to):
        raise MissingTool(problem.message, where=problem.where, hint=problem.hint)
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    board = Board(run_dir)
    if not board.available:
        context.log("tensorboard is not installed: no TensorBoard files are written.")
    sinks: list[Sink] = [board]
    if WANDB in options.log_to:
        sinks.append(_Wandb(run_dir, family, options))
    if MLFLOW in options.log_to:
        sinks.append(_Mlflow(run_dir, family, options))
    return sinks


class _Wandb:
    """A run of Weights & Biases; its own step counter stays free, each split has its axis."""

    def __init__(self, run_dir: Path, family: str, options: CourseOptions) -> None:
        wandb: Any = importlib.import_module(WANDB)
        self._run: Any = wandb.init(
            project=os.environ.get("WANDB_PROJECT", _PROJECT),
            name=f"{family}-{run_dir.name}",
            dir=str(run_dir),
            config=options.to_mapping(),
            mode=os.environ.get("WANDB_MODE", "offline"),
        )
        for split, axis in (("batch", "step"), ("train", "epoch"), ("val", "epoch")):
            self._run.define_metric(f"{split}/*", step_metric=f"{split}/{axis}")

    def add(self, split: str, step: int, values: Mapping[str, float]) -> None:
        """See `Sink`."""
        axis = "step" if split == "batch" else "epoch"
        self._run.log({f"{split}/{axis}": step, **{f"{split}/{k}": v for k, v in values.items()}})

    def close(self) -> None:
        """See `Sink`."""
        self._run.finish()


class _Mlflow:
    """A run of MLflow, through its client alone: no global state of it is touched."""

    def __init__(self, run_dir: Path, family: str, options: CourseOptions) -> None:
        mlflow: Any = importlib.import_module(MLFLOW)
        place = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{run_dir / 'mlflow.db'}"
        self._client: Any = mlflow.MlflowClient(tracking_uri=place)
        known = self._client.get_experiment_by_name(_PROJECT)
        experiment = known.experiment_id if known else self._client.create_experiment(_PROJECT)
        run = self._client.create_run(experiment, run_name=f"{family}-{run_dir.name}")
        self._id: str = run.info.run_id
        for name, value in options.to_mapping().items():
            self._client.log_param(self._id, name, value)

    def add(self, split: str, step: int, values: Mapping[str, float]) -> None:
        """See `Sink`."""
        for name, value in values.items():
            self._client.log_metric(self._id, f"{split}/{name}", value, step=step)

    def close(self) -> None:
        """See `Sink`."""
        self._client.set_terminated(self._id)
