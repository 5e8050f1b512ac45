"""A model as one .tflite file of a fixed size, one picture at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from studio.core.artifact import ModelArtifact
from studio.core.device_report import DeviceCheck, DeviceReport, Limits, NextStep
from studio.core.errors import Problem
from studio.core.job import JobContext
from studio.core.options import N_
from studio.exporting.calibration import FACTS, calibration_problems, calibration_set
from studio.exporting.checks import common_problems, size_of
from studio.exporting.litert import to_tflite
from studio.exporting.making import export_module, made_artifact
from studio.exporting.tflite_file import read_tflite

from .config import ExportOptions

if TYPE_CHECKING:
    from pathlib import Path

MODEL = "model.tflite"
INT8 = "int8"


class LiteRtTarget:
    """See `studio.registry.interfaces.Target`."""

    def problems(self, artifact: ModelArtifact, options: ExportOptions) -> Sequence[Problem]:
        """Why this model cannot go there with these options."""
        found = common_problems(artifact, options.imgsz)
        if options.int8:
            found += calibration_problems(artifact, options)
        return found

    def export(
        self, artifact: ModelArtifact, options: ExportOptions, out: Path, context: JobContext
    ) -> ModelArtifact:
        """Write model.tflite. Raises ModelError where it cannot be converted."""
        size = size_of(artifact, options.imgsz)
        pictures = calibration_set(artifact, options, size, context) if options.int8 else None
        extra: Mapping[str, Any] = {FACTS: dict(pictures.facts)} if pictures is not None else {}
        made = made_artifact(
            artifact,
            out / MODEL,
            size=size,
            precision=INT8 if options.int8 else "fp32",
            batch=1,
            extra=extra,
        )
        context.progress("convert", 0, 1)
        batches = pictures.batches() if pictures is not None else None
        to_tflite(export_module(artifact), made, context, pictures=batches)
        context.progress("convert", 1, 1)
        return made

    def limits(self, artifact: ModelArtifact, options: ExportOptions) -> Limits:
        """A joint may move by a pixel more in whole numbers."""
        del artifact
        return Limits(shift_px=1.5, ap=0.02, turn_deg=1.0) if options.int8 else Limits()

    def report(self, made: ModelArtifact, context: JobContext) -> DeviceReport:
        """How much of it computes in whole numbers, as the file says."""
        del context
        file = read_tflite(made.weights)
        whole = sum(file.tensors[op.outputs[0]].kind == "INT8" for op in file.operators)
        total = len(file.operators)
        check = DeviceCheck(
            N_("Layers that compute in int8"),
            f"{whole} / {total}",
            whole > 0 if made.precision == INT8 else None,
        )
        return DeviceReport((check,), values={"layers": total, "int8_layers": whole})

    def next_steps(self, made: ModelArtifact) -> Sequence[NextStep]:
        """It runs as it is."""
        del made
        return ()

    def notes(self, made: ModelArtifact) -> str:
        """What is LiteRT's own: the order of the input's sides, and its whole numbers."""
        file = read_tflite(made.weights)
        entry = file.tensors[file.inputs[0]]
        lines = [f"- Input: {list(entry.shape)} (N, H, W, C), {entry.kind.lower()}."]
        if entry.scale is not None:
            lines.append(
                f"- A value v goes in as the whole number v / {entry.scale:.9g} + {entry.zero}, "
                "rounded and kept in -128..127."
            )
        for number in file.outputs:
            tensor = file.tensors[number]
            lines.append(f"- Output: {list(tensor.shape)}, {tensor.kind.lower()}.")
        lines.append(
            "- One picture at a time. Phones run it with LiteRT (TensorFlow Lite) for Android or "
            "iOS, on the processor, or through its GPU delegate where it is in float."
        )
        return "\n".join(lines)
