"""The engines give the same answers for the same network."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from studio.core.artifact import ModelArtifact
from studio.core.errors import DeviceError, ModelError, UsageError
from studio.runtime.artifacts import load_artifact
from studio.runtime.engine import Engine
from studio.runtime.engines.openvino import OFTEN, devices
from studio.runtime.opening import open_engine
from studio.runtime.predictor import Predictor
from tests.runtime.toy import centre, picture_with, write_onnx

pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def onnx_model(tmp_path_factory: pytest.TempPathFactory) -> ModelArtifact:
    pytest.importorskip("onnxruntime")
    return load_artifact(write_onnx(tmp_path_factory.mktemp("onnx") / "toy.onnx"))


def test_openvino_and_onnxruntime_agree(toy_model: Path, onnx_model: ModelArtifact) -> None:
    pictures = np.random.default_rng(3).integers(0, 255, (3, 96, 160, 3), dtype=np.uint8)
    first = open_engine(load_artifact(toy_model), precision="f32")
    second = open_engine(onnx_model)
    assert (first.name, second.name) == ("openvino", "onnxruntime")
    (a,), (b,) = first.infer(pictures), second.infer(pictures)
    assert a.shape == (3, 56, 15)
    assert a.dtype == b.dtype == np.float32
    assert a == pytest.approx(b, abs=1e-4)
    first.close()
    second.close()


@pytest.mark.parametrize("kind", ["openvino", "onnxruntime"])
def test_submitted_batches_come_back_in_order(
    kind: str, toy_model: Path, onnx_model: ModelArtifact
) -> None:
    artifact = load_artifact(toy_model) if kind == "openvino" else onnx_model
    engine = open_engine(artifact, precision="f32")
    # More than may be under way at once, of more sizes than get a network of their own.
    batches = [np.full((1, 32, 32 * (1 + i % 6), 3), 10 * i, np.uint8) for i in range(20)]
    pending = [engine.submit(batch) for batch in batches]
    for i, one in enumerate(pending):
        (output,) = one.result()
        assert output.shape == (1, 56, 1 + i % 6)
        assert output[0, 4] == pytest.approx(10 * i / 255, abs=1e-5)
        assert 0 < one.milliseconds < 60_000
    engine.close()


def test_colour_order_mean_and_std_are_the_artefacts(toy_model: Path) -> None:
    artifact = load_artifact(toy_model)
    spec = dataclasses.replace(artifact.input, mean=(0.5, 0.0, 0.0), std=(0.5, 1.0, 2.0))
    picture = np.zeros((1, 32, 32, 3), np.uint8)
    picture[..., 0], picture[..., 2] = 51, 255  # blue .2, red 1
    for color, expected in (("rgb", (1.0 + 0 + 0.1) / 3), ("bgr", (-0.6 + 0 + 0.5) / 3)):
        changed = dataclasses.replace(artifact, input=dataclasses.replace(spec, color=color))
        engine = open_engine(changed, precision="f32")
        assert engine.infer(picture)[0][0, 4, 0] == pytest.approx(expected, abs=1e-5)


def test_what_it_computes_in_is_told(toy_model: Path) -> None:
    engine = open_engine(load_artifact(toy_model), precision="f32")
    engine.infer(np.zeros((1, 32, 32, 3), np.uint8))
    assert (engine.device, engine.precision) == ("CPU", "f32")


def test_a_device_that_is_not_there(toy_model: Path, onnx_model: ModelArtifact) -> None:
    for artifact in (load_artifact(toy_model), onnx_model):
        with pytest.raises(DeviceError, match="no device 'npu'") as caught:
            open_engine(artifact, device="npu")
        assert "cpu" in caught.value.hint


def test_a_precision_that_is_none(toy_model: Path, onnx_model: ModelArtifact) -> None:
    with pytest.raises(UsageError, match="f32"):
        open_engine(load_artifact(toy_model), precision="int4")
    with pytest.raises(UsageError, match="ONNX Runtime"):
        open_engine(onnx_model, precision="bf16")


def test_weights_that_are_gone(toy_model: Path, tmp_path: Path) -> None:
    artifact = dataclasses.replace(load_artifact(toy_model), weights=tmp_path / "gone.xml")
    with pytest.raises(ModelError, match="not there"):
        open_engine(artifact)


def test_people_are_found_where_they_are(toy_model: Path) -> None:
    picture = picture_with((2, 1), (7, 4), size=(640, 384))
    with Predictor(toy_model, precision="f32") as predictor:
        people = predictor.predict(picture)
    assert len(people) == 2
    middles = sorted(tuple((p.box[:2] + p.box[2:]) / 2) for p in people)
    assert np.array(middles) == pytest.approx(np.array([centre(2, 1), centre(7, 4)]), abs=0.01)
    person = max(people, key=lambda p: p.box[0])
    assert person.keypoints.shape == (17, 3)
    assert person.keypoints[10, :2] == pytest.approx(np.add(centre(7, 4), 1.0), abs=0.01)
    assert person.score == pytest.approx(1.0, abs=1e-4)


def test_a_small_picture_is_enlarged_and_its_points_come_back(toy_model: Path) -> None:
    picture = picture_with((3, 2), size=(320, 192))
    with Predictor(toy_model, precision="f32") as predictor:
        assert predictor.fit(picture).shape == (384, 640)
        people = predictor.predict(picture)
    # Enlarged twice, the block fills four cells.
    assert len(people) == 4
    middle = np.mean([p.box for p in people], axis=0).reshape(2, 2).mean(axis=0)
    assert middle == pytest.approx(centre(3, 2), abs=0.5)


def test_a_batch_of_mixed_pictures_keeps_its_order(toy_model: Path) -> None:
    sizes = [(640, 384), (384, 640), (640, 384), (640, 640)]
    pictures = [picture_with((i, 2), size=size) for i, size in enumerate(sizes)]
    with Predictor(toy_model, precision="f32") as predictor:
        together = predictor.predict_batch(pictures)
        alone = [predictor.predict(p) for p in pictures]
    for (a,), (b,) in zip(together, alone, strict=True):
        assert a.box == pytest.approx(b.box, abs=1e-3)
        assert a.score == pytest.approx(b.score, abs=1e-5)


def test_an_artefact_of_one_size(fixed_model: Path) -> None:
    # The grey around the picture is bright enough for the toy at a lower confidence.
    with Predictor(fixed_model, precision="f32", conf=0.6) as predictor:
        (person,) = predictor.predict(picture_with((4, 3), size=(320, 192)))
        assert (person.box[:2] + person.box[2:]) / 2 == pytest.approx(centre(4, 3), abs=0.01)
    with pytest.raises(UsageError, match="320 x 320 only"):
        Predictor(fixed_model, imgsz=640)
    with pytest.raises(UsageError, match="not 2x320x320"), Predictor(fixed_model) as predictor:
        predictor.predict_batch([picture_with((4, 3))] * 2)


def test_the_size_asked_for_is_rounded_up(toy_model: Path) -> None:
    with Predictor(toy_model, imgsz=300) as predictor:
        assert predictor.size == (320, 320)
    with Predictor(toy_model, imgsz=(200, 320)) as predictor:
        assert predictor.size == (224, 320)
    with pytest.raises(UsageError, match="imgsz"):
        Predictor(toy_model, imgsz=(1, 2, 3))


def test_for_throughput_one_more_waits_its_turn(toy_model: Path) -> None:
    assert devices()[0][0] == "cpu"
    picture = np.zeros((1, 96, 96, 3), np.uint8)
    for throughput, least in ((False, 2), (True, 3)):
        engine = open_engine(load_artifact(toy_model), device="cpu", throughput=throughput)
        engine.infer(picture)
        assert (engine.requests == 2) if not throughput else (engine.requests >= least)
        pending = [engine.submit(picture) for _ in range(engine.requests + 2)]
        assert all(np.array_equal(p.result()[0], pending[0].result()[0]) for p in pending)
        engine.close()


def test_sizes_that_come_often_get_their_own_network(toy_model: Path) -> None:
    rng = np.random.default_rng(1)
    rare, usual = (rng.integers(0, 256, (1, side, 96, 3), np.uint8) for side in (160, 128))
    with Predictor(toy_model) as predictor:
        engine = predictor.engine
        engine.infer(np.zeros((1, 96, 96, 3), np.uint8))
        first = engine.infer(usual)
        engine.infer(rare)
        assert networks(engine) == {(1, 96, 96, 3), ()}
        again = [engine.infer(usual) for _ in range(OFTEN)][-1]
        assert networks(engine) == {(1, 96, 96, 3), (1, 128, 96, 3), ()}
        assert np.allclose(first[0], again[0], atol=1e-2)


def networks(engine: Engine) -> set[tuple[int, ...]]:
    """The sizes that have a network of their own; () serves all the others."""
    return set(vars(engine)["_compiled"])
