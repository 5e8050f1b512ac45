"""TensorBoard files of a run, where tensorboard is installed."""

from __future__ import annotations

import importlib.util
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = "tensorboard"
# Scalars wait so long: writing each at once would wake the writer's thread between two steps,
# which costs a short step more than the step itself.
_WRITE_EVERY = 2.0
_QUEUE = 10_000


class Board:
    """Writes scalars; does nothing at all where tensorboard is not installed."""

    def __init__(self, run_dir: Path) -> None:
        self._writer: Any = None
        self._waiting: list[tuple[str, float, int, float]] = []
        self._written = time.monotonic()
        self.available = importlib.util.find_spec("tensorboard") is not None
        if self.available:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                from torch.utils.tensorboard import SummaryWriter

                self._writer = SummaryWriter(str(run_dir / FOLDER), max_queue=_QUEUE)

    def add(self, split: str, step: int, values: Mapping[str, float]) -> None:
        """Scalars `split/name` at `step`; in the files a moment later."""
        if self._writer is None:
            return
        now = time.time()
        self._waiting += [(f"{split}/{name}", value, step, now) for name, value in values.items()]
        if time.monotonic() - self._written > _WRITE_EVERY:
            self._write()

    def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        for name, value, step, when in waiting:
            self._writer.add_scalar(name, value, step, walltime=when)
        self._writer.flush()
        self._written = time.monotonic()

    def close(self) -> None:
        """Write what waits, and end."""
        if self._writer is not None:
            self._write()
            self._writer.close()
            self._writer = None
