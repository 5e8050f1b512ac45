"""Joints in known boxes: cut, run, decoded and put back to where they were drawn."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from studio.core.errors import ModelError
from studio.core.prediction import Prediction
from studio.runtime.artifacts import load_artifact
from studio.runtime.topdown import CropModel, TopDown, is_topdown, without_doubles
from tests.runtime.crop_toy import picture_with, write_artifact

PEOPLE = np.array(
    [
        [[100.3, 80.6], [140.9, 90.2], [120.4, 160.7]],
        [[250.2, 120.4], [330.7, 140.1], [290.5, 240.9]],
    ]
)
BOXES = np.array([[70, 50, 170, 190], [220, 90, 360, 270]], np.float32)


@pytest.mark.parametrize("kind", ["heatmaps", "simcc", "pixels"])
@pytest.mark.parametrize("flip_test", [False, True])
def test_joints_come_back_to_where_they_were_drawn(
    tmp_path: Path, kind: str, flip_test: bool
) -> None:
    artifact = load_artifact(write_artifact(tmp_path / "model", kind))
    with TopDown(artifact, flip_test=flip_test) as looks:
        found = looks.predict(picture_with(PEOPLE), BOXES, [0.5, 1.0])
    for person, truth, box in zip(found, PEOPLE, BOXES, strict=True):
        assert person.keypoints[:, :2] == pytest.approx(truth, abs=0.25)
        assert person.box == pytest.approx(box)
    if kind != "simcc":
        assert found[0].keypoints[:, 2] == pytest.approx(np.full(3, 0.9), abs=0.12)
        assert found[0].score == pytest.approx(0.5 * found[0].keypoints[:, 2].mean())
    assert found[0].box_score == 0.5


def test_many_people_go_in_several_inferences(tmp_path: Path) -> None:
    artifact = load_artifact(write_artifact(tmp_path / "model"))
    picture = picture_with(PEOPLE)
    boxes = np.concatenate([BOXES] * 3)
    with TopDown(artifact, batch=4) as looks, TopDown(artifact, batch=64) as at_once:
        some, whole = looks.predict(picture, boxes), at_once.predict(picture, boxes)
    assert len(some) == 6
    for one, other in zip(some, whole, strict=True):
        assert one.keypoints == pytest.approx(other.keypoints, abs=1e-4)


def test_an_artefact_of_one_crop_takes_one_after_the_other(tmp_path: Path) -> None:
    artifact = load_artifact(write_artifact(tmp_path / "model", batch=1))
    with TopDown(artifact) as looks:
        found = looks.predict(picture_with(PEOPLE), BOXES)
    assert found[1].keypoints[:, :2] == pytest.approx(PEOPLE[1], abs=0.25)


def test_nobody_is_no_work(tmp_path: Path) -> None:
    artifact = load_artifact(write_artifact(tmp_path / "model"))
    with TopDown(artifact) as looks:
        assert looks.predict(picture_with(PEOPLE), np.zeros((0, 4), np.float32)) == ()
        assert looks.joints(picture_with(PEOPLE), np.zeros((0, 4))).shape == (0, 3, 3)


def test_a_box_at_the_border_and_one_without_size(tmp_path: Path) -> None:
    artifact = load_artifact(write_artifact(tmp_path / "model"))
    boxes = np.array([[-50, -50, 60, 60], [390, 290, 400, 300], [10, 10, 10, 10]], np.float32)
    with TopDown(artifact) as looks:
        found = looks.predict(picture_with(PEOPLE), boxes)
    assert all(np.isfinite(p.keypoints).all() for p in found)


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    artifact = load_artifact(write_artifact(tmp_path / "model"))
    assert is_topdown(artifact)
    other = dataclasses.replace(artifact, extra={**artifact.extra, "frame": True})
    assert not is_topdown(other)
    with pytest.raises(ModelError, match="crops of people"):
        CropModel.of(other)
    with pytest.raises(ModelError, match="description"):
        CropModel.of(dataclasses.replace(artifact, extra={"sigma": "wide"}))


def test_of_two_alike_the_better_one_stays() -> None:
    rng = np.random.default_rng(0)
    pose = np.concatenate([rng.uniform(0, 100, (17, 2)), np.ones((17, 1))], 1).astype(np.float32)
    box = np.array([0, 0, 100, 100], np.float32)
    near = pose + np.array([0.5, 0, 0], np.float32)
    far = pose + np.array([30, 0, 0], np.float32)
    people = [Prediction(box, s, p) for s, p in ((0.6, near), (0.9, pose), (0.5, far))]
    kept = without_doubles(people, np.full(17, 0.07))
    assert [p.score for p in kept] == [0.9, 0.5]
    assert len(without_doubles(people, np.full(17, 0.07), same=1.0)) == 3
    assert without_doubles([], np.full(17, 0.07)) == ()
