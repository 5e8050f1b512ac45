"""The losses, each a mean over what is labelled in a batch; 0 where nothing is.

N frames, K joints, maps of h x w cells. Points are shares of the frame: (0, 0) is its outer
corner and (1, 1) the opposite one. Flow is in cells of a map and leads from a frame to the one
before it (`studio.vision.motion`): what is at p in the frame was at p + flow(p) in the previous
one. That is the direction in which the previous map has to be read to lie over the current one.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

IGNORED = 255
FOCAL_GAMMA = 2.0


def heatmap_loss(logits: Tensor, targets: Tensor, labelled: Tensor, pos_weight: float) -> Tensor:
    """Binary cross entropy of (N, K, h, w) with `pos_weight` on what is there, over the maps of
    the joints that `labelled` (N, K) bool says are hidden or visible.
    """
    weight = torch.tensor(pos_weight, dtype=torch.float32, device=logits.device)
    each = functional.binary_cross_entropy_with_logits(
        logits.float(), targets.float(), pos_weight=weight, reduction="none"
    )
    return _mean_over(each.mean(dim=(2, 3)), labelled)


def visibility_loss(logits: Tensor, visibility: Tensor) -> Tensor:
    """Cross entropy of (N, K, 3) against (N, K) int64: 0 absent, 1 hidden, 2 visible."""
    return functional.cross_entropy(logits.float().flatten(0, 1), visibility.flatten())


def soft_argmax(logits: Tensor) -> Tensor:
    """(N, K, 2) x, y as shares of the frame: the mean place under each map's softmax."""
    height, width = logits.shape[-2:]
    share = logits.float().flatten(2).softmax(dim=2).view_as(logits)
    across = (torch.arange(width, device=logits.device) + 0.5) / width
    down = (torch.arange(height, device=logits.device) + 0.5) / height
    return torch.stack([(share.sum(2) * across).sum(2), (share.sum(3) * down).sum(2)], dim=2)


def coordinate_loss(places: Tensor, points: Tensor, labelled: Tensor) -> Tensor:
    """L1 of (N, K, 2) soft-argmax places against the labels', summed over x and y."""
    return _mean_over((places - points).abs().sum(dim=2), labelled)


def segmentation_loss(logits: Tensor, masks: Tensor) -> Tensor:
    """Half Dice and half focal loss (gamma 2) of (N, S, h, w) against class numbers (N, h, w);
    `IGNORED` cells do not count, nor do frames without a mask (all ignored).
    """
    from segmentation_models_pytorch.losses import DiceLoss, FocalLoss

    known = (masks != IGNORED).flatten(1).any(dim=1)
    if not bool(known.any()):
        return logits.sum() * 0
    logits, masks = logits[known].float(), masks[known].long()
    dice = DiceLoss("multiclass", ignore_index=IGNORED)(logits, masks)
    focal = FocalLoss("multiclass", gamma=FOCAL_GAMMA, ignore_index=IGNORED)(logits, masks)
    return 0.5 * dice + 0.5 * focal


def warped_forward(previous: Tensor, flow: Tensor) -> tuple[Tensor, Tensor]:
    """The previous maps (N, K, h, w) laid over the current frame by flow (N, 2, h, w), and where
    that could be read, (N, 1, h, w) bool: outside the previous frame nothing is known.
    """
    height, width = previous.shape[-2:]
    y, x = torch.meshgrid(
        torch.arange(height, device=flow.device, dtype=torch.float32),
        torch.arange(width, device=flow.device, dtype=torch.float32),
        indexing="ij",
    )
    u = 2 * (x + 0.5 + flow[:, 0].float()) / width - 1
    v = 2 * (y + 0.5 + flow[:, 1].float()) / height - 1
    grid = torch.stack([u, v], dim=3)
    moved = functional.grid_sample(
        previous.float(), grid, mode="bilinear", padding_mode="zeros", align_corners=False
    )
    inside = (grid.abs() <= 1).all(dim=3)
    return moved, inside[:, None]


def heatmap_consistency(current: Tensor, previous: Tensor, flow: Tensor, counted: Tensor) -> Tensor:
    """Mean squared difference of current heatmaps (N, K, h, w), 0..1, from the previous ones
    carried over by the flow; `counted` (N, K) bool are the joints that were asked for.
    """
    moved, inside = warped_forward(previous, flow)
    square = (current.float() - moved) ** 2 * inside
    each = square.sum(dim=(2, 3)) / inside.sum(dim=(2, 3)).clamp(min=1)
    return _mean_over(each, counted)


def coordinate_consistency(
    current: Tensor, previous: Tensor, flow: Tensor, counted: Tensor
) -> Tensor:
    """L1, summed over x and y, of the current places (N, K, 2) moved by the flow there to where
    they were, against the previous places. Shares of the frame.
    """
    height, width = flow.shape[-2:]
    grid = (2 * current - 1)[:, :, None].detach()
    step = functional.grid_sample(
        flow.float(), grid, mode="bilinear", padding_mode="border", align_corners=False
    )[..., 0].transpose(1, 2)
    size = torch.tensor([width, height], device=flow.device, dtype=torch.float32)
    return _mean_over((current + step / size - previous).abs().sum(dim=2), counted)


def _mean_over(each: Tensor, chosen: Tensor) -> Tensor:
    """The mean of (N, K) values where `chosen`; 0, with a gradient, where nothing is."""
    weight = chosen.to(each.dtype)
    return (each * weight).sum() / weight.sum().clamp(min=1)
