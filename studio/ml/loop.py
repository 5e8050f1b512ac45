"""The one training loop: every family's `Task` runs on it, on one device or several.

    artifact = train(task, options, context, family="toy")

A run is a function of its options: each epoch seeds torch by (seed, epoch) and each example by
(seed, epoch, index), so a resumed run is the run that was never interrupted. `last.pt` is written
after every epoch, whole or not at all: a kill loses the epoch in hand and no more.
"""

from __future__ import annotations

import dataclasses
import math
import random
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.core.artifact import ModelArtifact
from studio.core.errors import DataError, FileProblem, ModelError
from studio.core.job import JobContext
from studio.io.files import remove_leftovers
from studio.io.model_json import save_artifact
from studio.ml import checkpoints
from studio.ml.board import FOLDER as BOARD_FOLDER
from studio.ml.board import Board
from studio.ml.checkpoints import Weights, check_family, load_exactly, read_weights
from studio.ml.course import CourseOptions
from studio.ml.devices import torch_devices
from studio.ml.failures import explained
from studio.ml.loader import Loader, Slice
from studio.ml.pictures import RunPictures
from studio.ml.reporter import BatchRecord, Reporter
from studio.ml.run_files import WEIGHTS, best_of, last_of
from studio.ml.schedules import Schedule
from studio.ml.stepping import Stepper
from studio.ml.task import Batch, Task

if TYPE_CHECKING:
    import torch

# Bytes of the small things a run writes beside its checkpoints.
_SMALL_FILES = 50_000_000


def train(
    task: Task,
    options: CourseOptions,
    context: JobContext,
    *,
    family: str,
    resume: Path | None = None,
) -> ModelArtifact:
    """Train in `context.run_dir`; the artefact of the best weights, also after a stop.

    resume: the `last.pt` to go on from. Raises Cancelled, and StudioError for what a person can
    mend: the last whole epoch's checkpoint stands then.
    """
    if context.run_dir is None:
        raise DataError("A training needs a run folder.")
    (context.run_dir / WEIGHTS).mkdir(parents=True, exist_ok=True)
    remove_leftovers(context.run_dir / WEIGHTS)
    try:
        course = Course(task, options, context, context.run_dir, family)
        return course.run(resume)
    except Exception as error:
        raise explained(error, context, batch=options.batch) from error


@dataclass
class Best:
    """The best judgement so far."""

    epoch: int = 0
    value: float = math.nan
    metrics: Mapping[str, float] = dataclasses.field(default_factory=dict[str, float])

    def beaten_by(self, value: float, *, higher: bool) -> bool:
        """Whether `value` is better; anything is better than no number."""
        if math.isnan(value):
            return not self.epoch
        return math.isnan(self.value) or (value > self.value if higher else value < self.value)


class Course:
    """One training on one device."""

    def __init__(
        self, task: Task, options: CourseOptions, context: JobContext, run_dir: Path, family: str
    ) -> None:
        import torch

        self._task, self._options, self._context = task, options, context
        self._run_dir, self._family = run_dir, family
        self._device = torch.device(torch_devices(options.device)[0])
        self._part = Slice()
        self._best = Best()
        self._epoch = self._step = self._updates = 0

    def run(self, resume: Path | None) -> ModelArtifact:
        """Everything from the first seed to the best artefact."""
        self._context.progress("prepare", 0, 0)
        kept = self._kept(resume)
        self._seed(0)
        model = self._task.build()
        self._tell_transfer()
        if kept is not None:
            load_exactly(model, kept, kept.whole["model"])
        self._stepper = Stepper(self._task, model.to(self._device), self._options, self._device)
        if kept is not None:
            self._go_on(kept)
        self._check_space()
        self._loader = Loader(
            self._task.examples,
            batch=self._options.batch,
            seed=self._options.seed,
            workers=self._options.workers,
            device=self._device,
            part=self._part,
            unreadable=lambda text: self._context.log(f"Left out: {text}", "warning"),
        )
        per_epoch = len(self._loader)
        gathered = self._options.accumulate
        self._schedule = Schedule(self._options, -(-per_epoch // gathered))
        self._reporter = self._listen(per_epoch)
        self._pictures = RunPictures(self._context, self._run_dir)
        try:
            self._epochs()
        finally:
            self._loader.close()
            self._reporter.close()
        return self._result()

    def _kept(self, resume: Path | None) -> Weights | None:
        if resume is None:
            return None
        kept = read_weights(resume)
        check_family(kept, self._family)
        if "optimizer" not in kept.whole:
            raise ModelError(
                "These weights hold no state to resume from.",
                where=resume,
                hint="Start a new training from them instead.",
            )
        if kept.whole["epoch"] >= self._options.epochs:
            raise DataError(
                f"This run is finished: {kept.whole['epoch']} of {self._options.epochs} epochs.",
                where=resume,
                hint=f"Give --epochs with more than {kept.whole['epoch']} to go on with it.",
            )
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
        self._updates = int(whole["updates"])
        self._best = Best(**whole["best"])

    def _tell_transfer(self) -> None:
        """Say what a family took over from other weights, where its task remembers it."""
        found: checkpoints.Transfer | None = getattr(self._task, "transferred", None)
        if found is not None:
            self._context.event("transfer", **found.to_mapping())
            self._context.log(f"Taken over: {found}", "info" if found.whole else "warning")

    def _listen(self, per_epoch: int) -> Reporter:
        board = Board(self._run_dir)
        if not board.available:
            self._context.log("tensorboard is not installed: no TensorBoard files are written.")
        return Reporter(
            self._context,
            [board],
            per_epoch * self._options.epochs,
            self._device.type,
            self._stepper.scaled,
        )

    def _epochs(self) -> None:
        self._context.check()
        self._context.progress("train", self._step, self._reporter.total)
        while self._epoch < self._options.epochs:
            self._epoch += 1
            self._one_epoch()
            if self._ends():
                break
        self._context.artifact("tensorboard", self._run_dir / BOARD_FOLDER)

    def _one_epoch(self) -> None:
        epoch, model = self._epoch, self._stepper.model
        self._seed(epoch)
        model.train()
        self._task.begin_epoch(epoch, model)
        sound_buffers = [b.detach().clone() for b in model.buffers()]
        self._reporter.begin_epoch()
        begun, self._loader.waited = time.perf_counter(), 0.0
        for number, batch in enumerate(self._loader.epoch(epoch)):
            if self._one_batch(number, batch):
                self._mend_buffers(sound_buffers)
            self._context.check()
        if self._reporter.flush():
            self._mend_buffers(sound_buffers)
        waited = self._loader.waited / max(time.perf_counter() - begun, 1e-9)
        sums, count = self._reporter.means()
        values = {name: total / max(count, 1) for name, total in sums.items()}
        self._reporter.epoch(epoch, self._step, {**values, "wait": waited})
        self._reporter.waiting(waited, self._options.workers)
        self._keep()

    def _one_batch(self, number: int, batch: Batch) -> bool:
        """One batch, and a step where it is the last of its group; whether one was left out."""
        gathered, per_epoch = self._options.accumulate, len(self._loader)
        if self._epoch == 1 and number == 0:
            self._pictures.batch(lambda: self._task.batch_pictures(batch))
        group = min(gathered, per_epoch - number // gathered * gathered)
        last = (number + 1) % gathered == 0 or number + 1 == per_epoch
        rate = self._stepper.set_rate(self._schedule.factor(self._updates))
        values = self._stepper.backward(batch, self._epoch, 1 / group, last=last)
        sound = None
        if last:
            sound = self._stepper.update()
            self._updates += 1
        self._step += 1
        size = len(next(iter(batch.values())))
        at = time.perf_counter()
        return self._reporter.batch(
            BatchRecord(self._epoch, self._step, values, rate, size, at, sound)
        )

    def _mend_buffers(self, sound: list[torch.Tensor]) -> None:
        """Running statistics that a bad batch made infinite, as they were when the epoch began."""
        import torch

        for buffer, kept in zip(self._stepper.model.buffers(), sound, strict=True):
            if buffer.is_floating_point() and not bool(torch.isfinite(buffer).all()):
                buffer.copy_(kept)

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
        self._write_last()
        interval = self._options.save_interval
        if interval and self._epoch % interval == 0:
            self._write_weights(self._run_dir / WEIGHTS / f"epoch_{self._epoch:04d}.pt")

    def _judge(self, *, force: bool) -> None:
        import torch

        model = self._stepper.judged.eval()
        with torch.no_grad():
            values = {
                name: float(value)
                for name, value in self._task.validate(model, self._context).items()
            }
            self._reporter.judged(self._epoch, self._step, values)
            value = values.get(self._task.best_metric, math.nan)
            if self._best.beaten_by(value, higher=self._task.higher_is_better):
                self._best = Best(self._epoch, value, values)
                artifact = self._write_weights(best_of(self._run_dir))
                save_artifact(artifact, self._run_dir)
            self._context.check()
            self._pictures.judged(
                self._epoch, lambda: self._task.validation_pictures(model), force=force
            )

    def _write_weights(self, path: Path) -> ModelArtifact:
        artifact = self._task.artifact(path, self._best.metrics)
        state = self._stepper.judged.state_dict()
        checkpoints.write_weights(path, self._family, artifact, state)
        self._context.artifact("weights", path)
        return artifact

    def _write_last(self) -> None:
        path = last_of(self._run_dir)
        first = not path.exists()
        course = {
            **self._stepper.to_mapping(),
            "epoch": self._epoch,
            "step": self._step,
            "updates": self._updates,
            "options": self._options.to_mapping(),
            "best": dataclasses.asdict(self._best),
            "versions": checkpoints.versions(),
        }
        artifact = self._task.artifact(path, self._best.metrics)
        checkpoints.write_checkpoint(path, self._family, artifact, course)
        if first:
            self._context.artifact("weights", path)

    def _ends(self) -> bool:
        patience = self._options.patience
        if patience and self._epoch - self._best.epoch >= patience:
            self._context.log(
                f"Nothing better for {patience} epochs: the training ends after {self._epoch}."
            )
            return True
        return self._context.stop_requested

    def _check_space(self) -> None:
        """Raise FileProblem where the checkpoints will not fit: better now than after an epoch."""
        parameters = sum(p.numel() * p.element_size() for p in self._stepper.model.parameters())
        # last.pt with two moments and the average; best.pt; and each once more while it is written.
        needed = parameters * 2 * (1 + 2 + (self._options.ema > 0) + 1) + _SMALL_FILES
        if self._options.save_interval:
            needed += parameters * (self._options.epochs // self._options.save_interval)
        free = shutil.disk_usage(self._run_dir).free
        if free < needed:
            raise FileProblem(
                f"The checkpoints of this training need about {needed / 1e6:.0f} MB; "
                f"{free / 1e6:.0f} MB are free.",
                where=self._run_dir,
                hint="Make room, or choose another --output.",
            )

    def _result(self) -> ModelArtifact:
        best = best_of(self._run_dir)
        if not best.is_file():
            raise ModelError("The training ended before one epoch was whole.", where=self._run_dir)
        artifact = read_weights(best).described()
        extra = {**artifact.extra, "best_epoch": self._best.epoch, "epochs": self._epoch}
        return dataclasses.replace(artifact, extra=extra)

    def _seed(self, epoch: int) -> None:
        """Chance in this process is a function of (seed, epoch, rank) from here on."""
        import torch

        state = np.random.SeedSequence((self._options.seed, epoch, self._part.rank))
        number = int(state.generate_state(1)[0])
        torch.manual_seed(number)
        random.seed(number)
        np.random.seed(number)  # noqa: NPY002 - for libraries that use the old generator


def read_state(last: Path) -> Mapping[str, Any]:
    """What `last.pt` holds of its run: "epoch", "options", "best" and the rest."""
    return read_weights(last).whole
