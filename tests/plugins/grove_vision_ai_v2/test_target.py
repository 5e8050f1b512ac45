"""What goes to the module: refusals before the start, and with the converter there a whole export."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("ai_edge_litert")
pytest.importorskip("ethosu")

from studio.core.requests.export import ExportRequest  # noqa: E402
from studio.jobs import export  # noqa: E402
from studio.registry import find  # noqa: E402
from studio.registry.jobs import PluginRequest  # noqa: E402
from studio.runtime.artifacts import load_artifact  # noqa: E402
from studio.runtime.predictor import Predictor  # noqa: E402
from tests.training_runs import Remote, context_of, make_dataset, needs_yolo  # noqa: E402
from tests.workers import needs_worker  # noqa: E402

pytestmark = needs_yolo
TARGET = "grove_vision_ai_v2"


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """A network of one category for 96 x 96, whose maps differ from cell to cell."""
    from studio.plugins.yolo_pose.guard import ultralytics

    ultralytics()
    from ultralytics.nn.tasks import PoseModel

    torch.manual_seed(7)
    network: Any = PoseModel("yolov8n-pose.yaml", nc=1, verbose=False)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_var.mul_(0.05)
    network.names = {0: "person"}
    path = tmp_path_factory.mktemp("weights") / "small.pt"
    torch.save({"model": network, "train_args": {"imgsz": 96}}, path)
    return path


def options(**values: Any) -> Any:
    return find("target", TARGET).options_class().from_mapping(values)


def test_what_the_device_cannot_hold_is_refused(weights: Path) -> None:
    target = find("target", TARGET).load()
    artifact = load_artifact(weights)
    large, _pictures = target.problems(artifact, options(imgsz=[640]))
    assert large.message == "A picture of 640 x 640 alone needs 1200 of the device's 512 KiB."
    assert large.where == "imgsz"
    two = dataclasses.replace(artifact, categories=("cat", "dog"))
    assert "one category" in target.problems(two, options())[0].message
    [pictures] = target.problems(artifact, options())
    assert pictures.where == "calibration", "no run, no pictures"


@needs_worker("litert")
def test_an_export_holds_both_files_and_what_they_were_found_to_be(
    weights: Path, tmp_path: Path
) -> None:
    data = make_dataset(tmp_path / "data", train=12, val=12)
    out = tmp_path / "out"
    request = ExportRequest.from_mapping(
        {"weights": str(weights), "target": TARGET, "out": str(out), "certify": False}
    )
    asked = PluginRequest(TARGET, request, options(calibration=str(data), calibration_count=12))
    export.run(asked, context_of(tmp_path / "job", Remote()))
    assert {"model.tflite", "model_vela.tflite", "model.json", "README.md"} <= {
        p.name for p in out.iterdir()
    }
    made = load_artifact(out)
    assert (made.output, made.precision, made.engine) == ("raw-heads", "int8", "litert")
    report = find("target", TARGET).load().report(made, context_of(tmp_path, Remote()))
    found = {check.title: check for check in report.checks}
    # Weights of chance are less alike in whole numbers than trained ones.
    failed = {title for title, check in found.items() if check.passed is False}
    assert failed <= {"Likeness of each map (cosine)"}
    assert found["Maps of the contract's shapes"].value.split() == [
        "1x9x1", "1x9x64", "1x36x1", "1x36x64", "1x144x1", "1x144x64", "1x189x51",
    ]  # fmt: skip
    assert found["Input and outputs"].value == "int8"
    assert found["Float tensors"].value == "0"
    assert found["Operators on the CPU"].value == "0"
    assert len(report.values["cosines"]) == 7
    assert min(report.values["cosines"]) > 0.97
    with Predictor(made, conf=0.0, max_people=5) as predictor:
        assert len(predictor.predict(np.full((80, 120, 3), 90, np.uint8))) == 5
