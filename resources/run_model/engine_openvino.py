"""OpenVINO."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import openvino

from .base import WEIGHTS, Picture, network_input

# Processors with bf16 compute in it unless they are told otherwise: faster, joints move by about
# 0.3 pixels. An empty table leaves the choice to the device.
CONFIG = {"INFERENCE_PRECISION_HINT": "f32"}


class Network:
    """The model in OpenVINO; `device` is CPU, GPU, NPU or AUTO."""

    def __init__(self, device: str) -> None:
        core = openvino.Core()
        self.model = core.compile_model(core.read_model(str(WEIGHTS)), device or "CPU", CONFIG)

    def __call__(self, pictures: Picture) -> list[npt.NDArray[np.float32]]:
        """The outputs for (N, H, W, C) uint8 pictures."""
        found = self.model(network_input(pictures))
        return [np.array(found[i], dtype=np.float32) for i in range(len(self.model.outputs))]
