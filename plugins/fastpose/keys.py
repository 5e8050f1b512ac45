"""AlphaPose's names for FastPose's tensors, and ours. Facts of the files that users own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

Value = TypeVar("Value")

_RULES = (
    (re.compile(r"^preact\.(layer\d+\.\d+)\.se\.fc\.0\."), r"backbone.\1.se.squeeze."),
    (re.compile(r"^preact\.(layer\d+\.\d+)\.se\.fc\.2\."), r"backbone.\1.se.excite."),
    (re.compile(r"^preact\."), "backbone."),
    (re.compile(r"^duc1\."), "head.up1."),
    (re.compile(r"^duc2\."), "head.up2."),
    (re.compile(r"^conv_out\."), "head.out."),
)
# How many blocks the third stage has tells the depth.
_DEPTHS = {6: "resnet50", 23: "resnet101", 36: "resnet152"}
OUT = "conv_out.weight"


def is_alphapose(state: Mapping[str, object]) -> bool:
    """Whether these tensors' names are those of a FastPose of AlphaPose."""
    names = {_bare(name) for name in state}
    return OUT in names and "duc1.conv.weight" in names and "preact.conv1.weight" in names


def renamed(state: Mapping[str, Value]) -> dict[str, Value]:
    """The same tensors under our names; a name that no rule knows stays as it is."""
    return {_ours(_bare(name)): value for name, value in state.items()}


def depth_of(state: Mapping[str, object]) -> str | None:
    """The ResNet of the backbone, or None for one that is none of the three."""
    blocks = {m[1] for name in state if (m := re.match(r"preact\.layer3\.(\d+)\.", _bare(name)))}
    return _DEPTHS.get(len(blocks))


def _bare(name: str) -> str:
    """Without what training on several GPUs puts before it."""
    return name.removeprefix("module.")


def _ours(name: str) -> str:
    for pattern, ours in _RULES:
        changed, count = pattern.subn(ours, name)
        if count:
            return changed
    return name
