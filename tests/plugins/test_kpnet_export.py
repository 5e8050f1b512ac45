"""kpnet on every engine: 3 and 6 channels give the same heatmaps and the same joints."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")

from studio.core.artifact import ModelArtifact  # noqa: E402
from studio.core.job import JobContext  # noqa: E402
from studio.core.skeleton import Skeleton  # noqa: E402
from studio.io.model_json import save_artifact  # noqa: E402
from studio.ml.checkpoints import write_weights  # noqa: E402
from studio.registry import find  # noqa: E402
from studio.runtime.artifacts import load_artifact  # noqa: E402
from studio.runtime.clips import ClipPredictor  # noqa: E402
from tests.plugins.kpnet_clips import make_set, picture  # noqa: E402

HEATMAP = (20, 30)


def make_model(folder: Path, channels: int) -> ModelArtifact:
    """Weights of chance whose heatmaps are not flat."""
    from studio.plugins.kpnet.network import KpNet, Shape
    from studio.plugins.kpnet.task import input_spec

    torch.manual_seed(3)
    shape = Shape("convnext_atto", channels, 3, HEATMAP, 1, width=16, seg_classes=2)
    network = KpNet(shape)
    with torch.no_grad():
        network.heatmaps.weight.normal_(0, 2.0)
        network.visibility.weight.normal_(0, 1.0)
    artifact = ModelArtifact(
        family="kpnet",
        task="keypoints",
        weights=folder / "best.pt",
        input=input_spec((54, 96), channels),
        skeleton=Skeleton.numbered(3),
        categories=("disc", "square"),
        output="heatmaps",
        extra={
            **shape.to_mapping(),
            "frame": True,
            "motion": "dis" if channels == 6 else "none",
            "hm_pos_weight": 80.0,
            "seg_classes": ["ground", "thing"],
            "parts": [
                {"category": "disc", "joints": [0, 1], "class": 4},
                {"category": "square", "joints": [2], "class": 9},
            ],
        },
    )
    folder.mkdir(parents=True)
    write_weights(artifact.weights, "kpnet", artifact, network.state_dict())
    save_artifact(artifact)
    return load_artifact(folder)


def to_openvino(artifact: ModelArtifact, out: Path) -> ModelArtifact:
    target = find("target", "openvino")
    out.mkdir()
    made = target.load().export(artifact, target.options_class()(), out, JobContext(lambda _: None))
    save_artifact(made)
    return load_artifact(out)


def to_onnx(artifact: ModelArtifact, out: Path) -> ModelArtifact:
    out.mkdir()
    module = find("family", "kpnet").load().export_module(artifact)
    example = torch.zeros(1, artifact.input.channels, *artifact.input.size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (example,), str(out / "model.onnx"), dynamo=False)
    made = replace(artifact, weights=out / "model.onnx")
    save_artifact(made)
    return load_artifact(out)


@pytest.mark.parametrize("channels", [3, 6])
@pytest.mark.parametrize("write", [to_openvino, to_onnx])
def test_engines_agree(tmp_path: Path, channels: int, write: object) -> None:
    if write is to_onnx:
        pytest.importorskip("onnx")
        pytest.importorskip("onnxruntime")
    model = make_model(tmp_path / "model", channels)
    exported = write(model, tmp_path / "out")  # type: ignore[operator]
    assert exported.extra["parts"] == model.extra["parts"]
    assert exported.input == model.input
    with (
        ClipPredictor(model, conf=0, device="cpu", precision="f32") as one,
        ClipPredictor(exported, conf=0, device="cpu", precision="f32") as other,
    ):
        frames = [picture(1, n) for n in range(3)]
        laid = np.stack([one.laid(f, ("clip", n)) for n, f in enumerate(frames)])
        assert laid.shape == (3, 54, 96, channels)
        for frame in laid:
            expected, found = one.engine.infer(frame[None]), other.engine.infer(frame[None])
            assert [e.shape for e in expected] == [(1, 3, *HEATMAP), (1, 3, 3), (1, 2, *HEATMAP)]
            for a, b in zip(expected, found, strict=True):
                assert np.abs(a - b).max() < 2e-4
            # Colours are not what motion is: the order of the channels matters.
            swapped = np.ascontiguousarray(frame[None, ..., ::-1])
            assert np.abs(one.engine.infer(swapped)[0] - expected[0]).max() > 1e-3
        one.reset()
        for frame in frames:
            first, second = one.predict(frame), other.predict(frame)
            for a, b in zip(first, second, strict=True):
                assert np.abs(a.keypoints - b.keypoints).max() < 0.2


def test_a_model_that_says_other_things_than_it_is_refused(tmp_path: Path) -> None:
    from studio.core.errors import ModelError
    from studio.runtime.clips import facts_of

    model = make_model(tmp_path / "model", 6)
    assert facts_of(model).gap == 1
    for change in (
        {"motion": "none"},
        {"motion": "magic"},
        {"parts": [{"category": "disc", "joints": [0, 1]}]},
        {"heatmap": [3]},
        {"frame": False},
    ):
        with pytest.raises(ModelError):
            facts_of(replace(model, extra={**model.extra, **change}))
    with ClipPredictor(model, conf=0, device="cpu") as predictor:
        predictor.facts = replace(predictor.facts, heatmap=(10, 10))
        with pytest.raises(ModelError, match="were promised"):
            predictor.predict(picture(0, 0))


def test_an_export_is_certified_on_a_clip(tmp_path: Path) -> None:
    from studio.jobs.certificate import certify
    from studio.jobs.certificate_values import Certifying
    from studio.jobs.judging_pictures import pictures_to_judge_on

    model = make_model(tmp_path / "model", 6)
    exported = to_openvino(model, tmp_path / "out")
    context = JobContext(lambda _: None)
    pictures = pictures_to_judge_on(model, None, context)
    values = certify(model, exported, pictures, Certifying("openvino"), context)
    people = values["parity"]["people"]
    assert people["both"] >= 8
    assert set(people.values()) == {people["both"]}
    assert values["pictures"]["count"] == 8
    assert (tmp_path / "out" / "certificate.html").is_file()
    # On the frames of a set, whose labels tell what the model is worth.
    data = make_set(tmp_path / "set")
    pictures = pictures_to_judge_on(model, data, context)
    values = certify(model, exported, pictures, Certifying("openvino"), context)
    assert values["pictures"]["count"] == 5
    assert values["ap"]["difference"] == pytest.approx(0, abs=0.01)
    assert 0 <= values["pck"]["weights"] <= 1
    # Weights that nobody trained find nobody: nothing is proved, and nothing failed.
    assert values["passed"] is (None if not values["ap"]["weights"] else True)
