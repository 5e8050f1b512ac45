"""MNN."""

from __future__ import annotations

import MNN
import numpy as np
import numpy.typing as npt

from .base import WEIGHTS, Picture, network_input


class Network:
    """The model in MNN, on the CPU."""

    def __init__(self, device: str) -> None:
        del device
        self.net = MNN.Interpreter(str(WEIGHTS))
        self.session = self.net.createSession({"backend": "CPU", "precision": "high"})
        self.entry = self.net.getSessionInput(self.session)

    def __call__(self, pictures: Picture) -> list[npt.NDArray[np.float32]]:
        """The outputs for (N, H, W, C) uint8 pictures."""
        values = network_input(pictures)
        if self.entry.getShape() != values.shape:
            self.net.resizeTensor(self.entry, values.shape)
            self.net.resizeSession(self.session)
        self.entry.copyFrom(_plain(values))
        self.net.runSession(self.session)
        outputs = self.net.getSessionOutputAll(self.session)
        found: list[npt.NDArray[np.float32]] = []
        for name in sorted(outputs):
            host = _plain(np.zeros(outputs[name].getShape(), np.float32))
            outputs[name].copyToHostTensor(host)
            found.append(np.array(host.getNumpyData(), dtype=np.float32))
        return found


def _plain(values: npt.NDArray[np.float32]) -> MNN.Tensor:
    """(N, C, H, W) or any other array as MNN takes it."""
    return MNN.Tensor(values.shape, MNN.Halide_Type_Float, values, MNN.Tensor_DimensionType_Caffe)
