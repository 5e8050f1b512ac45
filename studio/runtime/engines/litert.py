"""LiteRT (TensorFlow Lite): .tflite files in floats or whole numbers, on the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.errors import DeviceError, MissingTool, ModelError, UsageError
from studio.runtime.engine import Batch, Outputs
from studio.runtime.engines.common import ThreadedEngine, maker, to_floats


def import_litert() -> Any:
    """The interpreter's module. Raises MissingTool where it is not installed."""
    try:
        from ai_edge_litert import interpreter
    except ImportError as error:
        raise MissingTool(
            f"LiteRT cannot be used: {error}.",
            hint="Install it with: pip install ai-edge-litert",
        ) from error
    return interpreter


class LiteRtEngine(ThreadedEngine):
    """See `studio.runtime.engine.Engine`. One picture at a time; whole numbers are made of the
    input and turned back into floats here, as the file says.
    """

    name = "litert"

    def __init__(self, artifact: ModelArtifact, device: str, precision: str, threads: int) -> None:
        if device.lower() not in ("", "auto", "cpu"):
            raise DeviceError(
                f"LiteRT has no device {device!r} on this machine.", hint="Known are: auto, cpu."
            )
        if precision not in ("auto", "f32"):
            raise UsageError(
                f"LiteRT computes in the precision of the file, not in {precision}.",
                hint="Use --precision auto.",
            )
        super().__init__(artifact)
        try:
            self._net: Any = import_litert().Interpreter(
                str(artifact.weights), num_threads=threads or None
            )
            self._net.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelError(
                f"LiteRT cannot open this model: {str(error)[:300]}",
                where=artifact.weights,
                hint="Is it a .tflite file, complete, and not the one for the device alone?",
            ) from error
        self._input: Mapping[str, Any] = self._net.get_input_details()[0]
        self._outputs: list[Mapping[str, Any]] = self._net.get_output_details()
        kind = np.dtype(self._input["dtype"])
        self.precision = "int8" if kind.kind in "iu" else "f32"

    def _compute(self, pictures: Batch) -> Outputs:
        values = to_floats(pictures, self._artifact.input)
        shape = tuple(int(side) for side in self._input["shape"])
        if shape[-1] == self._artifact.input.channels:
            values = values.transpose(0, 2, 3, 1)
        if values.shape[1:] != shape[1:]:
            raise ModelError(
                f"This model takes {list(shape[1:])}, not {list(values.shape[1:])}.",
                where=self._artifact.weights,
                hint="A model of fixed size takes that size only: leave --imgsz out.",
            )
        rows = [self._one(values[i : i + 1]) for i in range(len(values))]
        return tuple(np.concatenate(parts) for parts in zip(*rows, strict=True))

    def _one(self, values: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
        try:
            self._net.set_tensor(self._input["index"], to_whole(values, self._input))
            self._net.invoke()
        except (ValueError, RuntimeError) as error:
            raise ModelError(
                f"LiteRT cannot run this model: {str(error)[:300]}", where=self._artifact.weights
            ) from error
        return [from_whole(self._net.get_tensor(o["index"]), o) for o in self._outputs]


def to_whole(values: npt.NDArray[np.float32], entry: Mapping[str, Any]) -> npt.NDArray[Any]:
    """Floats as the whole numbers that `entry` (an interpreter's details) asks for."""
    kind = np.dtype(entry["dtype"])
    if kind.kind == "f":
        return np.ascontiguousarray(values, dtype=kind)
    scale, zero = entry["quantization"]
    limits = np.iinfo(kind)
    return np.clip(np.rint(values / scale) + zero, limits.min, limits.max).astype(kind)


def from_whole(values: npt.NDArray[Any], out: Mapping[str, Any]) -> npt.NDArray[np.float32]:
    """The inverse: always the caller's own array."""
    if values.dtype.kind == "f":
        return values.astype(np.float32)
    scale, zero = out["quantization"]
    return (values.astype(np.float32) - np.float32(zero)) * np.float32(scale)


make_engine = maker(LiteRtEngine)
