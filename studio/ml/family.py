"""What every family on the studio's own loop shares: a family writes three hooks and has the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from studio.core.artifact import ModelArtifact
from studio.core.errors import DataError, ModelError, Problem, StudioError, UsageError
from studio.core.job import JobContext
from studio.ml.checkpoints import State, Transfer, Weights, check_family, compare, read_weights
from studio.ml.course import CourseOptions
from studio.ml.devices import device_problem
from studio.ml.keeping import check_unfinished, resumable
from studio.ml.loggers import missing_loggers
from studio.ml.memory import memory_problem
from studio.ml.run_files import read_config, write_config
from studio.ml.task import Task

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Prepared:
    """What a family found before the start. task: None where errors leave nothing to train on."""

    task: Task | None
    problems: Sequence[Problem] = field(default_factory=tuple[Problem, ...])


class LoopFamily:
    """See `studio.registry.interfaces.Family`; a family derives from it and writes `id`, `prepare`,
    `network` and `foreign`.

    Tasks and their example sets must be picklable (loader processes and further devices get copies
    of them): they keep no context, open file or lambda. A task that took over tensors from other
    weights in `build` remembers the `Transfer` as `transferred`; the loop tells it.

    id: the family's. more_epochs: whether `--resume` with `--epochs N` means N more epochs rather
    than N in all.
    """

    id: ClassVar[str]
    more_epochs: ClassVar[bool] = False

    def __init__(self) -> None:
        self._prepared: tuple[Any, Prepared] | None = None

    # What a family writes.

    def prepare(self, options: Any, context: JobContext | None, resume: Path | None) -> Prepared:
        """Read and check the data and the weights to start from; changes nothing. resume: the run
        goes on from its own checkpoint, so what it once began from may be gone. Tells its progress
        as "check" where there is a context.
        """
        raise NotImplementedError

    def network(self, artifact: ModelArtifact) -> nn.Module:
        """The network of `artifact` with weights of no meaning: its `extra` and skeleton say all."""
        raise NotImplementedError

    def foreign(self, path: Path, state: State) -> ModelArtifact | None:
        """The artefact of another program's state dict, or None where it is not this family's."""
        del path, state
        return None

    def renamed(self, state: State) -> State:
        """Another program's state dict under our network's names."""
        return state

    def for_export(self, module: nn.Module) -> nn.Module:
        """The network as it is to be traced: re-parametrised, without what only training needs."""
        return module

    # What the loop and the host call.

    def preflight(
        self, options: CourseOptions, context: JobContext | None = None, resume: Path | None = None
    ) -> Sequence[Problem]:
        """Everything that would stop the training, and what looks wrong."""
        found = [device_problem(options.device), *missing_loggers(options.log_to)]
        prepared = self._prepare(options, context, resume)
        problems = [*(p for p in found if p is not None), *prepared.problems]
        if prepared.task is None or any(p.severity == "error" for p in problems):
            return problems
        try:
            trial = memory_problem(prepared.task, options)
        except StudioError as error:
            trial = Problem(error.message, where=error.where or "", hint=error.hint)
        return problems if trial is None else [*problems, trial]

    def preview(self, options: CourseOptions, context: JobContext) -> Sequence[Path]:
        """Draw the first augmented batch, as the training would see it, into `report/batch.jpg` of
        the run folder; no network is built. Raises StudioError where there is nothing to draw.
        """
        from studio.ml.loader import BatchMaker, Slice, plan_epoch
        from studio.ml.pictures import SHOWN, RunPictures

        task, run_dir = self._task(options, context, None)
        indices = plan_epoch(len(task.examples), options.batch, options.seed, 1, Slice())[0]
        batch, _ = BatchMaker(task.examples, options.seed)[1, indices[:SHOWN]]
        return RunPictures(context, run_dir).batch(lambda: task.batch_pictures(batch))

    def train(
        self, options: CourseOptions, context: JobContext, resume: Path | None = None
    ) -> ModelArtifact:
        """Train; `resume`: go on from this `last.pt`."""
        from studio.ml.loop import train

        task, run_dir = self._task(options, context, resume)
        write_config(run_dir, self.id, self.stored_options(options))
        return train(task, options, context, family=self.id, resume=resume)

    def stored_options(self, options: CourseOptions) -> Mapping[str, Any]:
        """The options for `config.toml`: paths so that they hold from anywhere."""
        values = options.to_mapping()
        for spec in options.fields():
            if spec.kind and isinstance(value := values.get(spec.name), str) and value:
                path = Path(value).expanduser()
                if path.exists():
                    values[spec.name] = str(path.absolute())
        return values

    def resumed_options(
        self, last: Path, run_dir: Path, given: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """The options of the run that `last` belongs to, with what is asked anew over them.

        Raises DataError where the run is finished and no more epochs are asked for.
        """
        kept = resumable(last, self.id)
        values = {**kept.whole["options"], **read_config(run_dir), **given}
        if self.more_epochs and "epochs" in given:
            values["epochs"] = int(kept.whole["epoch"]) + int(given["epochs"])
        check_unfinished(kept, int(values.get("epochs", 0)), more=self.more_epochs)
        return values

    def fetch(self, options: Any, context: JobContext) -> None:
        """Nothing is published for these families under a name."""
        del options, context
        raise UsageError(
            f"{self.id} has no published weights to download.",
            hint="Give a weights file of your own, or train from nothing.",
        )

    def describe(self, weights: Path) -> ModelArtifact:
        """The artefact of a weights file; ModelError says what another kind of file is."""
        found = read_weights(weights)
        check_family(found, self.id)
        if found.family:
            return found.described()
        artifact = self.foreign(found.path, found.state)
        if artifact is None:
            first = next(iter(found.state))
            raise ModelError(
                f"These are no weights of {self.id} ({len(found.state)} tensors, the first "
                f"{first!r}).",
                where=weights,
            )
        return artifact

    def load_torch(self, artifact: ModelArtifact, device: str = "cpu") -> nn.Module:
        """The trained network in evaluation mode on `device`. Raises ModelError."""
        module = self.network(artifact)
        self.load(module, read_weights(artifact.weights))
        return module.eval().requires_grad_(False).to(device)

    def export_module(self, artifact: ModelArtifact) -> nn.Module:
        """The same on the CPU, ready to be traced."""
        return self.for_export(self.load_torch(artifact)).eval()

    def load(self, module: nn.Module, weights: Weights, *, matching: bool = False) -> Transfer:
        """Put the tensors of a file into `module`: all of them, or (`matching`) those whose name
        and shape fit. Returns which. Raises ModelError where it is another family's, where `module`
        wants other tensors, or where nothing matches.
        """
        from studio.ml.checkpoints import load_exactly, transfer

        check_family(weights, self.id)
        state = weights.state if weights.family else self.renamed(weights.state)
        if not matching:
            load_exactly(module, weights, state)
            return compare(module, state)
        found = transfer(module, state)
        if not found.matched:
            raise ModelError(f"Nothing in these weights fits: {found}", where=weights.path)
        return found

    def _task(
        self, options: CourseOptions, context: JobContext, resume: Path | None
    ) -> tuple[Task, Path]:
        prepared = self._prepare(options, context, resume)
        if prepared.task is None or context.run_dir is None:
            first = next((p for p in prepared.problems if p.severity == "error"), None)
            raise DataError(str(first) if first else "A training needs data and a run folder.")
        return prepared.task, context.run_dir

    def _prepare(self, options: Any, context: JobContext | None, resume: Path | None) -> Prepared:
        asked = (options, resume)
        if self._prepared is None or self._prepared[0] != asked:
            self._prepared = asked, self.prepare(options, context, resume)
        return self._prepared[1]
