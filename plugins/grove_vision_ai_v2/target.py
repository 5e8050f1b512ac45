"""A YOLOv8 pose model for the Grove Vision AI V2: raw maps in int8, compiled for its NPU."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from studio.core.artifact import ModelArtifact
from studio.core.device_report import DeviceCheck, DeviceReport, Limits, NextStep
from studio.core.errors import Problem
from studio.core.job import JobContext
from studio.core.options import N_
from studio.exporting.calibration import calibration_problems
from studio.exporting.checks import size_of
from studio.exporting.making import BESIDE
from studio.exporting.microcontroller import firmware_problems
from studio.exporting.raw_heads_file import export_raw_heads, file_checks

from .config import ExportOptions
from .vela import ACCELERATOR, SRAM_KIB, VelaReport, compile_for_npu

MODEL, COMPILED = "model.tflite", "model_vela.tflite"
INTERPRETED = N_(
    "It was run by the LiteRT interpreter on this computer; the board itself never ran it."
)
# Where model.json keeps what was found out when the artefact was made.
_FACTS = "microcontroller"
_GUIDE = "https://wiki.seeedstudio.com/ja/ModelAssistant_Deploy_Overview/"


class GroveTarget:
    """See `studio.registry.interfaces.Target`."""

    def problems(self, artifact: ModelArtifact, options: ExportOptions) -> Sequence[Problem]:
        """Why this model cannot go there with these options."""
        found = firmware_problems(artifact, options.imgsz, attention=True)
        if found:
            return found
        height, width = size_of(artifact, options.imgsz)
        needed = height * width * 3 // 1024
        if needed > SRAM_KIB:
            text = f"A picture of {height} x {width} alone needs {needed} of the device's {SRAM_KIB} KiB."
            found.append(Problem(text, where="imgsz", hint="Give a smaller side: --imgsz 192."))
        return [*found, *calibration_problems(artifact, options)]

    def export(
        self, artifact: ModelArtifact, options: ExportOptions, out: Path, context: JobContext
    ) -> ModelArtifact:
        """Write model.tflite (what the certificate runs) and model_vela.tflite (what is flashed).
        Raises ModelError with the failing tool's words.
        """
        size = size_of(artifact, options.imgsz)
        context.progress("convert", 0, 2)
        made, facts = export_raw_heads(artifact, options, size, out / MODEL, context)
        context.progress("convert", 1, 2)
        context.check()
        vela = compile_for_npu(out / MODEL, out / COMPILED, context)
        context.progress("convert", 2, 2)
        known = {_FACTS: {**facts, "vela": vela.to_mapping()}, BESIDE: [COMPILED]}
        return dataclasses.replace(made, extra={**made.extra, **known})

    def limits(self, artifact: ModelArtifact, options: ExportOptions) -> Limits:
        """Joints are judged by PCK: people of a few dozen pixels lose AP by a single one."""
        del artifact, options
        return Limits(shift_px=None, ap=0.05, pck=0.02)

    def report(self, made: ModelArtifact, context: JobContext) -> DeviceReport:
        """What the file holds, and what Vela said of it."""
        del context
        facts: dict[str, Any] = made.extra[_FACTS]
        vela = VelaReport.from_mapping(facts["vela"])
        whole = vela.cpu_operators == 0 and not vela.left
        left = f"{vela.cpu_operators} ({', '.join(vela.left)})" if vela.left else "0"
        checks = (
            *file_checks(made, facts),
            DeviceCheck(N_("Operators on the NPU"), str(vela.npu_operators)),
            DeviceCheck(N_("Operators on the CPU"), left, whole),
            DeviceCheck(
                N_("SRAM"), f"{vela.sram_kib:.0f} / {SRAM_KIB} KiB", vela.sram_kib <= SRAM_KIB
            ),
            DeviceCheck(N_("Flash"), f"{vela.flash_kib:.0f} KiB"),
            DeviceCheck(N_("Time of one picture, estimated"), f"{vela.milliseconds:.1f} ms"),
        )
        return DeviceReport(checks, not_run=INTERPRETED, values=facts)

    def next_steps(self, made: ModelArtifact) -> Sequence[NextStep]:
        """The maker's page that flashes over USB."""
        del made
        return (NextStep(N_("Flash in the browser"), f'python -m webbrowser "{_GUIDE}"'),)

    def notes(self, made: ModelArtifact) -> str:
        """Which file is for what, and what the device makes of the maps."""
        height, width = made.input.size
        cells = sum((height // s) * (width // s) for s in (8, 16, 32))
        version = made.extra[_FACTS]["vela"]["version"]
        return f"""- `{COMPILED}` is what is flashed: Vela {version} compiled it for {ACCELERATOR}. Nothing but
  that NPU runs it.
- `{MODEL}` is the same model before that step. The certificate, Live and `run_model.py` run this
  one; boards without an NPU can, too.
- Flash it with the maker's web tool, as its page shows ({_GUIDE}).
- Input: (1, {height}, {width}, 3) int8 RGB, each the picture's byte less 128.
- Outputs: seven int8 maps with a scale and a zero of their own. Boxes of each stride (8, 16, 32):
  4 x 16 numbers a cell, whose softmax gives the mean distance to the left, upper, right and lower
  side in strides; scores of each stride before the sigmoid; keypoints of all {cells} cells: x and y from
  the cell's upper left corner, in pairs of strides, and a score before the sigmoid."""
