"""Benchmark: figures that fit together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.core.errors import UsageError
from tests.exporting.test_companions import head_model
from tests.jobs.listening import run
from tests.runtime import crop_toy


def test_the_figures_of_an_artefact(toy_model: Path, tmp_path: Path) -> None:
    result = run("benchmark", tmp_path, model=toy_model, seconds=0.2, imgsz="320", precision="f32")
    assert result["engine"] == "openvino"
    assert max(result["input"]) == 320
    assert result["picture"] == [480, 640]
    assert 0 < result["engine_latency_ms"]["min"] <= result["engine_latency_ms"]["median"]
    assert result["pipeline_latency_ms"]["median"] > 0
    assert result["engine_fps"] > 0
    assert result["pipeline_fps"] > 0
    assert set(result["stages_ms"]) == {"preprocess", "infer", "decode"}
    stored = json.loads((tmp_path / "benchmark.json").read_text())
    assert stored["size_mb"] == result["size_mb"] > 0


def test_whole_batches_are_counted_as_pictures(toy_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "b.json"
    result = run("benchmark", tmp_path, model=toy_model, seconds=0.2, batch=4, imgsz="64", out=out)
    assert result["batch"] == 4
    assert out.is_file()


@pytest.mark.parametrize("kind", ["heatmaps", "simcc"])
def test_a_model_of_crops_is_measured_on_one_person_a_picture(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    folder = crop_toy.write_artifact(tmp_path / "crops", kind)
    result = run("benchmark", tmp_path, model=folder, seconds=0.2, batch=2)
    assert result["input"] == list(crop_toy.SIZE)
    assert (result["task"], result["batch"]) == ("keypoints", 2)
    assert result["engine_fps"] > 0
    assert result["pipeline_fps"] > 0
    assert set(result["stages_ms"]) == {"preprocess", "infer", "decode"}
    assert result["pipeline_latency_ms"]["median"] > result["stages_ms"]["preprocess"]


def test_a_model_of_heads_is_measured(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    model = head_model(tmp_path / "heads", "rotation").weights.parent
    result = run("benchmark", tmp_path, model=model, seconds=0.2)
    assert (result["task"], result["input"]) == ("head-pose", [64, 64])
    assert result["engine_latency_ms"]["median"] > 0
    assert result["requests"] >= 1


def test_streams_are_the_engines_to_have(toy_model: Path, tmp_path: Path) -> None:
    options = {"seconds": 0.2, "imgsz": "64", "threads": 1}
    result = run("benchmark", tmp_path, model=toy_model, streams=1, **options)
    assert (result["streams"], result["threads"]) == (1, 1)
    pytest.importorskip("onnxruntime")
    folder = crop_toy.write_artifact(tmp_path / "crops")
    with pytest.raises(UsageError, match="cannot be told how many streams"):
        run("benchmark", tmp_path, model=folder, seconds=0.2, streams=2)
