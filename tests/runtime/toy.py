"""A real little network whose answers are known: it finds bright 32-pixel blocks.

Every cell of 32 x 32 pixels is a candidate; its score is the cell's mean brightness, its box is the
cell, and joint k lies k tenths of a pixel right of and below its centre.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

CELL = 32
Picture = npt.NDArray[np.uint8]


def write_onnx(path: Path, *, joints: int = 17, size: int | None = None, **metadata: str) -> Path:
    """The network as ONNX: open sizes, or with `size` one picture of that side at a time."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def constant(name: str, values: object, dtype: object = np.float32) -> onnx.TensorProto:
        return numpy_helper.from_array(np.asarray(values, dtype=dtype), name)

    nodes = [
        helper.make_node("ReduceMean", ["images", "one"], ["grey"], keepdims=1),
        helper.make_node("AveragePool", ["grey"], ["cells"], kernel_shape=[CELL] * 2, strides=[CELL] * 2),
        helper.make_node("Reshape", ["cells", "flat"], ["score"]),
        helper.make_node("Mul", ["cells", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "unit"], ["ones"]),
        helper.make_node("CumSum", ["ones", "axis_x"], ["column"]),
        helper.make_node("CumSum", ["ones", "axis_y"], ["row"]),
        helper.make_node("Sub", ["column", "half"], ["column0"]),
        helper.make_node("Sub", ["row", "half"], ["row0"]),
        helper.make_node("Mul", ["column0", "cell"], ["x_map"]),
        helper.make_node("Mul", ["row0", "cell"], ["y_map"]),
        helper.make_node("Reshape", ["x_map", "flat"], ["x"]),
        helper.make_node("Reshape", ["y_map", "flat"], ["y"]),
        helper.make_node("Mul", ["ones", "cell"], ["side_map"]),
        helper.make_node("Reshape", ["side_map", "flat"], ["side"]),
    ]  # fmt: skip
    parts = ["x", "y", "side", "side", "score"]
    constants = [
        constant("one", [1], np.int64),
        constant("flat", [0, 1, -1], np.int64),
        constant("zero", 0.0),
        constant("unit", 1.0),
        constant("half", 0.5),
        constant("cell", float(CELL)),
        constant("axis_x", 3, np.int64),
        constant("axis_y", 2, np.int64),
    ]
    for k in range(joints):
        constants.append(constant(f"offset{k}", k / 10))
        nodes.append(helper.make_node("Add", ["x", f"offset{k}"], [f"x{k}"]))
        nodes.append(helper.make_node("Add", ["y", f"offset{k}"], [f"y{k}"]))
        parts += [f"x{k}", f"y{k}", "score"]
    nodes.append(helper.make_node("Concat", parts, ["output0"], axis=1))
    count = 1 if size else "n"
    entry: list[object] = [count, 3, size or "h", size or "w"]
    leave: list[object] = [count, 5 + 3 * joints, (size // CELL) ** 2 if size else "a"]
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, entry)],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, leave)],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, metadata)
    onnx.save(model, str(path))
    return path


def write_openvino(folder: Path, *, joints: int = 17, size: int | None = None) -> Path:
    """The network as OpenVINO IR `model.xml` in `folder`."""
    from studio.runtime.engines.openvino import import_openvino

    folder.mkdir(parents=True, exist_ok=True)
    source = write_onnx(folder / "source.onnx", joints=joints, size=size)
    ov = import_openvino()
    model = ov.convert_model(str(source))
    source.unlink()
    ov.save_model(model, str(folder / "model.xml"), compress_to_fp16=False)
    return folder / "model.xml"


def write_artifact(folder: Path, *, size: int = 640, dynamic: bool = True) -> Path:
    """The OpenVINO network with its model.json; the folder."""
    from studio.core.artifact import InputSpec, ModelArtifact
    from studio.io.skeletons import load_skeleton
    from studio.runtime.artifacts import save_artifact

    weights = write_openvino(folder, size=None if dynamic else size)
    save_artifact(
        ModelArtifact(
            family="toy",
            task="pose",
            weights=weights,
            input=InputSpec(size=(size, size), dynamic=dynamic),
            skeleton=load_skeleton("coco17"),
        )
    )
    return folder


def picture_with(
    *cells: tuple[int, int], size: tuple[int, int] = (320, 192), value: int = 255
) -> Picture:
    """(H, W, 3) black, `size` (width, height), with the 32-pixel cells (column, row) filled."""
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    for column, row in cells:
        picture[row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL] = value
    return picture


def centre(column: int, row: int) -> tuple[float, float]:
    """A cell's centre in pixels."""
    return (column + 0.5) * CELL, (row + 0.5) * CELL


def read_records(path: Path) -> list[dict[str, object]]:
    """The records of a predictions.json."""
    return json.loads(path.read_text(encoding="utf-8"))
