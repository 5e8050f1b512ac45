"""The pictures whose values set the ranges of a model that computes in whole numbers.

They come from the training side of the dataset that the model's own run was trained on, unless a
person names others; nothing is ever fetched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.job import JobContext
from studio.exporting.options import CalibrationOptions

Batch = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class CalibrationSet:
    """Pictures as the network gets them at run time.

    source: where they come from, for the certificate. names: one for each picture, in order.
    """

    source: str
    names: tuple[str, ...]
    _read: Iterator[Batch] = field(repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.names)

    def batches(self) -> Iterator[Batch]:
        """(1, H, W, C) uint8 BGR (motion behind the colours where the model wants it), of the
        network's input size: what `studio.runtime.engine.Engine.infer` takes. Read as they are
        asked for, once.
        """
        return self._read


def calibration_set(
    artifact: ModelArtifact,
    options: CalibrationOptions,
    size: tuple[int, int],
    context: JobContext,
) -> CalibrationSet:
    """The pictures that `options` ask for, laid into an input of `size` as the runtime does it.

    Raises UsageError where no pictures are known or there are too few, DataError, FileProblem.
    """
    raise NotImplementedError
