"""A network that really follows points, in place of trained ones: each query's patch is looked for
near where it was on the frame before, by normalised correlation.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional


class Correlation(nn.Module):
    """frames (T, H, W, 3) uint8 BGR, queries (N, 3) float32 t, x, y (the middle of the first pixel
    is 0.5) -> tracks (T, N, 2) x, y, visible (T, N) 0..1.

    radius: of the patch's side. reach: how far it is looked for, in pixels a frame. Who is not found
    stays where it was last seen and is looked for there.
    """

    def __init__(self, radius: int = 6, reach: int = 10, alike: float = 0.85) -> None:
        super().__init__()
        self.radius, self.reach, self.alike = radius, reach, alike

    def forward(
        self, frames: torch.Tensor, queries: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """See the class."""
        grey = frames.float().mean(dim=3)
        number = queries.shape[0]
        start = queries[:, 0].long()
        own = self.cut(grey, start, queries[:, 1:], self.radius)
        place = queries[:, 1:].clone()
        tracks = queries[:, 1:].unsqueeze(0).repeat(frames.shape[0], 1, 1)
        visible = torch.zeros(frames.shape[0], number)
        for t in range(frames.shape[0]):
            now = torch.full_like(start, t)
            there, alike = self.search(self.cut(grey, now, place, self.radius + self.reach), own)
            begun = start < t
            found = (begun & (alike > self.alike)).unsqueeze(1)
            place = torch.where(found, place + there, place)
            tracks[t] = place
            sure = torch.where(begun, alike * found[:, 0].float(), torch.zeros_like(alike))
            visible[t] = torch.where(start == t, torch.ones_like(sure), sure)
        return tracks, visible

    def cut(
        self, grey: torch.Tensor, times: torch.Tensor, places: torch.Tensor, half: int
    ) -> torch.Tensor:
        """(N, S, S) patches around (N, 2) places, between pixels."""
        height, width = float(grey.shape[1]), float(grey.shape[2])
        steps = torch.arange(-half, half + 1, device=grey.device).float()
        x = (places[:, 0].view(-1, 1, 1) + steps.view(1, 1, -1)) / width * 2 - 1
        y = (places[:, 1].view(-1, 1, 1) + steps.view(1, -1, 1)) / height * 2 - 1
        size = 2 * half + 1
        grid = torch.stack((x.expand(-1, size, size), y.expand(-1, size, size)), dim=3)
        return functional.grid_sample(
            grey[times].unsqueeze(1), grid, padding_mode="border", align_corners=False
        ).squeeze(1)

    def search(self, wide: torch.Tensor, own: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(N, 2) shift of the best place, to parts of a pixel, and (N,) its correlation."""
        size, side, number = own.shape[1], 2 * self.reach + 1, own.shape[0]
        ones = torch.ones(1, 1, size, size)
        mean = own.mean(dim=(1, 2), keepdim=True)
        pattern = own - mean
        power = pattern.pow(2).sum(dim=(1, 2)).view(-1, 1, 1)
        product = functional.conv2d(wide.unsqueeze(0), pattern.unsqueeze(1), groups=number)[0]
        total = functional.conv2d(wide.unsqueeze(1), ones)[:, 0]
        squares = functional.conv2d(wide.pow(2).unsqueeze(1), ones)[:, 0]
        spread = (squares - total.pow(2) / float(size * size)).clamp(min=1.0)
        alike = product / (power * spread).clamp(min=1.0).sqrt()
        flat = alike.view(number, -1)
        best = flat.argmax(dim=1)
        row, column = best // side, best % side
        across = self.vertex(alike.gather(1, row.view(-1, 1, 1).expand(-1, 1, side))[:, 0], column)
        down = self.vertex(alike.gather(2, column.view(-1, 1, 1).expand(-1, side, 1))[:, :, 0], row)
        shift = torch.stack((column.float() + across, row.float() + down), dim=1)
        return shift - float(self.reach), flat.gather(1, best.view(-1, 1))[:, 0]

    def vertex(self, line: torch.Tensor, best: torch.Tensor) -> torch.Tensor:
        """(N,) -.5 to .5: where a parabola through the best and its neighbours is highest."""
        middle = best.clamp(1, line.shape[1] - 2).view(-1, 1)
        a = line.gather(1, middle - 1)[:, 0]
        b = line.gather(1, middle)[:, 0]
        c = line.gather(1, middle + 1)[:, 0]
        bend = (a - 2 * b + c).clamp(max=-1e-6)
        inside = best == middle[:, 0]
        return torch.where(inside, ((a - c) / (2 * bend)).clamp(-0.5, 0.5), torch.zeros_like(a))


class TooFew(nn.Module):
    """One point too few comes out."""

    def forward(
        self, frames: torch.Tensor, queries: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """See the class."""
        tracks = queries[None, 1:, 1:].expand(frames.shape[0], -1, -1)
        return tracks, tracks[:, :, 0]


class Writes(nn.Module):
    """Wants more than a network does."""

    def forward(
        self, frames: torch.Tensor, queries: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """See the class."""
        torch.save(frames, "stolen.pt")
        return queries, queries


def write_network(path: Path, network: nn.Module | None = None) -> Path:
    """A TorchScript file of it, as a person would make one of a trained network."""
    scripted = torch.jit.freeze(torch.jit.script((network or Correlation()).eval()))
    scripted.save(str(path))
    return path
