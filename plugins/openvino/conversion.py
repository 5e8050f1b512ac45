"""From a torch module to OpenVINO's own graph."""

from __future__ import annotations

import warnings
from typing import Any

from studio.core.artifact import InputSpec, ModelArtifact
from studio.core.errors import ModelError
from studio.runtime.engines.openvino import import_openvino


def converted(module: Any, spec: InputSpec, artifact: ModelArtifact, *, one: bool) -> Any:
    """An `openvino.Model` with the input `images` (N, C, H, W) and the outputs `output0`, ...

    one: a single picture of the size can go in, as some devices need it. Raises ModelError.
    """
    import torch

    ov = import_openvino()
    height, width = spec.size
    example = torch.zeros(1, spec.channels, height, width)
    sides = [-1, -1] if spec.dynamic else [height, width]
    shape = [1 if one else -1, spec.channels, *sides]
    try:
        with warnings.catch_warnings(), torch.inference_mode():
            # torch announces the end of its tracer, which openvino still uses.
            warnings.simplefilter("ignore")
            model = ov.convert_model(
                module, example_input=example, input=[ov.PartialShape(shape)], verbose=False
            )
    except RuntimeError as error:
        raise ModelError(
            f"OpenVINO cannot convert this model: {str(error).splitlines()[0]}",
            where=artifact.weights,
        ) from error
    model.inputs[0].get_node().set_friendly_name("images")
    model.inputs[0].get_tensor().set_names({"images"})
    for number, output in enumerate(model.outputs):
        output.get_tensor().set_names({f"output{number}"})
    return model
