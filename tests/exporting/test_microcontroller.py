"""A model that the firmware of microcontrollers cannot read is refused before anything begins."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from studio.exporting.microcontroller import firmware_problems
from studio.registry import find
from tests.training_runs import needs_yolo

pytest.importorskip("torch")
pytestmark = needs_yolo


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    from studio.plugins.yolo_pose.guard import ultralytics

    ultralytics()
    import torch
    from ultralytics.nn.tasks import PoseModel, yaml_model_load

    folder = tmp_path_factory.mktemp("weights")
    for name, joints in (("yolov8n", (17, 3)), ("yolo11n", (17, 3)), ("yolo26n", (17, 3)),
                         ("yolov8n", (5, 2))):  # fmt: skip
        plan = {**yaml_model_load(f"{name}-pose.yaml"), "kpt_shape": list(joints)}
        network = PoseModel(plan, nc=1, verbose=False)
        network.names = {0: "person"}
        checkpoint = {"model": network, "train_args": {"imgsz": 192}}
        torch.save(checkpoint, folder / f"{name}-{joints[1]}.pt")
    whole = (folder / "yolov8n-3.pt").read_bytes()
    (folder / "cut.pt").write_bytes(whole[: len(whole) // 2])
    return folder


def artifact_of(path: Path):
    return find("family", "yolo-pose").load().describe(path)


def said(artifact, imgsz=None, **wishes) -> list[str]:
    found = firmware_problems(artifact, imgsz, **wishes)
    assert all(p.severity == "error" for p in found)
    return [p.message for p in found]


def test_a_v8_model_of_one_category_is_taken(made) -> None:
    artifact = artifact_of(made / "yolov8n-3.pt")
    assert artifact.input.size == (192, 192)
    assert said(artifact) == []
    assert said(artifact, (96,)) == []


@pytest.mark.parametrize(
    ("imgsz", "message"), [((100,), "multiple of 32"), ((192, 160), "192 x 160 is not square")]
)
def test_sizes(made, imgsz, message) -> None:
    [text] = said(artifact_of(made / "yolov8n-3.pt"), imgsz)
    assert message in text


def test_several_categories(made) -> None:
    two = dataclasses.replace(artifact_of(made / "yolov8n-3.pt"), categories=("cat", "dog"))
    assert said(two) == ["The firmware knows one category; this model has 2."]


def test_heads_that_the_firmware_cannot_read(made) -> None:
    [text] = said(artifact_of(made / "yolov8n-2.pt"))
    assert text == "The firmware reads 3 numbers a joint; this model gives 2."
    [bins, attention] = said(artifact_of(made / "yolo26n-3.pt"))
    assert "16 numbers for each side of a box; this head gives 1" in bins
    assert "attention" in attention
    newer = artifact_of(made / "yolo11n-3.pt")
    assert "attention" in said(newer)[0]
    assert said(newer, attention=True) == []


def test_a_damaged_file_is_a_problem_not_a_crash(made) -> None:
    whole = artifact_of(made / "yolov8n-3.pt")
    [text] = said(dataclasses.replace(whole, weights=made / "cut.pt"))
    assert "cut short" in text


def test_another_kind_of_network(made) -> None:
    other = dataclasses.replace(artifact_of(made / "yolov8n-3.pt"), family="sixdrepnet")
    [text] = said(other)
    assert "YOLO pose models" in text


def test_an_exported_model_is_not_exported_again(made) -> None:
    whole = artifact_of(made / "yolov8n-3.pt")
    [text] = said(dataclasses.replace(whole, weights=made / "model.tflite"))
    assert "exported model already" in text
