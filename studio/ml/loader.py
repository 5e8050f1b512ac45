"""Batches for the loop: the same ones whichever process makes them, and how long they were waited for.

An epoch's order is a permutation by (seed, epoch), cut into batches of nearly equal size, so that
every picture is seen exactly once and no batch is a lonely remainder. An example is a function of
(seed, epoch, index). Several devices take the batches in turns: device r of W the batches r, r + W, …
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from studio.core.errors import DataError, StudioError
from studio.ml.task import Batch, Example, ExampleSet

if TYPE_CHECKING:
    import torch

# One picture in so many may turn out unreadable without an end of the run.
FORGIVEN = 100
_AHEAD = 4


@dataclass(frozen=True)
class Unreadable:
    """An example that could not be made; another stands in its place."""

    index: int
    problem: str


@dataclass(frozen=True)
class Slice:
    """Which part of every epoch's batches this process computes: those of `rank` among `ranks`."""

    rank: int = 0
    ranks: int = 1


def plan_epoch(count: int, batch: int, seed: int, epoch: int, part: Slice) -> list[list[int]]:
    """The picture numbers of each batch that `part` computes in `epoch`, in order.

    Every rank gets equally many batches. Raises DataError where there are fewer pictures than
    ranks.
    """
    if count < part.ranks:
        raise DataError(
            f"{count} training pictures cannot be shared by {part.ranks} devices.",
            hint="Train on one device.",
        )
    order = np.random.default_rng((seed, epoch)).permutation(count)
    pieces = np.array_split(order, _pieces(count, batch, part.ranks))
    return [piece.tolist() for piece in pieces[part.rank :: part.ranks]]


def smallest_batch(count: int, batch: int, ranks: int = 1) -> int:
    """How many of `count` pictures the smallest batch of an epoch holds."""
    return count // _pieces(count, batch, ranks)


def _pieces(count: int, batch: int, ranks: int) -> int:
    """Into how many batches an epoch is cut: equally many for every rank."""
    return -(-count // (batch * ranks)) * ranks


class BatchMaker:
    """Makes the batch of an (epoch, picture numbers) pair; travels into loader processes."""

    def __init__(self, examples: ExampleSet, seed: int) -> None:
        self._examples = examples
        self._seed = seed

    def __getitem__(self, wanted: tuple[int, list[int]]) -> tuple[Batch, list[Unreadable]]:
        epoch, indices = wanted
        failed: list[Unreadable] = []
        made = [self._example(index, epoch, failed) for index in indices]
        return collate([one for one in made if one is not None]), failed

    def _example(self, index: int, epoch: int, failed: list[Unreadable]) -> Example | None:
        """The example, or the next one that can be made; None where too many cannot."""
        count = len(self._examples)
        for tried in range(1 + count // FORGIVEN):
            number = (index + tried) % count
            rng = np.random.default_rng((self._seed, epoch, number))
            try:
                return self._examples.example(number, epoch, rng)
            except StudioError as error:
                failed.append(Unreadable(number, str(error)))
        return None


def collate(examples: Sequence[Example]) -> dict[str, Any]:
    """Stack examples to a batch of CPU tensors, numbers to (N,) float32 or int64; what is neither
    number nor array becomes a list.
    """
    keys = examples[0] if examples else ()
    return {key: _stacked([e[key] for e in examples]) for key in keys}


def _stacked(values: list[Any]) -> Any:
    import torch

    first = values[0]
    if isinstance(first, torch.Tensor):
        return torch.stack(values)
    if isinstance(first, np.ndarray | np.generic):
        return torch.from_numpy(np.stack(values))
    if isinstance(first, bool):
        return torch.tensor(values)
    if isinstance(first, int):
        return torch.tensor(values, dtype=torch.int64)
    if isinstance(first, float):
        return torch.tensor(values, dtype=torch.float32)
    return values


class _Order:
    """What a loader asks for next: one entry a batch of the epoch that is set."""

    def __init__(self) -> None:
        self.entries: list[tuple[int, list[int]]] = []

    def __iter__(self) -> Iterator[tuple[int, list[int]]]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


class Loader:
    """The batches of one process, on its device.

    workers: processes that prepare batches ahead; with 0 they are made between the steps.
    unreadable: called once for each picture that another took the place of. Raises the picture's
    own StudioError when more than one in a hundred cannot be read.
    """

    def __init__(
        self,
        examples: ExampleSet,
        *,
        batch: int,
        seed: int,
        workers: int,
        device: torch.device,
        part: Slice,
        unreadable: Callable[[str], None],
    ) -> None:
        self._count = len(examples)
        if not self._count:
            raise DataError("There is no picture to train on.")
        self._batch, self._seed, self._part = batch, seed, part
        self._device = device
        self._maker = BatchMaker(examples, seed)
        self._order = _Order()
        self._tell = unreadable
        self._bad: set[int] = set()
        self._workers = self._processes(workers) if workers else None
        self.waited = 0.0

    def __len__(self) -> int:
        """Batches of an epoch for this process."""
        return math.ceil(self._count / (self._batch * self._part.ranks))

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """The batches of `epoch` (from 1), tensors on the device. `waited` grows by the seconds
        that the caller spends waiting for them.
        """
        planned = plan_epoch(self._count, self._batch, self._seed, epoch, self._part)
        self._order.entries = [(epoch, indices) for indices in planned]
        source = iter(self._workers) if self._workers is not None else self._inline()
        while True:
            begun = time.perf_counter()
            found = next(source, None)
            if found is None:
                return
            batch, failed = found
            self._judge(failed)
            ready = self._to_device(batch)
            self.waited += time.perf_counter() - begun
            yield ready

    def close(self) -> None:
        """End the loader processes."""
        workers, self._workers = self._workers, None
        iterator: Any = getattr(workers, "_iterator", None)
        if iterator is not None:
            iterator._shutdown_workers()

    def _inline(self) -> Iterator[tuple[Batch, list[Unreadable]]]:
        return (self._maker[entry] for entry in self._order)

    def _processes(self, workers: int) -> Any:
        import torch
        from torch.utils.data import DataLoader

        return DataLoader(
            cast("Any", self._maker),
            batch_size=None,
            sampler=cast("Any", self._order),
            num_workers=min(workers, len(self)),
            prefetch_factor=_AHEAD,
            persistent_workers=True,
            pin_memory=self._device.type == "cuda",
            # A fork would copy locks that other threads hold.
            multiprocessing_context="spawn",
            generator=torch.Generator(),
            worker_init_fn=_begin_worker,
            collate_fn=_as_is,
        )

    def _judge(self, failed: Sequence[Unreadable]) -> None:
        for one in failed:
            if one.index in self._bad:
                continue
            self._bad.add(one.index)
            if len(self._bad) > self._count // FORGIVEN:
                raise DataError(
                    f"A picture cannot be read in the middle of the training: {one.problem}",
                    hint="Mend it or take it out, then resume; last.pt holds the last whole epoch.",
                )
            self._tell(one.problem)

    def _to_device(self, batch: Batch) -> dict[str, Any]:
        import torch

        if self._device.type == "cpu":
            return dict(batch)
        return {
            key: value.to(self._device, non_blocking=True)
            if isinstance(value, torch.Tensor)
            else value
            for key, value in cast("Mapping[str, Any]", batch).items()
        }


def _as_is(item: Any) -> Any:
    """Batches come whole from the maker."""
    return item


def _begin_worker(_worker: int) -> None:
    """Loader processes share the machine with the training: no thread pools of their own. Ctrl-C
    reaches them too, and is the training's to obey.
    """
    import signal

    import cv2
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
