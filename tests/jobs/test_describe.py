"""What a weights file is, found out by its family in a job."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from studio import RESOURCES
from studio.core.artifact import ModelArtifact
from studio.core.errors import ModelError
from studio.jobs.describe import devices_of
from studio.runtime.artifacts import load_artifact
from tests.jobs.listening import run

SAMPLE = RESOURCES / "sample" / "weights" / "sample-pose.pt"


def test_a_bare_weights_file_is_described(tmp_path: Path) -> None:
    bare = Path(shutil.copy(SAMPLE, tmp_path / "mine.pt"))
    result = run("describe", tmp_path / "job", model=bare)
    artifact = ModelArtifact.from_mapping(result["artifact"], Path(result["folder"]))
    assert artifact.weights == bare
    assert result["targets"]["openvino"] == ""
    assert (artifact.family, artifact.task, len(artifact.skeleton)) == ("yolo-pose", "pose", 17)
    assert ["cpu", "CPU"] in result["devices"]


@pytest.mark.parametrize(
    ("name", "engine"),
    [("model.xml", "openvino"), ("model.onnx", "onnxruntime"), ("model.tflite", "litert")],
)
def test_an_engine_says_what_it_can_compute_on(name: str, engine: str) -> None:
    pytest.importorskip("openvino" if engine == "openvino" else "onnxruntime")
    artifact = load_artifact(SAMPLE)
    exported = replace(artifact, weights=Path(name))
    assert exported.engine == engine
    names = dict(devices_of(exported))
    assert "cpu" in names
    assert all(names.values()), "every device has a full name"


@pytest.mark.parametrize(
    ("name", "library"), [("model.onnx", "onnxruntime"), ("model.pt", "torch")]
)
def test_a_model_can_be_looked_at_without_its_engine(
    name: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = replace(load_artifact(SAMPLE), weights=Path(name))
    monkeypatch.setitem(sys.modules, library, None)
    assert devices_of(artifact) == ()


def test_what_is_no_model_is_said(tmp_path: Path) -> None:
    (tmp_path / "broken.pt").write_bytes(SAMPLE.read_bytes()[:5000])
    with pytest.raises(ModelError):
        run("describe", tmp_path / "job", model=tmp_path / "broken.pt")
