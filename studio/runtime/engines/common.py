"""What the engines that compute on the calling thread share."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from studio.core.artifact import InputSpec
from studio.runtime.engine import Batch, Outputs


def to_floats(pictures: Batch, spec: InputSpec) -> npt.NDArray[np.float32]:
    """(N, H, W, C) uint8, the first three BGR, as (N, C, H, W) float32 in the order and scale of
    `spec`.
    """
    planes = pictures[..., channel_order(spec)] if spec.color == "rgb" else pictures
    out = np.ascontiguousarray(planes.transpose(0, 3, 1, 2)).astype(np.float32)
    out /= 255
    if any(spec.mean) or any(s != 1 for s in spec.std):
        out -= np.asarray(spec.mean, np.float32).reshape(1, -1, 1, 1)
        out /= np.asarray(spec.std, np.float32).reshape(1, -1, 1, 1)
    return out


def channel_order(spec: InputSpec) -> list[int]:
    """Where each channel of the network comes from: blue and red change places for RGB, what
    stands behind the colours stays.
    """
    order = list(range(spec.channels))
    return [2, 1, 0, *order[3:]] if spec.color == "rgb" else order


class ThreadPending:
    """An inference on the submitter's thread."""

    def __init__(self) -> None:
        self.milliseconds = 0.0
        self.future: Future[Outputs] = Future()

    def result(self) -> Outputs:
        """Wait; raises what went wrong."""
        return self.future.result()


class Submitter:
    """Runs one inference after the other on a thread of its own."""

    def __init__(self, infer: Callable[[Batch], Outputs]) -> None:
        self._infer = infer
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="infer")

    def submit(self, pictures: Batch) -> ThreadPending:
        """Start."""
        pending = ThreadPending()

        def work() -> Outputs:
            started = time.perf_counter()
            outputs = self._infer(pictures)
            pending.milliseconds = (time.perf_counter() - started) * 1000
            return outputs

        pending.future = self._pool.submit(work)
        return pending

    def close(self) -> None:
        """End the thread."""
        self._pool.shutdown(cancel_futures=True)
