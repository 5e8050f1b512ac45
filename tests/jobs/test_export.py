"""Export to OpenVINO: the artefact is what the weights are, whole or not there at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.core.job import JobEvent, JobSpec
from studio.jobs.control import RemoteControl
from studio.jobs.host import JobOutcome, run_job
from studio.registry import find
from studio.runtime.artifacts import load_artifact
from studio.runtime.opening import open_engine
from tests.training_runs import needs_yolo, tiny_run

torch = pytest.importorskip("torch")
pytest.importorskip("openvino")
pytestmark = [needs_yolo, pytest.mark.slow]


def export(
    project: Path, control: RemoteControl | None = None, **options: Any
) -> tuple[JobOutcome, list[JobEvent]]:
    events: list[JobEvent] = []
    control = control or RemoteControl()

    def listen(event: JobEvent) -> None:
        events.append(event)
        if options_cancel and event.event == "progress" and event.data["stage"] == options_cancel:
            control.cancel()

    options_cancel = options.pop("cancel_at", None)
    values = {"target": "openvino", "weights": str(tiny_run().best), **options}
    return run_job(JobSpec("export", values, project=project), listen, control), events


def outputs(folder: Path, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same picture through the artefact and through the weights, both in f32."""
    artifact = load_artifact(folder)
    engine = open_engine(artifact, precision="f32")
    found = engine.infer(picture[None])[0]
    engine.close()
    weights = load_artifact(tiny_run().run_dir)
    module = find("family", "yolo-pose").load().load_torch(weights)
    rgb = np.ascontiguousarray(picture[None, :, :, ::-1].transpose(0, 3, 1, 2), np.float32) / 255
    with torch.inference_mode():
        expected = module(torch.from_numpy(rgb)).numpy()
    return found, expected


@pytest.mark.parametrize(("half", "name", "limit"), [(False, "tiny-openvino", 0.02), (True, "tiny-openvino-fp16", 0.5)])  # fmt: skip
def test_the_artefact_gives_what_the_weights_give(tmp_path, half, name, limit):
    outcome, _ = export(tmp_path, half=half)
    assert outcome.status == "ok", outcome.error
    folder = tmp_path / "exports" / name
    assert outcome.result["model"] == str(folder)
    made = {p.name for p in folder.iterdir()}
    assert (folder / "certificate_files" / "01.jpg").is_file()
    assert "Certificate: model.xml" in (folder / "certificate.html").read_text()
    assert made == {
        "model.xml", "model.bin", "model.json", "metadata.yaml", "README.md", "run_model.py",
        "certificate.json", "certificate.html", "certificate_files",
    }  # fmt: skip
    artifact = load_artifact(folder)
    assert artifact.precision == ("fp16" if half else "fp32")
    assert artifact.input.dynamic
    assert artifact.skeleton.name == "coco17"
    assert artifact.parent == "best.pt"
    rng = np.random.default_rng(0)
    for size in ((64, 64), (96, 160)):
        found, expected = outputs(folder, rng.integers(0, 255, (*size, 3), dtype=np.uint8))
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() < limit
    certificate = json.loads((folder / "certificate.json").read_text())
    # The pictures that its own run was judged on.
    assert certificate["pictures"]["source"] == str(tiny_run().data)
    assert certificate["pictures"]["count"] == 4
    assert certificate["latency_ms"]["median"] > 0
    assert "pose-studio predict --model ." in (folder / "README.md").read_text()
    sizes = (folder / "model.bin").stat().st_size
    assert (5e6 < sizes < 7e6) if half else (10e6 < sizes < 13e6)


def test_a_fixed_size(tmp_path):
    outcome, _ = export(tmp_path, imgsz=[64, 96], fixed=True, certify=False)
    folder = Path(outcome.result["model"])
    artifact = load_artifact(folder)
    assert (artifact.input.size, artifact.input.dynamic) == ((64, 96), False)
    found, expected = outputs(folder, np.full((64, 96, 3), 90, np.uint8))
    assert np.abs(found - expected).max() < 0.02
    assert outcome.result["certificate"] is None


def test_a_cancel_leaves_nothing(tmp_path):
    outcome, _ = export(tmp_path, cancel_at="certify", out=str(tmp_path / "out"))
    assert outcome.status == "cancelled"
    assert not (tmp_path / "out").exists()
    assert [p for p in tmp_path.iterdir() if p.name.endswith(".part")] == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"imgsz": [50]}, "multiple of 32"),
        ({"imgsz": [64, 64, 64]}, "one side or height,width"),
        ({"weights": "nowhere.pt"}, "no such model"),
        ({"target": "toaster"}, "no target called 'toaster'"),
    ],
)
def test_what_cannot_be_exported(tmp_path, options, message):
    outcome, _ = export(tmp_path, **options)
    assert outcome.status == "failed"
    assert outcome.error is not None
    assert message in outcome.error["message"]
    assert not (tmp_path / "exports").exists()


def test_an_export_is_not_exported_again(tmp_path):
    export(tmp_path, certify=False)
    outcome, _ = export(tmp_path, weights=str(tmp_path / "exports" / "tiny-openvino"))
    assert outcome.error is not None
    assert "exported model already" in outcome.error["message"]
    # The next export of the same weights gets a name of its own; a taken folder is refused.
    again, _ = export(tmp_path, certify=False)
    assert again.result["model"].endswith("tiny-openvino-2")
    taken, _ = export(tmp_path, certify=False, out=again.result["model"])
    assert taken.error is not None
    assert "already something here" in taken.error["message"]
