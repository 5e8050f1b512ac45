"""How a graph with whole numbers is written: nothing twice, and 16 bits where it stays in float.

OpenVINO's own writing in 16 bits passes over graphs that hold whole numbers.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from studio.io.files import atomic_write_text, read_text
from studio.runtime.engines.openvino import import_openvino

from .float_parts import LAYERS

_BETWEEN_TAGS = re.compile(r">\s+<")


def store_int8(model: Any, path: Path) -> None:
    """Write a graph of NNCF's to `path` (.xml) and the .bin beside it.

    The weights of the layers that stay in float are stored in 16 bits; those layers compute in
    float as before. Raises FileProblem.
    """
    _half_for_weights(model)
    _share_ranges(model)
    import_openvino().save_model(model, str(path), compress_to_fp16=False)
    # A thousand operations: the indentation weighs as much as a layer.
    atomic_write_text(path, _BETWEEN_TAGS.sub("><", read_text(path)))


def _half_for_weights(model: Any) -> None:
    ov = import_openvino()
    ops = ov.opset13
    for node in model.get_ordered_ops():
        if node.get_type_name() != "Constant" or node.get_element_type() != ov.Type.f32:
            continue
        users = list(node.output(0).get_target_inputs())
        if any(u.get_node().get_type_name() not in LAYERS or u.get_index() != 1 for u in users):
            continue
        with np.errstate(over="ignore"):
            half = np.asarray(node.data).astype(np.float16)
        if np.isfinite(half).all():
            back = ops.convert(ops.constant(half), "f32")
            for user in users:
                user.replace_source_output(back.output(0))


def _share_ranges(model: Any) -> None:
    """A quantiser's output range is its input range: one constant serves both."""
    for node in model.get_ordered_ops():
        if node.get_type_name() != "FakeQuantize":
            continue
        for before, after in ((1, 3), (2, 4)):
            one, other = (node.input_value(i).get_node() for i in (before, after))
            constant = one.get_type_name() == other.get_type_name() == "Constant"
            if constant and np.array_equal(one.data, other.data):
                node.input(after).replace_source_output(one.output(0))
