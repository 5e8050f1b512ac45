"""What a training says while it runs: events, TensorBoard and other loggers, bad batches."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from studio.core.errors import DataError
from studio.core.job import JobContext
from studio.ml.loggers import Sink

if TYPE_CHECKING:
    import torch

# One bad batch may be a freak of half precision; this many in a row are not.
BAD_STEPS = 3
# Numbers stay on a GPU for so many seconds: fetching them makes the processor wait for it.
_FETCH_EVERY = 0.25
# Above this share of an epoch spent waiting for pictures, the loader is worth a word.
WAITED_MUCH = 0.1


@dataclass(frozen=True)
class BatchRecord:
    """One batch as the loop left it. sound: on a step's last batch, whether the step was taken."""

    epoch: int
    step: int
    values: Mapping[str, torch.Tensor]
    lr: float
    images: int
    at: float
    sound: torch.Tensor | None


@dataclass
class Reporter:
    """Speaks for one training.

    total: batches of the whole run; boards: where numbers go besides the events; scaled: whether
    gradients overflow by design; skipped: steps left out so far.
    """

    context: JobContext
    boards: Sequence[Sink]
    total: int
    device: str
    scaled: bool = False
    skipped: int = 0
    _waiting: list[BatchRecord] = field(default_factory=list[BatchRecord])
    _fetched: float = 0.0
    _previous: float = 0.0
    _bad: int = 0
    _spoiled: bool = False
    _sums: dict[str, float] = field(default_factory=dict[str, float])
    _count: int = 0
    _advised: bool = False

    def begin_epoch(self) -> None:
        """Start the epoch's means anew."""
        self._sums, self._count = {}, 0
        self._previous = time.perf_counter()

    def batch(self, record: BatchRecord) -> bool:
        """Take one batch's numbers; tell them now, or a moment later where they are on a GPU.

        Returns whether a step was found to have been left out. Raises DataError after several.
        """
        self._waiting.append(record)
        now = record.at
        if self.device == "cpu" or now - self._fetched >= _FETCH_EVERY:
            return self.flush()
        return False

    def flush(self) -> bool:
        """Tell everything that waits. Returns and raises as `batch` does."""
        records, self._waiting = self._waiting, []
        skipped = self.skipped
        for record, numbers, sound in zip(records, *_fetch(records), strict=True):
            self._tell(record, numbers)
            self._watch(record, numbers["loss"], sound)
        if records:
            last = records[-1]
            self.context.progress("train", last.step, self.total)
            self._fetched = time.perf_counter()
        return self.skipped > skipped

    def _tell(self, record: BatchRecord, numbers: Mapping[str, float]) -> None:
        rate = record.images / max(record.at - self._previous, 1e-9)
        self._previous = record.at
        values = {**numbers, "lr": record.lr, "images_per_second": rate}
        self._say("train", "batch", record.epoch, record.step, values)
        if math.isfinite(numbers["loss"]):
            self._count += 1
            for name, value in numbers.items():
                self._sums[name] = self._sums.get(name, 0.0) + value

    def _watch(self, record: BatchRecord, loss: float, sound: bool | None) -> None:
        self._spoiled |= not math.isfinite(loss)
        if sound is None:
            return
        # In half precision a gradient overflows now and then until its scale is found.
        bad = self._spoiled or (not sound and not self.scaled)
        self._spoiled = False
        self._bad = self._bad + 1 if bad else 0
        if not bad:
            return
        self.skipped += 1
        where = f"epoch {record.epoch}, batch {record.step}"
        if self._bad >= BAD_STEPS:
            raise DataError(
                f"The loss is no longer a number ({where}).",
                hint="Take a smaller --lr; last.pt holds the last sound epoch.",
            )
        self.context.log(
            f"The loss or its gradient is not a number ({where}): the step is left out.", "warning"
        )

    def means(self) -> tuple[dict[str, float], int]:
        """The epoch's sums of every batch value, and how many batches they are of."""
        return dict(self._sums), self._count

    def epoch(self, epoch: int, step: int, values: Mapping[str, float]) -> None:
        """An epoch's means."""
        self._say("train_epoch", "train", epoch, step, values, board_step=epoch)

    def judged(self, epoch: int, step: int, values: Mapping[str, float]) -> None:
        """A judgement on the validation pictures."""
        self._say("val", "val", epoch, step, values, board_step=epoch)

    def waiting(self, share: float, workers: int) -> None:
        """Advise, once a run, where the device waits for its pictures (`share` of the time)."""
        if share <= WAITED_MUCH or self._advised:
            return
        self._advised = True
        more = "more loader processes (--workers)" if workers else "loader processes (--workers 2)"
        self.context.log(
            f"The training waits {share:.0%} of its time for pictures. Try {more}; "
            "smaller or locally stored pictures load faster.",
            "warning",
        )

    def close(self) -> None:
        """End the boards."""
        for board in self.boards:
            board.close()

    def _say(
        self,
        split: str,
        board: str,
        epoch: int,
        step: int,
        values: Mapping[str, float],
        *,
        board_step: int | None = None,
    ) -> None:
        self.context.metrics(epoch=epoch, step=step, split=split, values=values)
        for one in self.boards:
            one.add(board, step if board_step is None else board_step, values)


def _fetch(
    records: Sequence[BatchRecord],
) -> tuple[list[dict[str, float]], list[bool | None]]:
    """All numbers of the records, with one wait for the device."""
    import torch

    if not records:
        return [], []
    flat = [v.detach().float().reshape(()) for r in records for v in r.values.values()]
    flat += [r.sound.float() for r in records if r.sound is not None]
    numbers = iter(torch.stack(flat).tolist())
    found = [{name: next(numbers) for name in r.values} for r in records]
    sounds = [None if r.sound is None else bool(next(numbers)) for r in records]
    return found, sounds
