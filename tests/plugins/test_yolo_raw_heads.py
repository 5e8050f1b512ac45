"""The maps before the head's arithmetic: the same people come out of them as out of the network."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from studio.core.errors import ModelError
from studio.registry import find
from studio.registry.interfaces import HeadFacts, RawHeadsFamily
from studio.runtime.raw_heads import RAW_HEADS, from_raw_heads, in_order, raw_shapes
from tests.training_runs import needs_yolo

torch = pytest.importorskip("torch")
pytestmark = needs_yolo


@pytest.fixture
def family():
    return find("family", "yolo-pose").load()


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """One network of each generation, whose scores and joints differ from cell to cell."""
    from studio.plugins.yolo_pose.guard import ultralytics

    ultralytics()
    from ultralytics import YOLO

    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(3)
    for name in ("yolov8n-pose", "yolo11n-pose", "yolo26n-pose"):
        network = YOLO(f"{name}.yaml")
        for module in network.model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_var.mul_(0.05)
        network.save(folder / f"{name}.pt")
    return folder


def small(family, weights: Path):
    """The artefact of `weights` for pictures of 96 x 96."""
    artifact = family.describe(weights)
    spec = dataclasses.replace(artifact.input, size=(96, 96))
    return dataclasses.replace(artifact, input=spec, output=RAW_HEADS, categories=("person",))


def test_the_contract_at_192() -> None:
    assert raw_shapes((192, 192), 17) == (
        (1, 576, 64), (1, 144, 64), (1, 36, 64),
        (1, 576, 1), (1, 144, 1), (1, 36, 1),
        (1, 756, 51),
    )  # fmt: skip


def test_decoded_maps_are_what_the_network_gives(family, made) -> None:
    artifact = small(family, made / "yolov8n-pose.pt")
    x = torch.rand(2, 3, 96, 96)
    with torch.inference_mode():
        wanted = family.load_torch(artifact)(x).numpy()
        maps = [m.numpy() for m in family.raw_heads_module(artifact)(x)]
    assert [m.shape[1:] for m in maps] == [s[1:] for s in raw_shapes((96, 96), 17)]
    found = from_raw_heads(maps, artifact)
    assert found.shape == wanted.shape == (2, 56, 189)
    assert found.dtype == np.float32
    assert wanted[:, 5:].std() > 1, "the network says something"
    assert np.abs(found - wanted).max() < 2e-3
    shuffled = [maps[i] for i in (6, 3, 0, 2, 5, 1, 4)]
    assert np.array_equal(from_raw_heads(shuffled, artifact), found), "told by their shapes"


def test_maps_of_another_model_are_refused(family, made) -> None:
    artifact = small(family, made / "yolov8n-pose.pt")
    maps = [np.zeros(shape, np.float32) for shape in raw_shapes((96, 96), 17)]
    for wrong in (maps[:-1], [*maps, maps[0]], [*maps[:-1], np.zeros((1, 189, 39), np.float32)]):
        with pytest.raises(ModelError) as caught:
            in_order(wrong, artifact)
        assert "189, 51" in caught.value.message


def test_what_a_head_is(family, made) -> None:
    assert isinstance(family, RawHeadsFamily)
    levels = (8, 16, 32)
    facts = {
        "yolov8n-pose": HeadFacts(16, 3, levels, attention=False),
        "yolo11n-pose": HeadFacts(16, 3, levels, attention=True),
        "yolo26n-pose": HeadFacts(1, 3, levels, attention=True, foreign="Pose26"),
    }
    for name, wanted in facts.items():
        assert family.head_facts(small(family, made / f"{name}.pt")) == wanted
