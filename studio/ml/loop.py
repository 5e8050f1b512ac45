"""The one training loop: every family's `Task` runs on it, on one device or several.

    artifact = train(task, options, context, family="toy")

A run is a function of its options: each epoch seeds torch by (seed, epoch) and each example by
(seed, epoch, index), so a resumed run is the run that was never interrupted. `last.pt` is written
after every epoch, whole or not at all: a kill loses the epoch in hand and no more.
"""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from studio.core.artifact import ModelArtifact
from studio.core.errors import DataError, ModelError
from studio.core.job import JobContext
from studio.io.files import remove_leftovers
from studio.ml import checkpoints
from studio.ml.board import FOLDER as BOARD_FOLDER
from studio.ml.checkpoints import Weights, load_exactly
from studio.ml.course import CourseOptions
from studio.ml.devices import torch_devices
from studio.ml.failures import explained
from studio.ml.keeping import Best, Keeper, Progress, check_unfinished, resumable
from studio.ml.launch import launched_rank
from studio.ml.loader import Loader
from studio.ml.loggers import Sink, open_boards
from studio.ml.pictures import RunPictures
from studio.ml.ranks import Alone, torchrun_group
from studio.ml.reporter import BatchRecord, Reporter
from studio.ml.run_files import WEIGHTS, best_of
from studio.ml.schedules import Schedule
from studio.ml.spawning import train_on
from studio.ml.stepping import Stepper
from studio.ml.task import Batch, Task

if TYPE_CHECKING:
    import torch


def train(
    task: Task,
    options: CourseOptions,
    context: JobContext,
    *,
    family: str,
    resume: Path | None = None,
) -> ModelArtifact:
    """Train in `context.run_dir`; the artefact of the best weights, also after a stop.

    Under torchrun this process is one of several; else, where `options.device` names several, a
    process is started for each. resume: the `last.pt` to go on from. Raises Cancelled, and
    StudioError for what a person can mend: the last whole epoch's checkpoint stands then.
    """
    import torch

    if context.run_dir is None:
        raise DataError("A training needs a run folder.")
    (context.run_dir / WEIGHTS).mkdir(parents=True, exist_ok=True)
    remove_leftovers(context.run_dir / WEIGHTS)
    names = torch_devices(options.device)
    if launched_rank() is not None:
        group = torchrun_group(names)
        try:
            return train_in(group, task, options, context, family, resume)
        finally:
            group.close()
    if len(names) > 1:
        return train_on(names, task, options, context, family=family, resume=resume)
    return train_in(Alone(torch.device(names[0])), task, options, context, family, resume)


def train_in(
    group: Alone,
    task: Task,
    options: CourseOptions,
    context: JobContext,
    family: str,
    resume: Path | None,
) -> ModelArtifact:
    """`train` as one member of `group`. Only rank 0 judges, writes and keeps pictures."""
    try:
        return _Course(group, task, options, context, family).run(resume)
    except Exception as error:
        raise explained(error, context, batch=options.batch) from error


class _Course:
    """One training in one process."""

    def __init__(
        self, group: Alone, task: Task, options: CourseOptions, context: JobContext, family: str
    ) -> None:
        assert context.run_dir is not None
        self._group, self._task, self._options, self._context = group, task, options, context
        self._run_dir, self._family = context.run_dir, family
        self._first = group.part.rank == 0
        self._keeper = Keeper(task, options, context, self._run_dir, family)
        self._pictures = RunPictures(context, self._run_dir)
        self._epoch = self._step = 0
        self._warm = False

    def run(self, resume: Path | None) -> ModelArtifact:
        """Everything from the first seed to the best artefact."""
        import torch

        options, device = self._options, self._group.device
        self._context.progress("prepare", 0, 0)
        # Batches are of one size or two: trying out the fastest convolutions pays.
        torch.backends.cudnn.benchmark = device.type == "cuda"
        kept = self._kept(resume)
        self._seed(0)
        model = self._task.build()
        self._tell_transfer()
        if kept is not None:
            load_exactly(model, kept, kept.whole["model"])
        self._stepper = Stepper(self._task, model.to(device), options, device)
        if kept is not None:
            self._go_on(kept)
        if self._first:
            self._keeper.check_space(model)
        self._loader = Loader(
            self._task.examples,
            batch=options.batch,
            seed=options.seed,
            workers=options.workers,
            device=device,
            part=self._group.part,
            unreadable=lambda text: self._context.log(f"Left out: {text}", "warning"),
        )
        self._schedule = Schedule(options, -(-len(self._loader) // options.accumulate))
        self._reporter = self._listen()
        try:
            self._epochs()
        finally:
            self._loader.close()
            self._reporter.close()
        artifact = self._keeper.result(self._epoch) if self._first else None
        return self._group.first_says(artifact)

    def _kept(self, resume: Path | None) -> Weights | None:
        if resume is None:
            return None
        kept = resumable(resume, self._family)
        check_unfinished(kept, self._options.epochs)
        return kept

    def _go_on(self, kept: Weights) -> None:
        whole = kept.whole
        try:
            self._stepper.load(whole)
        except (KeyError, ValueError) as error:
            raise ModelError(
                f"The state of the optimiser does not fit this run: {error}.",
                where=kept.path,
                hint="Resume with the options the run began with.",
            ) from error
        self._epoch, self._step = int(whole["epoch"]), int(whole["step"])
        # A run that goes on in another folder has no best weights there yet.
        if best_of(self._run_dir).is_file():
            self._keeper.best = Best(**whole["best"])

    def _tell_transfer(self) -> None:
        """Say what a family took over from other weights, where its task remembers it."""
        found: checkpoints.Transfer | None = getattr(self._task, "transferred", None)
        if found is not None and self._first:
            self._context.event("transfer", **found.to_mapping())
            self._context.log(f"Taken over: {found}", "info" if found.whole else "warning")

    def _listen(self) -> Reporter:
        boards: list[Sink] = []
        if self._first:
            boards = open_boards(self._run_dir, self._family, self._options, self._context)
        # A run may go on with another batch or other devices than it began with.
        total = self._step + len(self._loader) * (self._options.epochs - self._epoch)
        kind, scaled = self._group.device.type, self._stepper.scaled
        return Reporter(self._context, boards, total, kind, scaled)

    def _epochs(self) -> None:
        self._context.check()
        self._context.progress("train", self._step, self._reporter.total)
        while self._epoch < self._options.epochs:
            self._epoch += 1
            self._one_epoch()
            if self._first:
                self._keep()
            if self._group.first_says(self._first and self._ends()):
                break
        if self._first:
            self._context.artifact("tensorboard", self._run_dir / BOARD_FOLDER)

    def _one_epoch(self) -> None:
        epoch, model, loader = self._epoch, self._stepper.model, self._loader
        self._seed(epoch)
        model.train()
        self._task.begin_epoch(epoch, model)
        self._stepper.network = self._group.wrap(model)
        sound = [b.detach().clone() for b in model.buffers()]
        self._reporter.begin_epoch()
        begun, loader.waited = time.perf_counter(), 0.0
        for number, batch in enumerate(loader.epoch(epoch)):
            if not self._warm:
                # The first pictures wait for libraries and loader processes to start.
                self._warm, begun, loader.waited = True, time.perf_counter(), 0.0
            if self._one_batch(number, batch):
                _mend(model, sound)
            self._context.check()
        if self._reporter.flush():
            _mend(model, sound)
        waited = loader.waited / max(time.perf_counter() - begun, 1e-9)
        sums, count = self._group.gathered(*self._reporter.means())
        values = {name: total / max(count, 1) for name, total in sums.items()}
        self._reporter.epoch(epoch, self._step, {**values, "wait": waited})
        if self._first:
            self._reporter.waiting(waited, self._options.workers)
        self._group.share_buffers(model)

    def _one_batch(self, number: int, batch: Batch) -> bool:
        """One batch, and a step where it is the last of its group; whether one was left out."""
        gathered, per_epoch = self._options.accumulate, len(self._loader)
        if self._first and self._epoch == 1 and number == 0:
            self._pictures.batch(lambda: self._task.batch_pictures(batch))
        group = min(gathered, per_epoch - number // gathered * gathered)
        last = (number + 1) % gathered == 0 or number + 1 == per_epoch
        done = (self._epoch - 1) * self._schedule.steps + number // gathered
        rate = self._stepper.set_rate(self._schedule.factor(done))
        values = self._stepper.backward(batch, self._epoch, 1 / group, last=last)
        sound = self._stepper.update() if last else None
        self._step += 1
        size, at = len(next(iter(batch.values()))) * self._group.part.ranks, time.perf_counter()
        record = BatchRecord(self._epoch, self._step, values, rate, size, at, sound)
        return self._reporter.batch(record)

    def _keep(self) -> None:
        """Judge the network where that is due, and write the checkpoints."""
        import torch

        if not all(bool(torch.isfinite(p).all()) for p in self._stepper.model.parameters()):
            raise DataError(
                f"The weights are no longer numbers (epoch {self._epoch}).",
                hint="Take a smaller --lr; last.pt holds the last sound epoch.",
            )
        if self._stepper.average is not None:
            self._stepper.average.take_buffers()
        final = self._epoch >= self._options.epochs or self._context.stop_requested
        if final or self._epoch % self._options.validate_every == 0:
            self._judge(force=final)
        progress = Progress(self._epoch, self._step)
        self._keeper.write_last(progress, self._stepper.to_mapping())
        numbered = self._keeper.numbered(self._epoch)
        if numbered is not None:
            self._keeper.write_weights(numbered, self._stepper.judged.state_dict())

    def _judge(self, *, force: bool) -> None:
        import torch

        model = self._stepper.judged.eval()
        with torch.no_grad():
            found = self._task.validate(model, self._context)
            values = {name: float(value) for name, value in found.items()}
            self._reporter.judged(self._epoch, self._step, values)
            self._keeper.judged(self._epoch, values, model.state_dict)
            self._context.check()
            self._pictures.judged(
                self._epoch, lambda: self._task.validation_pictures(model), force=force
            )

    def _ends(self) -> bool:
        return self._keeper.enough(self._epoch) or self._context.stop_requested

    def _seed(self, epoch: int) -> None:
        """Chance in this process is a function of (seed, epoch, rank) from here on."""
        import torch

        rank = self._group.part.rank if epoch else 0
        state = np.random.SeedSequence((self._options.seed, epoch, rank))
        number = int(state.generate_state(1)[0])
        torch.manual_seed(number)
        random.seed(number)
        np.random.seed(number)  # noqa: NPY002 - for libraries that use the old generator


def _mend(model: torch.nn.Module, sound: list[torch.Tensor]) -> None:
    """Running statistics that a bad batch made infinite, as they were when the epoch began."""
    import torch

    for buffer, kept in zip(model.buffers(), sound, strict=True):
        if buffer.is_floating_point() and not bool(torch.isfinite(buffer).all()):
            buffer.copy_(kept)
