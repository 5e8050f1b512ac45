"""TorchScript."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from .base import WEIGHTS, Picture, network_input


class Network:
    """The model in PyTorch; `device` is cpu, cuda, cuda:1, ..."""

    def __init__(self, device: str) -> None:
        self.device = device.lower() or "cpu"
        self.module = torch.jit.load(str(WEIGHTS), map_location=self.device).eval()

    def __call__(self, pictures: Picture) -> list[npt.NDArray[np.float32]]:
        """The outputs for (N, H, W, C) uint8 pictures."""
        with torch.inference_mode():
            found = self.module(torch.from_numpy(network_input(pictures)).to(self.device))
        outputs = found if isinstance(found, tuple | list) else (found,)
        return [o.float().cpu().numpy() for o in outputs]
