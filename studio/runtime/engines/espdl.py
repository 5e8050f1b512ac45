"""ESP-DL files, run by their quantiser's own simulator on this computer: the same whole numbers as
on the chip, at another pace. The simulator lives in the worker environment `esp`, in one process
that answers until it is closed.
"""

from __future__ import annotations

import contextlib
import logging
import subprocess
import tempfile
from typing import Any

import numpy as np

from studio.core.artifact import ModelArtifact
from studio.core.errors import DeviceError, ModelError, UsageError
from studio.io.toolchains import find_worker, need, quiet_environment
from studio.runtime.engine import Batch, Outputs
from studio.runtime.engines.common import ThreadedEngine, maker, to_floats
from studio.runtime.engines.talk import Closed, receive, send

WORKER = "esp"
SIMULATOR = "simulator"
"""Where an artefact's `extra` names the simulator's file, which stands beside the weights."""

_INSIDE = "studio.runtime.engines.espdl_inside"
_LAST = 600
_PATIENCE_SECONDS = 10

log = logging.getLogger("studio.runtime.espdl")


class EspdlEngine(ThreadedEngine):
    """See `studio.runtime.engine.Engine`. One picture after the other."""

    name = "espdl"
    device = "simulator"
    precision = "int8"

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
        super().__init__(artifact)
        self._said: Any = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the engine
        command = [str(worker.python), "-m", _INSIDE, str(artifact.weights), str(simulator)]
        self._process: Any = subprocess.Popen(
            [*command, str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self._said, env=quiet_environment(),
        )  # fmt: skip
        try:
            self._answer()
        except ModelError:
            self.close()
            raise
        log.info("The chip is simulated by %s on this computer; it is slower here.", worker.title)

    def _compute(self, pictures: Batch) -> Outputs:
        values = to_floats(pictures, self._artifact.input)
        try:
            send(self._process.stdin, [values])
        except OSError as error:
            raise self._ended() from error
        return tuple(np.asarray(o, np.float32) for o in self._answer())

    def close(self) -> None:
        """See `Engine.close`."""
        super().close()
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


make_engine = maker(EspdlEngine)
