"""Predict by two models: one finds people, the other their joints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from studio.core.errors import ModelError, UsageError
from studio.io.images import write_image
from studio.io.video import VideoWriter
from tests.jobs.listening import Listener, run
from tests.runtime import toy
from tests.runtime.crop_toy import write_artifact
from tests.runtime.toy import read_records
from tests.training_runs import needs_yolo


@pytest.fixture
def joints_model(tmp_path: Path) -> Path:
    return write_artifact(tmp_path / "joints")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Bright blocks of 32 pixels, which the toy detector calls people."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    write_image(folder / "a.png", toy.picture_with((2, 1), (8, 4), size=(640, 384)))
    write_image(folder / "b.png", toy.picture_with(size=(640, 384)))
    return folder


def predict(out: Path, **values: Any) -> dict[str, Any]:
    return run("predict", out, Listener(), save_dir=out, precision="f32", device="cpu", **values)


def test_people_by_one_model_and_joints_by_the_other(
    toy_model: Path, joints_model: Path, pictures: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    result = predict(
        out, model=joints_model, detector=toy_model, source=pictures, save_json=True,
        alphapose_json=True, save_csv=True,
    )  # fmt: skip
    assert (result["frames"], result["people"]) == (2, 2)
    rows = read_records(out / "predictions.json")
    assert [row["image"] for row in rows] == ["a.png", "a.png"]
    # The white block is bright in all three colours: its joints lie inside it.
    for row in rows:
        points = np.array(row["keypoints"]).reshape(3, 3)
        x, y, w, h = row["bbox"]
        assert ((points[:, 0] > x) & (points[:, 0] < x + w)).all()
        assert ((points[:, 1] > y) & (points[:, 1] < y + h)).all()
        assert row["score"] == pytest.approx(row["box_score"] * points[:, 2].mean(), abs=1e-4)
    other = json.loads((out / "alphapose-results.json").read_text())
    assert result["alphapose"] == str(out / "alphapose-results.json")
    for made, row in zip(other, rows, strict=True):
        scores = row["keypoints"][2::3]
        expected = row["box_score"] + np.mean(scores) + 1.25 * max(scores)
        assert made["score"] == pytest.approx(expected, abs=1e-4)
        assert made["image_id"] == "a.png"
        assert made["box"] == row["bbox"]
        assert made["category_id"] == 1
    assert (out / "a.png").is_file()


def test_frames_of_a_video_are_called_by_their_number(
    toy_model: Path, joints_model: Path, tmp_path: Path
) -> None:
    clip = tmp_path / "clip.avi"
    with VideoWriter(clip, 10.0, (640, 384)) as writer:
        for i in range(4):
            writer.write(toy.picture_with((i, 5), size=(640, 384)))
    out = tmp_path / "out"
    predict(
        out, model=joints_model, detector=toy_model, source=clip, alphapose_json=True, no_draw=True,
        flip_test=True,
    )  # fmt: skip
    rows = json.loads((out / "alphapose-results.json").read_text())
    assert [row["image_id"] for row in rows] == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]


def test_a_model_that_finds_people_itself_writes_alphaposes_file_too(
    toy_model: Path, pictures: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    predict(out, model=toy_model, source=pictures, alphapose_json=True, save_json=True)
    (row, *_), (made, *_) = (
        json.loads((out / name).read_text())
        for name in ("predictions.json", "alphapose-results.json")
    )
    scores = row["keypoints"][2::3]
    expected = row["score"] + np.mean(scores) + 1.25 * max(scores)
    assert made["score"] == pytest.approx(expected, abs=1e-4)


def test_without_a_detector_it_is_asked_for(
    joints_model: Path, pictures: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="--detector"):
        predict(tmp_path / "out", model=joints_model, source=pictures)


def test_a_detector_that_finds_nobody_is_refused(
    joints_model: Path, pictures: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="finds no people"):
        predict(tmp_path / "out", model=joints_model, detector=joints_model, source=pictures)


@needs_yolo
def test_a_file_for_a_family_without_such_files_is_refused(pictures: Path, tmp_path: Path) -> None:
    from studio.core.artifact import InputSpec, ModelArtifact
    from studio.core.skeleton import Skeleton
    from studio.runtime.artifacts import configured_artifact

    artifact = ModelArtifact(
        "yolo-pose", "pose", tmp_path / "x.pt", InputSpec((64, 64)), Skeleton.numbered(3)
    )
    with pytest.raises(UsageError, match="no file of their own"):
        configured_artifact(artifact, tmp_path / "x.yaml")
