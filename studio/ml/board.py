"""TensorBoard files of a run, where tensorboard is installed."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = "tensorboard"


class Board:
    """Writes scalars; does nothing at all where tensorboard is not installed."""

    def __init__(self, run_dir: Path) -> None:
        self._writer: Any = None
        self.available = importlib.util.find_spec("tensorboard") is not None
        if self.available:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                from torch.utils.tensorboard import SummaryWriter

                self._writer = SummaryWriter(str(run_dir / FOLDER))

    def add(self, split: str, step: int, values: Mapping[str, float]) -> None:
        """Scalars `split/name` at `step`."""
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(f"{split}/{name}", value, step)

    def close(self) -> None:
        """Flush and end."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
