"""ONNX, TorchScript, ncnn and MNN: what is made gives what the weights give, on its own engine."""

from __future__ import annotations

import dataclasses
import socket
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
for package in ("timm", "onnx", "onnxruntime", "onnxslim"):
    pytest.importorskip(package)

from studio.core.artifact import ModelArtifact  # noqa: E402
from studio.core.errors import DeviceError, ModelError, UsageError  # noqa: E402
from studio.core.job import JobContext  # noqa: E402
from studio.io.model_json import save_artifact  # noqa: E402
from studio.registry import find  # noqa: E402
from studio.runtime.artifacts import load_artifact  # noqa: E402
from studio.runtime.opening import open_engine  # noqa: E402
from studio.vision.synthetic import make_picture  # noqa: E402
from tests.plugins.fastpose.folk import trained as trained_fastpose  # noqa: E402
from tests.plugins.sixdrepnet.heads import trained as trained_heads  # noqa: E402
from tests.plugins.test_kpnet_export import make_model  # noqa: E402
from tests.plugins.tiny_yolo import tiny_yolo  # noqa: E402

PACKAGES = {"onnx": "onnxruntime", "torchscript": "torch", "ncnn": "pnnx", "mnn": "MNN"}
TARGETS = list(PACKAGES)
YOLO = ["yolov8n-pose", "yolo11n-pose", "yolo26n-pose"]
MODELS = [*YOLO, "heatmap", "simcc", "sixdrepnet", "kpnet"]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModelArtifact]:
    folder = tmp_path_factory.mktemp("models")
    return {
        **{name: tiny_yolo(folder / name, name) for name in YOLO},
        "heatmap": trained_fastpose("heatmap"),
        "simcc": trained_fastpose("simcc"),
        "sixdrepnet": trained_heads(),
        "kpnet": make_model(folder / "kpnet", 6),
    }


def exported(target: str, artifact: ModelArtifact, out: Path, **values: Any) -> ModelArtifact:
    if target == "mnn":
        pytest.importorskip("MNN", exc_type=ImportError)
    pytest.importorskip(PACKAGES[target])
    contribution = find("target", target)
    options = contribution.options_class().from_mapping(values).validated()
    entry = contribution.load()
    assert not entry.problems(artifact, options)
    out.mkdir()
    made = entry.export(artifact, options, out, JobContext(lambda _: None))
    save_artifact(made)
    return load_artifact(out)


def outputs(artifact: ModelArtifact, pictures: np.ndarray) -> tuple[np.ndarray, ...]:
    engine = open_engine(artifact, device="cpu", precision="f32")
    try:
        return engine.infer(pictures)
    finally:
        engine.close()


def pictures_for(artifact: ModelArtifact, more: int = 0) -> np.ndarray:
    """Two, so that a batch is tried as well."""
    height, width = artifact.input.size
    shape = (2, height + more, width + 2 * more, artifact.input.channels)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def check_same(artifact: ModelArtifact, made: ModelArtifact, pictures: np.ndarray) -> None:
    for a, b in zip(outputs(artifact, pictures), outputs(made, pictures), strict=True):
        assert a.shape == b.shape
        assert np.abs(a - b).max() < 1e-3 * (1 + np.abs(a).max())


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("target", TARGETS)
def test_it_gives_what_the_weights_give(
    target: str, name: str, models: dict[str, ModelArtifact], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def refuse(*_: object) -> None:
        raise AssertionError("an export asks nobody")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    artifact = models[name]
    made = exported(target, artifact, tmp_path / "out")
    assert made.engine == {"onnx": "onnxruntime"}.get(target, target)
    assert made.input.dynamic == (artifact.input.dynamic and target != "ncnn")
    check_same(artifact, made, pictures_for(artifact))
    if made.input.dynamic:
        check_same(artifact, made, pictures_for(artifact, 32))
    # Its package installs others and asks a server as soon as it is imported.
    assert "MNN.tools" not in sys.modules
    report = find("target", target).load().report(made, JobContext(lambda _: None))
    assert report.passed
    assert report.checks


@pytest.mark.parametrize("target", TARGETS)
def test_a_truncated_file_is_said(
    target: str, models: dict[str, ModelArtifact], tmp_path: Path
) -> None:
    made = exported(target, models["simcc"], tmp_path / "out")
    for path in (made.weights, made.weights.with_suffix(".bin")):
        if path.is_file():
            whole = path.read_bytes()
            path.write_bytes(whole[: len(whole) // 2])
            with pytest.raises(ModelError) as caught:
                outputs(made, pictures_for(made))
            assert caught.value.hint
            path.write_bytes(whole)
    assert len(outputs(made, pictures_for(made))) == 2


@pytest.mark.parametrize("target", ["torchscript", "ncnn", "mnn"])
def test_pictures_of_another_size_are_refused(
    target: str, models: dict[str, ModelArtifact], tmp_path: Path
) -> None:
    made = exported(target, models["simcc"], tmp_path / "out")
    with pytest.raises(ModelError, match="takes pictures of 3 channels, 64 x 64"):
        outputs(made, pictures_for(made, 32))
    with pytest.raises(UsageError):
        open_engine(made, precision="bf16")
    with pytest.raises(DeviceError):
        open_engine(made, device="npu")


def test_fewer_bits_for_the_weights(models: dict[str, ModelArtifact], tmp_path: Path) -> None:
    artifact, sizes = models["heatmap"], {}
    pictures = pictures_for(artifact)
    expected = outputs(artifact, pictures)[0]
    for name, target, values in (
        ("mnn", "mnn", {}), ("mnn 16", "mnn", {"half": True}), ("mnn 8", "mnn", {"int8": True}),
        ("ncnn", "ncnn", {}), ("ncnn 16", "ncnn", {"half": True}),
    ):  # fmt: skip
        made = exported(target, artifact, tmp_path / name, **values)
        binary = made.weights.with_suffix(".bin")
        sizes[name] = (binary if binary.is_file() else made.weights).stat().st_size
        found = outputs(made, pictures)[0]
        assert np.abs(found - expected).max() < 0.1 * np.abs(expected).max()
    assert sizes["mnn 8"] < 0.35 * sizes["mnn"]
    assert sizes["mnn 16"] < 0.6 * sizes["mnn"]
    assert sizes["ncnn 16"] < 0.6 * sizes["ncnn"]


@pytest.mark.parametrize("name", ["yolo11n-pose", "heatmap", "sixdrepnet"])
def test_onnx_in_whole_numbers(name: str, models: dict[str, ModelArtifact], tmp_path: Path) -> None:
    import onnx

    from studio.io.images import write_image

    for seed in range(12):
        write_image(tmp_path / "pictures" / f"{seed}.png", make_picture(seed, (160, 120)).image)
    if name != "yolo11n-pose":
        from tests.plugins.fastpose.folk import dots
        from tests.plugins.sixdrepnet.heads import heads

        data = dots() if name == "heatmap" else heads()
    else:
        data = tmp_path / "pictures"
    artifact = models[name]
    made = exported(
        "onnx", artifact, tmp_path / "out", int8=True, calibration=str(data),
        calibration_split="all",
    )  # fmt: skip
    assert made.precision == "int8"
    assert [p.name for p in (tmp_path / "out").glob("*.onnx")] == ["model.onnx"]
    checks = find("target", "onnx").load().report(made, JobContext(lambda _: None))
    assert checks.passed
    assert 0 < checks.values["int8_layers"] < checks.values["layers"]
    types = {n.op_type for n in onnx.load(str(made.weights)).graph.node}
    assert {"QuantizeLinear", "DequantizeLinear"} <= types
    pictures = pictures_for(artifact)
    for a, b in zip(outputs(artifact, pictures), outputs(made, pictures), strict=True):
        assert a.shape == b.shape
        assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.9


def test_what_cannot_be_is_refused_before_the_start(
    models: dict[str, ModelArtifact], tmp_path: Path
) -> None:
    contribution = find("target", "onnx")
    options = contribution.options_class().from_mapping({"int8": True, "opset": 11})
    target = contribution.load()
    alone = dataclasses.replace(models["yolo11n-pose"], weights=tmp_path / "best.pt")
    said = [str(p.where) for p in target.problems(alone, options)]
    assert {"opset", "calibration"} <= set(said)
    for name in TARGETS:
        other = find("target", name)
        asked = other.options_class().from_mapping({"imgsz": [65]})
        assert other.load().problems(models["heatmap"], asked)
