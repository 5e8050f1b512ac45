"""LiteRT (TensorFlow Lite)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from studio.runtime.engines.litert import from_whole, to_whole

from .base import WEIGHTS, Picture, network_input


class Network:
    """The model in LiteRT, on the CPU; whole numbers are made and turned back here."""

    def __init__(self, device: str) -> None:
        del device
        self.net = Interpreter(str(WEIGHTS))
        self.net.allocate_tensors()
        self.entry = self.net.get_input_details()[0]

    def __call__(self, pictures: Picture) -> list[npt.NDArray[np.float32]]:
        """The outputs for one (1, H, W, C) uint8 picture."""
        values = network_input(pictures)
        if self.entry["shape"][-1] == values.shape[1]:
            values = values.transpose(0, 2, 3, 1)
        self.net.set_tensor(self.entry["index"], to_whole(values, self.entry))
        self.net.invoke()
        return [
            from_whole(self.net.get_tensor(o["index"]), o) for o in self.net.get_output_details()
        ]
