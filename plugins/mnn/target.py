"""A model as one MNN file, made of a checked ONNX file by MNN's own converter."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from studio.core.artifact import ModelArtifact
from studio.core.device_report import DeviceCheck, DeviceReport, Limits, NextStep
from studio.core.errors import ModelError, Problem
from studio.core.job import JobContext
from studio.core.options import N_
from studio.exporting.checks import common_problems
from studio.exporting.making import begin_export
from studio.exporting.onnx_file import need_package, write_onnx

from .config import ExportOptions

MODEL = "model.mnn"
_SOURCE = "source.onnx"
# The converter's C module by itself: the package around it installs others and asks a server.
_CONVERT = "import sys, _tools; _tools.mnnconvert(['mnnconvert', *sys.argv[1:]])"


class MnnTarget:
    """See `studio.registry.interfaces.Target`."""

    def problems(self, artifact: ModelArtifact, options: ExportOptions) -> Sequence[Problem]:
        """Why this model cannot go there with these options."""
        return common_problems(artifact, options.imgsz)

    def export(
        self, artifact: ModelArtifact, options: ExportOptions, out: Path, context: JobContext
    ) -> ModelArtifact:
        """Write model.mnn. Raises ModelError with the converter's own words, MissingTool."""
        made, module = begin_export(
            artifact,
            out / MODEL,
            context,
            imgsz=options.imgsz,
            fixed=options.fixed,
            precision="int8 weights" if options.int8 else "fp16" if options.half else "fp32",
            steps=3,
        )
        source = out / _SOURCE
        batch = 1 if options.fixed else None
        file = write_onnx(module, source, made.input, batch=batch, weights=artifact.weights)
        context.progress("convert", 1, 3)
        context.check()
        try:
            _convert(source, made.weights, options, artifact.weights)
        finally:
            source.unlink(missing_ok=True)
        context.progress("convert", 3, 3)
        context.log(f"{sum(file.operators.values())} operators converted.")
        return made

    def limits(self, artifact: ModelArtifact, options: ExportOptions) -> Limits:
        """Weights of eight bits move a joint by a pixel more."""
        del artifact
        return Limits(shift_px=1.5, ap=0.02, turn_deg=1.0) if options.int8 else Limits()

    def report(self, made: ModelArtifact, context: JobContext) -> DeviceReport:
        """Which release the file was made for."""
        del context
        version = str(need_package("MNN").version())
        check = DeviceCheck(N_("Made for release"), f"MNN {version}")
        return DeviceReport((check,), values={"mnn": version, "precision": made.precision})

    def next_steps(self, made: ModelArtifact) -> Sequence[NextStep]:
        """The studio's own commands do."""
        del made
        return ()

    def notes(self, made: ModelArtifact) -> str:
        """What is MNN's own."""
        height, width = made.input.size
        shape = f"(1, {made.input.channels}, {height}, {width})"
        lines = [
            f"- `{MODEL}` is opened by MNN's `Interpreter` (C++, Java, Python).",
            f"- Resize the input `images` to {shape} before the first picture.",
            "- On phones `precision: low` computes in fp16 and is faster; joints then move a little.",
        ]
        if made.precision == "int8 weights":
            lines.append("- Weights are stored as whole numbers; it computes in float.")
        return "\n".join(lines)


def _convert(source: Path, path: Path, options: ExportOptions, weights: Path) -> None:
    """Run the converter in a process of its own: what it prints stays out of the job's words."""
    need_package("MNN")
    command = [
        sys.executable, "-c", _CONVERT, "-f", "ONNX", "--modelFile", str(source), "--MNNModel",
        str(path), "--bizCode", "PoseStudio", "--keepInputFormat=1",
    ]  # fmt: skip
    if options.half:
        command.append("--fp16")
    if options.int8:
        command += ["--weightQuantBits", "8"]
    done = subprocess.run(
        command, capture_output=True, stdin=subprocess.DEVNULL, encoding="utf-8",
        errors="replace", check=False,
    )  # fmt: skip
    if done.returncode != 0 or not path.is_file():
        lines = [ln.strip() for ln in (done.stdout + done.stderr).splitlines() if ln.strip()]
        said = " ".join(lines[-6:])[-400:] or f"it ended with {done.returncode}"
        raise ModelError(f"MNN cannot convert this model: {said}", where=weights)
