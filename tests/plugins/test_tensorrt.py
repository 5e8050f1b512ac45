"""TensorRT: the ONNX file runs here, and the script says the right command to whichever trtexec."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from studio.core.job import JobContext
from studio.io.model_json import save_artifact
from studio.registry import find
from studio.runtime.artifacts import load_artifact
from studio.runtime.opening import open_engine
from tests.training_runs import needs_yolo, tiny_run

pytest.importorskip("torch")
AUTOCAST = "python3 -m modelopt.onnx.autocast --onnx_path model.onnx --output_path model_fp16.onnx"
needs_shell = pytest.mark.skipif(
    sys.platform == "win32" or shutil.which("sh") is None, reason="the script is for a shell"
)


def fake_tools(folder: Path, *, flags: str) -> Path:
    """A trtexec and a python3 that write down how they were called."""
    folder.mkdir()
    for name, help_text in (("trtexec", flags), ("python3", "")):
        tool = folder / name
        tool.write_text(
            f'#!/bin/sh\nif [ "$1" = --help ]; then echo "{help_text}"; exit 0; fi\n'
            f'echo {name} "$@" >> "{folder}/said"\n'
        )
        tool.chmod(0o755)
    return folder


@needs_shell
@pytest.mark.parametrize(
    ("half", "flags", "said"),
    [
        (False, "--fp16", ["trtexec --onnx=model.onnx --saveEngine=model.engine"]),
        (True, "--fp16 --int8", ["trtexec --onnx=model.onnx --saveEngine=model.engine --fp16"]),
        (
            True,
            "--stronglyTyped",
            [
                AUTOCAST,
                "trtexec --onnx=model_fp16.onnx --saveEngine=model.engine",
            ],
        ),
    ],
)
def test_the_script_builds(half: bool, flags: str, said: list[str], tmp_path: Path) -> None:
    from studio.plugins.tensorrt.target import script

    tools = fake_tools(tmp_path / "tools", flags=flags)
    (tmp_path / "build.sh").write_text(script(half=half))
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(["sh", "build.sh"], cwd=tmp_path, env={**os.environ, "PATH": path}, check=True)
    assert (tools / "said").read_text().splitlines() == said


@needs_yolo
@pytest.mark.slow
def test_the_onnx_file_is_what_the_weights_are(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxslim")
    pytest.importorskip("onnxruntime")
    contribution = find("target", "tensorrt")
    target = contribution.load()
    weights = tiny_run().artifact
    options = contribution.options_class().from_mapping({"half": True})
    assert target.problems(weights, options) == []
    made = target.export(weights, options, tmp_path, JobContext(lambda _: None))
    save_artifact(made)
    assert {p.name for p in tmp_path.iterdir()} == {"model.onnx", "build.sh", "model.json"}
    assert "not built yet" in target.report(made, JobContext(lambda _: None)).not_run
    assert "modelopt" in target.notes(made)
    assert target.next_steps(made)[0].command == "sh build.sh"
    picture = np.random.default_rng(0).integers(0, 255, (1, 64, 64, 3), dtype=np.uint8)
    found = []
    for artifact in (weights, load_artifact(tmp_path)):
        engine = open_engine(artifact, device="cpu", precision="f32")
        found.append(engine.infer(picture)[0])
        engine.close()
    assert np.abs(found[0] - found[1]).max() < 0.02


def test_a_size_that_the_network_cannot_have() -> None:
    contribution = find("target", "tensorrt")
    from studio.core.artifact import InputSpec, ModelArtifact
    from studio.core.skeleton import Skeleton

    model = ModelArtifact(
        "yolo-pose", "pose", Path("best.pt"), InputSpec((64, 64), dynamic=True), Skeleton.numbered(3)
    )  # fmt: skip
    options = contribution.options_class().from_mapping({"imgsz": [50]})
    (problem,) = contribution.load().problems(model, options)
    assert "multiple of 32" in problem.message
