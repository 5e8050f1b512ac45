"""A target that presses ONNX files into exports: it copies them, and fails where it is told to."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

import studio.registry as registry
from studio.core.artifact import InputSpec, ModelArtifact
from studio.io.skeletons import load_skeleton
from studio.runtime.artifacts import load_artifact, save_artifact
from tests.runtime.toy import write_onnx

MANIFEST = """
name = "press_device"
title = "Press"
[[contributes]]
kind = "target"
id = "press"
title = "Press"
summary = "Copies."
options = "config:PressOptions"
entry = "target:Press"
"""
CONFIG = """
from dataclasses import dataclass
from studio.core.options import option
from studio.exporting.options import CalibrationOptions

@dataclass(frozen=True)
class PressOptions(CalibrationOptions):
    int8: bool = option(False, title="Whole numbers")
    fail: str = option("", title="Fail")
    suffix: str = option(".onnx", title="Suffix")
    shift: float = option(0.5, title="Limit of the shift")
"""
TARGET = """
import errno, shutil, time
from studio.core.device_report import DeviceCheck, DeviceReport, Limits, NextStep
from studio.core.errors import ModelError, Problem
from studio.exporting.calibration import FACTS, calibration_problems, calibration_set
from studio.exporting.making import made_artifact

class Press:
    def problems(self, artifact, options):
        found = [Problem("The press is warm.", severity="warning")]
        if len(artifact.categories) > 1:
            found.append(Problem("The press takes one class.", where="weights"))
        return found + (calibration_problems(artifact, options) if options.int8 else [])

    def export(self, artifact, options, out, context):
        extra = {}
        if options.int8:
            pictures = calibration_set(artifact, options, artifact.input.size, context)
            for number, batch in enumerate(pictures.batches(), 1):
                context.progress("calibrate", number, len(pictures))
            extra[FACTS] = pictures.facts
        path = out / f"model{options.suffix}"
        shutil.copyfile(artifact.weights, path)
        if options.fail == "tool":
            raise ModelError("The press ended with status 1: no steam.")
        if options.fail == "library":
            raise RuntimeError("write failed\\nsomewhere")
        if options.fail == "full":
            raise OSError(errno.ENOSPC, "No space left on device")
        if options.fail == "slow":
            (out / "begun").write_text("x")
            time.sleep(600)
        return made_artifact(artifact, path, size=artifact.input.size,
                             dynamic=artifact.input.dynamic, extra=extra)

    def limits(self, artifact, options):
        return Limits(shift_px=options.shift)

    def report(self, made, context):
        context.check()
        return DeviceReport((DeviceCheck("Operators", "3 of 3", True),), values={"operators": 3})

    def next_steps(self, made):
        return [NextStep("Press it", f"press {made.weights.name}")]

    def notes(self, made):
        return "Put the model under the press."
"""


def with_press(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The plugin in `folder`, known here and in processes that are started."""
    place = folder / "press_device"
    place.mkdir(parents=True)
    for name, text in (
        ("plugin.toml", MANIFEST),
        ("__init__.py", ""),
        ("config.py", CONFIG),
        ("target.py", TARGET),
    ):
        (place / name).write_text(text, encoding="utf-8")
    monkeypatch.setenv("POSE_STUDIO_PLUGINS", str(folder))
    registry.reload()
    yield folder
    monkeypatch.undo()
    registry.reload()


def write_model(folder: Path, *, size: int = 320) -> Path:
    """The toy network as ONNX with open sizes and its model.json; the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    save_artifact(
        ModelArtifact(
            family="toy",
            task="pose",
            weights=write_onnx(folder / "toy.onnx"),
            input=InputSpec(size=(size, size), dynamic=True),
            skeleton=load_skeleton("coco17"),
        )
    )
    return folder


def with_changes(folder: Path, **changes: object) -> Path:
    """Say something else in the model's description."""
    save_artifact(dataclasses.replace(load_artifact(folder), **changes))
    return folder
