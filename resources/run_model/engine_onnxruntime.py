"""ONNX Runtime."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnxruntime

from .base import WEIGHTS, Picture, network_input


class Network:
    """The model in ONNX Runtime; `device` is an execution provider, such as CUDA."""

    def __init__(self, device: str) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(
            str(WEIGHTS), options, providers=[f"{device or 'CPU'}ExecutionProvider"]
        )
        self.entry = self.session.get_inputs()[0]

    def __call__(self, pictures: Picture) -> list[npt.NDArray[np.float32]]:
        """The outputs for (N, H, W, C) uint8 pictures."""
        values = network_input(pictures)
        if self.entry.type == "tensor(float16)":
            values = values.astype(np.float16)
        outputs = self.session.run(None, {self.entry.name: values})
        return [np.asarray(o, dtype=np.float32) for o in outputs]
