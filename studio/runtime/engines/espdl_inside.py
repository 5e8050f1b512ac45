"""What runs in the worker environment `esp`: the quantised graph in the quantiser's simulator.

`python -m studio.runtime.engines.espdl_inside MODEL.espdl SIMULATOR THREADS` loads it and answers
each (N, C, H, W) float32 with the network's outputs until its input ends (`talk`).
"""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from studio.core.errors import ModelError
from studio.io.files import atomic_stream
from studio.runtime.engines.talk import Closed, receive, send

# What a stored graph is made of; nothing else is let in when one is opened.
_CLASSES = (
    "esp_ppq.IR.base.graph:BaseGraph",
    "esp_ppq.IR.base.graph:Operation",
    "esp_ppq.IR.base.graph:Variable",
    "esp_ppq.IR.base.opdef:Opset",
    "esp_ppq.IR.quantize:QuantableOperation",
    "esp_ppq.IR.quantize:QuantableVariable",
    "esp_ppq.core.data:DataType",
    "esp_ppq.core.quant:NetworkFramework",
    "esp_ppq.core.quant:OperationQuantizationConfig",
    "esp_ppq.core.quant:QuantizationPolicy",
    "esp_ppq.core.quant:QuantizationStates",
    "esp_ppq.core.quant:QuantizationVisibility",
    "esp_ppq.core.quant:RoundingPolicy",
    "esp_ppq.core.quant:TargetPlatform",
    "esp_ppq.core.quant:TensorQuantizationConfig",
    "esp_ppq.core.storage:ValueState",
)
_NUMBERS = ("bool", "int8", "uint8", "int16", "int32", "int64", "float32", "float64")


def save_simulator(graph: Any, espdl: Path, path: Path) -> None:
    """Keep the quantised `graph` that `espdl` was written from, without the weights' floats of
    before the quantisation, which a training would go back to.
    """
    import torch

    for variable in graph.variables.values():
        if getattr(variable, "stored_value", None) is not None:
            variable.stored_value = None
    with atomic_stream(path) as stream:
        torch.save({"espdl": _hash(espdl), "graph": graph}, stream)


def load_simulator(espdl: Path, path: Path) -> Any:
    """The graph; only classes of graphs are unpickled. Raises ModelError where it is none, or
    belongs to another file than `espdl`.
    """
    import torch
    from torch.serialization import pickle

    try:
        with torch.serialization.safe_globals(list(_known())):
            kept = torch.load(path, weights_only=True, map_location="cpu")
        graph, belongs = kept["graph"], kept["espdl"]
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, KeyError, TypeError) as error:
        raise ModelError("The simulator's file is damaged, or none of ours.", where=path) from error
    if belongs != _hash(espdl):
        raise ModelError("The simulator's file belongs to another .espdl.", where=path)
    return _linked(graph)


def main(espdl: str, simulator: str, threads: str) -> int:
    """See the module."""
    answers = os.fdopen(os.dup(1), "wb")
    # Libraries print; what they say must not come between the answers.
    os.dup2(2, 1)
    import torch

    if int(threads):
        torch.set_num_threads(int(threads))
    try:
        graph = load_simulator(Path(espdl), Path(simulator))
    except ModelError as error:
        send(answers, problem=error.message)
        return 1
    from esp_ppq.executor import TorchExecutor  # pyright: ignore[reportMissingImports]

    executor: Any = TorchExecutor(graph, device="cpu")
    send(answers)
    while True:
        try:
            (values,), _ = receive(sys.stdin.buffer)
        except Closed:
            return 0
        try:
            send(answers, _run(executor, values))
        except (RuntimeError, ValueError, TypeError) as error:
            send(answers, problem=f"The simulator cannot run this: {str(error)[:300]}")


def _run(executor: Any, values: Any) -> list[Any]:
    import torch

    rows = [executor.forward([torch.from_numpy(v[None])]) for v in values]
    return [np.concatenate([row[i].numpy() for row in rows]) for i in range(len(rows[0]))]


def _known() -> Iterator[Any]:
    for name in _CLASSES:
        module, _, kind = name.partition(":")
        yield getattr(importlib.import_module(module), kind)
    yield np.dtype
    yield from (type(np.dtype(name)) for name in _NUMBERS)


def _linked(graph: Any) -> Any:
    """A stored graph names its parts; the parts themselves take the names' places."""
    operations, variables = graph.operations, graph.variables
    for operation in operations.values():
        operation.inputs[:] = [variables[name] for name in operation.inputs]
        operation.outputs[:] = [variables[name] for name in operation.outputs]
    for variable in variables.values():
        variable.dest_ops[:] = [operations[name] for name in variable.dest_ops]
        if variable.source_op is not None:
            variable.source_op = operations[variable.source_op]
    graph._graph_inputs = {name: variables[name] for name in graph._graph_inputs}
    graph._graph_outputs = {name: variables[name] for name in graph._graph_outputs}
    return graph


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
