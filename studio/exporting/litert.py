"""From a network to a .tflite file, in floats or in whole numbers. The converter runs in the worker
environment `litert` (`litert_inside`); what goes there are a traced program and pictures.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.artifact import InputSpec, ModelArtifact
from studio.core.errors import ModelError
from studio.core.job import JobContext
from studio.io.toolchains import find_worker, need, run_in

WORKER = "litert"
_INSIDE = "studio.exporting.litert_inside:convert"
Batch = npt.NDArray[np.uint8]


def to_tflite(
    module: Any,
    made: ModelArtifact,
    context: JobContext,
    *,
    pictures: Iterable[Batch] | None = None,
    float_tail: bool = True,
) -> None:
    """Write `made.weights` from a `torch.nn.Module` that takes (1, C, H, W) float32 of
    `made.input`; the file takes (1, H, W, C).

    pictures: what `calibration_set` gives; with them the file computes in int8, its ranges the
    smallest and largest values seen. float_tail: what comes after the last learned layer stays in
    float, as coordinates of hundreds of pixels and scores below one in one tensor need it; without
    it everything, inputs and outputs too, is int8, as microcontrollers need it.
    Raises ModelError with the converter's words, MissingTool, Cancelled.
    """
    worker = find_worker(WORKER)
    need(worker)
    with tempfile.TemporaryDirectory(prefix="pose-studio-") as folder:
        program = Path(folder, "program.pt2")
        _trace(module, made, program)
        context.check()
        request: dict[str, Any] = {
            "program": str(program),
            "input": made.input.to_mapping(),
            "out": str(made.weights),
            "float_tail": float_tail,
        }
        if pictures is not None:
            samples = Path(folder, "pictures.npy")
            _store(pictures, samples)
            request["pictures"] = str(samples)
        run_in(worker, _INSIDE, request, context)
    if not made.weights.is_file():
        raise ModelError("The LiteRT converter wrote no file.", where=made.weights)
    made.weights.chmod(0o644)  # the converter marks it as a program


def _trace(module: Any, made: ModelArtifact, path: Path) -> None:
    import torch

    spec = made.input
    example = torch.zeros(1, spec.channels, *spec.size)
    try:
        with warnings.catch_warnings(), torch.inference_mode(False), torch.no_grad():
            # Heads that remember their grid say so when they are traced.
            warnings.simplefilter("ignore")
            torch.export.save(torch.export.export(module.eval(), (example,)), path)
    except Exception as error:  # the tracer raises what the network's own code raises, and its own
        raise ModelError(
            f"This network cannot be traced for LiteRT: {str(error).splitlines()[0][:300]}",
            where=made.weights,
        ) from error


def _store(pictures: Iterable[Batch], path: Path) -> None:
    """(N, H, W, C) uint8. The last is a copy of the first that holds a 0 and a 255, so that an input
    byte is its whole number less 128, which firmware counts on.
    """
    rows = [picture[0] for picture in pictures]
    extremes = rows[0].copy()
    extremes[0, 0], extremes[0, 1] = 0, 255
    np.save(path, np.stack([*rows, extremes]))


def network_values(pictures: Batch, spec: Mapping[str, Any]) -> npt.NDArray[np.float32]:
    """(N, H, W, C) uint8 BGR as the (N, H, W, C) float32 that the file takes."""
    from studio.runtime.engines.common import to_floats

    planes = to_floats(pictures, InputSpec.from_mapping(spec))
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1))
