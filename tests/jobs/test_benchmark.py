"""Benchmark: figures that fit together."""

from __future__ import annotations

import json
from pathlib import Path

from tests.jobs.listening import run


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
