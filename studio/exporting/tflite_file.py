"""What stands in a .tflite file: its operators, and the numbers that its tensors are made of."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.core.errors import MissingTool, ModelError

FLOATS = frozenset({"FLOAT16", "FLOAT32", "FLOAT64", "BFLOAT16"})
_IDENTIFIER = b"TFL3"


@dataclass(frozen=True)
class Tensor:
    """One tensor: `kind` as the format names it ("INT8", "FLOAT32"); value = scale * (whole - zero)
    where scale is not None. size: how many numbers; constant: whether they stand in the file.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    scale: float | None
    zero: int
    constant: bool

    @property
    def size(self) -> int:
        """How many numbers."""
        count = 1
        for side in self.shape:
            count *= side
        return count


@dataclass(frozen=True)
class Operator:
    """One step: its name as the format has it ("CONV_2D", a custom one by its own name), and the
    numbers of its tensors; -1 is an input that is left out.
    """

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class TfliteFile:
    """The main graph; inputs and outputs are numbers of tensors."""

    operators: tuple[Operator, ...]
    tensors: tuple[Tensor, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @property
    def float_tensors(self) -> tuple[Tensor, ...]:
        """Those that hold floating point numbers."""
        return tuple(t for t in self.tensors if t.kind in FLOATS)


def read_tflite(path: Path) -> TfliteFile:
    """Read the file. Raises ModelError where it is none, MissingTool without the format's package."""
    try:
        from ai_edge_litert import schema_py_generated as schema
    except ImportError as error:
        raise MissingTool(
            f"The .tflite file cannot be looked into: {error}.",
            hint="Install it with: pip install ai-edge-litert",
        ) from error
    content = path.read_bytes()
    if content[4:8] != _IDENTIFIER:
        raise ModelError("This is no .tflite file, or it is damaged.", where=path)
    schema_: Any = schema
    try:
        model = schema_.ModelT.InitFromPackedBuf(content, 0)
        return _graph(model, schema_)
    except (struct.error, IndexError, TypeError, ValueError) as error:
        raise ModelError("This .tflite file is cut short or damaged.", where=path) from error


def _graph(model: Any, schema: Any) -> TfliteFile:
    graph = model.subgraphs[0]
    names = _names(schema.BuiltinOperator)
    kinds = _names(schema.TensorType)
    codes = [_code_name(code, names) for code in model.operatorCodes]
    return TfliteFile(
        operators=tuple(
            Operator(codes[op.opcodeIndex], _numbers(op.inputs), _numbers(op.outputs))
            for op in graph.operators
        ),
        tensors=tuple(_tensor(t, kinds, model.buffers) for t in graph.tensors),
        inputs=_numbers(graph.inputs),
        outputs=_numbers(graph.outputs),
    )


def _tensor(tensor: Any, kinds: dict[int, str], buffers: Any) -> Tensor:
    found = tensor.quantization
    scales: Any = found.scale if found is not None and found.scale is not None else ()
    zeros: Any = found.zeroPoint if found is not None and found.zeroPoint is not None else ()
    buffer = buffers[tensor.buffer]
    return Tensor(
        name=(tensor.name or b"").decode("utf-8", "replace"),
        shape=_numbers(tensor.shape),
        kind=kinds.get(tensor.type, str(tensor.type)),
        scale=float(scales[0]) if len(scales) else None,
        zero=int(zeros[0]) if len(zeros) else 0,
        constant=buffer.data is not None and len(buffer.data) > 0,
    )


def _code_name(code: Any, names: dict[int, str]) -> str:
    if code.customCode:
        return code.customCode.decode("utf-8", "replace")
    # Files of before 2020 keep the number in the older, smaller field.
    number = max(int(code.builtinCode), int(code.deprecatedBuiltinCode))
    return names.get(number, str(number))


def _names(table: Any) -> dict[int, str]:
    return {v: k for k, v in vars(table).items() if isinstance(v, int) and k[0] != "_"}


def _numbers(values: Any) -> tuple[int, ...]:
    return () if values is None else tuple(int(v) for v in values)
