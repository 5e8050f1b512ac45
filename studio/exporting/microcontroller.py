"""What firmware for microcontrollers asks of a model: seven maps before the head's arithmetic, of
one category, for square pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from studio.core.artifact import ModelArtifact
from studio.core.errors import Problem, StudioError
from studio.exporting.checks import common_problems, size_of
from studio.registry import find
from studio.registry.interfaces import RawHeadsFamily
from studio.runtime.raw_heads import BINS, STRIDES


def firmware_problems(
    artifact: ModelArtifact, imgsz: Sequence[int] | None, *, attention: bool = False
) -> list[Problem]:
    """Why the firmware could not read this model's maps. attention: whether the device has the
    operators for it. The weights are opened only where nothing else is wrong.
    """
    family: Any = find("family", artifact.family).load()
    if not isinstance(family, RawHeadsFamily):
        text = "The firmware reads the maps of YOLO pose models; this is another kind of network."
        return [Problem(text, where="weights", hint="Train a YOLO pose model for this device.")]
    found = common_problems(artifact, imgsz)
    if len(artifact.categories) != 1:
        text = f"The firmware knows one category; this model has {len(artifact.categories)}."
        hint = "Train it on one category: people alone."
        found.append(Problem(text, where="weights", hint=hint))
    height, width = size_of(artifact, imgsz)
    if height != width:
        text = f"The firmware gives square pictures; {height} x {width} is not square."
        found.append(Problem(text, where="imgsz", hint="Give one side, such as 192."))
    if artifact.input.channels != 3:
        text = f"The camera gives 3 channels; this model looks at {artifact.input.channels}."
        found.append(Problem(text, where="weights"))
    return found or _head_problems(family, artifact, attention=attention)


def _head_problems(
    family: RawHeadsFamily, artifact: ModelArtifact, *, attention: bool
) -> list[Problem]:
    try:
        facts = family.head_facts(artifact)
    except StudioError as error:
        return [Problem(error.message, where=error.where or "", hint=error.hint)]
    hint = "Train a YOLOv8 pose model (yolov8n-pose) for this device."
    found: list[Problem] = []
    if facts.bins != BINS:
        text = f"The firmware reads {BINS} numbers for each side of a box; this head gives {facts.bins}."
        found.append(Problem(text, where="weights", hint=hint))
    elif facts.foreign or facts.levels != STRIDES:
        text = "The firmware does not know what the maps of this head mean."
        found.append(Problem(text, where="weights", hint=hint))
    if facts.numbers != 3:
        text = f"The firmware reads 3 numbers a joint; this model gives {facts.numbers}."
        retrain = "Train it with joints that have x, y and visibility."
        found.append(Problem(text, where="weights", hint=retrain))
    if facts.attention and not attention:
        text = "This network has attention layers, whose operators the device does not have."
        found.append(Problem(text, where="weights", hint=hint))
    return found
