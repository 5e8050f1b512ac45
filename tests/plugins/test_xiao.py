"""The XIAO ESP32S3 target: what it refuses, its two kinds of file, and the simulator that runs one."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.core.artifact import ModelArtifact
from studio.core.errors import DeviceError, MissingTool, ModelError
from studio.core.job import JobContext
from studio.core.requests.export import ExportRequest
from studio.io.images import read_image, write_image
from studio.io.model_json import save_artifact
from studio.io.toolchains import FOLDER, READY, find_worker
from studio.jobs import export
from studio.plugins.xiao_esp32s3.config import ExportOptions
from studio.plugins.xiao_esp32s3.target import FACTS, XiaoTarget
from studio.registry import find
from studio.registry.jobs import PluginRequest
from studio.runtime.artifacts import load_artifact
from studio.runtime.engines.common import to_floats
from studio.runtime.opening import open_engine
from studio.runtime.predictor import Predictor
from studio.runtime.raw_heads import in_order, raw_shapes
from tests.plugins.tiny_yolo import tiny_yolo
from tests.training_runs import Remote, context_of, needs_yolo

torch = pytest.importorskip("torch")
pytest.importorskip("onnxslim")
pytestmark = needs_yolo

SIZE = 64
QUIET = JobContext(lambda _: None)


def needs_worker(name: str) -> pytest.MarkDecorator:
    """Skips where the tools are not installed: pose-studio tools NAME."""
    there = find_worker(name).state() == READY
    return pytest.mark.skipif(not there, reason=f"the tools {name} are not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("xiao")


@pytest.fixture(scope="module")
def weights(folder: Path) -> ModelArtifact:
    artifact = tiny_yolo(folder / "v8", "yolov8n-pose", SIZE)
    save_artifact(artifact)
    return load_artifact(artifact.weights.parent)


@pytest.fixture(scope="module")
def pictures(folder: Path) -> Path:
    """Pictures with shapes in them, for the ranges."""
    place = folder / "pictures"
    place.mkdir()
    dice = np.random.default_rng(2)
    for number in range(12):
        small = dice.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        write_image(place / f"{number:02}.png", small.repeat(8, axis=0).repeat(8, axis=1))
    return place


def asked(pictures: Path, **values: Any) -> ExportOptions:
    return ExportOptions.from_mapping(
        {"calibration": str(pictures), "calibration_count": 10, **values}
    ).validated()


@pytest.fixture(scope="module")
def espdl(folder: Path, weights: ModelArtifact, pictures: Path) -> ModelArtifact:
    """As the job makes it."""
    out = folder / "espdl"
    request = ExportRequest.from_mapping(
        {
            "weights": str(weights.weights.parent),
            "target": "xiao_esp32s3",
            "out": str(out),
            "certify": False,
        }
    )
    job = PluginRequest("xiao_esp32s3", request, asked(pictures, ranges="minmax"))
    export.run(job, context_of(folder / "job", Remote()))
    return load_artifact(out)


@pytest.fixture
def batch(pictures: Path) -> Any:
    return np.stack([read_image(p) for p in sorted(pictures.iterdir())[:2]])


def cosine(a: Any, b: Any) -> float:
    x, y = a.ravel().astype(float), b.ravel().astype(float)
    return float(x @ y / np.sqrt((x @ x) * (y @ y)))


@needs_worker("esp")
def test_the_simulator_gives_the_maps(
    weights: ModelArtifact, espdl: ModelArtifact, batch: Any
) -> None:
    assert espdl.engine == "espdl"
    assert espdl.precision == "int8"
    for name in ("pose.espdl", "pose.info", "pose.json", "simulator.pt", "model.json", "README.md"):
        assert (espdl.weights.parent / name).is_file(), name
    module = find("family", "yolo-pose").load().raw_heads_module(weights)
    with torch.no_grad():
        floats = [o.numpy() for o in module(torch.from_numpy(to_floats(batch, weights.input)))]
    engine = open_engine(espdl)
    try:
        assert engine.device == "simulator"
        found = in_order(engine.infer(batch), espdl)
        again = in_order(engine.submit(batch[:1]).result(), espdl)
    finally:
        engine.close()
    shapes = raw_shapes((SIZE, SIZE), 17)
    assert [f.shape for f in found] == [(2, *shape[1:]) for shape in shapes]
    for mine, wanted, first in zip(found, floats, again, strict=True):
        assert mine.dtype == np.float32
        assert cosine(mine, wanted) > 0.95
        assert np.array_equal(mine[:1], first)
    powers = espdl.extra[FACTS]["exponents"]
    assert len(powers) == 8
    for name, maps in zip(list(powers)[1:], found, strict=True):
        wholes = maps / 2.0 ** powers[name]
        assert np.array_equal(wholes, np.round(wholes)), name
        assert 128 < np.abs(wholes).max() <= 2**15, name


@needs_worker("esp")
def test_people_are_looked_for_through_the_simulator(espdl: ModelArtifact, batch: Any) -> None:
    with Predictor(espdl, conf=0.0001) as predictor:
        assert predictor.predict(batch[0])


@needs_worker("esp")
def test_what_is_said_of_the_file(espdl: ModelArtifact) -> None:
    report = XiaoTarget().report(espdl, QUIET)
    assert report.passed
    assert "simulator" in report.not_run
    assert report.values["float_operators"] == 0
    assert report.values["operators"]["Conv"] > 50
    assert "images" in XiaoTarget().notes(espdl)
    (step,) = XiaoTarget().next_steps(espdl)
    assert "pose.espdl" in step.command
    with pytest.raises(DeviceError, match="simulated"):
        open_engine(espdl, device="gpu")


class Mischief:
    """What a stranger may put into a file."""

    def __reduce__(self) -> Any:
        return (Path.touch, (Path("mischief"),))


@needs_worker("esp")
def test_a_strangers_simulator_is_not_unpickled(
    espdl: ModelArtifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    copy = tmp_path / "copy"
    shutil.copytree(espdl.weights.parent, copy)
    torch.save({"espdl": "", "graph": Mischief()}, copy / "simulator.pt")
    with pytest.raises(ModelError, match="damaged, or none of ours"):
        open_engine(load_artifact(copy))
    assert not list(tmp_path.rglob("mischief"))
    cut = (espdl.weights.parent / "simulator.pt").read_bytes()[:5000]
    (copy / "simulator.pt").write_bytes(cut)
    with pytest.raises(ModelError, match="damaged, or none of ours"):
        open_engine(load_artifact(copy))
    (copy / "simulator.pt").unlink()
    with pytest.raises(ModelError, match="not beside this"):
        open_engine(load_artifact(copy))


@needs_worker("esp")
def test_a_simulator_belongs_to_one_file(espdl: ModelArtifact, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(espdl.weights.parent, copy)
    with (copy / "pose.espdl").open("ab") as file:
        file.write(b"more")
    with pytest.raises(ModelError, match="belongs to another"):
        open_engine(load_artifact(copy))


@needs_worker("litert")
def test_the_litert_file_is_all_whole_numbers(
    weights: ModelArtifact, pictures: Path, tmp_path: Path
) -> None:
    target, options = XiaoTarget(), asked(pictures, format="tflite")
    assert not target.problems(weights, options)
    made = target.export(weights, options, tmp_path, QUIET)
    assert made.weights.name == "pose.tflite"
    titles = {check.title: check.passed for check in target.report(made, QUIET).checks}
    assert titles["Float tensors"] is True
    assert titles["Input and outputs"] is True
    assert titles["Maps of the contract's shapes"] is True
    assert titles["Size in the board's flash"] is True


def test_what_the_board_cannot_compute_is_refused(
    weights: ModelArtifact, pictures: Path, tmp_path: Path
) -> None:
    target = XiaoTarget()
    newer = tiny_yolo(tmp_path / "v11", "yolo11n-pose", SIZE)
    assert not target.problems(newer, asked(pictures))
    (problem,) = target.problems(newer, asked(pictures, format="tflite"))
    assert "attention" in problem.message
    two = dataclasses.replace(weights, categories=("person", "dog"))
    assert "one category" in target.problems(two, asked(pictures))[0].message
    (problem,) = target.problems(weights, asked(pictures, imgsz=[64, 96]))
    assert "square" in problem.message
    assert target.problems(weights, asked(pictures, imgsz=[70]))
    (problem,) = target.problems(weights, ExportOptions())
    assert problem.where == "calibration"
    cut = tmp_path / "cut.pt"
    cut.write_bytes(weights.weights.read_bytes()[:4000])
    assert target.problems(dataclasses.replace(weights, weights=cut), asked(pictures))


@pytest.mark.parametrize(("kind", "tools"), [("espdl", "esp"), ("tflite", "litert")])
def test_without_the_tools_nothing_begins(
    kind: str,
    tools: str,
    weights: ModelArtifact,
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path / "no-workers"))
    request = ExportRequest.from_mapping(
        {
            "weights": str(weights.weights.parent),
            "target": "xiao_esp32s3",
            "out": str(tmp_path / "out"),
            "certify": False,
        }
    )
    job = PluginRequest("xiao_esp32s3", request, asked(pictures, format=kind))
    with pytest.raises(MissingTool, match="not installed") as caught:
        export.run(job, context_of(tmp_path / "job", Remote()))
    assert f"pose-studio tools {tools}" in caught.value.hint
    assert not (tmp_path / "out").exists()
