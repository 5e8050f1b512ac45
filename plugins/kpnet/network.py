"""The network: ConvNeXt features, a feature pyramid, a decoder and three heads.

timm's `convnext_*` gives features at strides 8, 16 and 32. Each goes through a 1x1 to `width`
channels; from the coarsest on, the next finer one is added to the enlarged sum and smoothed by a
3x3 with batch norm and ReLU. From stride 8 the decoder goes up by `stages` doublings, the last of
which ends exactly at `heatmap` cells. The visibility of a joint is told from the features that
its own heatmap points at. With 256 channels and two stages convnext_atto has 6.5 M
parameters and convnext_tiny 31.1 M.

What the network gives in training are logits. A heatmap trained by binary cross entropy with the
weight w on what is there comes to rest at log(w) + logit(Gaussian); `Deployed` takes log(w) away
again, so that what is decoded is the Gaussian itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from studio.core.errors import ModelError
from studio.ml.checkpoints import Transfer, read_weights, transfer

REDUCTIONS = (8, 16, 32)


@dataclass(frozen=True)
class Shape:
    """What decides the network's tensors. heatmap: (height, width) in cells. stages: doublings
    from stride 8 on. seg_classes: 0 builds no segmentation head.
    """

    backbone: str
    channels: int
    joints: int
    heatmap: tuple[int, int]
    stages: int
    width: int = 256
    seg_classes: int = 0

    def to_mapping(self) -> dict[str, Any]:
        """As it stands in an artefact's extra, but for what the artefact says elsewhere."""
        return {
            "backbone": self.backbone,
            "heatmap": list(self.heatmap),
            "stages": self.stages,
            "width": self.width,
        }

    @classmethod
    def from_mapping(cls, extra: Mapping[str, Any], channels: int, joints: int) -> Shape:
        """Raises ModelError where a key is missing or of the wrong kind."""
        try:
            height, width = extra["heatmap"]
            return cls(
                backbone=str(extra["backbone"]),
                channels=channels,
                joints=joints,
                heatmap=(int(height), int(width)),
                stages=int(extra["stages"]),
                width=int(extra["width"]),
                seg_classes=len(extra.get("seg_classes", ())),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"This model does not say how it is built: {error!r}.") from error


def stages_for(size: tuple[int, int], heatmap: tuple[int, int]) -> int:
    """How many doublings lead from stride 8 of an input of `size` (h, w) to about `heatmap`."""
    ratio = max(heatmap[0] * REDUCTIONS[0] / size[0], heatmap[1] * REDUCTIONS[0] / size[1])
    return max(1, round(math.log2(max(ratio, 1.0))))


class KpNet(nn.Module):
    """(N, C, H, W) float32 as the artefact's input says -> logits: heatmaps (N, K, h, w),
    visibility (N, K, 3) of absent, hidden, visible, and, with classes, segmentation (N, S, h, w).
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.backbone = _backbone(shape)
        widths: list[int] = self.backbone.feature_info.channels()
        self.lateral = nn.ModuleList(nn.Conv2d(c, shape.width, 1) for c in widths)
        self.smooth = nn.ModuleList(_block(shape.width) for _ in widths)
        self.decoder = nn.ModuleList(_block(shape.width) for _ in range(shape.stages))
        self.heatmaps = nn.Conv2d(shape.width, shape.joints, 1)
        self.visibility = nn.Linear(shape.width, shape.joints * 3)
        self.segmentation = (
            nn.Conv2d(shape.width, shape.seg_classes, 1) if shape.seg_classes else None
        )
        for head in (self.heatmaps, self.visibility, self.segmentation):
            if head is not None:
                nn.init.normal_(head.weight, std=1e-3)
                nn.init.zeros_(head.bias)  # pyright: ignore[reportArgumentType]

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        found: list[Tensor] = self.backbone(x)
        total: Tensor | None = None
        for feature, lateral, smooth in zip(
            reversed(found), reversed(self.lateral), reversed(self.smooth), strict=True
        ):
            level: Tensor = lateral(feature)
            if total is not None:
                level = level + _resized(total, level.shape[-2:])
            total = smooth(level)
        assert total is not None
        total = self._decoded(total)
        maps: Tensor = self.heatmaps(total)
        seen = self._seen(total, maps)
        if self.segmentation is None:
            return maps, seen
        return maps, seen, self.segmentation(total)

    def _seen(self, total: Tensor, maps: Tensor) -> Tensor:
        """(N, K, 3) from the features where each joint's heatmap says that it is; where the map
        says nothing, that is their mean over the frame.
        """
        look = maps.detach().float().flatten(2).softmax(dim=2).to(total.dtype)
        pooled = look @ total.flatten(2).transpose(1, 2)
        weight = self.visibility.weight.view(self.shape.joints, 3, self.shape.width)
        bias = self.visibility.bias.view(self.shape.joints, 3)
        return (pooled[:, :, None] * weight).sum(dim=3) + bias

    def load_backbone(self, path: Path) -> Transfer:
        """Take over a local file of timm's weights of the whole backbone, its first convolution
        made to fit the channels as timm does it. Raises ModelError, FileProblem.
        """
        state = dict(read_weights(path).state)
        own = self.backbone.state_dict()
        # features_only numbers its parts with _ where the whole network has a dot.
        named = {_flat(name, own): value for name, value in state.items()}
        stem = next((name for name in named if name.startswith("stem_0.weight")), "")
        if stem and named[stem].shape[1] != self.shape.channels:
            named[stem] = _adapted(named[stem], self.shape.channels)
        found = transfer(self.backbone, named)
        if not found.matched:
            raise ModelError(f"Nothing in these weights fits: {found}", where=path)
        return found

    def _decoded(self, total: Tensor) -> Tensor:
        for number, block in enumerate(self.decoder, start=1):
            last = number == len(self.decoder)
            size = self.shape.heatmap if last else [2 * s for s in total.shape[-2:]]
            total = block(_resized(total, size))
        return total


class Deployed(nn.Module):
    """The network as others run it: heatmaps (N, K, h, w) 0..1, visibility (N, K, 3) summing to
    1, and segmentation (N, S, h, w) summing to 1 over S.
    """

    def __init__(self, network: KpNet, pos_weight: float) -> None:
        super().__init__()
        self.network = network
        self.shift = math.log(pos_weight)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        maps, seen, *regions = self.network(x)
        return (
            torch.sigmoid(maps - self.shift),
            seen.softmax(dim=2),
            *(r.softmax(dim=1) for r in regions),
        )


def _backbone(shape: Shape) -> Any:
    import timm

    if shape.backbone not in timm.list_models("convnext*"):
        raise ModelError(
            f"There is no ConvNeXt called {shape.backbone!r}.",
            where="backbone",
            hint="Known are convnext_atto, convnext_femto, convnext_tiny, ... (timm's names).",
        )
    # pretrained=False: nothing is ever fetched here.
    return timm.create_model(
        shape.backbone,
        pretrained=False,
        features_only=True,
        out_indices=(1, 2, 3),
        in_chans=shape.channels,
    )


def _flat(name: str, own: Mapping[str, Any]) -> str:
    parts = name.split(".", 2)
    joined = "_".join(parts[:2]) + "".join(f".{p}" for p in parts[2:])
    return joined if joined in own else name


def _adapted(weight: Tensor, channels: int) -> Tensor:
    from timm.models import adapt_input_conv

    return adapt_input_conv(channels, weight)


def _block(width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(width, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    )


def _resized(x: Tensor, size: Any) -> Tensor:
    return nn.functional.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False)
