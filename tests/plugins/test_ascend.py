"""The Ascend target: its folder, AIPP's arithmetic, and the command that atc is given."""

from __future__ import annotations

import dataclasses
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")
ort = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxslim")

from studio.core.artifact import InputSpec, ModelArtifact  # noqa: E402
from studio.core.errors import ModelError, UsageError  # noqa: E402
from studio.core.job import JobContext  # noqa: E402
from studio.core.requests.export import ExportRequest  # noqa: E402
from studio.io.model_json import save_artifact  # noqa: E402
from studio.jobs import export  # noqa: E402
from studio.plugins.ascend310.aipp import config_text, emulated, read_config  # noqa: E402
from studio.plugins.ascend310.config import ExportOptions  # noqa: E402
from studio.plugins.ascend310.target import AscendTarget, differences  # noqa: E402
from studio.registry.jobs import PluginRequest  # noqa: E402
from studio.runtime.artifacts import load_artifact  # noqa: E402
from studio.runtime.engines.common import to_floats  # noqa: E402
from studio.runtime.opening import open_engine  # noqa: E402
from tests.plugins.fastpose.folk import dots, trained  # noqa: E402
from tests.plugins.sixdrepnet import heads  # noqa: E402
from tests.plugins.test_kpnet_export import make_model as kpnet  # noqa: E402
from tests.plugins.tiny_yolo import tiny_yolo  # noqa: E402
from tests.training_runs import Remote, context_of, needs_yolo  # noqa: E402

QUIET = JobContext(lambda _: None)
FAKE_ATC = """#!{python}
import json, os, sys
here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "asked.json"), "w") as out:
    json.dump({{"words": sys.argv[1:], "folder": os.getcwd()}}, out)
{body}
"""
MAKES_IT = """
name = next(w for w in sys.argv if w.startswith("--output=")).partition("=")[2]
open(name + ".om", "wb").write(b"om")
"""
FAILS = """
print("ATC start working now, please wait for a moment.")
print("E10001: Value [AscendX] for parameter [--soc_version] is invalid.")
sys.exit(1)
"""


@pytest.fixture(autouse=True)
def _no_atc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever this machine has installed."""
    empty = tmp_path / "no-tools"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))


def fake_atc(monkeypatch: pytest.MonkeyPatch, folder: Path, body: str) -> None:
    folder.mkdir()
    tool = folder / "atc"
    tool.write_text(FAKE_ATC.format(python=sys.executable, body=body))
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(folder))


def asked(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "asked.json").read_text())


def made(source: ModelArtifact, out: Path, **values: Any) -> ModelArtifact:
    """The target alone."""
    out.mkdir()
    options = ExportOptions.from_mapping(values).validated()
    assert not AscendTarget().problems(source, options)
    return AscendTarget().export(source, options, out, QUIET)


def exported(source: ModelArtifact, out: Path, data: Path, **values: Any) -> ModelArtifact:
    """The whole job, with its certificate."""
    save_artifact(source, source.weights.parent.parent)
    request = ExportRequest.from_mapping(
        {"weights": str(source.weights), "target": "ascend310", "out": str(out), "data": str(data)}
    )
    job = PluginRequest("ascend310", request, ExportOptions.from_mapping(values))
    export.run(job, context_of(out.with_name("job"), Remote()))
    return load_artifact(out)


def as_on_the_chip(artifact: ModelArtifact, pictures: np.ndarray) -> list[np.ndarray]:
    """Bytes through aipp.cfg's arithmetic into the ONNX file."""
    config = read_config((artifact.weights.parent / "aipp.cfg").read_text())
    height, width = int(config["src_image_size_h"]), int(config["src_image_size_w"])
    assert pictures.shape[1:3] == (height, width)
    session = ort.InferenceSession(str(artifact.weights), providers=["CPUExecutionProvider"])
    return session.run(None, {"input": emulated(config, pictures)})


def check_aipp(source: ModelArtifact, artifact: ModelArtifact) -> None:
    """What the chip would compute is what the studio computes with the weights."""
    shape = (1, *artifact.input.size, 3)
    pictures = np.random.default_rng(4).integers(0, 256, shape, dtype=np.uint8)
    config = read_config((artifact.weights.parent / "aipp.cfg").read_text())
    assert np.abs(emulated(config, pictures) - to_floats(pictures, source.input)).max() < 1e-3
    engine = open_engine(source, device="cpu", precision="f32")
    try:
        wanted = engine.infer(pictures)
    finally:
        engine.close()
    found = as_on_the_chip(artifact, pictures)
    for here, there in zip(wanted, found, strict=True):
        assert here.shape == there.shape
        assert here.std() > 0
        assert np.abs(here - there).max() <= 1e-3 * max(1.0, np.abs(here).max())


def test_a_fastpose_folder_is_complete_and_says_that_nothing_ran_on_the_chip(
    tmp_path: Path,
) -> None:
    source = trained()
    artifact = exported(source, tmp_path / "out", dots())
    for name in ("model.onnx", "aipp.cfg", "convert.sh", "README.md", "certificate.json"):
        assert (tmp_path / "out" / name).is_file(), name
    assert artifact.engine == "onnxruntime"
    check_aipp(source, artifact)
    script = (tmp_path / "out" / "convert.sh").read_text()
    for word in (
        "--framework=5", "--model=model.onnx", "--output=model", "--input_format=NCHW",
        "--input_shape=input:1,3,64,64", "--soc_version=Ascend310", "--insert_op_conf=aipp.cfg",
        "--output_type=FP32",
    ):  # fmt: skip
        assert word in script, word
    report = AscendTarget().report(artifact, QUIET)
    assert "atc is not installed" in report.not_run
    assert report.passed
    assert report.values["aipp_difference"] < 1e-3
    assert report.values["compiled"] is False
    assert [s.command for s in AscendTarget().next_steps(artifact)] == ["sh convert.sh"]
    told = json.loads((tmp_path / "out" / "certificate.json").read_text())
    assert "atc is not installed" in json.dumps(told)
    assert list(told["files"]) == ["model.onnx"]
    assert told["bytes"] == (tmp_path / "out" / "model.onnx").stat().st_size


@needs_yolo
def test_yolo_goes_there(tmp_path: Path) -> None:
    source = tiny_yolo(tmp_path / "weights", "yolo11n-pose")
    artifact = made(source, tmp_path / "out", imgsz=[96, 64])
    assert artifact.input.size == (96, 64)
    check_aipp(dataclasses.replace(source, input=artifact.input), artifact)


def test_heads_go_there(tmp_path: Path) -> None:
    source = heads.trained()
    check_aipp(source, made(source, tmp_path / "out"))


def test_six_channels_are_prepared_by_the_program(tmp_path: Path) -> None:
    source = kpnet(tmp_path / "six", 6)
    asked_for = ExportOptions(aipp="on")
    (problem,) = AscendTarget().problems(source, asked_for)
    assert "6" in problem.message
    assert "--aipp off" in problem.hint
    artifact = made(source, tmp_path / "out")
    assert not (tmp_path / "out" / "aipp.cfg").exists()
    assert "insert_op_conf" not in (tmp_path / "out" / "convert.sh").read_text()
    assert "AIPP is not used" in AscendTarget().notes(artifact)
    assert AscendTarget().report(artifact, QUIET).checks == ()
    pictures = np.random.default_rng(4).integers(0, 256, (1, 54, 96, 6), dtype=np.uint8)
    outputs = [open_engine(a, device="cpu").infer(pictures) for a in (source, artifact)]
    for here, there in zip(*outputs, strict=True):
        assert np.abs(here - there).max() < 1e-3


def test_a_compiler_on_path_gets_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tmp_path / "tools"
    fake_atc(monkeypatch, tools, MAKES_IT)
    artifact = made(trained(), tmp_path / "out", soc_version="Ascend310P3")
    assert asked(tools) == {
        "words": [
            "--framework=5", "--model=model.onnx", "--output=model", "--input_format=NCHW",
            "--input_shape=input:1,3,64,64", "--soc_version=Ascend310P3",
            "--insert_op_conf=aipp.cfg", "--output_type=FP32",
        ],
        "folder": str(tmp_path / "out"),
    }  # fmt: skip
    assert (tmp_path / "out" / "model.om").read_bytes() == b"om"
    report = AscendTarget().report(artifact, QUIET)
    assert "ran nowhere yet" in report.not_run
    assert not AscendTarget().next_steps(artifact)


@pytest.mark.skipif(os.name == "nt", reason="a shell script")
def test_the_script_gives_the_same_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(trained(), tmp_path / "out")
    tools = tmp_path / "tools"
    fake_atc(monkeypatch, tools, MAKES_IT)
    path = os.pathsep.join([str(tools), os.defpath])
    script = str(tmp_path / "out" / "convert.sh")
    subprocess.run(["/bin/sh", script], check=True, cwd="/", env={"PATH": path})
    by_script = asked(tools)
    made(trained(), tmp_path / "again")
    assert asked(tools)["words"] == by_script["words"]
    assert by_script["folder"] == str(tmp_path / "out")


def test_a_compiler_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_atc(monkeypatch, tmp_path / "tools", FAILS)
    with pytest.raises(ModelError, match="E10001: Value") as caught:
        exported(trained(), tmp_path / "out", dots())
    assert "status 1" in caught.value.message
    assert not list(tmp_path.glob("*out*"))


def test_a_compiler_that_makes_nothing_is_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_atc(monkeypatch, tmp_path / "tools", "print('ATC run success')")
    with pytest.raises(ModelError, match=r"made no model\.om"):
        made(trained(), tmp_path / "out")


@pytest.mark.parametrize("color", ["rgb", "bgr"])
@pytest.mark.parametrize("source", ["rgb", "bgr"])
def test_colours_and_scales_in_every_order(color: str, source: str) -> None:
    spec = InputSpec((16, 32), color=color, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    text = config_text(spec, source)
    pictures = np.random.default_rng(1).integers(0, 256, (2, 16, 32, 3), dtype=np.uint8)
    given = pictures if source == "bgr" else pictures[..., ::-1]
    found = emulated(read_config(text), given)
    assert np.abs(found - to_floats(pictures, spec)).max() < 1e-5
    exact, rounded = differences(spec, text)
    assert exact < 1e-5
    assert 1e-5 < rounded < 1e-2
    wrong = text.replace("min_chn_0: 123.675", "min_chn_0: 0")
    assert wrong != text
    assert differences(spec, wrong)[0] > 1


def test_what_cannot_go_is_refused(tmp_path: Path) -> None:
    target, source = AscendTarget(), trained()
    (problem,) = target.problems(source, ExportOptions(soc_version="Ascend 310; rm"))
    assert problem.where == "soc_version"
    (problem,) = target.problems(source, ExportOptions(imgsz=(100, 64)))
    assert problem.where == "imgsz"
    again = made(source, tmp_path / "out")
    assert "exported model already" in target.problems(again, ExportOptions())[0].message
    cut = tmp_path / "cut.pt"
    cut.write_bytes(source.weights.read_bytes()[:3000])
    with pytest.raises((ModelError, UsageError)):
        made(dataclasses.replace(source, weights=cut), tmp_path / "half")
