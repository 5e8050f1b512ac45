"""A YOLO pose model's raw heads in whole numbers for the XIAO ESP32S3, in the file that its firmware
reads: ESP-DL's, or LiteRT's.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from studio.core.artifact import ModelArtifact
from studio.core.device_report import DeviceCheck, DeviceReport, Limits, NextStep
from studio.core.errors import Problem
from studio.core.job import JobContext
from studio.core.options import N_
from studio.exporting.calibration import FACTS as CALIBRATED
from studio.exporting.calibration import calibration_problems, calibration_set
from studio.exporting.checks import size_of
from studio.exporting.litert import WORKER as LITERT
from studio.exporting.making import BESIDE, made_artifact
from studio.exporting.microcontroller import firmware_problems
from studio.exporting.raw_heads_file import export_raw_heads, file_checks
from studio.io.toolchains import find_worker, need, run_in
from studio.registry import find
from studio.runtime.engines.espdl import SIMULATOR, WORKER
from studio.runtime.raw_heads import RAW_HEADS

from .config import ESPDL, ExportOptions

NAME = "pose"
SIMULATOR_FILE = "simulator.pt"
# esp-ppq was seen to read it; newer ones bring operators in other forms.
OPSET = 13
# The board's flash, of which a program of one's own leaves the rest; and the ready firmware's part
# for models.
FLASH_BYTES, PARTITION_BYTES = 8 * 1024 * 1024, 4 * 1024 * 1024
SIMULATED = N_(
    "It was run by the quantiser's simulator on this computer, which computes in the chip's whole "
    "numbers; the board itself never ran it."
)
INTERPRETED = N_(
    "It was run by the LiteRT interpreter on this computer; the board itself never ran it."
)
# Where model.json keeps what was found out when the artefact was made.
FACTS = "microcontroller"
_QUANTISE = "studio.plugins.xiao_esp32s3.quantising:quantise"


class XiaoTarget:
    """See `studio.registry.interfaces.Target`."""

    def worker(self, options: ExportOptions) -> str:
        """The tools that the asked file is made by."""
        return WORKER if options.format == ESPDL else LITERT

    def problems(self, artifact: ModelArtifact, options: ExportOptions) -> Sequence[Problem]:
        """Why this model cannot go there with these options. ESP-DL computes attention; the ready
        LiteRT firmware has no operator for it.
        """
        found = firmware_problems(artifact, options.imgsz, attention=options.format == ESPDL)
        return [*found, *calibration_problems(artifact, options)]

    def export(
        self, artifact: ModelArtifact, options: ExportOptions, out: Path, context: JobContext
    ) -> ModelArtifact:
        """Write the model's file. Raises ModelError with the tool's own words, MissingTool,
        UsageError, DataError, Cancelled.
        """
        need(find_worker(self.worker(options)))
        size = size_of(artifact, options.imgsz)
        path = out / f"{NAME}.{options.format}"
        context.progress("convert", 0, 2)
        if options.format == ESPDL:
            made, facts = _export_espdl(artifact, options, size, path, context)
        else:
            made, facts = export_raw_heads(artifact, options, size, path, context)
        context.progress("convert", 2, 2)
        return dataclasses.replace(made, extra={**made.extra, FACTS: facts})

    def limits(self, artifact: ModelArtifact, options: ExportOptions) -> Limits:
        """Joints are judged by PCK: people of a few dozen pixels lose AP by a single one."""
        del artifact, options
        return Limits(shift_px=None, ap=0.05, pck=0.02)

    def report(self, made: ModelArtifact, context: JobContext) -> DeviceReport:
        """Whether the file fits, and whether everything in it is whole numbers."""
        del context
        facts: dict[str, Any] = made.extra[FACTS]
        espdl = made.engine == ESPDL
        size, room = made.weights.stat().st_size, FLASH_BYTES if espdl else PARTITION_BYTES
        fits = DeviceCheck(
            N_("Size in the board's flash"),
            f"{size / 2**20:.1f} / {room // 2**20} MiB",
            size < room,
        )
        checks = _espdl_checks(facts) if espdl else file_checks(made, facts)
        not_run = SIMULATED if espdl else INTERPRETED
        return DeviceReport((fits, *checks), not_run=not_run, values={"bytes": size, **facts})

    def next_steps(self, made: ModelArtifact) -> Sequence[NextStep]:
        """By ESP-IDF's own tool, into the partition that the firmware reads."""
        part = "model" if made.engine == ESPDL else "models"
        command = (
            f"parttool.py --port PORT write_partition --partition-name {part} --input "
            f"{made.weights.name}"
        )
        return (NextStep(N_("Write it into the board's flash (ESP-IDF)"), command),)

    def notes(self, made: ModelArtifact) -> str:
        """What is the board's own."""
        if made.engine != ESPDL:
            return _TFLITE_NOTES
        exponents = made.extra[FACTS]["exponents"]
        rows = "\n".join(f"  - `{name}`: 2^{power}" for name, power in exponents.items())
        return f"""- `{made.weights.name}` is the model for ESP-DL 3; `{NAME}.info` lists its layers and
  `{NAME}.json` the ranges, as esp-ppq wrote them. The chip needs the first file only.
- `{SIMULATOR_FILE}` lets Pose Studio run the model in esp-ppq's simulator; it is not for the chip.
- A value is its whole number times a power of two, which the file itself holds as well; the outputs'
  whole numbers have {made.extra[FACTS]["head_bits"]} bits:
{rows}
- `dl::Model` loads it from a flash partition, from the program or from a card:
  `new dl::Model("model", fbs::MODEL_LOCATION_IN_FLASH_PARTITION)`."""


_TFLITE_NOTES = """- The maker's ready firmware reads the file from its partition `models` of 4 MiB: written by the
  command above, or sent by the maker's web page (SenseCraft Web Toolkit). Vela is not for this board.
- An input's whole number is the pixel's byte less 128."""


def _export_espdl(
    artifact: ModelArtifact,
    options: ExportOptions,
    size: tuple[int, int],
    path: Path,
    context: JobContext,
) -> tuple[ModelArtifact, dict[str, Any]]:
    """The artefact, and what `quantising.quantise` says of the written file."""
    from studio.exporting.onnx_file import write_onnx

    module = find("family", artifact.family).load().raw_heads_module(artifact)
    pictures = calibration_set(artifact, options, size, context)
    others = [SIMULATOR_FILE, f"{NAME}.info", f"{NAME}.json"]
    extra = {CALIBRATED: dict(pictures.facts), SIMULATOR: SIMULATOR_FILE, BESIDE: others}
    made = made_artifact(
        artifact, path, size=size, precision="int8", output=RAW_HEADS, batch=1, extra=extra
    )
    with tempfile.TemporaryDirectory(prefix="pose-studio-") as folder:
        plain, samples = Path(folder, "plain.onnx"), Path(folder, "pictures.npy")
        write_onnx(module, plain, made.input, opset=OPSET, weights=artifact.weights)
        np.save(samples, np.concatenate(list(pictures.batches())))
        context.progress("convert", 1, 2)
        request = {
            "onnx": str(plain),
            "out": str(path),
            "simulator": str(path.with_name(SIMULATOR_FILE)),
            "pictures": str(samples),
            "input": made.input.to_mapping(),
            "ranges": options.ranges,
            "head_bits": options.head_bits,
        }
        return made, dict(run_in(find_worker(WORKER), _QUANTISE, request, context))


def _espdl_checks(facts: dict[str, Any]) -> tuple[DeviceCheck, ...]:
    floats = int(facts["float_operators"])
    return (
        DeviceCheck(N_("Operators in whole numbers"), str(sum(facts["operators"].values()))),
        DeviceCheck(N_("Operators in float"), str(floats), floats == 0),
    )
