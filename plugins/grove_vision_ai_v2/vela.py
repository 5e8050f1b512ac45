"""Vela, the compiler for Ethos-U: it turns a .tflite of whole numbers into one whose operators are
a command stream for the NPU, and says what that costs.
"""

from __future__ import annotations

import csv
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from studio.core.errors import ModelError
from studio.core.job import JobContext
from studio.exporting.tflite_file import read_tflite
from studio.io.toolchains import follow, quiet_environment

ACCELERATOR = "ethos-u55-64"
SRAM_KIB = 512
_NAME = "Grove_Vision_AI_V2"
# What the module's maker states of its memories: SRAM and external flash behind one NPU at 400 MHz;
# weights are read from the flash, maps are kept in the SRAM.
_SYSTEM = {
    "core_clock": "400e6",
    "axi0_port": "Sram",
    "axi1_port": "OffChipFlash",
    "Sram_clock_scale": "1.0",
    "Sram_burst_length": "32",
    "Sram_read_latency": "16",
    "Sram_write_latency": "16",
    "OffChipFlash_clock_scale": "0.015625",
    "OffChipFlash_burst_length": "32",
    "OffChipFlash_read_latency": "64",
    "OffChipFlash_write_latency": "64",
}
_MEMORY = {"const_mem_area": "Axi1", "arena_mem_area": "Axi0", "cache_mem_area": "Axi0"}
_ON_NPU = "ethos-u"
_COUNT = re.compile(r"(CPU|NPU) operators = (\d+)")


@dataclass(frozen=True)
class VelaReport:
    """What Vela says. sram_kib, flash_kib: what the model needs of them. milliseconds: of one
    picture, estimated, never measured. left: operators in the compiled file that are none of the
    NPU's.
    """

    npu_operators: int
    cpu_operators: int
    sram_kib: float
    flash_kib: float
    milliseconds: float
    left: tuple[str, ...]
    version: str

    def to_mapping(self) -> dict[str, Any]:
        """Plain values for `model.json`."""
        return {**asdict(self), "left": list(self.left), "accelerator": ACCELERATOR}

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> VelaReport:
        """The inverse."""
        known = {k: v for k, v in data.items() if k != "accelerator"}
        return cls(**{**known, "left": tuple(known["left"])})


def compile_for_npu(model: Path, out: Path, context: JobContext) -> VelaReport:
    """Write `out` from the int8 file `model`. Raises ModelError with Vela's last words, Cancelled."""
    said: list[str] = []

    def line(text: str) -> None:
        said.append(text)
        context.log(text, "debug")

    with tempfile.TemporaryDirectory(prefix="pose-studio-") as folder:
        work = Path(folder).resolve()
        config = work / "vela.ini"
        config.write_text(_config(), encoding="utf-8")
        command = [
            sys.executable, "-m", "ethosu.vela", "--accelerator-config", ACCELERATOR,
            "--config", str(config), "--system-config", _NAME, "--memory-mode", _NAME,
            "--output-dir", str(work / "out"), str(model.absolute()),
        ]  # fmt: skip
        code, last = follow(command, quiet_environment(), context, line)
        compiled = work / "out" / f"{model.stem}_vela.tflite"
        if code != 0 or not compiled.is_file():
            raise ModelError(
                f"Vela ended with status {code}: {last}",
                where=model.name,
                hint="The log holds all it said.",
            )
        report = _report(said, next((work / "out").glob("*_summary_*.csv"), None), compiled)
        shutil.copyfile(compiled, out)
    return report


def _config() -> str:
    """Vela's configuration file: one system and one memory mode, both of the module's name."""
    lines = [f"[System_Config.{_NAME}]", *(f"{k}={v}" for k, v in _SYSTEM.items())]
    lines += [f"[Memory_Mode.{_NAME}]", *(f"{k}={v}" for k, v in _MEMORY.items())]
    return "\n".join([*lines, ""])


def _report(said: list[str], table: Path | None, compiled: Path) -> VelaReport:
    from importlib.metadata import version

    counts = {m[1]: int(m[2]) for m in map(_COUNT.search, said) if m}
    if table is None or set(counts) != {"CPU", "NPU"}:
        raise ModelError(
            "Vela does not say how many operators run where; is it of another version?",
            where=compiled.name,
            hint="Version 5 of ethos-u-vela is known.",
        )
    with table.open(encoding="utf-8", newline="") as stream:
        row = next(csv.DictReader(stream))
    operators = read_tflite(compiled).operators
    return VelaReport(
        npu_operators=counts["NPU"],
        cpu_operators=counts["CPU"],
        sram_kib=float(row["sram_memory_used"]),
        flash_kib=float(row["off_chip_flash_memory_used"]),
        milliseconds=float(row["inference_time"]) * 1000,
        left=tuple(sorted({op.name for op in operators if op.name != _ON_NPU})),
        version=version("ethos-u-vela"),
    )
