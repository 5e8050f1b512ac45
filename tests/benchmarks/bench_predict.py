"""Predict: as right as ultralytics' own, and how fast, bare and with everything around."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from itertools import cycle
from pathlib import Path
from typing import Any

from studio.io.images import image_size, read_image
from studio.runtime.artifacts import load_artifact
from studio.runtime.predictor import Predictor
from studio.vision.letterbox import fit
from tests.benchmarks import ROOT, SHARED, Report
from tests.benchmarks.bench_export import ap_of
from tests.benchmarks.speed import Bare, Ours, Ultralytics
from tests.runtime.oracle import WEIGHTS, ask_ultralytics, differences, found_by, studio

VIDEO = SHARED / "video" / "walking_1768x994.mp4"
PEOPLE = SHARED / "coco_people"
PICTURES = 1000
ROUNDS = 2
# Of each size of input, the engine alone for so long.
SECONDS = 1.0


def run(report: Report) -> None:
    """Parity, speed on the walking video, and a folder of pictures; a video's whole way is `live`'s."""
    if not WEIGHTS.is_file():
        report.say(f"skipped: {WEIGHTS} is not there")
        return
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        model = folder / "openvino"
        studio(
            "export", "--target", "openvino", "--weights", WEIGHTS, "--out", model, "--no-certify"
        )
        half = folder / "half"
        studio(
            "export", "--target", "openvino", "--weights", WEIGHTS, "--half", "--out", half,
            "--no-certify",
        )  # fmt: skip
        _parity(report, folder, model)
        _accuracy(report, half)
        _engine(report, folder, model)
        _folder(report, folder, half)
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


def _accuracy(report: Report, model: Path) -> None:
    """AP on COCO pictures beside the weights' own, which fill the same inputs. Where a processor
    prefers 16 bits, that is another rounding of every layer: what it does is told beside.
    """
    weights = ap_of(WEIGHTS, PEOPLE)
    for precision, limit in (("f32", 0.002), ("auto", None)):
        found = ap_of(model, PEOPLE, precision=precision)
        name = f"OpenVINO fp16, computed in {precision}: AP off"
        report.add(name, abs(weights - found), "", at_most=limit, peer=f"{weights:.4f}",
                   note=f"{found:.4f}")  # fmt: skip


def _folder(report: Report, folder: Path, model: Path) -> None:
    """Pictures of many sizes, JPEG decoding included, beside ultralytics' predict on the folder, one
    picture after the other and the bare engine on inputs of the same sizes.
    """
    pictures = folder / "pictures"
    pictures.mkdir()
    for number, path in zip(range(PICTURES), cycle(sorted((PEOPLE / "images").glob("*.jpg")))):
        (pictures / f"{number:05}.jpg").symlink_to(path)
    peer = Ultralytics(folder)
    rounds: list[dict[str, float]] = []
    with Ours(model, folder / "found", track="") as loop:
        loop.fps(pictures, no_draw=True)
        for _ in range(ROUNDS):
            found = {"ours": loop.fps(pictures, no_draw=True, save_json=True)}
            found["ultralytics"] = peer.fps(pictures, drawn=False)
            found["single"] = _one_by_one(model, pictures)
            found["bare"] = _bare(model, pictures)
            rounds.append(found)
    for key in rounds[0]:
        report.add(f"folder, {key}", statistics.median(r[key] for r in rounds), "fps")
    for key, least in (("ultralytics", 1.5), ("single", 1.5), ("bare", 0.75)):
        ratio = statistics.median(r["ours"] / r[key] for r in rounds)
        report.add(f"folder of {PICTURES} pictures, of {key}", ratio, "x", at_least=least)


def _one_by_one(model: Path, pictures: Path) -> float:
    """Pictures a second where each is read, looked at and done with before the next."""
    paths = sorted(pictures.iterdir())
    with Predictor(model) as predictor:
        predictor.predict(read_image(paths[0]))
        started = time.perf_counter()
        for path in paths:
            predictor.predict(read_image(path))
        return len(paths) / (time.perf_counter() - started)


def _bare(model: Path, pictures: Path) -> float:
    """Pictures a second that the engine alone could do, each size on its own."""
    size = load_artifact(model).input.size
    shapes = Counter(
        fit((height, width), size).shape
        for width, height in (image_size(path) for path in pictures.iterdir())
    )
    seconds = sum(count / Bare(model, shape).fps(SECONDS) for shape, count in shapes.items())
    return shapes.total() / seconds


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
