"""The network leaves torch: OpenVINO and ONNX Runtime tell the same rotations."""

from __future__ import annotations

import dataclasses
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")
pytest.importorskip("openvino")

from studio.core.artifact import ModelArtifact  # noqa: E402
from studio.core.requests.export import ExportRequest  # noqa: E402
from studio.io.images import read_image  # noqa: E402
from studio.io.model_json import save_artifact  # noqa: E402
from studio.jobs import export  # noqa: E402
from studio.metrics.head import geodesic  # noqa: E402
from studio.plugins.sixdrepnet.family import SixDRepNetFamily  # noqa: E402
from studio.registry import find  # noqa: E402
from studio.registry.jobs import PluginRequest  # noqa: E402
from studio.runtime.artifacts import load_artifact  # noqa: E402
from studio.runtime.head_pose import HeadPoser  # noqa: E402
from tests.plugins.sixdrepnet.heads import heads, trained  # noqa: E402
from tests.training_runs import Remote, context_of  # noqa: E402


def exported(folder: Path, data: Path | None = None, **values: Any) -> ModelArtifact:
    """The OpenVINO artefact as the export job makes it, certificate included."""
    source = trained()
    save_artifact(source, source.weights.parent.parent)
    options = find("target", "openvino").options_class().from_mapping(values)
    request = ExportRequest.from_mapping(
        {
            "weights": str(source.weights),
            "target": "openvino",
            "out": str(folder),
            **({"data": str(data)} if data is not None else {}),
        }
    )
    job = PluginRequest("openvino", request, options)
    export.run(job, context_of(folder.with_name("job"), Remote()))
    return load_artifact(folder)


def crops() -> list[np.ndarray]:
    return [read_image(p) for p in sorted((heads() / "heads").glob("*.png"))[:5]]


def rotations(artifact: ModelArtifact) -> np.ndarray:
    with HeadPoser(artifact, device="cpu", precision="f32") as poser:
        return poser.rotations(crops())


@pytest.mark.parametrize("values", [{}, {"fixed": True}])
def test_openvino_tells_the_same_rotations(values: dict[str, Any], tmp_path: Path) -> None:
    made = exported(tmp_path / "out", **values)
    assert made.task == "head-pose"
    assert made.input.size == trained().input.size
    here, there = rotations(trained()), rotations(made)
    assert here.shape == (5, 3, 3)
    assert geodesic(here, there).max() < 0.01
    readme = (tmp_path / "out" / "README.md").read_text()
    assert readme.startswith("# Head-pose model")
    assert "Rz(roll)" in readme
    assert "pose-studio evaluate" in readme
    assert "pose-studio predict --model PEOPLE_MODEL --head-model ." in readme


def test_the_export_is_certified_by_its_heads(tmp_path: Path) -> None:
    exported(tmp_path / "own")
    said = json.loads((tmp_path / "own" / "certificate.json").read_text())
    # The heads that its own run was judged on.
    assert (said["pictures"]["count"], said["pictures"]["source"]) == (6, str(heads()))
    assert said["parity"]["turn_deg"]["max"] < 0.01
    assert said["passed"] is True
    exported(tmp_path / "set", heads())
    said = json.loads((tmp_path / "set" / "certificate.json").read_text())
    assert said["pictures"]["count"] == 6
    assert said["geodesic"]["difference"] == pytest.approx(0, abs=0.01)
    assert said["latency_ms"]["median"] > 0
    page = (tmp_path / "set" / "certificate.html").read_text()
    assert "Passed" in page
    assert (tmp_path / "set" / "certificate_files" / "01.jpg").is_file()


def test_half_precision_stays_a_rotation(tmp_path: Path) -> None:
    made = exported(tmp_path / "out", half=True)
    found = rotations(made)
    assert np.abs(found @ np.swapaxes(found, 1, 2) - np.eye(3)).max() < 1e-9
    assert geodesic(rotations(trained()), found).max() < 0.5


def test_onnx_tells_the_same_rotations(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    source = trained()
    path = tmp_path / "model.onnx"
    with warnings.catch_warnings():
        # torch announces the end of its tracer.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            SixDRepNetFamily().export_module(source),
            (torch.zeros(1, 3, 32, 32),),
            str(path),
            input_names=["images"],
            dynamic_axes={"images": {0: "batch"}},
            dynamo=False,
        )
    made = dataclasses.replace(source, weights=path)
    assert geodesic(rotations(source), rotations(made)).max() < 0.01


def test_the_exported_module_has_one_convolution_a_block() -> None:
    names = [n for n, _ in SixDRepNetFamily().export_module(trained()).named_modules()]
    assert any(n.endswith("reparam_conv") for n in names)
    assert not any("conv_kxk" in n for n in names)
