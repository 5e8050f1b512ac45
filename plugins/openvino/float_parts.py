"""Which operations of a network stay in float when the rest computes in whole numbers.

Joints of a decoded pose come from coordinates of hundreds of pixels: eight bits cannot hold them.
So the keypoint head and the arithmetic that turns maps into people stay in float; of every other
network what follows its last layers, and those themselves. Both are read from the graph: numbers
and names of layers differ between the generations of a family.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from studio.core.artifact import ModelArtifact
from studio.runtime.decode import DECODED

# What has weights; NNCF tells these apart by the same names.
LAYERS = frozenset({"Convolution", "GroupConvolution", "MatMul"})
_SHAPE = "ShapeOf"


def float_parts(model: Any, artifact: ModelArtifact) -> tuple[str, ...]:
    """The names of those operations of an `openvino.Model`, in the graph's order."""
    found: set[str] = set()
    if artifact.output == DECODED:
        found = _pose_head(model, len(artifact.skeleton))
    return _ordered(model, found or _ends(model))


def _pose_head(model: Any, joints: int) -> set[str]:
    """The keypoint head and the decoding of a network that gives (N, 4 + C + 3K, anchors);
    empty where it is built in another way.
    """
    scales = [node for node in model.get_ordered_ops() if _joins_scales(node)]
    last = model.outputs[0].get_node().input_value(0).get_node()
    while last.get_type_name() != "Concat" and len(_feeding(last)) == 1:
        last = _feeding(last)[0]
    if not scales or last.get_type_name() != "Concat":
        return set()
    # Boxes, scores, joints: so the last part tells which of the maps hold the joints.
    behind = _behind([last.input_values()[-1].get_node()])
    reached = [node for node in scales if _name(node) in behind]
    exact = [n for n in reached if _channels(n) in (2 * joints, 3 * joints)]
    points = {_name(node): node for node in exact or reached}
    others = [node for node in scales if _name(node) not in points]
    head = _behind(points.values()) - _behind(others)
    return head | _after(scales)


def _joins_scales(node: Any) -> bool:
    """Whether it lays the maps of several strides, each flattened, behind one another."""
    if node.get_type_name() != "Concat" or node.get_output_partial_shape(0).rank != 3:
        return False
    parts = [value.get_node() for value in node.input_values()]
    return all(
        part.get_type_name() == "Reshape" and part.input_value(0).get_partial_shape().rank == 4
        for part in parts
    )


def _channels(node: Any) -> int:
    size = node.get_output_partial_shape(0)[1]
    return int(size.get_length()) if size.is_static else -1


def _ends(model: Any) -> set[str]:
    """The last layer before each output and all that follows it."""
    found: set[str] = set()
    for output in model.outputs:
        found |= _behind([output.get_node()], lambda node: node.get_type_name() in LAYERS)
    return found


def _behind(nodes: Iterable[Any], stop: Callable[[Any], bool] = lambda _: False) -> set[str]:
    """The names of `nodes` and all whose values go into them; what only tells a shape does not
    count. stop: nothing behind such a node is looked at.
    """
    return _walk(nodes, lambda node: () if stop(node) else _feeding(node))


def _feeding(node: Any) -> list[Any]:
    sources = [value.get_node() for value in node.input_values()]
    return [s for s in sources if s.get_type_name() not in ("Constant", _SHAPE)]


def _after(nodes: Iterable[Any]) -> set[str]:
    """The names of `nodes` and all that their values go into."""

    def users(node: Any) -> list[Any]:
        ends = [e.get_node() for o in node.outputs() for e in o.get_target_inputs()]
        return [e for e in ends if e.get_type_name() != _SHAPE]

    return _walk(nodes, users)


def _walk(nodes: Iterable[Any], next_of: Callable[[Any], Iterable[Any]]) -> set[str]:
    found: set[str] = set()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if _name(node) not in found:
            found.add(_name(node))
            waiting.extend(next_of(node))
    return found


def _ordered(model: Any, names: set[str]) -> tuple[str, ...]:
    aside = ("Constant", "Parameter", "Result")
    ops = (n for n in model.get_ordered_ops() if n.get_type_name() not in aside)
    return tuple(_name(node) for node in ops if _name(node) in names)


def _name(node: Any) -> str:
    return str(node.get_friendly_name())
