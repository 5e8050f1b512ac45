"""A real little .tflite whose answers are known: it takes the means of 8 x 8 pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SIDE, CELL = 32, 8


def write_tflite(path: Path, *, whole: bool = True, operator: str = "AVERAGE_POOL_2D") -> Path:
    """(1, 32, 32, 3) in, (1, 4, 4, 3) out; whole: int8 with a byte less 128 as input and output.
    operator: another name makes a custom one that nobody knows.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    s: Any = schema
    model = s.ModelT()
    model.version = 3
    model.buffers = [s.BufferT()]
    code = s.OperatorCodeT()
    known = operator == "AVERAGE_POOL_2D"
    code.builtinCode = s.BuiltinOperator.AVERAGE_POOL_2D if known else s.BuiltinOperator.CUSTOM
    code.deprecatedBuiltinCode = code.builtinCode
    code.customCode = None if known else operator.encode()
    code.version = 2 if whole and known else 1
    model.operatorCodes = [code]
    graph = s.SubGraphT()
    graph.name = b"main"
    graph.tensors = [
        _tensor(s, b"picture", [1, SIDE, SIDE, 3], whole),
        _tensor(s, b"means", [1, SIDE // CELL, SIDE // CELL, 3], whole),
    ]
    graph.inputs, graph.outputs = [0], [1]
    step = s.OperatorT()
    step.opcodeIndex, step.inputs, step.outputs = 0, [0], [1]
    if known:
        options = s.Pool2DOptionsT()
        options.filterWidth = options.filterHeight = options.strideW = options.strideH = CELL
        options.padding = s.Padding.VALID
        step.builtinOptionsType = s.BuiltinOptions.Pool2DOptions
        step.builtinOptions = options
    graph.operators = [step]
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path


def _tensor(s: Any, name: bytes, shape: list[int], whole: bool) -> Any:
    tensor = s.TensorT()
    tensor.name, tensor.shape, tensor.buffer = name, shape, 0
    tensor.type = s.TensorType.INT8 if whole else s.TensorType.FLOAT32
    if whole:
        tensor.quantization = s.QuantizationParametersT()
        tensor.quantization.scale = [1 / 255]
        tensor.quantization.zeroPoint = [-128]
    return tensor
