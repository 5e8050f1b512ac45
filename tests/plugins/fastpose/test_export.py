"""The network leaves torch: OpenVINO and ONNX Runtime give the same maps, and the same joints."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")
pytest.importorskip("openvino")

from studio.core.artifact import ModelArtifact  # noqa: E402
from studio.core.errors import UsageError  # noqa: E402
from studio.core.requests.compare import CompareOptions  # noqa: E402
from studio.core.requests.export import ExportRequest  # noqa: E402
from studio.io.model_json import save_artifact  # noqa: E402
from studio.jobs import compare, export  # noqa: E402
from studio.plugins.fastpose.family import FastPoseFamily  # noqa: E402
from studio.registry import find  # noqa: E402
from studio.registry.jobs import PluginRequest  # noqa: E402
from studio.runtime.artifacts import load_artifact  # noqa: E402
from studio.runtime.opening import open_engine  # noqa: E402
from studio.runtime.topdown import TopDown  # noqa: E402
from tests.plugins.fastpose.folk import dots, trained  # noqa: E402
from tests.training_runs import Remote, context_of  # noqa: E402

CROPS = np.random.default_rng(0).integers(0, 255, (3, 64, 64, 3), dtype=np.uint8)
BOXES = np.array([[5, 8, 60, 90], [30, 20, 90, 80]], np.float32)


def exported(head: str, folder: Path, **values: Any) -> ModelArtifact:
    """The OpenVINO artefact as the export job makes it, certificate included."""
    source = trained(head)
    save_artifact(source, source.weights.parent.parent)
    options = find("target", "openvino").options_class().from_mapping(values)
    request = ExportRequest.from_mapping(
        {
            "weights": str(source.weights),
            "target": "openvino",
            "out": str(folder),
            "data": str(dots()),
        }
    )
    job = PluginRequest("openvino", request, options)
    result = export.run(job, context_of(folder.with_name("job"), Remote()))
    own = [r["command"] for r in result["commands"] if r["command"].startswith("pose-studio")]
    assert own
    assert all("--detector" in command for command in own)
    return load_artifact(folder)


def outputs(artifact: ModelArtifact, crops: np.ndarray = CROPS) -> tuple[np.ndarray, ...]:
    engine = open_engine(artifact, device="cpu", precision="f32")
    try:
        return engine.infer(crops)
    finally:
        engine.close()


@pytest.mark.parametrize("head", ["heatmap", "simcc"])
def test_openvino_gives_the_same(head: str, tmp_path: Path) -> None:
    made = exported(head, tmp_path / "out")
    assert made.input == trained(head).input
    assert made.extra["box_scale"] == 1.25
    assert "best_epoch" not in made.extra
    for here, there in zip(outputs(trained(head)), outputs(made), strict=True):
        assert here.shape == there.shape
        assert np.abs(here - there).max() < 1e-4
    frame = np.random.default_rng(1).integers(0, 255, (100, 100, 3), dtype=np.uint8)
    with TopDown(trained(head), precision="f32") as first, TopDown(made, precision="f32") as second:
        a, b = first.predict(frame, BOXES), second.predict(frame, BOXES)
    for one, other in zip(a, b, strict=True):
        assert one.keypoints == pytest.approx(other.keypoints, abs=0.01)
    assert (tmp_path / "out" / "certificate.json").is_file()
    readme = (tmp_path / "out" / "README.md").read_text()
    assert "--detector" in readme
    assert ("bins) float32" in readme) == (head == "simcc")


def test_an_export_of_one_picture_takes_one_at_a_time(tmp_path: Path) -> None:
    made = exported("heatmap", tmp_path / "out", fixed=True)
    assert made.extra["batch"] == 1
    frame = np.random.default_rng(1).integers(0, 255, (100, 100, 3), dtype=np.uint8)
    with TopDown(trained(), precision="f32") as first, TopDown(made, precision="f32") as second:
        for one, other in zip(
            first.predict(frame, BOXES), second.predict(frame, BOXES), strict=True
        ):
            assert one.keypoints == pytest.approx(other.keypoints, abs=0.01)


def test_another_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="64 x 64 only"):
        exported("heatmap", tmp_path / "out", imgsz=[128])


@pytest.mark.parametrize("head", ["heatmap", "simcc"])
def test_onnx_gives_the_same(head: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    source = trained(head)
    path = tmp_path / "model.onnx"
    with warnings.catch_warnings():
        # torch announces the end of its tracer.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            FastPoseFamily().export_module(source),
            (torch.zeros(1, 3, 64, 64),),
            str(path),
            input_names=["images"],
            dynamic_axes={"images": {0: "batch"}},
            dynamo=False,
        )
    made = dataclasses.replace(source, weights=path)
    for here, there in zip(outputs(source), outputs(made), strict=True):
        assert np.abs(here - there).max() < 1e-4


def test_the_original_can_be_traced_at_its_size() -> None:
    from studio.plugins.fastpose.network import FastPose

    module = FastPoseFamily().for_export(FastPose(17, (256, 192))).eval()
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(module, torch.zeros(1, 3, 256, 192))
        assert traced(torch.zeros(1, 3, 256, 192)).shape == (1, 17, 64, 48)


def test_compare_holds_weights_and_export_side_by_side(tmp_path: Path) -> None:
    exported("heatmap", tmp_path / "out")
    options = CompareOptions.from_mapping(
        {"a": str(trained().weights), "b": str(tmp_path / "out"), "data": str(dots()),
         "split": "val", "conf": 0.0, "precision": "f32", "out": str(tmp_path / "report.json")}
    )  # fmt: skip
    values = compare.run(options, context_of(tmp_path / "job", Remote()))
    assert values["people"] == {"both": 4, "only_a": 0, "only_b": 0}
    assert values["shift_all_px"]["max"] < 0.01
    assert values["ap"]["difference"] == pytest.approx(0, abs=1e-6)
