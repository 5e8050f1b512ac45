"""A model as OpenVINO files, with open height and width unless one size is asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

import studio
from studio.core.artifact import ModelArtifact
from studio.core.device_report import DeviceCheck, DeviceReport, Limits, NextStep
from studio.core.errors import Problem
from studio.core.job import JobContext
from studio.core.options import N_
from studio.exporting.calibration import (
    FACTS,
    CalibrationSet,
    calibration_problems,
    calibration_set,
)
from studio.exporting.checks import HEADS, POSE, common_problems
from studio.exporting.making import begin_export
from studio.io.files import atomic_write_text
from studio.runtime.engines.openvino import import_openvino, openvino_core

from .config import ExportOptions

MODEL = "model.xml"
INT8 = "int8"


class OpenVinoTarget:
    """See `studio.registry.interfaces.Target`."""

    def problems(self, artifact: ModelArtifact, options: ExportOptions) -> Sequence[Problem]:
        """Why this model cannot go there with these options."""
        from .accuracy import can_judge

        found = common_problems(artifact, options.imgsz)
        if options.int8:
            found += calibration_problems(artifact, options)
        if options.max_drop is not None and not can_judge(artifact):
            text = "--max-drop is for models that are judged by AP on single pictures."
            found.append(Problem(text, where="max_drop", hint="Leave --max-drop out."))
        return found

    def export(
        self, artifact: ModelArtifact, options: ExportOptions, out: Path, context: JobContext
    ) -> ModelArtifact:
        """Write model.xml and model.bin. Raises ModelError where it cannot be converted."""
        from .conversion import converted
        from .storing import store_int8

        made, module = begin_export(
            artifact,
            out / MODEL,
            context,
            imgsz=options.imgsz,
            fixed=options.fixed,
            precision=INT8 if options.int8 else "fp16" if options.half else "fp32",
        )
        model = converted(module, made.input, artifact, one=options.fixed)
        context.progress("convert", 1, 2)
        context.check()
        if options.int8:
            pictures = calibration_set(artifact, options, made.input.size, context)
            model = _in_int8(model, made, pictures, options, context)
            made = dataclasses.replace(made, extra={**made.extra, FACTS: dict(pictures.facts)})
            store_int8(model, made.weights)
        else:
            import_openvino().save_model(model, str(made.weights), compress_to_fp16=options.half)
        if made.task == POSE:
            metadata = yaml.safe_dump(_metadata(made), sort_keys=False, allow_unicode=True)
            atomic_write_text(out / "metadata.yaml", metadata)
        context.progress("convert", 2, 2)
        return made

    def limits(self, artifact: ModelArtifact, options: ExportOptions) -> Limits:
        """A joint may move by more in whole numbers; what counts is the AP, where there are labels."""
        del artifact
        if not options.int8:
            return Limits()
        ap = max(options.max_drop or 0.0, 0.01)
        return Limits(shift_px=3.0, ap=ap, turn_deg=1.0)

    def report(self, made: ModelArtifact, context: JobContext) -> DeviceReport:
        """How many layers compute in whole numbers, as the file says."""
        del context
        from .quantising import layers

        total, whole = layers(openvino_core().read_model(str(made.weights)))
        values = {"layers": total, "int8_layers": whole}
        title = N_("Layers that compute in int8")
        check = DeviceCheck(title, f"{whole} / {total}", whole > 0 if _int8(made) else None)
        return DeviceReport((check,), values=values)

    def next_steps(self, made: ModelArtifact) -> Sequence[NextStep]:
        """OpenVINO's own measuring tool comes with the package."""
        height, width = made.input.size
        shape = f" -data_shape [1,{made.input.channels},{height},{width}]"
        command = f"benchmark_app -m {made.weights.name} -d CPU -hint latency"
        open_sides = made.input.dynamic or made.extra.get("batch") != 1
        return (NextStep(N_("Measure"), command + (shape if open_sides else "")),)

    def notes(self, made: ModelArtifact) -> str:
        """What is OpenVINO's own."""
        heads = made.task == HEADS
        moved = "heads turn by about 0.1°" if heads else "joints move by about 0.3 pixels"
        lines = [
            f"- `{MODEL}` and `model.bin` belong together; devices are `CPU`, `GPU`, `NPU`, `AUTO`.",
            "- On processors with bf16 OpenVINO computes in it unless `INFERENCE_PRECISION_HINT` is",
            f"  `f32`; {moved} by that, on average.",
        ]
        if _int8(made):
            lines += [
                "- The ranges of the whole numbers come from pictures (NNCF). The layers that the",
                "  results are read from compute in float; input and outputs are float32 as before.",
            ]
        if made.task == POSE:
            lines.append("- `metadata.yaml` is for other programs that run YOLO exports.")
        return "\n".join(lines)


def _int8(made: ModelArtifact) -> bool:
    return made.precision == INT8


def _in_int8(
    model: Any,
    made: ModelArtifact,
    pictures: CalibrationSet,
    options: ExportOptions,
    context: JobContext,
) -> Any:
    from .accuracy import Judge
    from .quantising import layers, quantised, said

    judge = None
    if options.max_drop is not None and options.accuracy_data is not None:
        judge = Judge(made, options.accuracy_data, options.max_drop, context)
    model = quantised(model, made, pictures, context, judge)
    context.log(f"{said(layers(model))}.")
    if judge is not None:
        context.log(judge.sentence())
    return model


def _metadata(artifact: ModelArtifact) -> dict[str, Any]:
    """What other programs that run YOLO exports read."""
    return {
        "description": "Pose model exported by Pose Studio",
        "author": "Pose Studio",
        "date": artifact.created,
        "version": studio.__version__,
        "license": "AGPL-3.0",
        "stride": artifact.input.stride,
        "task": artifact.task,
        "batch": 1,
        "imgsz": list(artifact.input.size),
        "names": dict(enumerate(artifact.categories)),
        "kpt_shape": [len(artifact.skeleton), 3],
        "kpt_names": {0: list(artifact.skeleton.keypoints)},
        "channels": artifact.input.channels,
        "end2end": False,
        "args": {
            "dynamic": artifact.input.dynamic,
            "half": artifact.precision == "fp16",
            "int8": artifact.precision == INT8,
        },
    }
