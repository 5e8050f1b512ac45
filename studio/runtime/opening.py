"""From an artefact to the engine that runs it."""

from __future__ import annotations

import importlib
import inspect

from studio.core.artifact import ModelArtifact
from studio.core.errors import ModelError, UsageError
from studio.runtime.engine import PRECISIONS, Engine

# Colours alone, or with `studio.vision.motion`'s three besides.
CHANNELS = (3, 6)


def open_engine(
    artifact: ModelArtifact,
    *,
    device: str = "auto",
    precision: str = "auto",
    threads: int = 0,
    throughput: bool = False,
    streams: int = 0,
) -> Engine:
    """Load `artifact` into the engine that opens its weights.

    device: "auto", "cpu", "gpu", "npu", "cuda:1", ... as the engine knows it. precision: what it
    computes in; "auto" is the device's own default. threads: 0 takes what the engine thinks best.
    throughput: several pictures at once, each one later (for files, not for live pictures).
    streams: how many are computed side by side, 0 leaves it to the engine.
    Raises ModelError, DeviceError, MissingTool, UsageError.
    """
    if device.strip() == "-1":
        # 6DRepNet's guide has --gpu -1 for the processor.
        device = "cpu"
    if precision not in PRECISIONS:
        raise UsageError(f"--precision is one of {', '.join(PRECISIONS)}, not {precision!r}.")
    if artifact.input.channels not in CHANNELS:
        raise ModelError(
            f"This model wants pictures of {artifact.input.channels} channels; the runtime gives "
            "3, or 6 with motion.",
            where=artifact.weights,
        )
    if not artifact.weights.is_file():
        raise ModelError(
            "The model's weights are not there.",
            where=artifact.weights,
            hint="Export or train the model again, or correct its model.json.",
        )
    # Each engine's module offers make_engine(artifact, device, precision, threads, throughput); one
    # that computes several pictures side by side takes streams, too.
    module = importlib.import_module(f"studio.runtime.engines.{artifact.engine}")
    if streams:
        if "streams" not in inspect.signature(module.make_engine).parameters:
            raise UsageError(
                f"The engine {artifact.engine} cannot be told how many streams it has.",
                where="streams",
                hint="Leave --streams out.",
            )
        return module.make_engine(artifact, device, precision, threads, throughput, streams=streams)
    return module.make_engine(artifact, device, precision, threads, throughput)
