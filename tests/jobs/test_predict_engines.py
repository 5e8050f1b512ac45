"""Predict with an artefact of every engine: a video, tracked, drawn and written down."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
for package in ("openvino", "onnx", "onnxruntime", "onnxslim"):
    pytest.importorskip(package)

from studio.core.artifact import ModelArtifact  # noqa: E402
from studio.core.job import JobContext  # noqa: E402
from studio.io.model_json import save_artifact  # noqa: E402
from studio.io.video import VideoReader, VideoWriter  # noqa: E402
from studio.registry import find  # noqa: E402
from studio.runtime.artifacts import load_artifact  # noqa: E402
from studio.runtime.predictor import Predictor  # noqa: E402
from tests.jobs.listening import run  # noqa: E402
from tests.plugins.tiny_yolo import tiny_yolo  # noqa: E402
from tests.runtime.toy import read_records  # noqa: E402
from tests.training_runs import needs_yolo  # noqa: E402
from tests.workers import needs_worker  # noqa: E402

pytestmark = needs_yolo

FRAMES = 5
PEOPLE = 3
CONF = 0.001
# Target, its engine's name, and the package without which it is not there.
ENGINES = [
    ("openvino", "openvino", "openvino"),
    ("onnx", "onnxruntime", "onnxruntime"),
    ("torchscript", "torchscript", "torch"),
    ("ncnn", "ncnn", "pnnx"),
    ("mnn", "mnn", "MNN"),
    pytest.param("litert", "litert", "ai_edge_litert", marks=needs_worker("litert")),
]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> ModelArtifact:
    artifact = tiny_yolo(tmp_path_factory.mktemp("weights"), "yolo11n-pose")
    # The network of chance tells as many categories as COCO has.
    return dataclasses.replace(artifact, categories=tuple(f"kind {i}" for i in range(80)))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.avi"
    with VideoWriter(path, 10.0, (160, 96)) as writer:
        for number in range(FRAMES):
            coarse = np.random.default_rng(number).integers(0, 256, (6, 10, 3), np.uint8)
            writer.write(coarse.repeat(16, axis=0).repeat(16, axis=1))
    return path


@pytest.mark.parametrize(("target", "engine", "needed"), ENGINES)
def test_a_video_through_every_engine(
    target: str, engine: str, needed: str, weights: ModelArtifact, clip: Path, tmp_path: Path
) -> None:
    pytest.importorskip(needed, exc_type=ImportError)
    made = exported(target, weights, tmp_path / "model")
    out = tmp_path / "out"
    result = run(
        "predict", out, model=tmp_path / "model", source=clip, save_dir=out, save_json=True,
        track="oks", conf=CONF, max_people=PEOPLE, precision="auto" if engine != "openvino" else "f32",
    )  # fmt: skip
    assert result["engine"] == engine
    assert result["frames"] == FRAMES
    assert result["problems"] == []
    with VideoReader(out / "result.mp4") as reader:
        assert sum(1 for _ in reader) == FRAMES
    rows = read_records(out / "predictions.json")
    for number, expected in enumerate(found_by_weights(weights, made, clip)):
        mine = [row for row in rows if row["frame"] == number]
        scores = sorted((float(str(row["score"])) for row in mine), reverse=True)
        assert scores == pytest.approx(expected, rel=0.01, abs=1e-4)
        assert all(len(np.asarray(row["keypoints"])) == 3 * 17 for row in mine)


def exported(target: str, artifact: ModelArtifact, out: Path, **values: Any) -> ModelArtifact:
    contribution = find("target", target)
    options = contribution.options_class().from_mapping(values).validated()
    out.mkdir()
    made = contribution.load().export(artifact, options, out, JobContext(lambda _: None))
    save_artifact(made)
    return load_artifact(out)


def found_by_weights(weights: ModelArtifact, made: ModelArtifact, clip: Path) -> list[list[float]]:
    """Scores, best first, of every frame, laid as the artefact gets it."""
    spec = dataclasses.replace(weights.input, dynamic=made.input.dynamic)
    with (
        Predictor(dataclasses.replace(weights, input=spec), conf=CONF, max_people=PEOPLE) as model,
        VideoReader(clip) as reader,
    ):
        return [[p.score for p in model.predict(frame)] for _, _, frame in reader]
