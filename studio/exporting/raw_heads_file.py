"""A .tflite of whole numbers that gives a head's raw maps, as firmware reads it, and what is checked
of it.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.device_report import DeviceCheck
from studio.core.errors import UsageError
from studio.core.job import JobContext
from studio.core.options import N_
from studio.exporting.calibration import FACTS, CalibrationSet, calibration_set
from studio.exporting.litert import to_tflite
from studio.exporting.making import made_artifact
from studio.exporting.options import CalibrationOptions
from studio.exporting.tflite_file import read_tflite
from studio.registry import find
from studio.runtime.engines.common import to_floats
from studio.runtime.opening import open_engine
from studio.runtime.raw_heads import RAW_HEADS, in_order, raw_shapes

INT8 = "int8"
LEAST_COSINE = 0.998
"""How alike each map must be to the float network's."""
_HELD_OUT = 40
_INPUT_SCALE = 1 / 255
Batch = npt.NDArray[np.uint8]


def export_raw_heads(
    artifact: ModelArtifact,
    options: CalibrationOptions,
    size: tuple[int, int],
    path: Path,
    context: JobContext,
) -> tuple[ModelArtifact, dict[str, Any]]:
    """Write the file `path`; the artefact, and {"cosines": of each map in the order of
    `raw_shapes`, "cosine_pictures": where the pictures come from}. Raises ModelError, UsageError,
    MissingTool, Cancelled.
    """
    module = find("family", artifact.family).load().raw_heads_module(artifact)
    pictures = calibration_set(artifact, options, size, context)
    made = made_artifact(
        artifact,
        path,
        size=size,
        precision=INT8,
        output=RAW_HEADS,
        batch=1,
        extra={FACTS: dict(pictures.facts)},
    )
    to_tflite(module, made, context, pictures=pictures.batches(), float_tail=False)
    held = _held_out(artifact, options, size, context) or pictures
    shown = itertools.islice(held.batches(), _HELD_OUT)
    facts = {"cosines": map_cosines(module, made, shown), "cosine_pictures": held.source}
    return made, facts


def map_cosines(module: Any, made: ModelArtifact, pictures: Iterable[Batch]) -> list[float]:
    """The cosine between each map of the file and of the float network `module`, over all
    pictures together, in the order of `raw_shapes`.
    """
    import torch

    sums: list[npt.NDArray[np.float64]] = []
    engine = open_engine(made, device="cpu")
    try:
        for picture in pictures:
            with torch.no_grad():
                given = module(torch.from_numpy(to_floats(picture, made.input)))
            floats = in_order([g.numpy() for g in given], made)
            wholes = in_order(engine.infer(picture), made)
            sums.append(np.array([_products(a, b) for a, b in zip(floats, wholes, strict=True)]))
    finally:
        engine.close()
    both, first, second = np.sum(sums, axis=0).T
    return [float(v) for v in both / np.maximum(np.sqrt(first * second), 1e-12)]


def _products(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> tuple[float, ...]:
    a64, b64 = a.ravel().astype(np.float64), b.ravel().astype(np.float64)
    return float(a64 @ b64), float(a64 @ a64), float(b64 @ b64)


def _held_out(
    artifact: ModelArtifact,
    options: CalibrationOptions,
    size: tuple[int, int],
    context: JobContext,
) -> CalibrationSet | None:
    """Pictures that nothing was calibrated on; None where the data has no such side."""
    if options.calibration_split != "train":
        return None
    other = dataclasses.replace(options, calibration_split="val", calibration_count=_HELD_OUT)
    try:
        return calibration_set(artifact, other, size, context)
    except UsageError:
        return None


def file_checks(made: ModelArtifact, facts: dict[str, Any]) -> tuple[DeviceCheck, ...]:
    """What the file itself and `export_raw_heads`'s facts say, against what firmware counts on."""
    file = read_tflite(made.weights)
    entry = file.tensors[file.inputs[0]]
    outputs = [file.tensors[i] for i in file.outputs]
    wanted = raw_shapes(made.input.size, len(made.skeleton))
    shapes = sorted(t.shape for t in outputs)
    kinds = {t.kind for t in (entry, *outputs)}
    byte = entry.scale is not None and abs(entry.scale - _INPUT_SCALE) < 1e-8
    floats = len(file.float_tensors)
    cosines: Sequence[float] = facts["cosines"]
    return (
        DeviceCheck(N_("Maps of the contract's shapes"), _shapes(shapes), shapes == sorted(wanted)),
        DeviceCheck(
            N_("Input and outputs"), ", ".join(sorted(kinds)).lower(), kinds == {INT8.upper()}
        ),
        DeviceCheck(
            N_("Input is the picture's byte less 128"),
            f"{entry.scale or 0:.9g}, {entry.zero}",
            byte and entry.zero == -128,
        ),
        DeviceCheck(N_("Float tensors"), str(floats), floats == 0),
        DeviceCheck(
            N_("Likeness of each map (cosine)"),
            " ".join(f"{c:.4f}" for c in cosines),
            min(cosines) >= LEAST_COSINE,
        ),
    )


def _shapes(shapes: Sequence[tuple[int, ...]]) -> str:
    return " ".join("x".join(map(str, shape)) for shape in shapes)
