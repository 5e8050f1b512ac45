"""MNN, on the processor, in f32."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.errors import MissingTool, ModelError
from studio.runtime.engine import Batch, Outputs
from studio.runtime.engines.common import (
    ThreadedEngine,
    check_cpu,
    check_pictures,
    maker,
    to_floats,
)

Floats = npt.NDArray[np.float32]


def import_mnn() -> Any:
    """The package; never `MNN.tools`, which installs packages and asks a server when imported.
    Raises MissingTool where it is not installed.
    """
    try:
        import MNN
    except ImportError as error:
        raise MissingTool(
            f"MNN cannot be used: {error}.", hint="Install it with: pip install MNN"
        ) from error
    return MNN


class MnnEngine(ThreadedEngine):
    """See `studio.runtime.engine.Engine`."""

    name = "mnn"

    def __init__(self, artifact: ModelArtifact, device: str, precision: str, threads: int) -> None:
        check_cpu("MNN", device, precision)
        self._mnn = import_mnn()
        super().__init__(artifact)
        config = {"backend": "CPU", "precision": "high", "numThread": threads or _cores()}
        try:
            self._net: Any = self._mnn.Interpreter(str(artifact.weights))
            self._session: Any = self._net.createSession(config)
            self._entry: Any = self._net.getSessionInput(self._session)
        except Exception as error:  # the library raises nothing else
            raise ModelError(
                "This is no MNN model, or it is cut short.",
                where=artifact.weights,
                hint="Export the model again.",
            ) from error

    def _compute(self, pictures: Batch) -> Outputs:
        check_pictures(self._artifact, pictures)
        values = to_floats(pictures, self._artifact.input)
        try:
            return self._run(values)
        except Exception as error:  # the library raises nothing else
            raise ModelError(
                f"MNN cannot run this model: {str(error)[:300]}",
                where=self._artifact.weights,
                hint="Leave --imgsz and --batch out.",
            ) from error

    def _run(self, values: Floats) -> Outputs:
        if tuple(self._entry.getShape()) != values.shape:
            self._net.resizeTensor(self._entry, values.shape)
            self._net.resizeSession(self._session)
        self._entry.copyFrom(self._plain(values))
        self._net.runSession(self._session)
        outputs = self._net.getSessionOutputAll(self._session)
        found: list[Floats] = []
        for name in sorted(outputs):
            host = self._plain(np.zeros(outputs[name].getShape(), np.float32))
            outputs[name].copyToHostTensor(host)
            found.append(np.array(host.getNumpyData(), dtype=np.float32))
        return tuple(found)

    def _plain(self, values: Floats) -> Any:
        """An array in its own order, as MNN takes it."""
        mnn = self._mnn
        return mnn.Tensor(
            values.shape, mnn.Halide_Type_Float, values, mnn.Tensor_DimensionType_Caffe
        )


def _cores() -> int:
    """MNN takes four threads unless told otherwise, also where there are fewer cores."""
    return min(4, os.cpu_count() or 1)


make_engine = maker(MnnEngine)
