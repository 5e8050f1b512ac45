"""The network: a backbone, and one of two heads.

"heatmap" is AlphaPose's FastPose (Fang et al. 2022): the backbone's last features are unfolded by
pixel shuffles and two dense upsampling convolutions to a map a joint, four input pixels a cell.
With ResNet-50 and squeeze-and-excitation in the first block of each stage it has the original's
40.58 M parameters at 17 joints. "simcc" (Li et al. 2022, as RTMPose has it) answers with two rows
of bins a joint instead: small, and kind to 8-bit devices.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from studio.core.errors import ModelError, UsageError

HEATMAP, SIMCC = "heatmap", "simcc"
# Input pixels a heatmap cell; bins an input pixel.
CELL = 4
BINS = 2
# The ResNets that get squeeze-and-excitation: where each stage begins.
_STAGES = ("layer1", "layer2", "layer3", "layer4")
# The original's widths belong to 2048 features; below these a small backbone's head is too thin.
_LEAST = (512, 256)
_SIMCC_HIDDEN = 256


class SqueezeExcite(nn.Module):
    """Channels weighed by what the whole picture says (Hu et al. 2018), reduction 1."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, channels)
        self.excite = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, h, w) in and out."""
        weight = torch.relu(self.squeeze(x.mean((2, 3))))
        return x * torch.sigmoid(self.excite(weight))[:, :, None, None]


class Upsample(nn.Module):
    """Dense upsampling convolution: twice the size by four times the channels."""

    def __init__(self, channels: int, wide: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, wide, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(wide)
        self.shuffle = nn.PixelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, h, w) to (N, wide / 4, 2h, 2w)."""
        return self.shuffle(torch.relu(self.bn(self.conv(x))))


class HeatmapHead(nn.Module):
    """(N, C, h, w) to (N, K, 8h, 8w)."""

    def __init__(self, channels: int, joints: int) -> None:
        super().__init__()
        first = max(channels // 2, _LEAST[0])
        second = max(channels // 4, _LEAST[1])
        self.shuffle = nn.PixelShuffle(2)
        self.up1 = Upsample(channels // 4, first)
        self.up2 = Upsample(first // 4, second)
        self.out = nn.Conv2d(second // 4, joints, 3, padding=1)
        nn.init.normal_(self.out.weight, std=0.001)
        assert self.out.bias is not None
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Maps whose peaks are about 1; nothing is squashed."""
        return self.out(self.up2(self.up1(self.shuffle(x))))


class SimccHead(nn.Module):
    """(N, C, h, w) of one size to logits (N, K, BINS * W) and (N, K, BINS * H)."""

    def __init__(self, channels: int, joints: int, size: tuple[int, int], stride: int) -> None:
        super().__init__()
        cells = (size[0] // stride * 2) * (size[1] // stride * 2)
        self.shuffle = nn.PixelShuffle(2)
        self.joints = nn.Conv2d(channels // 4, joints, 3, padding=1)
        self.mix = nn.Sequential(
            nn.Linear(cells, _SIMCC_HIDDEN), nn.LayerNorm(_SIMCC_HIDDEN), nn.ReLU()
        )
        self.across = nn.Linear(_SIMCC_HIDDEN, size[1] * BINS)
        self.down = nn.Linear(_SIMCC_HIDDEN, size[0] * BINS)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The rows across and down."""
        hidden = self.mix(self.joints(self.shuffle(x)).flatten(2))
        return self.across(hidden), self.down(hidden)


class FastPose(nn.Module):
    """(N, 3, H, W) float32, normalised, to (N, K, H/4, W/4) heatmaps or the two rows of SimCC."""

    def __init__(
        self, joints: int, size: tuple[int, int], backbone: str = "resnet50", head: str = HEATMAP
    ) -> None:
        super().__init__()
        self.backbone = make_backbone(backbone)
        channels, stride = _last_features(self.backbone)
        check_fit(backbone, channels, stride, size)
        self.head: nn.Module = (
            HeatmapHead(channels, joints)
            if head == HEATMAP
            else SimccHead(channels, joints, size, stride)
        )

    def forward(self, x: Tensor) -> Any:
        """See the class."""
        return self.head(self.backbone(x)[-1])


def make_backbone(name: str) -> nn.Module:
    """A timm network's features, with random weights: nothing is fetched.

    A ResNet with bottlenecks gets squeeze-and-excitation where FastPose has it. Raises UsageError
    for a name that timm does not know.
    """
    import timm

    if not timm.is_model(name):
        raise UsageError(
            f"timm knows no network called {name!r}.",
            where="backbone",
            hint="Known are resnet18, resnet50, mobilenetv3_small_100 and many more.",
        )
    try:
        made = timm.create_model(name, pretrained=False, features_only=True, out_indices=(-1,))
    except (RuntimeError, TypeError, AssertionError, AttributeError) as error:
        raise UsageError(
            f"{name} cannot serve as a backbone: {error}.",
            where="backbone",
            hint="Take one with features, such as resnet18 or mobilenetv3_small_100.",
        ) from error
    for stage in _STAGES:
        blocks = getattr(made, stage, None)
        if name.partition(".")[0] in ("resnet50", "resnet101", "resnet152") and blocks is not None:
            first: Any = cast("Sequence[nn.Module]", blocks)[0]
            first.se = SqueezeExcite(first.bn3.num_features)
    return cast("nn.Module", made)


def check_fit(backbone: str, channels: int, stride: int, size: tuple[int, int]) -> None:
    """Raises UsageError where the features cannot be unfolded into maps of the input."""
    if stride != CELL * 8 or channels % 4:
        raise UsageError(
            f"{backbone} ends in {channels} features at stride {stride}; the head needs a multiple "
            f"of 4 at stride {CELL * 8}.",
            where="backbone",
            hint="Take another one, such as resnet18.",
        )
    if any(side % stride for side in size):
        raise UsageError(
            f"The input {size[0]} x {size[1]} is no multiple of {stride}.", where="imgsz"
        )


def make_network(joints: int, size: tuple[int, int], backbone: str, head: str) -> FastPose:
    """`FastPose`; a size or head that no network can have is a ModelError."""
    if head not in (HEATMAP, SIMCC) or joints < 1:
        raise ModelError(f"There is no fastpose head called {head!r} with {joints} joints.")
    return FastPose(joints, size, backbone, head)


def _last_features(backbone: nn.Module) -> tuple[int, int]:
    info: Any = backbone.feature_info
    return int(info.channels()[-1]), int(info.reduction()[-1])
