"""ONNX files that answer as head-pose networks do, whatever they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np


def write_head_onnx(
    path: Path,
    answers: Mapping[str, np.ndarray],
    *,
    side: int = 32,
    batch: int | None = None,
    metadata: Mapping[str, str] | None = None,
    entry: tuple[int | str, ...] | None = None,
) -> Path:
    """A network (N, 3, side, side) float32 that gives each of `answers` once a picture."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    many: int | str = batch or "batch"
    nodes = [
        helper.make_node("ReduceMean", ["picture"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "nothing"], ["zero"]),
    ]
    constants = [numpy_helper.from_array(np.zeros(1, np.float32), "nothing")]
    given = []
    for name, answer in answers.items():
        value = np.asarray(answer, np.float32)
        # (N,) beside (1, a, b): open the zero up to as many sides first.
        shape = np.array([-1, *([1] * value.ndim)], np.int64)
        constants.append(numpy_helper.from_array(shape, f"{name}_shape"))
        constants.append(numpy_helper.from_array(value[None], f"{name}_value"))
        nodes.append(helper.make_node("Reshape", ["zero", f"{name}_shape"], [f"{name}_zero"]))
        nodes.append(helper.make_node("Add", [f"{name}_zero", f"{name}_value"], [name]))
        given.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [many, *value.shape]))
    taken = helper.make_tensor_value_info(
        "picture", TensorProto.FLOAT, list(entry or (many, 3, side, side))
    )
    graph = helper.make_graph(nodes, "heads", [taken], given, constants)
    opset = [helper.make_opsetid("", 13)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    for key, value in (metadata or {}).items():
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, str(path))
    return path
