"""A YOLOv8 pose model of one category for the Grove Vision AI V2: what its file holds, what Vela
says, and how many joints it still finds.

Needs the worker environment `litert`, and a run to export, named by POSE_STUDIO_MICRO_RUN: the
dataset of that run calibrates with its training side and judges with the other. One is made by

    pose-studio sample --out people
    pose-studio train yolo-pose --data people/datasets/people --pretrained yolov8n-pose.yaml --imgsz 192
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from studio.core.job import JobContext
from studio.core.requests.export import ExportRequest
from studio.io.files import read_json
from studio.io.toolchains import READY, find_worker
from studio.jobs import export
from studio.ml.run_files import read_config
from studio.registry import find
from studio.registry.jobs import PluginRequest
from tests.benchmarks import Report

RUN = "POSE_STUDIO_MICRO_RUN"
TARGET = "grove_vision_ai_v2"
SIDE = 192


def run(report: Report) -> None:
    """Export the run and tell its certificate."""
    asked = os.environ.get(RUN)
    if not asked or find_worker("litert").state() != READY:
        report.say(
            f"skipped: {RUN} names no run, or the tools are missing: pose-studio tools litert"
        )
        return
    folder = Path(asked)
    with tempfile.TemporaryDirectory() as text:
        tell(report, certified(folder, Path(text) / "grove"))


def certified(folder: Path, out: Path) -> dict[str, Any]:
    """The certificate of a whole export of the run `folder`."""
    data = str(read_config(folder)["data"])
    request = ExportRequest.from_mapping(
        {"weights": str(folder), "target": TARGET, "out": str(out), "data": data}
    )
    options = find("target", TARGET).options_class().from_mapping({"imgsz": [SIDE]})
    export.run(PluginRequest(TARGET, request, options), JobContext(lambda _: None))
    return read_json(out / "certificate.json")


def tell(report: Report, certificate: dict[str, Any]) -> None:
    """Its figures against what the device asks for."""
    device = certificate["device"]
    vela = device["vela"]
    report.add("grove: least likeness of a map", min(device["cosines"]), "", at_least=0.998)
    report.add("grove: operators on the CPU", vela["cpu_operators"], "", at_most=0)
    report.add("grove: SRAM", vela["sram_kib"], "KiB", at_most=512)
    report.add("grove: flash", vela["flash_kib"], "KiB")
    report.add("grove: one picture, estimated by Vela", vela["milliseconds"], "ms")
    pck = certificate["pck"]
    lost, peer = 0.0 - pck["difference"], f"float {pck['weights']:.4f}"
    report.add("grove: PCK@0.1 lost", lost, "", at_most=0.02, peer=peer)
    for check in certificate["checks"]:
        failed = 0.0 if check["passed"] is not False else 1.0
        report.add(
            f"grove: {check['title']}", failed, "failed", at_most=0, note=str(check["value"])
        )
