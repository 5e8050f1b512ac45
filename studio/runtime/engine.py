"""One way to run a network, whatever library stands behind it."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

Batch = npt.NDArray[np.uint8]
Outputs = tuple[npt.NDArray[np.float32], ...]

PRECISIONS = ("auto", "f32", "bf16", "f16")


class Pending(Protocol):
    """An inference under way. `milliseconds`: what it took, once the result is there."""

    milliseconds: float

    def result(self) -> Outputs:
        """Wait for the outputs, float32 arrays that are the caller's own. Raises ModelError."""
        ...


class Engine(Protocol):
    """A loaded network.

    Pictures go in as they are in memory: (N, H, W, 3) uint8 BGR, already of an input size, or
    (N, H, W, 6) with motion behind the colours (`studio.vision.motion`). The engine turns them
    into what `artifact.input` asks for (colour order of the first three, mean, std).
    `requests` says how many inferences may be under way at once.
    """

    name: str
    device: str
    precision: str
    requests: int

    def infer(self, pictures: Batch) -> Outputs:
        """Outputs for the batch. Raises ModelError where the network refuses it."""
        ...

    def submit(self, pictures: Batch) -> Pending:
        """Start; blocks while all `requests` are busy. Results come in order of submission."""
        ...

    def close(self) -> None:
        """Let the network and its threads go."""
        ...
