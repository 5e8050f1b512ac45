"""A torch network as an ONNX file that is known to give what the network gives.

Written by torch's tracing exporter (`dynamo=False`): it is the one that writes every opset from 11
on, which older device tools want, and needs no further package. The file is slimmed (onnxslim),
checked (onnx.checker) and run by ONNX Runtime beside the network before it is kept.
"""

from __future__ import annotations

import importlib
import io
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.artifact import InputSpec
from studio.core.errors import MissingTool, ModelError, UsageError
from studio.io.files import atomic_write_bytes
from studio.runtime.engines.common import to_floats

INPUT = "images"
OPSETS = range(11, 21)
DEFAULT_OPSET = 17
# How far a value may be from torch's: this much, and this share of the output's largest value.
ABSOLUTE, RELATIVE = 1e-3, 1e-4

Floats = npt.NDArray[np.float32]
Shape = tuple[int | str, ...]


@dataclass(frozen=True)
class OnnxFile:
    """What was written.

    input: its shape; outputs: name to shape, in order. An open side is a name, not a number.
    operators: how many of each type. worst: the largest difference of a value from torch's.
    """

    path: Path
    opset: int
    input: Shape
    outputs: Mapping[str, Shape]
    operators: Mapping[str, int]
    worst: float


def write_onnx(
    module: Any,
    path: Path,
    spec: InputSpec,
    *,
    opset: int = DEFAULT_OPSET,
    batch: int | None = 1,
    input_name: str = INPUT,
    outputs: Sequence[str] = (),
    metadata: Mapping[str, str] | None = None,
    weights: Path | None = None,
) -> OnnxFile:
    """Write `module` (`exporting.making.export_module`, or one around it) to `path`.

    The input is (N, `spec.channels`, H, W) float32 as `studio.runtime.engines.common.to_floats`
    makes it: of `spec.size`, or of any multiple of `spec.stride` where `spec.dynamic`. batch: how
    many pictures go in at once, None for any number. outputs: their names instead of `output0`,
    `output1`, ... metadata: texts that are kept in the file. weights: named in errors.

    Raises ModelError with the exporter's own words where the network cannot be written, where the
    checker refuses the file, or where ONNX Runtime gives other values than torch; MissingTool,
    UsageError, FileProblem.
    """
    import torch

    if opset not in OPSETS:
        raise UsageError(f"The opset is {OPSETS[0]} to {OPSETS[-1]}, not {opset}.", where="opset")
    where = weights or path
    pictures = _pictures(spec, batch)
    expected = [_asked(module, torch.from_numpy(p)) for p in pictures]
    names = _names(outputs, len(expected[0]), where)
    axes = _axes([input_name, *names], pictures, expected)
    model = _exported(
        module, torch.from_numpy(pictures[0]), (input_name, names, axes), opset, where
    )
    for value, array in zip(model.graph.output, expected[0], strict=True):
        _write_shape(value, array.shape, axes.get(value.name, {}))
    need_package("onnx").helper.set_model_props(
        model, {"producer": "Pose Studio", **(metadata or {})}
    )
    data = model.SerializeToString()
    worst = max(
        _difference(data, p, e, where) for p, e in zip(pictures, expected, strict=True)
    )  # fmt: skip
    atomic_write_bytes(path, data)
    return OnnxFile(
        path=path,
        opset=opset,
        input=_shape(model.graph.input[0]),
        outputs={o.name: _shape(o) for o in model.graph.output},
        operators=operators_of(model),
        worst=worst,
    )


def _names(asked: Sequence[str], count: int, where: Path) -> list[str]:
    names = list(asked) or [f"output{i}" for i in range(count)]
    if len(names) != count:
        text = f"The network gives {count} outputs; {len(names)} were named."
        raise ModelError(text, where=where)
    return names


def _axes(
    names: Sequence[str], pictures: Sequence[Any], expected: Sequence[Sequence[Any]]
) -> dict[str, dict[int, str]]:
    """The open sides of the input, named first, and of each output; empty where all are fixed."""
    shapes = ([p.shape, *(e.shape for e in es)] for p, es in zip(pictures, expected, strict=True))
    found = {name: _open_axes(name, names[0], *s) for name, *s in zip(names, *shapes, strict=True)}
    return {name: axes for name, axes in found.items() if axes}


def need_package(name: str, install: str = "") -> Any:
    """The imported package. Raises MissingTool that says how to install it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingTool(
            f"This export needs the package {name}: {error}.",
            hint=f"Install it with: pip install {install or name}",
        ) from error


def operators_of(model: Any) -> dict[str, int]:
    """How many operators of each type an opened ONNX model has, the most frequent first."""
    return dict(Counter(str(node.op_type) for node in model.graph.node).most_common())


def last_words(error: BaseException) -> str:
    """What a library said, on one line and not too long."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines)[:400] or type(error).__name__


def _pictures(spec: InputSpec, batch: int | None) -> list[Floats]:
    """Two inputs of noise that differ in every side that is open."""
    height, width = spec.size
    more = spec.stride if spec.dynamic else 0
    dice = np.random.default_rng(0)
    shapes = ((batch or 1, height, width), (batch or 2, height + more, width + 2 * more))
    return [
        to_floats(dice.integers(0, 256, (*shape, spec.channels), dtype=np.uint8), spec)
        for shape in shapes
    ]


def _asked(module: Any, pictures: Any) -> list[Floats]:
    import torch

    with torch.inference_mode():
        found = module(pictures)
    tensors = found if isinstance(found, tuple | list) else (found,)
    return [t.float().numpy() for t in tensors if isinstance(t, torch.Tensor)]


def _open_axes(
    name: str, input_name: str, first: tuple[int, ...], second: tuple[int, ...]
) -> dict[int, str]:
    """The sides in which two shapes of one tensor differ, with names."""
    known = ("batch", "channels", "height", "width") if name == input_name else ("batch",)
    named = dict(enumerate(known))
    return {
        i: named.get(i, f"{name}_{i}")
        for i, (a, b) in enumerate(zip(first, second, strict=True))
        if a != b
    }


def _exported(
    module: Any,
    example: Any,
    names: tuple[str, list[str], dict[str, dict[int, str]]],
    opset: int,
    where: Path,
) -> Any:
    """The slimmed and checked model. names: of the input and the outputs, and the open axes."""
    import torch

    onnx, onnxslim = need_package("onnx"), need_package("onnxslim")
    entry, leaves, axes = names
    stream: Any = io.BytesIO()
    try:
        with warnings.catch_warnings(), torch.inference_mode():
            # torch announces the end of this exporter, and each number that tracing fixes.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                module,
                (example,),
                stream,
                input_names=[entry],
                output_names=leaves,
                opset_version=opset,
                dynamic_axes=axes,
                dynamo=False,
            )
        model = onnxslim.slim(onnx.load_from_string(stream.getvalue()))
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:  # these libraries have no common base of their errors
        raise ModelError(
            f"This model cannot be written as ONNX of opset {opset}: {last_words(error)}",
            where=where,
            hint="A higher opset knows more operators.",
        ) from error
    return model


def _write_shape(value: Any, shape: tuple[int, ...], axes: Mapping[int, str]) -> None:
    """Say an output's shape plainly: the tools leave names of their own making there."""
    for i, (dim, side) in enumerate(zip(value.type.tensor_type.shape.dim, shape, strict=True)):
        if i in axes:
            dim.dim_param = axes[i]
        else:
            dim.dim_value = side


def _difference(data: bytes, pictures: Floats, expected: Sequence[Floats], where: Path) -> float:
    """The largest difference; ModelError where it is more than rounding."""
    ort = need_package("onnxruntime")
    options = ort.SessionOptions()
    options.log_severity_level = 3
    try:
        session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        found = session.run(None, {session.get_inputs()[0].name: pictures})
    except Exception as error:  # the library has no common base of its errors
        raise ModelError(
            f"ONNX Runtime cannot run what was written: {last_words(error)}", where=where
        ) from error
    worst = 0.0
    for number, (a, b) in enumerate(zip(found, expected, strict=True)):
        if a.shape != b.shape or not _near(a, b):
            off = f"by up to {np.abs(a - b).max():g}" if a.shape == b.shape else "in its shape"
            raise ModelError(
                f"The ONNX file does not give what the network gives: output {number} differs "
                f"{off}.",
                where=where,
                hint="Try another opset, or a fixed size.",
            )
        worst = max(worst, float(np.abs(a - b).max()))
    return worst


def _near(found: Floats, expected: Floats) -> bool:
    limit = ABSOLUTE + RELATIVE * float(np.abs(expected).max(initial=0))
    return bool(np.abs(found - expected).max(initial=0) <= limit)


def _shape(value: Any) -> Shape:
    dims = value.type.tensor_type.shape.dim
    return tuple(str(d.dim_param) or int(d.dim_value) for d in dims)
