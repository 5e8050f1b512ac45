"""Calibration pictures: chosen by a seed, laid as the runtime lays them, refused where too few."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.core.artifact import InputSpec, ModelArtifact
from studio.core.errors import UsageError
from studio.core.job import JobContext
from studio.core.skeleton import Skeleton
from studio.exporting.calibration import (
    CalibrationSet,
    calibration_problems,
    calibration_set,
    with_data,
)
from studio.exporting.options import CalibrationOptions
from studio.io.datasets import load_dataset
from studio.io.headpose_set import load_heads
from studio.io.images import read_image
from studio.io.skeletons import load_skeleton
from studio.ml.run_files import write_config
from studio.runtime.clips import ClipPredictor
from studio.runtime.head_pose import HeadPoser
from studio.runtime.predictor import Predictor
from studio.runtime.topdown import TopDown
from tests.io.data import shared
from tests.plugins.kpnet_clips import make_set
from tests.plugins.sixdrepnet.heads import write_heads
from tests.training_runs import make_dataset

PEOPLE = "coco_people"


class Eye:
    """An engine that keeps what it is shown and answers nothing of use."""

    name, device, precision, requests = "eye", "CPU", "f32", 1

    def __init__(self, outputs: tuple[np.ndarray, ...]) -> None:
        self.seen: list[np.ndarray] = []
        self._outputs = outputs

    def infer(self, pictures: np.ndarray) -> tuple[np.ndarray, ...]:
        self.seen.append(pictures.copy())
        return self._outputs

    def submit(self, pictures: np.ndarray) -> Any:
        outputs = self.infer(pictures)

        class Done:
            milliseconds = 1.0

            def result(self) -> tuple[np.ndarray, ...]:
                return outputs

        return Done()

    def close(self) -> None:
        """Nothing is open."""


def model(task: str = "pose", output: str = "decoded", **changes: Any) -> ModelArtifact:
    values: dict[str, Any] = {
        "family": "toy",
        "task": task,
        "weights": Path("nowhere/model.pt"),
        "input": InputSpec(size=(64, 96), dynamic=False),
        "skeleton": load_skeleton("coco17"),
        "output": output,
        **changes,
    }
    return ModelArtifact(**values)


def chosen(
    artifact: ModelArtifact, size: tuple[int, int] = (64, 96), **asked: Any
) -> CalibrationSet:
    options = CalibrationOptions(**asked)
    return calibration_set(artifact, options, size, JobContext(lambda _: None))


def test_whole_pictures_are_laid_as_the_runtime_lays_them() -> None:
    found = chosen(model(), calibration=shared(PEOPLE), calibration_count=12)
    assert len(found) == 12
    batches = list(found.batches())
    eye = Eye((np.zeros((1, 56, 10), np.float32),))
    predictor = Predictor(model(), engine=eye)
    for name in found.names:
        predictor.predict(read_image(shared(PEOPLE) / name))
    assert [b.shape for b in batches] == [(1, 64, 96, 3)] * 12
    assert all(np.array_equal(a, b) for a, b in zip(batches, eye.seen, strict=True))
    # They may be looked at again.
    assert all(np.array_equal(a, b) for a, b in zip(batches, found.batches(), strict=True))


def test_people_are_cropped_as_the_runtime_crops_them(monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = model("keypoints", "heatmaps", extra={"box_scale": 1.3})
    found = chosen(artifact, calibration=shared(PEOPLE), calibration_count=15)
    eye = Eye((np.zeros((1, 17, 16, 24), np.float32),))
    monkeypatch.setattr("studio.runtime.topdown.open_engine", lambda *_, **__: eye)
    looks = TopDown(artifact, flip_test=False)
    samples = {s.image.name: s for s in load_dataset(shared(PEOPLE)).samples}
    for name in found.names:
        picture, _, number = name.partition("#")
        sample = samples[Path(picture).name]
        looks.predict(read_image(sample.image), sample.people_boxes()[[int(number)]])
    seen = zip(found.batches(), eye.seen, strict=True)
    assert all(np.array_equal(a, b) for a, b in seen)


def test_frames_have_the_motion_that_the_runtime_gives_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = make_set(tmp_path / "set", train=2, frames=6)
    artifact = model(
        "keypoints",
        "heatmaps",
        input=InputSpec(size=(54, 96), channels=6, stride=1),
        skeleton=Skeleton.numbered(3),
        categories=("disc", "square"),
        extra={
            "frame": True, "heatmap": [20, 30], "motion": "dis", "motion_gap": 1,
            "parts": [{"category": "disc", "joints": [0, 1]}, {"category": "square", "joints": [2]}],
        },
    )  # fmt: skip
    found = chosen(artifact, (54, 96), calibration=data, calibration_split="train")
    assert len(found) == 12
    eye = Eye((np.zeros((1, 3, 20, 30), np.float32), np.zeros((1, 3, 3), np.float32)))
    monkeypatch.setattr("studio.runtime.clips.open_engine", lambda *_, **__: eye)
    predictor = ClipPredictor(artifact)
    files = sorted((data / "train" / "frames").rglob("*.*"), key=lambda p: p.stem)
    for path in files:
        video, _, number = path.stem.rpartition("_frame_")
        predictor.submit([read_image(path)], [(video, int(number))]).result()
    runtime = {path.name: seen for path, seen in zip(files, eye.seen, strict=True)}
    batches = dict(zip((Path(n).name for n in found.names), found.batches(), strict=True))
    assert batches.keys() == runtime.keys()
    assert all(np.array_equal(batches[name], runtime[name]) for name in runtime)
    moving = [name for name, batch in batches.items() if (batch[..., 3:5] != 128).any()]
    assert len(moving) == 10


def test_heads_are_cropped_as_they_are_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_heads(tmp_path / "heads", 18, 4)
    artifact = model("head-pose", "rotation", input=InputSpec(size=(32, 32)))
    found = chosen(artifact, (32, 32), calibration=data)
    train = {s.name: s for s in load_heads(data).side("train")}
    assert set(found.names) == set(train)
    eye = Eye((np.eye(3, dtype=np.float32)[None],))
    monkeypatch.setattr("studio.runtime.head_pose.open_engine", lambda *_, **__: eye)
    poser = HeadPoser(artifact)
    for name in found.names:
        poser.rotations([read_image(train[name].picture)])
    seen = zip(found.batches(), eye.seen, strict=True)
    assert all(np.array_equal(a, b) for a, b in seen)


def test_the_seed_chooses_and_the_half_leaves_the_other_half() -> None:
    data = shared(PEOPLE)
    first = chosen(model(), calibration=data, calibration_count=10)
    assert first.names == chosen(model(), calibration=data, calibration_count=10).names
    other = chosen(model(), calibration=data, calibration_count=10, calibration_seed=1)
    assert set(first.names) != set(other.names)
    half = chosen(model(), calibration=data, calibration_split="half", calibration_count=1000)
    total = len(load_dataset(data).samples)
    assert len(half) == (total + 1) // 2
    assert len(half.facts["pictures"]) == len(half)
    assert half.facts["split"] == "half"


def test_the_models_own_run_gives_its_training_pictures(tmp_path: Path) -> None:
    data = make_dataset(tmp_path / "data", train=12, val=4)
    run = tmp_path / "runs" / "one"
    write_config(run, "toy", {"dataset_root": str(data)})
    artifact = model(weights=run / "weights" / "best.pt")
    found = chosen(artifact)
    assert len(found) == 12
    assert all("train" in name for name in found.names)
    assert len(chosen(artifact, calibration_split="all")) == 16
    # Of a run that has moved, or whose pictures have.
    write_config(run, "toy", {"data": str(tmp_path / "gone")})
    with pytest.raises(UsageError, match="not there any more") as caught:
        chosen(artifact)
    assert "--calibration" in str(caught.value)


def test_too_few_or_no_pictures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No calibration pictures are known") as caught:
        chosen(model())
    assert "--data" in str(caught.value)
    source = sorted((shared(PEOPLE) / "images").glob("*.jpg"))
    folder = tmp_path / "five"
    folder.mkdir()
    for path in source[:5]:
        (folder / path.name).write_bytes(path.read_bytes())
    with pytest.raises(UsageError, match="There are 5 calibration pictures"):
        chosen(model(), calibration=folder)
    (problem,) = calibration_problems(model(), CalibrationOptions(calibration=folder))
    assert "at least 10" in problem.message
    for path in source[5:12]:
        (folder / path.name).write_bytes(path.read_bytes())
    assert len(chosen(model(), calibration=folder)) == 12
    assert calibration_problems(model(), CalibrationOptions(calibration=folder)) == []
    (problem,) = calibration_problems(model(), CalibrationOptions(calibration=tmp_path / "none"))
    assert "not there" in problem.message
    with pytest.raises(UsageError, match="labelled people"):
        chosen(model("keypoints", "heatmaps"), calibration=folder)


def test_data_calibrates_where_nothing_else_is_named(tmp_path: Path) -> None:
    plain = CalibrationOptions()
    assert with_data(plain, tmp_path, unsplit=False).calibration == tmp_path
    assert with_data(plain, tmp_path, unsplit=True).calibration_split == "half"
    named = dataclasses.replace(plain, calibration=tmp_path / "other")
    assert with_data(named, tmp_path, unsplit=True) == named
    assert with_data(plain, None, unsplit=True) == plain
