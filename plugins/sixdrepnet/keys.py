"""The originals' names for the network's tensors, and ours. Facts of the files that users own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from .config import ORIGINAL

Value = TypeVar("Value")

_FC = "linear_reg.weight"
_BRANCHES = {
    "rbr_dense": "conv_kxk",
    "rbr_1x1": "conv_1x1",
    "rbr_identity": "identity",
    "rbr_reparam": "reparam_conv",
}
# `stage0` to `stage4` in RepVGG's own files, `layer0` to `layer4` in 6DRepNet's.
_STEM = re.compile(r"^(?:stage|layer)0\.(rbr_\w+?)\.(.+)$")
_BLOCK = re.compile(r"^(?:stage|layer)(\d)\.(\d+)\.(rbr_\w+?)\.(.+)$")
_LINEAR = re.compile(r"^linear(?:_reg)?\.(weight|bias)$")
# How many blocks the third stage of a ResNet has, and whether they are of three convolutions.
_RESNETS = {(6, True): "resnet50", (23, True): "resnet101", (6, False): "resnet34",
            (2, False): "resnet18"}  # fmt: skip


def is_repvgg(state: Mapping[str, object]) -> bool:
    """Whether the names are RepVGG's own, with or without 6DRepNet's head."""
    return any(_STEM.match(_bare(name)) for name in state)


def backbone_of(state: Mapping[str, object]) -> str | None:
    """The backbone of a whole 6DRepNet's tensors, or None where they are something else."""
    names = {_bare(name) for name in state}
    if _FC not in names:
        return None
    if is_repvgg(state):
        return ORIGINAL
    blocks = {m[1] for name in names if (m := re.match(r"layer3\.(\d+)\.", name))}
    return _RESNETS.get((len(blocks), "layer3.0.conv3.weight" in names))


def is_deployed(state: Mapping[str, object]) -> bool:
    """Whether the branches were made into one convolution already, as in published snapshots."""
    return any(".rbr_reparam." in name for name in state)


def renamed(state: Mapping[str, Value]) -> dict[str, Value]:
    """The same tensors under our names; what no rule knows is a backbone's as timm names it."""
    repvgg = is_repvgg(state)
    return {_ours(_bare(name), repvgg=repvgg): value for name, value in state.items()}


def _bare(name: str) -> str:
    """Without what training on several GPUs puts before it."""
    return name.removeprefix("module.")


def _ours(name: str, *, repvgg: bool) -> str:
    if found := _LINEAR.match(name):
        # timm's RepVGG keeps its last layer in a head, its ResNets as `fc`.
        return f"backbone.head.fc.{found[1]}" if repvgg else f"backbone.fc.{found[1]}"
    if repvgg and (found := _STEM.match(name)) and found[1] in _BRANCHES:
        return f"backbone.stem.{_BRANCHES[found[1]]}.{found[2]}"
    if repvgg and (found := _BLOCK.match(name)) and found[3] in _BRANCHES:
        stage = int(found[1]) - 1
        return f"backbone.stages.{stage}.{found[2]}.{_BRANCHES[found[3]]}.{found[4]}"
    return name if name.startswith("backbone.") else f"backbone.{name}"
