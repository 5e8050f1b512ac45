"""Which operations stay in float: the keypoint head of every generation, the last layers of others."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.core.artifact import ModelArtifact
from studio.core.job import JobContext
from studio.core.skeleton import Skeleton
from studio.registry import find
from studio.runtime.engines.openvino import openvino_core
from tests.training_runs import needs_yolo

torch = pytest.importorskip("torch")
pytest.importorskip("openvino")


def graph_of(module: Any, artifact: ModelArtifact) -> Any:
    from studio.plugins.openvino.conversion import converted

    return converted(module, artifact.input, artifact, one=False)


def layers(names: tuple[str, ...]) -> list[str]:
    """The convolutions and multiplications among them."""
    return [n for n in names if n.rpartition("/")[2].rstrip("_0123456789") in LAYER_NAMES]


LAYER_NAMES = ("Convolution", "GroupConvolution", "MatMul")


@needs_yolo
@pytest.mark.parametrize(
    ("name", "head", "others"),
    [
        ("yolov8n-pose", (r".cv4.",), (".cv2.", ".cv3.")),
        ("yolo11n-pose", (r".cv4.",), (".cv2.", ".cv3.")),
        ("yolo26n-pose", (r".cv4.", ".cv4_kpts."), (".cv2.", ".cv3.")),
    ],
)
def test_the_keypoint_head_is_found(name: str, head: Any, others: Any, tmp_path: Path) -> None:
    from studio.plugins.openvino.float_parts import float_parts
    from studio.plugins.yolo_pose.guard import ultralytics

    ultralytics()
    from ultralytics import YOLO

    YOLO(f"{name}.yaml").save(tmp_path / f"{name}.pt")
    family = find("family", "yolo-pose").load()
    artifact = family.describe(tmp_path / f"{name}.pt")
    model = graph_of(family.export_module(artifact), artifact)
    kept = float_parts(model, artifact)
    own = [n for n in layers(kept) if ".dfl." not in n]
    every = layers(tuple(n.get_friendly_name() for n in model.get_ordered_ops()))
    asked = [n for n in every if any(part in n for part in head)]
    assert len(asked) == 9
    assert sorted(own) == sorted(asked)
    assert not [n for n in own if any(part in n for part in others)]
    # The arithmetic after the maps stays as well, to the last join.
    last = model.outputs[0].get_node().input_value(0).get_node()
    assert last.get_friendly_name() in kept


def test_a_network_of_maps_keeps_its_last_layers(tmp_path: Path) -> None:
    from studio.core.artifact import InputSpec
    from studio.plugins.openvino.float_parts import float_parts

    class Two(torch.nn.Module):
        """Two outputs with a layer of their own each."""

        def __init__(self) -> None:
            super().__init__()
            self.body = torch.nn.Conv2d(3, 8, 3, padding=1)
            self.maps = torch.nn.Conv2d(8, 5, 1)
            self.flags = torch.nn.Linear(8, 2)

        def forward(self, x: Any) -> Any:
            x = torch.relu(self.body(x))
            return self.maps(x).sigmoid(), self.flags(x.mean((2, 3)))

    artifact = ModelArtifact(
        "toy", "keypoints", tmp_path / "toy.pt", InputSpec((32, 32)), Skeleton.numbered(5),
        output="heatmaps",
    )  # fmt: skip
    names = layers(float_parts(graph_of(Two().eval(), artifact), artifact))
    asked = {"body": False, "maps": False, "flags": False}
    assert len(names) == 2
    for name in names:
        asked |= {part: True for part in asked if f".{part}/" in name}
    assert asked == {"body": False, "maps": True, "flags": True}


@needs_yolo
def test_whole_numbers_keep_the_head_in_float(tmp_path: Path) -> None:
    """The weights of the keypoint head are in the file as 16-bit floats, the others as bytes."""
    pytest.importorskip("nncf")
    from tests.training_runs import tiny_run

    target = find("target", "openvino")
    artifact = dataclasses.replace(tiny_run().artifact)
    options = target.options_class().from_mapping({"int8": True, "calibration": str(pictures(12, tmp_path)), "fixed": True})  # fmt: skip
    out = tmp_path / "out"
    out.mkdir()
    made = target.load().export(artifact, options, out, JobContext(lambda _: None))
    kinds = weight_kinds(made.weights)
    apart = (".cv4.", ".dfl.")
    assert {k for n, k in kinds.items() if any(part in n for part in apart)} == {"f16"}
    rest = [k for n, k in kinds.items() if not any(part in n for part in apart)]
    assert len(rest) > 70
    assert set(rest) == {"i8"}


def pictures(count: int, folder: Path, side: int = 64) -> Path:
    """A folder of noise."""
    import cv2

    rng = np.random.default_rng(0)
    place = folder / "pictures"
    place.mkdir()
    for number in range(count):
        cv2.imwrite(str(place / f"{number}.png"), rng.integers(0, 255, (side, side, 3), np.uint8))
    return place


def weight_kinds(path: Path) -> dict[str, str]:
    """How each convolution's weights are stored, by its name."""
    found: dict[str, str] = {}
    for node in openvino_core().read_model(str(path)).get_ordered_ops():
        if node.get_type_name() in LAYER_NAMES[:2]:
            source = node.input_value(1).get_node()
            while source.get_type_name() != "Constant":
                source = source.input_value(0).get_node()
            found[node.get_friendly_name()] = source.get_element_type().to_string()
    return found
