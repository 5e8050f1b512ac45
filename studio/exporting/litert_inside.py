"""What runs in the worker environment `litert`: the converter and its quantiser."""

# The packages of the worker environment are not those of this one.
# pyright: reportMissingImports=false

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from studio.core.errors import ModelError
from studio.exporting.litert import network_values
from studio.exporting.tflite_file import TfliteFile, read_tflite

_LEARNED = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED"})
# A layer with fewer weights is arithmetic that is written as one, such as a mean over bins.
_FEWEST_WEIGHTS = 100


def convert(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """See `studio.exporting.litert.to_tflite`. Raises ModelError."""
    out = Path(request["out"])
    with tempfile.TemporaryDirectory(prefix="pose-studio-") as folder:
        plain = Path(folder, "plain.tflite") if "pictures" in request else out
        _to_float_file(request, plain)
        if "pictures" in request:
            _to_whole_numbers(request, plain, out)
    return {"bytes": out.stat().st_size}


def _to_float_file(request: Mapping[str, Any], path: Path) -> None:
    import litert_torch
    import torch

    spec = request["input"]
    module: Any = torch.export.load(request["program"]).module()
    module = litert_torch.to_channel_last_io(module, args=[0])
    example = torch.zeros(1, *spec["size"], spec["channels"])
    try:
        litert_torch.convert(module, (example,)).export(str(path))
    except Exception as error:  # the converter has no common base of its errors
        raise ModelError(f"LiteRT cannot convert this network: {_said(error)}") from error


def _to_whole_numbers(request: Mapping[str, Any], plain: Path, out: Path) -> None:
    from ai_edge_quantizer import calibrator, qtyping, quantizer, recipe_manager
    from ai_edge_quantizer.utils import qsv_utils

    every = qtyping.TFLOperationName.ALL_SUPPORTED
    recipe: Any = recipe_manager.RecipeManager()
    recipe.add_static_config(".*", every, activation_num_bits=8, weight_num_bits=8)
    if request["float_tail"]:
        tail = tail_of(read_tflite(plain))
        if tail:
            recipe.add_quantization_config(
                regex=f"^(?:{'|'.join(re.escape(name) for name in tail)});*$",
                operation_name=every,
                algorithm_key=quantizer.AlgorithmName.NO_QUANTIZE,
            )
    name, key = _entry(plain)
    samples = np.load(request["pictures"], mmap_mode="r")
    fed = [{name: network_values(np.array(row[None]), request["input"])} for row in samples]
    try:
        whole: Any = quantizer.Quantizer(str(plain), recipe.get_quantization_recipe())
        # The quantiser's own running mean cuts off the largest values; joints then go astray.
        seen: Any = calibrator.Calibrator(
            plain.read_bytes(), num_threads=2, qsv_update_func=qsv_utils.min_max_update
        )
        seen.calibrate({key: fed}, recipe)
        whole.quantize(seen.get_model_qsvs()).export_model(str(out), overwrite=True)
    except Exception as error:  # the quantiser has no common base of its errors
        raise ModelError(f"The quantiser cannot do this network: {_said(error)}") from error


def tail_of(file: TfliteFile) -> list[str]:
    """What is computed after the last learned layers, as the quantiser names it: by the outputs of
    each operator.
    """
    before: set[int] = set()  # tensors that a learned layer still looks at, however far
    tail: list[str] = []
    for operator in reversed(file.operators):
        weights = [file.tensors[i] for i in operator.inputs[1:2] if i >= 0]
        learned = operator.name in _LEARNED and any(w.size >= _FEWEST_WEIGHTS for w in weights)
        if learned or before.intersection(operator.outputs):
            before.update(i for i in operator.inputs if i >= 0)
        else:
            tail.append(";".join(file.tensors[i].name for i in operator.outputs))
    return tail


def _entry(path: Path) -> tuple[str, str]:
    """The input's name and the signature's."""
    from ai_edge_litert.interpreter import Interpreter

    signatures = Interpreter(str(path)).get_signature_list()
    key = next(iter(signatures))
    return signatures[key]["inputs"][0], key


def _said(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:400]
