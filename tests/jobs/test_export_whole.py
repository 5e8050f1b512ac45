"""An export is whole, with its proof, or it is not there; what cannot be is refused first."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.core.job import JobEvent, JobSpec
from studio.io.images import write_image
from studio.jobs.control import RemoteControl
from studio.jobs.host import JobOutcome, run_job
from tests.io.data import shared
from tests.jobs.pressing import with_changes, with_press, write_model
from tests.runtime.toy import centre, picture_with

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")


@pytest.fixture(autouse=True)
def press(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    yield from with_press(tmp_path / "plugins", monkeypatch)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return write_model(tmp_path / "weights")


def write_people(folder: Path, count: int) -> Path:
    """Pictures as labelme has them, with a person where the toy sees one."""
    from studio.io.skeletons import load_skeleton

    folder.mkdir()
    for number in range(count):
        column, row = number % 9 + 1, number % 5 + 1
        name = f"{number:02d}.png"
        write_image(folder / name, picture_with((column, row), size=(384, 320)))
        x, y = centre(column, row)
        shapes: list[dict[str, Any]] = [
            {"label": "person", "shape_type": "rectangle", "group_id": 1, "flags": {},
             "points": [[x - 16, y - 16], [x + 16, y + 16]]}
        ]  # fmt: skip
        shapes += [
            {"label": joint, "shape_type": "point", "group_id": 1, "flags": {},
             "points": [[x + k / 10, y + k / 10]]}
            for k, joint in enumerate(load_skeleton("coco17").keypoints)
        ]  # fmt: skip
        values = {
            "version": "5.5.0", "flags": {}, "shapes": shapes, "imagePath": name,
            "imageData": None, "imageHeight": 320, "imageWidth": 384,
        }  # fmt: skip
        (folder / f"{number:02d}.json").write_text(json.dumps(values))
    return folder


def export(
    project: Path, weights: Path, control: RemoteControl | None = None, **options: Any
) -> tuple[JobOutcome, list[JobEvent]]:
    events: list[JobEvent] = []
    values = {"target": "press", "weights": str(weights), **options}
    plain = {k: str(v) if isinstance(v, Path) else v for k, v in values.items()}
    spec = JobSpec("export", plain, project=project)
    return run_job(spec, events.append, control or RemoteControl()), events


def logged(events: list[JobEvent], level: str) -> str:
    return "\n".join(
        e.data["message"] for e in events if e.event == "log" and e.data["level"] == level
    )


def leftovers(folder: Path) -> list[str]:
    return [p.name for p in folder.rglob("*") if ".part" in p.name]


def test_a_folder_with_proof_and_what_to_do_next(tmp_path: Path, weights: Path) -> None:
    data = write_people(tmp_path / "data", 24)
    outcome, events = export(tmp_path, weights, data=data, int8=True)
    assert outcome.status == "ok", outcome.error
    folder = Path(outcome.result["model"])
    assert folder == tmp_path / "exports" / "toy-press-int8"
    made = {p.name for p in folder.iterdir()}
    assert made >= {"model.onnx", "model.json", "certificate.json", "certificate.html", "README.md"}
    assert "under the press" in (folder / "README.md").read_text()
    assert outcome.result["passed"] is True
    said = json.loads((folder / "certificate.json").read_text())
    assert said["passed"] is True
    assert said["parity"]["shift_px"]["mean"] == 0
    assert said["own_precision"] is None
    assert said["target"] == "press"
    # Of a dataset without sides one half calibrates, and the other judges.
    assert said["calibration"]["count"] == 12
    assert said["calibration"]["split"] == "half"
    assert said["pictures"] == {
        "count": 12, "source": str(data), "labelled": True, "calibrated": False,
    }  # fmt: skip
    assert "calibration" not in json.loads((folder / "model.json").read_text())
    assert said["ap"]["difference"] == 0
    assert said["pck"]["weights"] == said["pck"]["artifact"]
    titles = {c["title"]: c for c in said["checks"]}
    assert titles["Mean shift of sure joints"]["passed"] is True
    assert titles["Operators"] == {
        "title": "Operators", "value": "3 of 3", "limit": "", "passed": True, "kind": "device",
    }  # fmt: skip
    assert said["device"] == {"operators": 3}
    assert said["files"] == {"model.onnx": (folder / "model.onnx").stat().st_size}
    assert said["bytes"] == said["files"]["model.onnx"]
    assert said["memory_bytes"] > 0
    assert said["not_run"] == ""
    page = (folder / "certificate.html").read_text()
    assert "Passed" in page
    assert all((folder / one["file"]).is_file() for one in said["worst"])
    first, *others = outcome.result["commands"]
    assert first == {"title": "Press it", "command": "press model.onnx"}
    assert any("pose-studio predict --model" in c["command"] for c in others)
    assert "The press is warm." in logged(events, "warning")
    assert leftovers(tmp_path) == []


def test_without_data_drawn_people_judge(tmp_path: Path, weights: Path) -> None:
    outcome, _ = export(tmp_path, weights)
    said = json.loads(Path(outcome.result["certificate"]).read_text())
    assert (said["pictures"]["source"], said["pictures"]["count"]) == ("drawn people", 8)
    assert said["ap"] is None


def test_a_limit_that_is_not_kept_is_named(tmp_path: Path, weights: Path) -> None:
    data = write_people(tmp_path / "data", 3)
    outcome, events = export(tmp_path, weights, data=data, shift=-1.0)
    assert outcome.status == "ok"
    assert outcome.result["passed"] is False
    assert "Mean shift of sure joints: 0.000 px (limit -1 px)" in logged(events, "warning")
    page = (Path(outcome.result["model"]) / "certificate.html").read_text()
    assert "Not passed" in page


def test_weights_that_find_nobody_prove_nothing(tmp_path: Path, weights: Path) -> None:
    data = write_people(tmp_path / "data", 3)
    for picture in data.glob("*.png"):
        write_image(picture, np.full((320, 384, 3), 90, np.uint8))
    outcome, _ = export(tmp_path, weights, data=data)
    assert outcome.status == "ok", outcome.error
    said = json.loads(Path(outcome.result["certificate"]).read_text())
    assert said["ap"] == {"weights": 0.0, "artifact": 0.0, "difference": 0.0}
    assert outcome.result["passed"] is None


def test_what_never_ran_here_is_not_called_proved(tmp_path: Path, weights: Path) -> None:
    outcome, events = export(tmp_path, weights, suffix=".om")
    assert outcome.status == "ok", outcome.error
    assert outcome.result["passed"] is None
    said = json.loads(Path(outcome.result["certificate"]).read_text())
    assert "never run" in said["not_run"]
    assert (said["latency_ms"], said["parity"]) == (None, {})
    assert "Never run here" in logged(events, "warning")
    page = (Path(outcome.result["model"]) / "certificate.html").read_text()
    assert "Never run here" in page


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"int8": True}, "No calibration pictures are known"),
        ({"data": "nowhere"}, "not there"),
        ({"int8": True, "calibration": "nowhere"}, "calibration pictures are not there"),
        ({"out": "taken"}, "already something here"),
        ({"fail": "tool"}, "The press ended with status 1: no steam."),
        ({"fail": "full"}, "The disk is full"),
    ],
)
def test_what_is_refused_or_fails_leaves_nothing(
    options: dict[str, Any], message: str, tmp_path: Path, weights: Path
) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("mine")
    paths = {"data", "calibration", "out"}
    asked = {k: tmp_path / v if k in paths else v for k, v in options.items()}
    outcome, events = export(tmp_path, weights, **{"out": tmp_path / "out", **asked})
    assert outcome.status == "failed"
    assert outcome.error is not None
    assert message in outcome.error["message"]
    assert not (tmp_path / "out").exists()
    assert [p.name for p in (tmp_path / "taken").iterdir()] == ["mine.txt"]
    assert leftovers(tmp_path) == []
    assert [e for e in events if e.event == "artifact"] == []


def test_five_pictures_and_two_classes_are_refused(tmp_path: Path, weights: Path) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for number in range(5):
        write_image(few / f"{number}.png", picture_with((1, 1)))
    outcome, _ = export(tmp_path, weights, int8=True, calibration=few)
    assert outcome.error is not None
    assert "There are 5 calibration pictures" in outcome.error["message"]
    with_changes(weights, categories=("person", "dog"))
    outcome, _ = export(tmp_path, weights)
    assert outcome.error is not None
    assert "one class" in outcome.error["message"]
    assert not (tmp_path / "exports").exists()


def test_weights_that_are_cut_short_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    source = shared("weights/yolo11n-pose.pt")
    cut = tmp_path / "cut.pt"
    cut.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    outcome, _ = export(tmp_path, cut)
    assert outcome.status == "failed"
    assert outcome.error is not None
    assert "cut.pt" in str(outcome.error)
    assert not (tmp_path / "exports").exists()


def test_a_library_that_meets_a_full_disk_is_understood(
    tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, _ = export(tmp_path, weights, fail="library")
    assert plain.error is not None
    assert "write failed" in plain.error["message"]
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 10, 0))
    outcome, _ = export(tmp_path, weights, fail="library")
    assert outcome.error is not None
    assert "The disk is full; nothing was exported (write failed)." in outcome.error["message"]
    assert leftovers(tmp_path) == []


def test_a_cancel_in_the_certificate_leaves_nothing(tmp_path: Path, weights: Path) -> None:
    control = RemoteControl()
    events: list[JobEvent] = []

    def listen(event: JobEvent) -> None:
        events.append(event)
        if event.event == "progress" and event.data["stage"] == "certify":
            control.cancel()

    spec = JobSpec("export", {"target": "press", "weights": str(weights)}, project=tmp_path)
    assert run_job(spec, listen, control).status == "cancelled"
    assert list((tmp_path / "exports").iterdir()) == []


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal here")
def test_a_killed_export_is_cleared_away_by_the_next(tmp_path: Path, weights: Path) -> None:
    out = tmp_path / "exports" / "one"
    command = [sys.executable, "-m", "studio", "export", "--weights", str(weights), "--target",
               "press", "--out", str(out), "--fail", "slow"]  # fmt: skip
    process = subprocess.Popen(
        command, env=dict(os.environ), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        end = time.monotonic() + 120
        while not list((tmp_path / "exports").glob(".*/begun")):
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    assert not out.exists()
    assert len(leftovers(tmp_path)) > 0
    outcome, _ = export(tmp_path, weights, out=out)
    assert outcome.status == "ok", outcome.error
    assert out.is_dir()
    assert leftovers(tmp_path) == []
