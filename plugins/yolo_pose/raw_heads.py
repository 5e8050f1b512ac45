"""The network up to its head's own convolutions: what a microcontroller computes, while the
arithmetic after it is the firmware's (or `studio.runtime.raw_heads`').
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.core.artifact import ModelArtifact
from studio.registry.interfaces import HeadFacts

from .loading import fused_model, keypoint_shape, read_checkpoint

if TYPE_CHECKING:
    from torch import Tensor, nn

# The head whose maps `studio.runtime.raw_heads` knows the meaning of.
_HEAD = "Pose"
_ATTENTION = "Attention"


def head_facts(artifact: ModelArtifact) -> HeadFacts:
    """What the head gives, read from the weights. Raises ModelError."""
    weights = artifact.weights
    changed = weights.stat().st_mtime_ns if weights.is_file() else 0
    return _facts(weights, changed)


@lru_cache(maxsize=8)
def _facts(weights: Path, _changed: int) -> HeadFacts:
    model, _ = read_checkpoint(weights)
    head: Any = model.model[-1]
    kind = type(head).__name__
    known = kind == _HEAD and getattr(head, "cv2", None) is not None
    return HeadFacts(
        bins=int(head.reg_max),
        numbers=keypoint_shape(model)[1],
        levels=tuple(int(s) for s in head.stride),
        attention=any(type(m).__name__ == _ATTENTION for m in model.modules()),
        foreign="" if known else kind,
    )


def raw_heads_module(artifact: ModelArtifact) -> nn.Module:
    """A module in evaluation mode on the CPU: (N, 3, H, W) float32 RGB 0..1 in; for each level,
    finest first, boxes (N, cells, 4 * bins), then scores (N, cells, C) of each level, both before
    softmax and sigmoid, and at last keypoints (N, all cells, 3K) of all levels together. A level's
    cells go row by row. Raises ModelError.
    """
    import torch

    model = fused_model(artifact)
    head: Any = model.model[-1]

    class RawHeads(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = torch.nn.ModuleList(model.model[:-1])
            self.boxes, self.scores, self.joints = head.cv2, head.cv3, head.cv4

        def forward(self, images: Tensor) -> tuple[Tensor, ...]:
            levels = _levels(self.layers, head.f, images)
            boxes = [_rows(c(x)) for c, x in zip(self.boxes, levels, strict=True)]
            scores = [_rows(c(x)) for c, x in zip(self.scores, levels, strict=True)]
            joints = [_rows(c(x)) for c, x in zip(self.joints, levels, strict=True)]
            return (*boxes, *scores, torch.cat(joints, 1))

    return RawHeads().eval()


def _levels(layers: Any, wanted: list[int], images: Tensor) -> list[Tensor]:
    """The feature maps that the head looks at. A layer's `f` says where its input comes from:
    -1 is the layer before it, any other number the layer of that number.
    """
    kept: list[Tensor] = []
    x: Any = images
    for layer in layers:
        if isinstance(layer.f, int):
            x = x if layer.f == -1 else kept[layer.f]
        else:
            x = [x if number == -1 else kept[number] for number in layer.f]
        x = layer(x)
        kept.append(x)
    return [kept[number] for number in wanted]


def _rows(maps: Tensor) -> Tensor:
    """(N, channels, H, W) as (N, H * W, channels)."""
    return maps.permute(0, 2, 3, 1).reshape(maps.shape[0], -1, maps.shape[1])
