"""ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from studio.core.artifact import ModelArtifact
from studio.core.errors import DeviceError, MissingTool, ModelError, UsageError
from studio.runtime.engine import Batch, Outputs
from studio.runtime.engines.common import ThreadedEngine, maker, to_floats

_PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "gpu": "CUDAExecutionProvider",
    "directml": "DmlExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}


def import_onnxruntime() -> Any:
    """The package. Raises MissingTool where it is not installed."""
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingTool(
            f"ONNX Runtime cannot be used: {error}.",
            hint="Install it with: pip install onnxruntime",
        ) from error
    return onnxruntime


def open_session(ort: Any, path: Path, device: str, threads: int = 0) -> tuple[Any, str]:
    """The file's session, and the device it runs on. Raises ModelError, DeviceError."""
    options = ort.SessionOptions()
    options.log_severity_level = 3
    # Threads that spin while they wait take the cores from decoding and from other networks.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if threads:
        options.intra_op_num_threads = threads
    name, provider = _provider(device, ort.get_available_providers())
    try:
        return ort.InferenceSession(str(path), options, providers=[provider]), name
    except Exception as error:  # the library has no common base of its errors
        raise ModelError(
            f"ONNX Runtime cannot open this model: {str(error)[:300]}",
            where=path,
            hint="Is it an ONNX file, and complete?",
        ) from error


class OnnxEngine(ThreadedEngine):
    """See `studio.runtime.engine.Engine`."""

    name = "onnxruntime"

    def __init__(self, artifact: ModelArtifact, device: str, precision: str, threads: int) -> None:
        if precision not in ("auto", "f32"):
            raise UsageError(
                f"ONNX Runtime computes in the precision of the file, not in {precision}.",
                hint="Use --precision auto, or an OpenVINO artefact.",
            )
        ort = import_onnxruntime()
        super().__init__(artifact)
        self._session, self.device = open_session(ort, artifact.weights, device, threads)
        entry = self._session.get_inputs()[0]
        self._input = entry.name
        self._half = entry.type == "tensor(float16)"
        self.precision = "f16" if self._half else "f32"

    def _compute(self, pictures: Batch) -> Outputs:
        values: Any = to_floats(pictures, self._artifact.input)
        if self._half:
            values = values.astype(np.float16)
        try:
            outputs = self._session.run(None, {self._input: values})
        except Exception as error:  # the library has no common base of its errors
            raise ModelError(
                f"ONNX Runtime cannot run this model: {str(error)[:300]}",
                where=self._artifact.weights,
                hint="A model of fixed size takes that size only: leave --imgsz and --batch out.",
            ) from error
        return tuple(np.asarray(o, dtype=np.float32) for o in outputs)


def _provider(device: str, available: list[str]) -> tuple[str, Any]:
    """The device's name and the provider's, or DeviceError."""
    asked = device.lower()
    if asked in ("", "auto"):
        cuda = "CUDAExecutionProvider" in available
        return ("cuda", "CUDAExecutionProvider") if cuda else ("cpu", "CPUExecutionProvider")
    kind, _, number = asked.partition(":")
    provider = _PROVIDERS.get(kind)
    if provider is None or provider not in available:
        known = [name for name, value in _PROVIDERS.items() if value in available]
        raise DeviceError(
            f"ONNX Runtime has no device {device!r} on this machine.",
            hint=f"Known are: {', '.join(['auto', *known])}.",
        )
    return asked, (provider, {"device_id": number}) if number else provider


def devices() -> tuple[tuple[str, str], ...]:
    """(what `--device` takes, the provider's name) of all that ONNX Runtime was built for."""
    import onnxruntime

    available = onnxruntime.get_available_providers()
    return tuple(
        (name, value.removesuffix("ExecutionProvider"))
        for name, value in _PROVIDERS.items()
        if value in available
    )


make_engine = maker(OnnxEngine)
