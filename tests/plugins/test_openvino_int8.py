"""OpenVINO in whole numbers: every family, what is refused before the start, and a way to stop."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.core.artifact import ModelArtifact
from studio.core.job import JobSpec
from studio.jobs.control import RemoteControl
from studio.jobs.host import JobOutcome, run_job
from studio.runtime.artifacts import load_artifact
from studio.runtime.opening import open_engine
from tests.plugins.test_openvino_parts import pictures
from tests.training_runs import make_dataset, needs_yolo, tiny_run

torch = pytest.importorskip("torch")
pytest.importorskip("openvino")
pytest.importorskip("nncf")
pytestmark = pytest.mark.slow


def export(
    weights: Path, folder: Path, cancel_at: str = "", **options: Any
) -> tuple[JobOutcome, list[str]]:
    """The export job, and all that it logged. cancel_at: the stage that it is cancelled in."""
    control = RemoteControl()
    said: list[str] = []

    def listen(event: Any) -> None:
        if event.event == "log":
            said.append(event.data["message"])
        if event.event == "progress" and event.data["stage"] == cancel_at:
            control.cancel()

    values = {
        "target": "openvino", "weights": str(weights), "out": str(folder / "out"),
        "certify": False, "int8": True, **options,
    }  # fmt: skip
    return run_job(JobSpec("export", values, project=folder), listen, control), said


def outputs(artifact: ModelArtifact, crops: np.ndarray) -> tuple[np.ndarray, ...]:
    engine = open_engine(artifact, device="cpu", precision="f32")
    try:
        return engine.infer(crops)
    finally:
        engine.close()


def near(weights: ModelArtifact, folder: Path, share: float) -> None:
    """Each output differs by less than `share` of its own range, and differs at all."""
    made = load_artifact(folder / "out")
    assert made.precision == "int8"
    rng = np.random.default_rng(1)
    height, width = made.input.size
    crops = rng.integers(0, 255, (2, height, width, made.input.channels), dtype=np.uint8)
    different = False
    for one, other in zip(outputs(weights, crops), outputs(made, crops), strict=True):
        assert one.shape == other.shape
        assert np.abs(one - other).mean() < share * (one.max() - one.min())
        different |= bool(np.abs(one - other).max() > 1e-5)
    assert different


@needs_yolo
def test_a_pose_model_is_calibrated_by_its_own_run(tmp_path: Path, capsys: Any) -> None:
    data = make_dataset(tmp_path / "data", train=12, val=4)
    run = tiny_run()
    outcome, said = export(run.best, tmp_path, calibration=str(data))
    assert outcome.status == "ok", outcome.error
    out = tmp_path / "out"
    near(load_artifact(run.run_dir), tmp_path, 0.1)
    assert load_artifact(out).input.dynamic
    assert any(line.endswith("layers in int8.") for line in said)
    # A third of it is the part that stays in float, in 16 bits.
    assert (out / "model.bin").stat().st_size < 3_500_000
    assert "Statistics" not in capsys.readouterr().out
    assert "int8" in (out / "metadata.yaml").read_text()


@pytest.mark.parametrize("head", ["heatmap", "simcc"])
def test_fastpose(head: str, tmp_path: Path) -> None:
    pytest.importorskip("timm")
    from tests.plugins.fastpose.folk import dots, trained

    weights = trained(head)
    outcome, _ = export(weights.weights, tmp_path, calibration=str(dots()), calibration_split="all")
    assert outcome.status == "ok", outcome.error
    near(weights, tmp_path, 0.05)


def test_sixdrepnet(tmp_path: Path) -> None:
    pytest.importorskip("timm")
    from tests.plugins.sixdrepnet.heads import heads, trained

    outcome, _ = export(trained().weights, tmp_path, certify=True, data=str(heads()))
    assert outcome.status == "ok", outcome.error
    near(trained(), tmp_path, 0.05)
    certificate = json.loads((tmp_path / "out" / "certificate.json").read_text())
    assert 0 < certificate["parity"]["turn_deg"]["mean"] < 1
    assert certificate["calibration"]["count"] == 12


@pytest.mark.parametrize("channels", [3, 6])
def test_kpnet(channels: int, tmp_path: Path) -> None:
    pytest.importorskip("timm")
    from tests.plugins.test_kpnet_export import make_model

    weights = make_model(tmp_path / "model", channels)
    place = pictures(12, tmp_path)
    outcome, _ = export(weights.weights, tmp_path, calibration=str(place))
    assert outcome.status == "ok", outcome.error
    near(weights, tmp_path, 0.05)


@needs_yolo
def test_the_accuracy_control_says_what_came_of_it(tmp_path: Path) -> None:
    data = make_dataset(tmp_path / "data", train=12, val=3)
    outcome, said = export(
        tiny_run().best, tmp_path, calibration=str(data), max_drop=0.5, accuracy_data=str(data),
        imgsz=[64],
    )  # fmt: skip
    assert outcome.status == "ok", outcome.error
    assert any("within the asked 0.5" in line for line in said)
    near(load_artifact(tiny_run().run_dir), tmp_path, 0.1)


@needs_yolo
@pytest.mark.parametrize(
    ("count", "options", "message"),
    [
        (5, {}, "There are 5 calibration pictures; at least 10 are needed."),
        (0, {"calibration": "nowhere"}, "These calibration pictures are not there."),
        (12, {"imgsz": [50]}, "a multiple of 32"),
        (12, {"half": True}, "--half and --int8 exclude each other."),
        (12, {"int8": False, "max_drop": 0.01}, "--max-drop is for --int8 only."),
        (12, {"max_drop": 0.01}, "--max-drop needs --accuracy-data."),
    ],
)
def test_what_is_refused(count: int, options: dict[str, Any], message: str, tmp_path: Path) -> None:
    place = pictures(count, tmp_path)
    outcome, _ = export(tiny_run().best, tmp_path, **{"calibration": str(place), **options})
    assert outcome.status == "failed"
    assert outcome.error is not None
    assert message in outcome.error["message"]
    assert not (tmp_path / "out").exists()


@needs_yolo
def test_weights_far_from_their_run_need_pictures(tmp_path: Path) -> None:
    alone = tmp_path / "alone.pt"
    alone.write_bytes(tiny_run().best.read_bytes())
    outcome, _ = export(alone, tmp_path)
    assert outcome.error is not None
    assert "No calibration pictures are known" in outcome.error["message"]


@needs_yolo
def test_a_cancel_while_pictures_are_looked_at_leaves_nothing(tmp_path: Path) -> None:
    outcome, _ = export(
        tiny_run().best, tmp_path, cancel_at="calibrate", calibration=str(pictures(12, tmp_path))
    )
    assert outcome.status == "cancelled"
    # The project's own folder apart.
    assert {p.name for p in tmp_path.iterdir()} - {".studio"} == {"pictures"}


def test_nobody_is_told_of_it() -> None:
    """NNCF comes without its telemetry, and importing it asks nobody."""
    code = (
        "import socket, sys\n"
        "def refuse(*_): raise SystemExit('a socket was asked for')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from studio.registry import find\n"
        "find('target', 'openvino').load()\n"
        "from studio.plugins.openvino.quantising import import_nncf\n"
        "import_nncf()\n"
        "import nncf.telemetry.wrapper as wrapper\n"
        "print(sys.modules.get('openvino_telemetry'), type(wrapper.telemetry).__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["None", "MagicMock"], done.stdout


@needs_yolo
def test_the_certificate_tells_the_pictures_and_the_layers(tmp_path: Path) -> None:
    data = make_dataset(tmp_path / "data", train=12, val=4)
    outcome, _ = export(tiny_run().best, tmp_path, certify=True, data=str(data))
    assert outcome.status == "ok", outcome.error
    certificate = json.loads((tmp_path / "out" / "certificate.json").read_text())
    assert certificate["precision"] == "int8"
    assert any("int8" in check["title"] for check in certificate["checks"])
    assert certificate["calibration"]["count"] == 12
