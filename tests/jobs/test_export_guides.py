"""What other programs' exports were asked is understood: a file's name for the folder, a YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from studio.core.errors import UsageError
from studio.core.requests.export import ExportRequest
from studio.jobs import export
from studio.registry import find
from studio.registry.jobs import PluginRequest
from studio.runtime.artifacts import load_artifact
from tests.training_runs import Remote, context_of

WEIGHTS = "resources/sample/weights"


def request(**values: Any) -> ExportRequest:
    known = {"target": "openvino", "weights": WEIGHTS, **values}
    return ExportRequest.from_mapping(known).validated()


@pytest.mark.parametrize(
    ("asked", "folder"),
    [("a/pose.onnx", "a/pose"), ("a/pose", "a/pose"), ("a/v1.2", "a/v1.2"), ("x.TFLITE", "x")],
)
def test_a_file_that_is_asked_for_is_a_folder_of_its_name(
    asked: str, folder: str, tmp_path: Path
) -> None:
    job = request(out=str(tmp_path / asked))
    found = export.output_folder(job, "openvino", load_artifact(WEIGHTS), None, None)
    assert found == tmp_path / folder


def test_a_configuration_of_another_program_is_refused_by_other_families(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("MODEL: {}\n")
    options = find("target", "openvino").options_class()()
    job = request(out=str(tmp_path / "out"), cfg=str(tmp_path / "a.yaml"))
    with pytest.raises(UsageError, match="have no file of their own"):
        export.run(PluginRequest("openvino", job, options), context_of(tmp_path / "job", Remote()))
    assert not (tmp_path / "out").exists()
