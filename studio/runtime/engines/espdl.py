"""ESP-DL files, run by their quantiser's own simulator on this computer: the same whole numbers as
on the chip, at another pace. The simulator lives in the worker environment `esp`, in one process
that answers until it is closed.
"""

from __future__ import annotations

import contextlib
import logging
import subprocess
import tempfile
import threading
from typing import Any

import numpy as np

from studio.core.artifact import ModelArtifact
from studio.core.errors import DeviceError, ModelError, UsageError
from studio.io.toolchains import find_worker, need, quiet_environment
from studio.runtime.engine import Batch, Outputs
from studio.runtime.engines.common import Submitter, ThreadPending, to_floats
from studio.runtime.engines.talk import Closed, receive, send

WORKER = "esp"
SIMULATOR = "simulator"
"""Where an artefact's `extra` names the simulator's file, which stands beside the weights."""

_INSIDE = "studio.runtime.engines.espdl_inside"
_LAST = 600
_PATIENCE_SECONDS = 10

log = logging.getLogger("studio.runtime.espdl")


def make_engine(
    artifact: ModelArtifact,
    device: str,
    precision: str,
    threads: int,
    throughput: bool,  # noqa: ARG001
) -> EspdlEngine:
    """See `studio.runtime.opening.open_engine`."""
    return EspdlEngine(artifact, device, precision, threads)


class EspdlEngine:
    """See `studio.runtime.engine.Engine`. One picture after the other."""

    name = "espdl"
    device = "simulator"
    precision = "int8"
    requests = 2

    def __init__(self, artifact: ModelArtifact, device: str, precision: str, threads: int) -> None:
        if device.lower() not in ("", "auto", "cpu"):
            raise DeviceError(
                f"An .espdl file is simulated on the processor, not on {device!r}.",
                hint="Use --device cpu, or leave it out.",
            )
        if precision not in ("auto", "f32"):
            raise UsageError(
                f"An .espdl file computes in whole numbers, not in {precision}.",
                hint="Use --precision auto.",
            )
        simulator = artifact.weights.with_name(str(artifact.extra.get(SIMULATOR, "")) or "none")
        if not simulator.is_file():
            raise ModelError(
                "The simulator's file is not beside this .espdl, which alone runs on the chip only.",
                where=simulator,
                hint="Export the model again, and keep the folder together.",
            )
        worker = find_worker(WORKER)
        need(worker)
        self._artifact = artifact
        self._lock = threading.Lock()
        self._said: Any = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the engine
        command = [str(worker.python), "-m", _INSIDE, str(artifact.weights), str(simulator)]
        self._process: Any = subprocess.Popen(
            [*command, str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self._said, env=quiet_environment(),
        )  # fmt: skip
        self._submitter = Submitter(self.infer)
        try:
            self._answer()
        except ModelError:
            self.close()
            raise
        log.info("The chip is simulated by %s on this computer; it is slower here.", worker.title)

    def infer(self, pictures: Batch) -> Outputs:
        """See `Engine.infer`."""
        values = to_floats(pictures, self._artifact.input)
        with self._lock:
            try:
                send(self._process.stdin, [values])
            except OSError as error:
                raise self._ended() from error
            return tuple(np.asarray(o, np.float32) for o in self._answer())

    def submit(self, pictures: Batch) -> ThreadPending:
        """See `Engine.submit`."""
        return self._submitter.submit(pictures)

    def close(self) -> None:
        """See `Engine.close`."""
        self._submitter.close()
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._said.close()

    def _answer(self) -> list[Any]:
        try:
            arrays, problem = receive(self._process.stdout)
        except Closed as error:
            raise self._ended() from error
        if problem:
            raise ModelError(problem, where=self._artifact.weights, hint="Export the model again.")
        return arrays

    def _ended(self) -> ModelError:
        status = self._process.wait()
        self._said.seek(0)
        words = " ".join(self._said.read().decode("utf-8", "replace").split())
        return ModelError(
            f"The simulator ended with status {status}: {words[-_LAST:] or 'it said nothing.'}",
            where=self._artifact.weights,
        )
