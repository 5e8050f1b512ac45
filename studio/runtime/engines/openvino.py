"""OpenVINO: colour, layout and scaling are part of the compiled network, so bytes go in."""

from __future__ import annotations

import collections
import contextlib
import functools
import sys
from typing import Any

import numpy as np

from studio.core.artifact import InputSpec, ModelArtifact
from studio.core.errors import DeviceError, MissingTool, ModelError, UsageError
from studio.runtime.engine import Batch, Outputs
from studio.runtime.engines.common import channel_order

# The first size and those that come often get networks compiled for them; one with open sizes serves
# the others: it needs a sixth more time and is compiled once.
FIXED_SHAPES = 4
OFTEN = 8


def import_openvino() -> Any:
    """The package, without its telemetry. Raises MissingTool where it is not installed."""
    if "openvino" not in sys.modules:
        sys.modules.setdefault("openvino_telemetry", None)  # pyright: ignore[reportArgumentType]
    try:
        import openvino
        import openvino.preprocess
    except ImportError as error:
        raise MissingTool(
            f"OpenVINO cannot be used: {error}.", hint="Install it with: pip install openvino"
        ) from error
    return openvino


@functools.cache
def openvino_core() -> Any:
    """The one Core of this process, never given up: see `signal_stack` for what its going would
    leave behind. Raises MissingTool.
    """
    return import_openvino().Core()


class _Pending:
    """The request reads the pictures where they lie, so they are kept until it is done."""

    def __init__(
        self, engine: OpenVinoEngine, request: Any, pool: collections.deque[Any], pictures: Batch
    ) -> None:
        self._engine = engine
        self._pictures: Batch | None = pictures
        self._request = request
        self._pool = pool
        self._outputs: Outputs | None = None
        self.milliseconds = 0.0

    def result(self) -> Outputs:
        if self._outputs is None:
            try:
                self._request.wait()
                self.milliseconds = float(self._request.latency)
                self._outputs = _outputs(self._request)
            except RuntimeError as error:
                raise self._engine.problem(error) from error
            finally:
                self._pictures = None
                self._pool.append(self._request)
                self._engine.finished(self)
        return self._outputs


def make_engine(
    artifact: ModelArtifact,
    device: str,
    precision: str,
    threads: int,
    throughput: bool,
    streams: int = 0,
) -> OpenVinoEngine:
    """See `studio.runtime.opening.open_engine`."""
    return OpenVinoEngine(artifact, device, precision, threads, throughput, streams)


class OpenVinoEngine:
    """See `studio.runtime.engine.Engine`. Results are taken by one thread at a time."""

    name = "openvino"

    def __init__(
        self,
        artifact: ModelArtifact,
        device: str,
        precision: str,
        threads: int,
        throughput: bool,
        streams: int = 0,
    ) -> None:
        self._ov = import_openvino()
        self._artifact = artifact
        self._core = openvino_core()
        self.device = self._device(device)
        self._config: dict[str, Any] = {
            "PERFORMANCE_HINT": "THROUGHPUT" if throughput else "LATENCY"
        }
        if precision != "auto":
            self._config["INFERENCE_PRECISION_HINT"] = precision
        if threads and self.device == "CPU":
            self._config["INFERENCE_NUM_THREADS"] = threads
        if streams:
            self._config["NUM_STREAMS"] = str(streams)
        try:
            self._model = self._prepared(self._core.read_model(str(artifact.weights)))
        except RuntimeError as error:
            raise self.problem(error) from error
        self._throughput = throughput
        self.requests = 2
        self._dynamic = bool(self._model.input(0).get_partial_shape().is_dynamic)
        self._compiled: dict[tuple[int, ...], tuple[Any, collections.deque[Any]]] = {}
        self._met: collections.Counter[tuple[int, ...]] = collections.Counter()
        self._pending: collections.deque[_Pending] = collections.deque()
        # A network of fixed size is compiled now, so that a mistake shows before the first frame.
        self.precision = precision
        if not self._dynamic:
            self._network(tuple(self._model.input(0).shape))

    def infer(self, pictures: Batch) -> Outputs:
        """See `Engine.infer`."""
        return self.submit(pictures).result()

    def submit(self, pictures: Batch) -> _Pending:
        """See `Engine.submit`."""
        _, pool = self._network(pictures.shape)
        while not pool:
            self._pending[0].result()
        request = pool.popleft()
        try:
            pictures = np.ascontiguousarray(pictures)
            request.set_input_tensor(self._ov.Tensor(pictures, shared_memory=True))
            request.start_async()
        except RuntimeError as error:
            pool.append(request)
            raise self.problem(error) from error
        pending = _Pending(self, request, pool, pictures)
        self._pending.append(pending)
        return pending

    def finished(self, pending: _Pending) -> None:
        """A result was taken."""
        if pending in self._pending:
            self._pending.remove(pending)

    def close(self) -> None:
        """See `Engine.close`."""
        # Whoever closes wants no more results, only that nothing reads the pictures any longer.
        for pending in tuple(self._pending):
            with contextlib.suppress(ModelError):
                pending.result()
        self._compiled.clear()

    def problem(self, error: RuntimeError) -> ModelError:
        """OpenVINO's own words, cut to the first that say something."""
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        said = next((ln for ln in reversed(lines) if not ln.startswith("Exception")), str(error))
        return ModelError(
            f"OpenVINO cannot run this model: {said[:300]}",
            where=self._artifact.weights,
            hint="Export the model again; the .bin file must stand beside the .xml.",
        )

    def _device(self, asked: str) -> str:
        known = list(self._core.available_devices)
        if asked.lower() in ("", "auto"):
            return "CPU" if known == ["CPU"] or not known else "AUTO"
        name = asked.upper()
        if name != "AUTO" and not any(k == name or k.startswith(f"{name}.") for k in known):
            raise DeviceError(
                f"OpenVINO has no device {asked!r} on this machine.",
                hint=f"Known are: {', '.join(['auto', *(k.lower() for k in known)])}.",
            )
        return name

    def _prepared(self, model: Any) -> Any:
        """The network with its input as bytes, (N, H, W, C), the first three BGR."""
        spec: InputSpec = self._artifact.input
        ov = self._ov
        if len(model.inputs) != 1 or model.input(0).get_partial_shape().rank != 4:
            raise ModelError(
                "The model has other inputs than one picture.", where=self._artifact.weights
            )
        steps = ov.preprocess.PrePostProcessor(model)
        tensor = steps.input().tensor()
        tensor.set_element_type(ov.Type.u8)
        tensor.set_layout(ov.Layout("NHWC"))
        # OpenVINO knows colours only where there are three channels.
        coloured = spec.channels == 3
        if coloured:
            tensor.set_color_format(ov.preprocess.ColorFormat.BGR)
        steps.input().model().set_layout(ov.Layout("NCHW"))
        chain = steps.input().preprocess()
        chain.convert_element_type(ov.Type.f32)
        if spec.color == "rgb" and coloured:
            chain.convert_color(ov.preprocess.ColorFormat.RGB)
        elif spec.color == "rgb":
            chain.custom(lambda node: _reordered(ov, node, channel_order(spec)))
        if any(spec.mean):
            chain.mean([255.0 * m for m in spec.mean])
        chain.scale([255.0 * s for s in spec.std])
        return steps.build()

    def network_for(self, shape: tuple[int, ...]) -> Any:
        """The compiled network that takes pictures of `shape` (N, H, W, C). Raises ModelError,
        UsageError.
        """
        return self._network(shape)[0]

    def _network(self, shape: tuple[int, ...]) -> tuple[Any, collections.deque[Any]]:
        """With its free requests."""
        known = self._compiled.get(shape)
        if known is not None:
            return known
        fixed = self._has_its_own(shape)
        if not fixed and () in self._compiled:
            return self._compiled[()]
        model = self._model
        if not self._dynamic and tuple(model.input(0).shape) != shape:
            expected = "x".join(str(v) for v in tuple(model.input(0).shape)[:3])
            raise UsageError(
                f"This artefact takes pictures of {expected} (count, height, width), "
                f"not {'x'.join(str(v) for v in shape[:3])}.",
                hint="Leave --imgsz and --batch out, or export it with open sizes.",
            )
        try:
            if self._dynamic and fixed:
                model = model.clone()
                model.reshape(list(shape))
            compiled = self._core.compile_model(model, self.device, self._config)
            self.requests = self._under_way(compiled)
            pool = collections.deque(compiled.create_infer_request() for _ in range(self.requests))
        except RuntimeError as error:
            raise self.problem(error) from error
        self.precision = _precision(compiled, self.precision)
        self._compiled[shape if fixed else ()] = (compiled, pool)
        return compiled, pool

    def _has_its_own(self, shape: tuple[int, ...]) -> bool:
        """Whether a network is to be compiled for `shape` alone."""
        if not self._dynamic:
            return True
        self._met[shape] += 1
        fixed = len(self._compiled) - (() in self._compiled)
        return not fixed or (fixed < FIXED_SHAPES and self._met[shape] >= OFTEN)

    def _under_way(self, compiled: Any) -> int:
        """How many inferences at once: two, so that one is prepared while the other runs; for
        throughput as many as the device computes side by side and one that waits its turn.
        """
        if not self._throughput:
            return 2
        return max(2, int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))) + 1


def devices() -> tuple[tuple[str, str], ...]:
    """(what `--device` takes, full name) of every device that OpenVINO sees here. Raises
    MissingTool.
    """
    core = openvino_core()
    names = [str(name) for name in core.available_devices]
    found = [(n.lower(), str(core.get_property(n, "FULL_DEVICE_NAME")).strip()) for n in names]
    return tuple(found)


def _reordered(ov: Any, node: Any, order: list[int]) -> Any:
    """The channels, the last axis of (N, H, W, C), in another order."""
    ops = ov.opset8
    places, axis = ops.constant(np.array(order, np.int64)), ops.constant(np.int64(3))
    return ops.gather(node, places, axis).output(0)


def _outputs(request: Any) -> Outputs:
    tensors = [request.get_output_tensor(i) for i in range(len(request.model_outputs))]
    return tuple(np.array(tensor.data, dtype=np.float32) for tensor in tensors)


def _precision(compiled: Any, asked: str) -> str:
    """What the device really computes in, where it says so."""
    try:
        found = compiled.get_property("INFERENCE_PRECISION_HINT")
    except RuntimeError:
        return asked
    name = str(getattr(found, "get_type_name", lambda: found)())
    return name if name in ("f32", "bf16", "f16") else asked
