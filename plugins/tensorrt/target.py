"""A model for NVIDIA's TensorRT: ONNX of one size, and the script that builds the engine.

An engine runs on the kind of GPU and the version that built it, so it is built there. TensorRT 11
took the precision flags of trtexec away (its migration guide, "Migrating trtexec Usage from
TensorRT 10.x to 11.x"): the script looks which of the two it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from studio.core.artifact import ModelArtifact
from studio.core.device_report import DeviceReport, Limits, NextStep
from studio.core.errors import Problem
from studio.core.job import JobContext
from studio.core.options import N_
from studio.exporting.checks import common_problems, size_of
from studio.exporting.making import export_module, made_artifact
from studio.io.files import atomic_write_text

from .config import ExportOptions

MODEL, ENGINE, HALF_MODEL, SCRIPT = "model.onnx", "model.engine", "model_fp16.onnx", "build.sh"
NOT_BUILT = N_(
    "The engine is not built yet: run build.sh on the GPU that will run it. What is judged is the "
    "ONNX file."
)


class TensorRtTarget:
    """See `studio.registry.interfaces.Target`."""

    def problems(self, artifact: ModelArtifact, options: ExportOptions) -> Sequence[Problem]:
        """Why this model cannot go there with these options."""
        return common_problems(artifact, options.imgsz)

    def export(
        self, artifact: ModelArtifact, options: ExportOptions, out: Path, context: JobContext
    ) -> ModelArtifact:
        """Write model.onnx and build.sh. Raises ModelError, MissingTool."""
        from studio.exporting.onnx_file import write_onnx

        size = size_of(artifact, options.imgsz)
        extra = {"engine_precision": "fp16" if options.half else "fp32"}
        made = made_artifact(artifact, out / MODEL, size=size, batch=1, extra=extra)
        context.progress("convert", 0, 1)
        module = export_module(artifact)
        context.check()
        write_onnx(module, made.weights, made.input, weights=artifact.weights)
        atomic_write_text(out / SCRIPT, script(half=options.half))
        context.progress("convert", 1, 1)
        return made

    def limits(self, artifact: ModelArtifact, options: ExportOptions) -> Limits:
        """The ONNX file computes in float32, as the weights do."""
        del artifact, options
        return Limits()

    def report(self, made: ModelArtifact, context: JobContext) -> DeviceReport:
        """Nothing of TensorRT's ran here."""
        del context
        values = {"engine_precision": made.extra["engine_precision"], "built": False}
        return DeviceReport(not_run=NOT_BUILT, values=values)

    def next_steps(self, made: ModelArtifact) -> Sequence[NextStep]:
        """Build it, then measure it."""
        del made
        return (
            NextStep(N_("Build the engine on its GPU"), f"sh {SCRIPT}"),
            NextStep(N_("Measure"), f"trtexec --loadEngine={ENGINE}"),
        )

    def notes(self, made: ModelArtifact) -> str:
        """What is TensorRT's own."""
        lines = [
            f"- `{SCRIPT}` builds `{ENGINE}` from `{MODEL}` with `trtexec`, which comes with",
            "  TensorRT. An engine runs on the kind of GPU and the version of TensorRT that built it.",
            "- The engine has not been built or run by the studio.",
        ]
        if made.extra["engine_precision"] == "fp16":
            lines += [
                "- Half precision: `--fp16` up to TensorRT 10; from 11 on the script needs",
                "  `pip install nvidia-modelopt[onnx]`, which writes `" + HALF_MODEL + "` first.",
            ]
        return "\n".join(lines)


def script(*, half: bool) -> str:
    """build.sh: finds out which trtexec it has where half precision is asked for."""
    plain = f"trtexec --onnx={MODEL} --saveEngine={ENGINE}"
    head = '#!/bin/sh\nset -e\ncd "$(dirname "$0")"\n'
    if not half:
        return f"{head}{plain}\n"
    return f"""{head}if trtexec --help 2>&1 | grep -q -e '--fp16'; then
    {plain} --fp16
else
    # TensorRT 11 and later read the precision from the file.
    python3 -m modelopt.onnx.autocast --onnx_path {MODEL} --output_path {HALF_MODEL}
    trtexec --onnx={HALF_MODEL} --saveEngine={ENGINE}
fi
"""
