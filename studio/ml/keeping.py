"""What a run keeps: the best judgement, its weights, and the state to go on from."""

from __future__ import annotations

import dataclasses
import math
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.core.artifact import ModelArtifact
from studio.core.errors import DataError, FileProblem, ModelError
from studio.core.job import JobContext
from studio.io.model_json import save_artifact
from studio.ml import checkpoints
from studio.ml.checkpoints import Weights, check_family, read_weights
from studio.ml.course import CourseOptions
from studio.ml.run_files import WEIGHTS, best_of, last_of
from studio.ml.task import Task

if TYPE_CHECKING:
    import torch

# Bytes of the small things a run writes beside its checkpoints.
_SMALL_FILES = 20_000_000


@dataclass(frozen=True)
class Best:
    """The best judgement so far; epoch 0: none yet."""

    epoch: int = 0
    value: float = math.nan
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])

    def beaten_by(self, value: float, *, higher: bool) -> bool:
        """Whether `value` is better; anything is better than no number."""
        if math.isnan(value):
            return not self.epoch
        return math.isnan(self.value) or (value > self.value if higher else value < self.value)


@dataclass(frozen=True)
class Progress:
    """How far a run is: epochs and batches done."""

    epoch: int = 0
    step: int = 0


class Keeper:
    """Writes the checkpoints of one run."""

    def __init__(
        self, task: Task, options: CourseOptions, context: JobContext, run_dir: Path, family: str
    ) -> None:
        self._task, self._options, self._context = task, options, context
        self._run_dir, self._family = run_dir, family
        self.best = Best()

    def judged(
        self, epoch: int, values: Mapping[str, float], state: Callable[[], checkpoints.State]
    ) -> None:
        """Take a judgement; where it is the best, its weights become `best.pt`."""
        value = values.get(self._task.best_metric, math.nan)
        if self.best.beaten_by(value, higher=self._task.higher_is_better):
            # JSON has no word for what is no number.
            numbers = {name: v for name, v in values.items() if math.isfinite(v)}
            self.best = Best(epoch, value, numbers)
            artifact = self.write_weights(best_of(self._run_dir), state())
            save_artifact(artifact, self._run_dir)

    def write_weights(self, path: Path, state: checkpoints.State) -> ModelArtifact:
        """Weights that can be run. Raises FileProblem."""
        artifact = self._task.artifact(path, self.best.metrics)
        checkpoints.write_weights(path, self._family, artifact, state)
        self._context.artifact("weights", path)
        return artifact

    def write_last(self, progress: Progress, course: Mapping[str, Any]) -> None:
        """`last.pt`, and the numbered one where it is due. Raises FileProblem; the old file stands
        then.
        """
        path = last_of(self._run_dir)
        first = not path.exists()
        whole = {
            **course,
            **dataclasses.asdict(progress),
            "options": self._options.to_mapping(),
            "best": dataclasses.asdict(self.best),
            "versions": checkpoints.versions(),
        }
        artifact = self._task.artifact(path, self.best.metrics)
        checkpoints.write_checkpoint(path, self._family, artifact, whole)
        if first:
            self._context.artifact("weights", path)

    def numbered(self, epoch: int) -> Path | None:
        """Where the weights of this epoch are kept besides, if they are."""
        interval = self._options.save_interval
        due = interval and epoch % interval == 0
        return self._run_dir / WEIGHTS / f"epoch_{epoch:04d}.pt" if due else None

    def enough(self, epoch: int) -> bool:
        """Whether the patience with a run that gets no better is at its end."""
        patience = self._options.patience
        if not patience or epoch - self.best.epoch < patience:
            return False
        self._context.log(f"Nothing better for {patience} epochs: the training ends after {epoch}.")
        return True

    def check_space(self, model: torch.nn.Module) -> None:
        """Raise FileProblem where the checkpoints will not fit: better now than after an epoch."""
        weights = sum(t.numel() * t.element_size() for t in model.state_dict().values())
        moments = {"sgd": 1}.get(self._options.optimizer, 2)
        # Each file stands twice while it is replaced.
        needed = 2 * weights * (1 + moments + (self._options.ema > 0)) + 2 * weights + _SMALL_FILES
        if self._options.save_interval:
            needed += weights * (self._options.epochs // self._options.save_interval)
        free = shutil.disk_usage(self._run_dir).free
        if free < needed:
            raise FileProblem(
                f"The checkpoints of this training need about {needed / 1e6:.0f} MB; "
                f"{free / 1e6:.0f} MB are free.",
                where=self._run_dir,
                hint="Make room, or choose another --output.",
            )

    def result(self, epoch: int) -> ModelArtifact:
        """The artefact of the best weights. Raises ModelError where there are none."""
        best = best_of(self._run_dir)
        if not best.is_file():
            raise ModelError("The training ended before one epoch was whole.", where=self._run_dir)
        artifact = read_weights(best).described()
        extra = {**artifact.extra, "best_epoch": self.best.epoch, "epochs": epoch}
        return dataclasses.replace(artifact, extra=extra)


def resumable(last: Path, family: str) -> Weights:
    """The checkpoint of a run that can go on. Raises ModelError where it is another family's, or
    weights alone.
    """
    kept = read_weights(last)
    check_family(kept, family)
    if "optimizer" not in kept.whole:
        raise ModelError(
            "These weights hold no state to resume from.",
            where=last,
            hint="Start a new training from them instead.",
        )
    return kept


def check_unfinished(kept: Weights, epochs: int, *, more: bool = False) -> None:
    """Raise DataError where a run has done its `epochs`; more: they are asked for by how many are
    to come.
    """
    done = int(kept.whole["epoch"])
    if done >= epochs:
        raise DataError(
            f"This run is finished: {done} of {epochs} epochs.",
            where=kept.path,
            hint="Give --epochs: so many more."
            if more
            else f"Give --epochs with more than {done} to go on with it.",
        )
