"""Backbone, six numbers, rotation.

Hempel, Abdelrahman, Al-Hamadi: 6D Rotation Representation for Unconstrained Head Pose Estimation
(ICIP 2022), on RepVGG-B1g2 (Ding et al., CVPR 2021): 43.75 M parameters while it is trained, 39.32 M
re-parametrised. Any other backbone goes by its name in timm.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from studio.core.errors import UsageError

from .config import ORIGINAL

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# Blocks and channels of RepVGG-B1's four stages behind a stem of 64; every second layer of g2 has
# two groups.
_BLOCKS, _WIDTHS, _STEM, _GROUPS = (4, 6, 16, 1), (128, 256, 512, 2048), 64, 2


class SixDRepNet(nn.Module):
    """(N, 3, H, W) float32 RGB, normalised, in; (N, 3, 3) rotations out."""

    def __init__(self, backbone: str = ORIGINAL) -> None:
        super().__init__()
        self.backbone = make_backbone(backbone)

    def forward(self, images: Tensor) -> Tensor:
        """Rotations in float32, whatever the backbone computes in."""
        return rotation_of_six(self.backbone(images).float())


def make_backbone(name: str) -> nn.Module:
    """A network of six numbers, with weights of no meaning. Raises UsageError for a name that is
    not known; nothing is downloaded.
    """
    import timm

    if name == ORIGINAL:
        return _repvgg_b1g2()
    if name not in timm.list_models():
        raise UsageError(
            f"There is no backbone called {name!r}.",
            where="backbone",
            hint=f"Give {ORIGINAL}, or a name that timm knows, such as repvgg_a0 or resnet18.",
        )
    try:
        return timm.create_model(name, pretrained=False, num_classes=6)
    except (TypeError, RuntimeError, ValueError) as error:
        raise UsageError(
            f"The backbone {name} cannot give six numbers: {error}.", where="backbone"
        ) from error


def _repvgg_b1g2() -> nn.Module:
    """RepVGG-B1g2 by timm's blocks, which has no name for it."""
    from timm.models.byobnet import ByoBlockCfg, ByobNet, ByoModelCfg

    def grouped(channels: int, layer: int) -> int:
        return channels // _GROUPS if (layer + 1) % 2 == 0 else 0

    blocks = tuple(
        ByoBlockCfg(type="rep", d=depth, c=width, gs=grouped)
        for depth, width in zip(_BLOCKS, _WIDTHS, strict=True)
    )
    return ByobNet(ByoModelCfg(blocks=blocks, stem_type="rep", stem_chs=_STEM), num_classes=6)


def rotation_of_six(numbers: Tensor) -> Tensor:
    """(N, 3, 3) of (N, 6) by Gram and Schmidt: the first three make the first column, what the
    others add to it the second, and the third stands upright on both.
    """
    x = functional.normalize(numbers[:, :3], dim=1)
    z = functional.normalize(torch.linalg.cross(x, numbers[:, 3:], dim=1), dim=1)
    y = torch.linalg.cross(z, x, dim=1)
    return torch.stack([x, y, z], dim=2)


def geodesic_loss(predicted: Tensor, true: Tensor) -> Tensor:
    """The mean angle in radians between (N, 3, 3) rotations: acos((tr(A B') - 1) / 2), held a
    little off ±1, where its slope would be infinite.
    """
    cosine = ((predicted * true).sum(dim=(1, 2)) - 1) / 2
    edge = 1 - 1e-7
    return torch.acos(cosine.clamp(-edge, edge)).mean()


def reparametrised(module: nn.Module) -> nn.Module:
    """A copy in evaluation mode whose blocks of several branches are one convolution each."""
    from timm.utils import reparameterize_model

    made: Any = copy.deepcopy(module).eval()
    return reparameterize_model(made)
