"""What the network is taught: targets and losses of both heads, on the device of the batch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .network import BINS, CELL


def heatmap_loss(maps: Tensor, points: Tensor, weight: Tensor, sigma: float) -> Tensor:
    """0.5 x the mean squared error to a Gaussian of height 1 around every labelled joint.

    maps: (N, K, h, w). points: (N, K, 2) in input pixels. weight: (N, K), 1 where labelled.
    sigma: in cells. The mean is over the cells of labelled joints; the original divides by all
    joints of the batch, labelled or not, so that its loss depends on how much was labelled.
    """
    targets = gaussian_targets(points / CELL, (maps.shape[2], maps.shape[3]), sigma)
    error = (maps.float() - targets).square().mean((2, 3))
    return 0.5 * (error * weight).sum() / weight.sum().clamp(min=1.0)


def gaussian_targets(points: Tensor, size: tuple[int, int], sigma: float) -> Tensor:
    """(N, K, h, w): `studio.vision.heatmaps.gaussians` for a batch, on its device."""
    down, across = (torch.arange(n, device=points.device, dtype=points.dtype) + 0.5 for n in size)
    gx = torch.exp(-((across - points[..., :1]) ** 2) / (2 * sigma**2))
    gy = torch.exp(-((down - points[..., 1:]) ** 2) / (2 * sigma**2))
    return gy[..., :, None] * gx[..., None, :]


def simcc_loss(rows: tuple[Tensor, Tensor], points: Tensor, weight: Tensor, sigma: float) -> Tensor:
    """Cross-entropy between each row's softmax and a Gaussian around the joint, less what the
    Gaussian itself has (so that 0 is the best), mean over labelled joints and both rows.

    rows: (N, K, BINS * W) and (N, K, BINS * H) logits. sigma: in bins.
    """
    total = torch.zeros((), device=points.device)
    for logits, centre in zip(rows, points.unbind(-1), strict=True):
        bins = torch.arange(logits.shape[-1], device=logits.device, dtype=points.dtype) + 0.5
        target = torch.softmax(-((bins - centre[..., None] * BINS) ** 2) / (2 * sigma**2), -1)
        entropy = -(target * torch.log(target.clamp(min=1e-12))).sum(-1)
        cross = -(target * torch.log_softmax(logits.float(), -1)).sum(-1)
        total = total + ((cross - entropy) * weight).sum() / weight.sum().clamp(min=1.0)
    return total / 2


def loss_of(outputs: Any, points: Tensor, weight: Tensor, sigma: float) -> Tensor:
    """The loss of whichever head answered. sigma: in cells of CELL input pixels."""
    if isinstance(outputs, Tensor):
        return heatmap_loss(outputs, points, weight, sigma)
    return simcc_loss(outputs, points, weight, sigma_in_bins(sigma))


def sigma_in_bins(sigma: float) -> float:
    """SimCC's sigma where a heatmap's is `sigma` cells: half as wide in input pixels.

    At 2 cells and 2 bins a pixel that is 8 bins; SimCC's own choice is 6 at 256 x 192.
    """
    return sigma * CELL * BINS / 2
