"""What the engines that compute on the calling thread share."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import numpy as np
import numpy.typing as npt

from studio.core.artifact import InputSpec, ModelArtifact
from studio.core.errors import DeviceError, ModelError, UsageError
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


def check_pictures(artifact: ModelArtifact, pictures: Batch) -> None:
    """Raises ModelError where a batch cannot go into the artefact as its model.json describes it:
    for engines whose libraries would compute nonsense, or end the process, instead of refusing.
    """
    spec = artifact.input
    _, height, width, channels = pictures.shape
    multiple = spec.dynamic and not (height % spec.stride or width % spec.stride)
    if channels == spec.channels and (multiple or (height, width) == spec.size):
        return
    sides = f"multiples of {spec.stride}" if spec.dynamic else f"{spec.size[0]} x {spec.size[1]}"
    raise ModelError(
        f"This artefact takes pictures of {spec.channels} channels, {sides}, not of {channels} "
        f"channels, {height} x {width}.",
        where=artifact.weights,
        hint="Leave --imgsz out, or export it for another size.",
    )


def check_cpu(library: str, device: str, precision: str) -> None:
    """Raises DeviceError, UsageError where an engine that computes in f32 on the processor is asked
    for anything else.
    """
    if device.lower() not in ("", "auto", "cpu"):
        raise DeviceError(
            f"{library} runs on the processor here, not on {device!r}.",
            hint="Use --device cpu, or leave it out.",
        )
    if precision not in ("auto", "f32"):
        raise UsageError(
            f"{library} computes in f32 here, not in {precision}.",
            hint="Use --precision auto or f32.",
        )


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


class ThreadedEngine(ABC):
    """See `studio.runtime.engine.Engine`: an engine whose library computes on the thread that asks,
    one batch at a time. A kind of it loads the network and says how a batch is computed.
    """

    name: str
    device: str = "cpu"
    precision: str = "f32"
    requests: int = 2

    def __init__(self, artifact: ModelArtifact) -> None:
        self._artifact = artifact
        self._lock = threading.Lock()
        self._submitter = Submitter(self.infer)

    @abstractmethod
    def _compute(self, pictures: Batch) -> Outputs:
        """Outputs for the batch; never on two threads at once. Raises ModelError."""

    def infer(self, pictures: Batch) -> Outputs:
        """See `Engine.infer`."""
        with self._lock:
            return self._compute(pictures)

    def submit(self, pictures: Batch) -> ThreadPending:
        """See `Engine.submit`."""
        return self._submitter.submit(pictures)

    def close(self) -> None:
        """See `Engine.close`."""
        self._submitter.close()


class ThreadedMaker(Protocol):
    """A kind of threaded engine."""

    def __call__(
        self, artifact: ModelArtifact, device: str, precision: str, threads: int
    ) -> ThreadedEngine: ...


class Maker(Protocol):
    """`make_engine` of an engine's module, see `studio.runtime.opening.open_engine`."""

    def __call__(
        self, artifact: ModelArtifact, device: str, precision: str, threads: int, throughput: bool
    ) -> ThreadedEngine: ...


def maker(kind: ThreadedMaker) -> Maker:
    """The `make_engine` of an engine that computes no two batches at once, for throughput neither."""

    def make(
        artifact: ModelArtifact,
        device: str,
        precision: str,
        threads: int,
        throughput: bool,  # noqa: ARG001
    ) -> ThreadedEngine:
        return kind(artifact, device, precision, threads)

    return make
