"""ncnn."""

from __future__ import annotations

import ncnn
import numpy as np
import numpy.typing as npt

from .base import WEIGHTS, Picture, network_input


class Network:
    """The model in ncnn, on the CPU, in 32-bit numbers."""

    def __init__(self, device: str) -> None:
        del device
        self.net = ncnn.Net()
        options = self.net.opt
        options.use_fp16_packed = options.use_fp16_storage = options.use_fp16_arithmetic = False
        options.use_bf16_storage = False
        self.net.load_param(str(WEIGHTS))
        self.net.load_model(str(WEIGHTS.with_suffix(".bin")))

    def __call__(self, pictures: Picture) -> list[npt.NDArray[np.float32]]:
        """The outputs for one (1, H, W, C) uint8 picture."""
        run = self.net.create_extractor()
        run.input(self.net.input_names()[0], ncnn.Mat(network_input(pictures)[0]).clone())
        found = [run.extract(name)[1] for name in sorted(self.net.output_names())]
        return [np.array(output, dtype=np.float32)[None] for output in found]
