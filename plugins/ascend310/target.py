"""A model for Ascend chips: ONNX of one size, AIPP's numbers and atc's command; the compiled model
where atc is installed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from studio.core.artifact import InputSpec, ModelArtifact
from studio.core.device_report import DeviceCheck, DeviceReport, Limits, NextStep
from studio.core.errors import Problem
from studio.core.job import JobContext
from studio.core.options import N_
from studio.exporting.checks import common_problems, size_of
from studio.exporting.making import BESIDE, export_module, made_artifact
from studio.io.files import atomic_write_text, read_text
from studio.runtime.engines.common import to_floats

from .aipp import CHANNELS, config_text, emulated, read_config
from .compiler import command, compiled, installed, script
from .config import OFF, ON, ExportOptions

MODEL, COMPILED, AIPP, SCRIPT = "model.onnx", "model.om", "aipp.cfg", "convert.sh"
# The oldest toolkits read no newer one.
OPSET = 11
# As the published FastPose command has it.
INPUT = "input"
AS_THE_STUDIO = 1e-3
COMPILED_ONLY = N_(
    "model.om was compiled here and ran nowhere yet: only the chip can run it. What is judged is "
    "the ONNX file that it was made from."
)
NOT_COMPILED = N_(
    "atc is not installed here, so model.om is not made yet: run convert.sh where it is. What is "
    "judged is the ONNX file."
)
_CHIP = re.compile(r"\w+")


class AscendTarget:
    """See `studio.registry.interfaces.Target`."""

    def problems(self, artifact: ModelArtifact, options: ExportOptions) -> Sequence[Problem]:
        """Why this model cannot go there with these options."""
        found = common_problems(artifact, options.imgsz)
        channels = artifact.input.channels
        if options.aipp == ON and channels != CHANNELS:
            text = f"AIPP prepares pictures of {CHANNELS} channels; this model looks at {channels}."
            hint = "Use --aipp off: the program on the device prepares them."
            found.append(Problem(text, where="aipp", hint=hint))
        if not _CHIP.fullmatch(options.soc_version):
            text = "--soc-version is a chip's name, such as Ascend310P3."
            found.append(Problem(text, where="soc_version"))
        return found

    def export(
        self, artifact: ModelArtifact, options: ExportOptions, out: Path, context: JobContext
    ) -> ModelArtifact:
        """Write the model, aipp.cfg and convert.sh; run atc where it is on PATH. Raises ModelError
        with atc's own words, MissingTool.
        """
        from studio.exporting.onnx_file import write_onnx

        prepared = options.aipp != OFF and artifact.input.channels == CHANNELS
        extra = {
            "soc_version": options.soc_version,
            "aipp_source": options.source if prepared else "",
            BESIDE: [SCRIPT, AIPP, COMPILED],
        }
        size = size_of(artifact, options.imgsz)
        made = made_artifact(artifact, out / MODEL, size=size, batch=1, extra=extra)
        context.progress("convert", 0, 2)
        module = export_module(artifact)
        context.check()
        weights = artifact.weights
        write_onnx(module, made.weights, made.input, opset=OPSET, input_name=INPUT, weights=weights)
        context.progress("convert", 1, 2)
        context.check()
        if prepared:
            atomic_write_text(out / AIPP, config_text(made.input, options.source))
        parts = _command(made)
        atomic_write_text(out / SCRIPT, script(parts))
        tool = installed()
        if tool is not None:
            compiled(parts, out / COMPILED, tool, context)
        context.progress("convert", 2, 2)
        return made

    def limits(self, artifact: ModelArtifact, options: ExportOptions) -> Limits:
        """The ONNX file computes in float32, as the weights do."""
        del artifact, options
        return Limits()

    def report(self, made: ModelArtifact, context: JobContext) -> DeviceReport:
        """Whether AIPP's numbers give what the studio's own preparation gives, and whether the
        compiled model is there.
        """
        del context
        checks: list[DeviceCheck] = []
        values: dict[str, object] = {"soc_version": made.extra["soc_version"]}
        if made.extra["aipp_source"]:
            exact, rounded = differences(made.input, read_text(made.weights.with_name(AIPP)))
            passed = exact <= AS_THE_STUDIO
            checks.append(
                DeviceCheck(N_("AIPP against the studio's preparation"), f"{exact:.1e}", passed)
            )
            checks.append(DeviceCheck(N_("The same, rounded to 16 bits"), f"{rounded:.1e}"))
            values |= {"aipp_difference": exact, "aipp_difference_16_bit": rounded}
        there = made.weights.with_name(COMPILED).is_file()
        values["compiled"] = there
        not_run = COMPILED_ONLY if there else NOT_COMPILED
        return DeviceReport(tuple(checks), not_run=not_run, values=values)

    def next_steps(self, made: ModelArtifact) -> Sequence[NextStep]:
        """Compile, where that is still to do."""
        if made.weights.with_name(COMPILED).is_file():
            return ()
        return (NextStep(N_("Compile for the chip"), f"sh {SCRIPT}"),)

    def notes(self, made: ModelArtifact) -> str:
        """What is Ascend's own."""
        height, width = made.input.size
        chip = made.extra["soc_version"]
        source = str(made.extra["aipp_source"]).upper()
        first = (
            f"- `{SCRIPT}` holds the command of `atc` (Huawei's CANN toolkit) that makes "
            f"`{COMPILED}` for `{chip}`; another chip is another `--soc_version`."
        )
        lines = [first]
        if source:
            lines.append(
                f"- `{AIPP}` lets the chip prepare the pictures: `{COMPILED}` takes bytes, (1, "
                f"{height}, {width}, 3) uint8 in the order {source}, {height} rows of {width} "
                f"pixels, laid in as said below. `{MODEL}` itself takes the float32 numbers."
            )
        else:
            lines.append(
                f"- AIPP is not used: `{COMPILED}` takes the same float32 numbers as `{MODEL}`, and "
                "the program on the device prepares them as said below."
            )
        lines.append("- Outputs are float32.")
        return "\n".join(lines)


def differences(spec: InputSpec, config: str) -> tuple[float, float]:
    """How far the numbers that AIPP gives a network are from those of the studio's preparation, at
    most, for every value of a byte: exactly, and rounded to 16 bits as the chip does.
    """
    levels = np.arange(256, dtype=np.uint8)
    pictures = np.stack([levels, levels[::-1], np.roll(levels, 77)], axis=-1).reshape(1, 16, 16, 3)
    values = read_config(config)
    swapped = values["rbuv_swap_switch"] == "true"
    # What is RGB to begin with goes to the studio as BGR.
    from_bgr = swapped == (spec.color == "rgb")
    wanted = to_floats(pictures if from_bgr else pictures[..., ::-1], spec)
    found = [emulated(values, pictures, kind) for kind in (np.float32, np.float16)]
    exact, rounded = (float(np.abs(f - wanted).max()) for f in found)
    return exact, rounded


def _command(made: ModelArtifact) -> list[str]:
    aipp = AIPP if made.extra["aipp_source"] else ""
    return command(made.input, made.weights.name, INPUT, str(made.extra["soc_version"]), aipp)
