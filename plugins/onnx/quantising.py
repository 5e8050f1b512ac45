"""Whole numbers by ONNX Runtime's static quantiser: QDQ, weights a scale a channel, ranges by the
smallest and largest value on the calibration pictures.

Coordinates of hundreds of pixels do not fit eight bits: the last layers, all that follows them, and
the keypoint branch of a network that decodes poses itself stay in float.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from studio.core.artifact import ModelArtifact
from studio.core.errors import ModelError
from studio.core.job import JobContext
from studio.exporting.calibration import CalibrationSet
from studio.exporting.onnx_file import INPUT, last_words, need_package
from studio.runtime.decode import DECODED
from studio.runtime.engines.common import to_floats

LAYERS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})


def quantise(
    source: Path, made: ModelArtifact, pictures: CalibrationSet, context: JobContext
) -> None:
    """Write `made.weights` from the float file `source`. Raises ModelError, Cancelled, and what
    reading the pictures raises.
    """
    need_package("onnxruntime")
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    kept = float_nodes(need_package("onnx").load(str(source)), made)
    reader: Any = _Reader(pictures, made, context)
    # The quantiser prints, and recommends what was done already.
    logging.getLogger().disabled, before = True, logging.getLogger().disabled
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            quantize_static(
                str(source),
                str(made.weights),
                reader,
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                nodes_to_exclude=list(kept),
                # Activations and sums between them cost yolo11n-pose .026 of AP, these alone .010.
                op_types_to_quantize=sorted(LAYERS),
                calibrate_method=CalibrationMethod.MinMax,
            )
    except (RuntimeError, ValueError, TypeError, KeyError, AssertionError) as error:
        raise ModelError(
            f"ONNX Runtime cannot quantise this model: {last_words(error)}", where=source
        ) from error
    finally:
        logging.getLogger().disabled = before


class _Reader:
    """The calibration pictures as the network gets them; what ONNX Runtime asks for."""

    def __init__(self, pictures: CalibrationSet, made: ModelArtifact, context: JobContext) -> None:
        self._pictures, self._spec, self._context = pictures, made.input, context
        self._batches: Iterator[Any] = pictures.batches()
        self._seen = 0

    def get_next(self) -> dict[str, Any] | None:
        """The next input, None after the last."""
        self._context.check()
        batch = next(self._batches, None)
        if batch is None:
            return None
        self._seen += 1
        self._context.progress("calibrate", self._seen, len(self._pictures))
        return {INPUT: to_floats(batch, self._spec)}


def float_nodes(model: Any, made: ModelArtifact) -> tuple[str, ...]:
    """The names of the nodes that stay in float, in the graph's order."""
    graph = _Graph(model)
    real = {i for i, node in enumerate(graph.nodes) if _is_layer(node, graph)}
    followed = graph.behind(graph.feeding(i) for i in real)
    kept = set(range(len(graph.nodes))) - followed
    if made.output == DECODED:
        kept |= _keypoint_branch(graph)
    return tuple(node.name for i, node in enumerate(graph.nodes) if i in kept and node.name)


def layers(model: Any) -> tuple[int, int]:
    """How many layers with weights there are, and how many of them take whole numbers."""
    graph = _Graph(model)
    found = [i for i, node in enumerate(graph.nodes) if node.op_type in LAYERS]
    weighted = [i for i in found if _weight_of(graph, i)]
    whole = [i for i in weighted if _weight_of(graph, i) == "DequantizeLinear"]
    return len(weighted), len(whole)


def _weight_of(graph: _Graph, i: int) -> str:
    """The type of the node that gives layer `i` its weight; "" where it is computed."""
    name = graph.nodes[i].input[1]
    if name in graph.constants:
        return "constant"
    source = graph.makers.get(name)
    quantised = source is not None and graph.nodes[source].op_type == "DequantizeLinear"
    stored = quantised and graph.nodes[source or 0].input[0] in graph.constants
    return "DequantizeLinear" if stored else ""


def _is_layer(node: Any, graph: _Graph) -> bool:
    """Whether it has learnt weights; the mean over a distribution's bins, a convolution to one
    channel by name only, belongs to the decoding.
    """
    if node.op_type not in LAYERS:
        return False
    shape = graph.constants.get(node.input[1])
    return shape is not None and not (node.op_type == "Conv" and shape[0] == 1)


def _keypoint_branch(graph: _Graph) -> set[int]:
    """What only the joints of (N, 4 + C + 3K, anchors) come from; empty where it is built in
    another way.
    """
    last = graph.makers.get(graph.outputs[0])
    while last is not None and graph.nodes[last].op_type != "Concat":
        sources = graph.feeding(last)
        last = sources[0] if len(sources) == 1 else None
    if last is None:
        return set()
    *others, joints = (graph.makers.get(name) for name in graph.nodes[last].input)
    first = graph.behind([[i for i in others if i is not None]])
    return graph.behind([[joints] if joints is not None else []]) - first


class _Graph:
    """Who makes what. constants: name to shape."""

    def __init__(self, model: Any) -> None:
        self.nodes: list[Any] = list(model.graph.node)
        self.outputs = [str(o.name) for o in model.graph.output]
        self.constants = {t.name: tuple(t.dims) for t in model.graph.initializer}
        self.makers = {name: i for i, node in enumerate(self.nodes) for name in node.output}

    def feeding(self, i: int) -> list[int]:
        """The nodes whose values go into node `i`; what only tells a shape does not count."""
        found = [self.makers[name] for name in self.nodes[i].input if name in self.makers]
        return [j for j in found if self.nodes[j].op_type != "Shape"]

    def behind(self, starts: Iterable[Iterable[int]]) -> set[int]:
        """The nodes of `starts` and all whose values go into them."""
        step: Callable[[int], list[int]] = self.feeding
        found: set[int] = set()
        waiting = [i for start in starts for i in start]
        while waiting:
            i = waiting.pop()
            if i not in found:
                found.add(i)
                waiting.extend(step(i))
        return found
