"""What a weights file is, found out by its family in a job."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from studio import RESOURCES
from studio.core.artifact import ModelArtifact
from studio.core.errors import ModelError
from tests.jobs.listening import run

SAMPLE = RESOURCES / "sample" / "weights" / "sample-pose.pt"


def test_a_bare_weights_file_is_described(tmp_path: Path) -> None:
    bare = Path(shutil.copy(SAMPLE, tmp_path / "mine.pt"))
    result = run("describe", tmp_path / "job", model=bare)
    artifact = ModelArtifact.from_mapping(result["artifact"], Path(result["folder"]))
    assert artifact.weights == bare
    assert result["targets"]["openvino"] == ""
    assert (artifact.family, artifact.task, len(artifact.skeleton)) == ("yolo-pose", "pose", 17)


def test_what_is_no_model_is_said(tmp_path: Path) -> None:
    (tmp_path / "broken.pt").write_bytes(SAMPLE.read_bytes()[:5000])
    with pytest.raises(ModelError):
        run("describe", tmp_path / "job", model=tmp_path / "broken.pt")
