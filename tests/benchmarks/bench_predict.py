"""Predict: as right as ultralytics' own, and how fast, bare and with everything around."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks import ROOT, SHARED, Report
from tests.runtime.oracle import WEIGHTS, ask_ultralytics, differences, found_by, studio

VIDEO = SHARED / "video" / "walking_1768x994.mp4"
PEER = """
import json, sys, time
from ultralytics import YOLO
model = YOLO(sys.argv[1], task="pose")
model.predict(sys.argv[2], imgsz=640, verbose=False)
started, frames = time.perf_counter(), 0
for _ in model.predict(sys.argv[3], stream=True, imgsz=640, verbose=False):
    frames += 1
print(frames / (time.perf_counter() - started))
"""


def run(report: Report) -> None:
    """Parity on the two photographs, then speed on the walking video."""
    if not WEIGHTS.is_file():
        report.say(f"skipped: {WEIGHTS} is not there")
        return
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        model = folder / "openvino"
        studio(
            "export", "--target", "openvino", "--weights", WEIGHTS, "--out", model, "--no-certify"
        )
        _parity(report, folder, model)
        _engine(report, folder, model)
        _video(report, folder, model)
        _live(report, folder, model)


def _parity(report: Report, folder: Path, model: Path) -> None:
    expected = ask_ultralytics(WEIGHTS, folder)
    for title, weights, precision in ((".pt", WEIGHTS, "auto"), ("OpenVINO f32", model, "f32")):
        worst = differences(expected, found_by(weights, folder / title, precision))
        limits = {"keypoint_px": 1.0, "score": 0.01, "joint_score": 0.01}
        for name, limit in limits.items():
            unit = "px" if name.endswith("px") else "score"
            report.add(f"{title}: largest {name}", worst[name], unit, at_most=limit)
    worst = differences(expected, found_by(model, folder / "default", "auto"))
    for name, value in worst.items():
        report.add(f"OpenVINO default precision: {name}", value, "px" if "px" in name else "score")


def _engine(report: Report, folder: Path, model: Path) -> None:
    for title, extra in (("384 x 640", ["--source", VIDEO]), ("synthetic 480 x 640", [])):
        out = folder / f"bench{len(extra)}.json"
        studio("benchmark", "--model", model, "--seconds", 4, "--out", out, *extra)
        values: dict[str, Any] = json.loads(out.read_text())
        precision = values["precision"]
        report.add(f"bare engine, {title}", values["engine_fps"], "fps", note=precision)
        share = values["pipeline_fps"] / values["engine_fps"]
        report.add(f"our pipeline of the bare engine, {title}", share, "x", at_least=0.8)
        report.add(f"pipeline overhead, {title}", values["overhead_ms"], "ms")


def _video(report: Report, folder: Path, model: Path) -> None:
    peer = _peer(folder, model)
    for title, extra in (("no drawing", ["--no-draw"]), ("drawn and written", [])):
        out = folder / title
        words = ["predict", "--model", model, "--source", VIDEO, "--save-dir", out, "--save-json"]
        result = _result(*words, *extra)
        beside = f"ultralytics predict of the same files, nothing written: {peer:.1f} fps"
        note = f"{result['precision']}, {result['stages_ms']}"
        report.add(f"video {title}", result["fps"], "fps", peer=beside, note=note)
        if extra:
            report.add(f"video {title}, of ultralytics", result["fps"] / peer, "x", at_least=1.0)


def _live(report: Report, folder: Path, model: Path) -> None:
    spec = {"v": 1, "job": "live", "run_dir": str(folder / "live")}
    spec["options"] = {"model": str(model), "source": str(VIDEO)}
    path = folder / "live.json"
    path.write_text(json.dumps(spec))
    command = [sys.executable, "-m", "studio", "job", str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    events = [json.loads(line) for line in said.stdout.splitlines()]
    latency = sorted(e["timings"]["latency"] for e in events if e["event"] == "frame")
    report.add("live, frame due to event, median", latency[len(latency) // 2], "ms")
    report.add("live, 30 fps video", events[-1]["result"]["fps"], "fps")


def _result(*words: object) -> dict[str, Any]:
    command = [sys.executable, "-m", "studio", *map(str, words), "--json"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return json.loads(said.stdout.splitlines()[-1])["result"]


def _peer(folder: Path, model: Path) -> float:
    """ultralytics' frames a second with the same OpenVINO files, model loaded before."""
    named = folder / "peer_openvino_model"
    named.symlink_to(model, target_is_directory=True)
    picture = folder / "warm.png"
    from studio.io.images import write_image
    from tests.runtime.toy import picture_with

    write_image(picture, picture_with(size=(1768, 994)))
    offline = {"YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "False", "YOLO_CONFIG_DIR": str(folder)}
    command = [sys.executable, "-c", PEER, str(named), str(picture), str(VIDEO)]
    said = subprocess.run(
        command, capture_output=True, text=True, check=True, env=os.environ | offline, cwd=folder
    )
    return float(said.stdout.splitlines()[-1])
