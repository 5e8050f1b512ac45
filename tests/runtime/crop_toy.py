"""A real little top-down network whose answers are known: each joint is where its colour is bright.

Joint 0 is red, 1 green, 2 blue; a map is the colour's brightness over cells of 4 x 4 pixels.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

SIZE = (128, 96)
JOINTS = ("red", "green", "blue")


def write_onnx(path: Path, kind: str = "heatmaps", batch: int | None = None) -> Path:
    """kind: "heatmaps", "simcc", or "pixels" for cells that lie on every fourth pixel."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def constant(name: str, values: list[int]) -> onnx.TensorProto:
        return numpy_helper.from_array(np.array(values, np.int64), name)

    constants = [constant("rows", [2]), constant("columns", [3]), constant("begin", [0, 0]),
                 constant("end", [10_000, 10_000]), constant("axes", [2, 3]),
                 constant("step", [4, 4])]  # fmt: skip
    constants.append(numpy_helper.from_array(np.float32(400), "steep"))
    nodes = {
        "heatmaps": [
            helper.make_node("AveragePool", ["images"], ["output0"], kernel_shape=[4, 4], strides=[4, 4])
        ],
        "pixels": [helper.make_node("Slice", ["images", "begin", "end", "axes", "step"], ["output0"])],
        "simcc": [
            helper.make_node("ReduceMean", ["images", "rows"], ["across"], keepdims=0),
            helper.make_node("ReduceMean", ["images", "columns"], ["down"], keepdims=0),
            helper.make_node("Mul", ["across", "steep"], ["output0"]),
            helper.make_node("Mul", ["down", "steep"], ["output1"]),
        ],
    }[kind]  # fmt: skip
    names = ["output0", "output1"] if kind == "simcc" else ["output0"]
    rank = 3 if kind == "simcc" else 4
    graph = helper.make_graph(
        nodes,
        "crops",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [batch or "n", 3, *SIZE])],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, [None] * rank) for n in names],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, str(path))
    return path


def write_artifact(folder: Path, kind: str = "heatmaps", batch: int | None = None) -> Path:
    """The network with its model.json; the folder."""
    from studio.core.artifact import InputSpec, ModelArtifact
    from studio.core.skeleton import Skeleton
    from studio.runtime.artifacts import save_artifact

    folder.mkdir(parents=True, exist_ok=True)
    extra: dict[str, object] = {"box_scale": 1.25, "sigma": 2.0}
    if kind == "pixels":
        extra["cells_on_pixels"] = True
    if batch:
        extra["batch"] = batch
    save_artifact(
        ModelArtifact(
            family="toy",
            task="keypoints",
            weights=write_onnx(folder / "model.onnx", kind, batch),
            input=InputSpec(size=SIZE),
            skeleton=Skeleton("colours", JOINTS, sigmas=(0.05, 0.05, 0.05)),
            output="simcc" if kind == "simcc" else "heatmaps",
            extra=extra,
        )
    )
    return folder


def picture_with(
    people: npt.NDArray[np.float64], size: tuple[int, int] = (300, 400), spread: float = 8.0
) -> npt.NDArray[np.uint8]:
    """(H, W, 3) uint8 BGR, black but for a soft dot of each person's red, green and blue joint.

    people: (n, 3, 2) x, y in continuous coordinates.
    """
    rows, columns = np.mgrid[: size[0], : size[1]] + 0.5
    light = np.zeros((*size, 3))
    for person in people:
        for joint, (x, y) in enumerate(person):
            dot = 250 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * spread**2))
            light[..., 2 - joint] = np.maximum(light[..., 2 - joint], dot)
    return light.round().astype(np.uint8)
