"""From an ONNX file to an .espdl of whole numbers; runs in the worker environment `esp`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from studio.core.artifact import InputSpec
from studio.core.errors import ModelError
from studio.runtime.engines.common import to_floats
from studio.runtime.engines.espdl_inside import save_simulator

CHIP = "esp32s3"
BITS = 8
_LEARNED = "Conv"


def quantise(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Write `out` (.espdl, and the .info and .json that the tool writes beside it) and `simulator`
    from `onnx`, with ranges from `pictures` (N, H, W, 3) uint8 BGR in a .npy file.

    `head_bits`, 8 or 16: of the last learned layer before each output and what comes after it; the
    rest has 8. Gives {"operators": {type: count}, "float_operators", "exponents": {name: exponent
    of the input and each output}, "head_bits"}. Raises ModelError with the tool's words.
    """
    import torch
    from esp_ppq.api import (  # pyright: ignore[reportMissingImports]
        QuantizationSettingFactory,
        espdl_quantize_onnx,
    )
    from esp_ppq.api.espdl_interface import (  # pyright: ignore[reportMissingImports]
        get_target_platform,
    )

    spec = InputSpec.from_mapping(request["input"])
    pictures = np.load(request["pictures"], mmap_mode="r")
    samples = [torch.from_numpy(to_floats(np.asarray(p[None]), spec)) for p in pictures]
    setting: Any = QuantizationSettingFactory.espdl_setting(num_of_bits=BITS)
    setting.quantize_activation_setting.calib_algorithm = request["ranges"]
    if request["head_bits"] != BITS:
        wide = get_target_platform(CHIP, int(request["head_bits"]))
        for name in _last_steps(Path(request["onnx"])):
            setting.dispatching_table.append(name, wide)
    out = Path(request["out"])
    try:
        graph: Any = espdl_quantize_onnx(
            onnx_import_file=request["onnx"],
            espdl_export_file=str(out),
            calib_dataloader=samples,
            calib_steps=len(samples),
            input_shape=list(samples[0].shape),
            inputs=samples[:1],
            target=CHIP,
            num_of_bits=BITS,
            setting=setting,
            device="cpu",
            error_report=False,
        )
    except Exception as error:  # the tool raises plain exceptions of every kind
        said = str(error).strip() or type(error).__name__
        raise ModelError(f"esp-ppq cannot quantise this model: {said[:400]}") from error
    if not out.is_file():
        raise ModelError("esp-ppq wrote no .espdl file.", where=out)
    save_simulator(graph, out, Path(request["simulator"]))
    operations = list(graph.operations.values())
    return {
        "operators": dict(Counter(str(o.type) for o in operations).most_common()),
        "float_operators": sum(not hasattr(o, "config") for o in operations),
        "exponents": _exponents(graph),
        "head_bits": int(request["head_bits"]),
    }


def _last_steps(path: Path) -> list[str]:
    """The last learned layer before each output, and what comes after it."""
    import onnx

    graph = onnx.load(str(path)).graph
    makers = {name: node for node in graph.node for name in node.output}
    open_, found = [output.name for output in graph.output], dict[str, None]()
    while open_:
        node = makers.get(open_.pop())
        if node is None:
            continue
        found[node.name] = None
        if node.op_type != _LEARNED:
            open_ += node.input
    return list(found)


def _exponents(graph: Any) -> dict[str, int]:
    """A value is its whole number times two to this."""
    found: dict[str, int] = {}
    for name, variable in graph.inputs.items():
        user = variable.dest_ops[0]
        found[name] = _exponent(user.config.input_quantization_config[user.inputs.index(variable)])
    for name, variable in graph.outputs.items():
        maker = variable.source_op
        place = maker.outputs.index(variable)
        found[name] = _exponent(maker.config.output_quantization_config[place])
    return found


def _exponent(config: Any) -> int:
    return round(float(np.log2(float(config.scale))))
