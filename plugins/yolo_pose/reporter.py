"""Turns the trainer's callbacks into events, and the user's wishes into its end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.core.errors import DataError
from studio.core.job import JobContext
from studio.ml.board import Board

from .names import plain_losses, plain_metrics
from .pictures import Pictures

# One bad batch may be a freak of half precision; this many in a row are not.
_BAD_BATCHES = 3


@dataclass
class Reporter:
    """Listens to one training. `saved` is called after each checkpoint with the metrics of the
    best epoch so far.
    """

    context: JobContext
    board: Board
    pictures: Pictures
    saved: Callable[[Any, dict[str, float]], None]
    best_epoch: int = 0
    best_metrics: dict[str, float] = field(default_factory=dict[str, float])
    _in_epoch: int = 0
    _bad: int = 0
    _clock: float = 0.0

    def attach(self, trainer: Any) -> None:
        """Add every callback."""
        for event, listener in (
            ("on_train_start", self._on_train_start),
            ("on_train_epoch_start", self._on_epoch_start),
            ("on_train_batch_end", self._on_batch_end),
            ("on_train_epoch_end", self._on_epoch_end),
            ("on_val_batch_end", self._on_val_batch_end),
            ("on_model_save", self._on_save),
            ("on_fit_epoch_end", self._on_fit_end),
        ):
            trainer.add_callback(event, listener)

    def _on_train_start(self, trainer: Any) -> None:
        self.context.check()
        self._progress(trainer)

    def _on_epoch_start(self, trainer: Any) -> None:
        self._in_epoch = 0
        self._clock = time.perf_counter()
        # Out of memory is the user's to decide, not halved in silence.
        trainer._oom_retries = 3

    def _on_batch_end(self, trainer: Any) -> None:
        self.context.check()
        self._in_epoch += 1
        now = time.perf_counter()
        rate = trainer.batch_size / max(now - self._clock, 1e-9)
        self._clock = now
        values = plain_losses(trainer.loss_items)
        self._watch(trainer, values["loss"])
        values["lr"] = float(trainer.optimizer.param_groups[-1]["lr"])
        values["images_per_second"] = rate
        step = self._step(trainer)
        self.context.metrics(epoch=trainer.epoch + 1, step=step, split="train", values=values)
        self.board.add("batch", step, values)
        self._progress(trainer)

    def _watch(self, trainer: Any, loss: float) -> None:
        self._bad = 0 if math.isfinite(loss) else self._bad + 1
        if self._bad >= min(_BAD_BATCHES, len(trainer.train_loader)):
            raise DataError(
                f"The loss is no longer a number (epoch {trainer.epoch + 1}, batch {self._in_epoch}).",
                where=str(trainer.args.data),
                hint="Take a smaller --lr0 or --no-amp; last.pt holds the last sound epoch.",
            )

    def _on_epoch_end(self, trainer: Any) -> None:
        values = plain_losses(trainer.tloss)
        epoch = trainer.epoch + 1
        self.context.metrics(
            epoch=epoch, step=self._step(trainer), split="train_epoch", values=values
        )
        self.board.add("train", epoch, values)
        self._end_if_asked(trainer)

    def _on_val_batch_end(self, _validator: Any) -> None:
        self.context.check()

    def _on_save(self, trainer: Any) -> None:
        if not self.best_epoch:
            self.context.artifact("weights", Path(trainer.last))
        if trainer.fitness == trainer.best_fitness or not self.best_epoch:
            self.best_epoch = trainer.epoch + 1
            self.best_metrics = self._judged(trainer)
            self.context.artifact("weights", Path(trainer.best))
        self.saved(trainer, self.best_metrics)

    def _on_fit_end(self, trainer: Any) -> None:
        values = self._judged(trainer)
        epoch = trainer.epoch + 1
        self.context.metrics(epoch=epoch, step=self._step(trainer), split="val", values=values)
        self.board.add("val", epoch, values)
        self._end_if_asked(trainer)
        self.context.check()
        self.pictures.predictions(trainer, force=bool(trainer.stop))

    def _end_if_asked(self, trainer: Any) -> None:
        if self.context.stop_requested:
            trainer.stop = True

    def _judged(self, trainer: Any) -> dict[str, float]:
        return plain_metrics({**trainer.metrics, "fitness": trainer.fitness})

    def _step(self, trainer: Any) -> int:
        return trainer.epoch * len(trainer.train_loader) + self._in_epoch

    def _progress(self, trainer: Any) -> None:
        epoch = getattr(trainer, "epoch", None)
        done = (
            trainer.start_epoch * len(trainer.train_loader)
            if epoch is None
            else self._step(trainer)
        )
        self.context.progress("train", done, trainer.epochs * len(trainer.train_loader))
