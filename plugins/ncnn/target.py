"""A model as ncnn's two files, made by pnnx; of one size, see `conversion`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from studio.core.artifact import ModelArtifact
from studio.core.device_report import DeviceCheck, DeviceReport, Limits, NextStep
from studio.core.errors import Problem
from studio.core.job import JobContext
from studio.core.options import N_
from studio.exporting.checks import common_problems
from studio.exporting.making import begin_export
from studio.io.files import read_text

from .config import ExportOptions

MODEL, WEIGHTS = "model.param", "model.bin"


class NcnnTarget:
    """See `studio.registry.interfaces.Target`."""

    def problems(self, artifact: ModelArtifact, options: ExportOptions) -> Sequence[Problem]:
        """Why this model cannot go there with these options."""
        return common_problems(artifact, options.imgsz)

    def export(
        self, artifact: ModelArtifact, options: ExportOptions, out: Path, context: JobContext
    ) -> ModelArtifact:
        """Write model.param and model.bin. Raises ModelError with pnnx's own words, MissingTool."""
        from .conversion import convert

        made, module = begin_export(
            artifact,
            out / MODEL,
            context,
            imgsz=options.imgsz,
            fixed=True,
            precision="fp16" if options.half else "fp32",
        )
        context.progress("convert", 1, 2)
        convert(module, made, artifact.weights, context)
        context.progress("convert", 2, 2)
        return made

    def limits(self, artifact: ModelArtifact, options: ExportOptions) -> Limits:
        """Weights of 16 bits are within a hair."""
        del artifact, options
        return Limits()

    def report(self, made: ModelArtifact, context: JobContext) -> DeviceReport:
        """The layers that the .param file lists."""
        del context
        lines = read_text(made.weights).splitlines()[2:]
        counts = Counter(line.split()[0] for line in lines if line.strip())
        shown = ", ".join(f"{name} {count}" for name, count in counts.most_common(8))
        check = DeviceCheck(N_("Operators"), f"{sum(counts.values())} ({shown})")
        return DeviceReport((check,), values={"operators": dict(counts.most_common())})

    def next_steps(self, made: ModelArtifact) -> Sequence[NextStep]:
        """The measuring tool that ncnn brings."""
        height, width = made.input.size
        shape = f"[{width},{height},{made.input.channels}]"
        command = f"benchncnn 10 4 0 -1 1 param={MODEL} shape={shape}"
        return (NextStep(N_("Measure"), command),)

    def notes(self, made: ModelArtifact) -> str:
        """What is ncnn's own."""
        height, width = made.input.size
        shape = f"({made.input.channels}, {height}, {width})"
        lines = (
            f"- `{MODEL}` and `{WEIGHTS}` belong together.",
            f"- The blobs are `in0`, {shape} without the first axis, and `out0`, `out1`, ...",
            "- ncnn computes in fp16 on processors that have it unless `opt.use_fp16_packed`,",
            "  `opt.use_fp16_storage` and `opt.use_fp16_arithmetic` are false.",
        )
        return "\n".join(lines)
