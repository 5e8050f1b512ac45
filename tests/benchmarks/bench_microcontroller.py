"""Exports for microcontrollers: what their whole numbers cost, and what the files hold.

The run of a YOLOv8 pose model of one category, trained at 192 x 192, is named by the variable
POSE_STUDIO_BENCH_RUN; its own training side calibrates, its own validation side judges. One
function for each target; `run` calls them all.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from studio.core.job import JobContext
from studio.core.requests.export import ExportRequest
from studio.io.toolchains import READY, find_worker
from studio.jobs import export
from studio.registry import find
from studio.registry.jobs import PluginRequest
from tests.benchmarks import Report

RUN = "POSE_STUDIO_BENCH_RUN"
PICTURES = 50
MIB = 2**20


def run(report: Report) -> None:
    """Every target that has a measurement here."""
    named = os.environ.get(RUN, "")
    if not named:
        report.say(f"skipped: {RUN} names no run")
        return
    with tempfile.TemporaryDirectory() as text:
        xiao_esp32s3(report, Path(named), Path(text))
        grove_vision_ai_v2(report, Path(named), Path(text))


def xiao_esp32s3(report: Report, model: Path, folder: Path) -> None:
    """Both files: PCK@0.1 lost, joints' shift, size, and what is left in float."""
    for kind, tools in (("espdl", "esp"), ("tflite", "litert")):
        name = f"xiao_esp32s3 {kind}"
        if find_worker(tools).state() != READY:
            report.say(f"{name} skipped: the tools {tools} are not installed")
            continue
        told = certified("xiao_esp32s3", model, folder / kind, format=kind)
        judged(report, name, told)
        floats = told["device"].get("float_operators", 0)
        report.add(f"{name}: operators in float", floats, "", at_most=0)


def grove_vision_ai_v2(report: Report, model: Path, folder: Path) -> None:
    """PCK@0.1 lost, how alike the maps are, and what Vela says of the NPU."""
    name = "grove_vision_ai_v2"
    if find_worker("litert").state() != READY:
        report.say(f"{name} skipped: the tools litert are not installed")
        return
    told = certified(name, model, folder / "grove")
    judged(report, name, told)
    device = told["device"]
    vela = device["vela"]
    report.add(f"{name}: least likeness of a map", min(device["cosines"]), "", at_least=0.998)
    report.add(f"{name}: operators on the CPU", vela["cpu_operators"], "", at_most=0)
    report.add(f"{name}: SRAM", vela["sram_kib"], "KiB", at_most=512)
    report.add(f"{name}: flash", vela["flash_kib"], "KiB")
    report.add(f"{name}: one picture, estimated by Vela", vela["milliseconds"], "ms")


def certified(target: str, model: Path, out: Path, **options: Any) -> dict[str, Any]:
    """The certificate that the export job writes."""
    request = ExportRequest.from_mapping(
        {"weights": str(model), "target": target, "out": str(out), "pictures": PICTURES}
    )
    asked = find("target", target).options_class().from_mapping(options).validated()
    export.run(PluginRequest(target, request, asked), JobContext(lambda _: None))
    return json.loads((out / "certificate.json").read_text("utf-8"))


def judged(report: Report, name: str, told: dict[str, Any]) -> None:
    """What certificates of all these targets say alike."""
    pck, shift = told["pck"], told["parity"]["shift_px"]
    lost = pck["weights"] - pck["artifact"]
    peer = f"float {pck['weights']:.4f}"
    report.add(f"{name}: PCK@0.1 lost", lost, "", at_most=0.02, peer=peer)
    report.add(f"{name}: joints' mean shift", shift["mean"], "px")
    report.add(f"{name}: size", told["bytes"] / MIB, "MiB", at_most=4)
    for check in told["checks"]:
        held = "" if check["passed"] is None else "passed" if check["passed"] else "NOT PASSED"
        report.say(f"  {check['title']}: {check['value']} {held}")
