"""A model as one ONNX file, in float or with layers in whole numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from studio.core.artifact import ModelArtifact
from studio.core.device_report import DeviceCheck, DeviceReport, Limits, NextStep
from studio.core.errors import Problem
from studio.core.job import JobContext
from studio.core.options import N_
from studio.exporting.calibration import FACTS, calibration_problems, calibration_set
from studio.exporting.checks import POSE, common_problems
from studio.exporting.making import begin_export
from studio.exporting.onnx_file import need_package, operators_of, write_onnx

from .config import ExportOptions

MODEL = "model.onnx"
_FLOAT = "float.onnx"
INT8 = "int8"


class OnnxTarget:
    """See `studio.registry.interfaces.Target`."""

    def problems(self, artifact: ModelArtifact, options: ExportOptions) -> Sequence[Problem]:
        """Why this model cannot go there with these options."""
        found = common_problems(artifact, options.imgsz)
        if options.int8:
            found += calibration_problems(artifact, options)
            if options.opset < 13:
                text = "Whole numbers need opset 13 or newer: older ones know one scale a layer."
                found.append(Problem(text, where="opset"))
        return found

    def export(
        self, artifact: ModelArtifact, options: ExportOptions, out: Path, context: JobContext
    ) -> ModelArtifact:
        """Write model.onnx. Raises ModelError with the tools' own words, MissingTool."""
        batch = 1 if options.fixed else None
        made, module = begin_export(
            artifact,
            out / MODEL,
            context,
            imgsz=options.imgsz,
            fixed=options.fixed,
            precision=INT8 if options.int8 else "fp32",
        )
        path = out / (_FLOAT if options.int8 else MODEL)
        write_onnx(
            module, path, made.input, opset=options.opset, batch=batch,
            metadata=_metadata(made), weights=artifact.weights,
        )  # fmt: skip
        context.progress("convert", 1, 2)
        context.check()
        if options.int8:
            from .quantising import quantise

            pictures = calibration_set(artifact, options, made.input.size, context)
            try:
                quantise(path, made, pictures, context)
            finally:
                path.unlink(missing_ok=True)
            made = dataclasses.replace(made, extra={**made.extra, FACTS: dict(pictures.facts)})
        context.progress("convert", 2, 2)
        return made

    def limits(self, artifact: ModelArtifact, options: ExportOptions) -> Limits:
        """A joint may move by a pixel more in whole numbers."""
        del artifact
        return Limits(shift_px=1.5, ap=0.01, turn_deg=1.0) if options.int8 else Limits()

    def report(self, made: ModelArtifact, context: JobContext) -> DeviceReport:
        """The file's operators, and how many of the layers take whole numbers."""
        del context
        onnx = need_package("onnx")
        model = onnx.load(str(made.weights))
        counts = operators_of(model)
        shown = ", ".join(f"{name} {count}" for name, count in list(counts.items())[:8])
        checks = [DeviceCheck(N_("Operators"), f"{sum(counts.values())} ({shown})")]
        opset = max((o.version for o in model.opset_import if not o.domain), default=0)
        values: dict[str, object] = {"operators": counts, "opset": opset}
        if made.precision == INT8:
            from .quantising import layers

            total, whole = layers(model)
            title = N_("Layers that compute in int8")
            checks.append(DeviceCheck(title, f"{whole} / {total}", whole > 0))
            values |= {"layers": total, "int8_layers": whole}
        return DeviceReport(tuple(checks), values=values)

    def next_steps(self, made: ModelArtifact) -> Sequence[NextStep]:
        """The studio's own commands do."""
        del made
        return ()

    def notes(self, made: ModelArtifact) -> str:
        """What is ONNX's own."""
        lines = [f"- `{MODEL}` holds everything; its input is called `images`."]
        if made.precision == INT8:
            lines.append(
                "- Layers between QuantizeLinear and DequantizeLinear compute in whole numbers; "
                "those that\n  joints are read from compute in float. Inputs and outputs are float32."
            )
        if made.task == POSE:
            lines.append("- The file's own metadata is for other programs that run YOLO exports.")
        return "\n".join(lines)


def _metadata(made: ModelArtifact) -> dict[str, str]:
    """What other programs that run YOLO exports read inside the file."""
    if made.task != POSE:
        return {}
    facts = {
        "task": made.task,
        "stride": made.input.stride,
        "batch": 1,
        "imgsz": list(made.input.size),
        "names": dict(enumerate(made.categories)),
        "kpt_shape": [len(made.skeleton), 3],
        "kpt_names": {0: list(made.skeleton.keypoints)},
        "channels": made.input.channels,
        "end2end": False,
        "date": made.created,
    }
    return {key: str(value) for key, value in facts.items()}
