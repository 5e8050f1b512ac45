"""A training's time per epoch beside the same `yolo train` by hand, and what a start costs."""

from __future__ import annotations

import csv
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from studio.io.files import atomic_write_text
from studio.io.images import write_image
from studio.vision.synthetic import make_picture
from tests.benchmarks import SHARED, Report

EPOCHS, SIZE, BATCH = 4, 320, 8
PICTURES = {"train": 64, "val": 16}
WEIGHTS = SHARED / "weights" / "yolo11n-pose.pt"


def run(report: Report) -> None:
    """Both on the same drawn people, twice, taking turns."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        data = _dataset(root / "data")
        start = str(WEIGHTS) if WEIGHTS.is_file() else "yolo11n-pose.yaml"
        ours: list[float] = []
        theirs: list[float] = []
        whole: dict[str, list[float]] = {"ours": [], "theirs": []}
        busy: dict[str, list[float]] = {"ours": [], "theirs": []}
        for turn in range(2):
            for name, train, times in (("ours", _studio, ours), ("theirs", _by_hand, theirs)):
                begun, used = time.perf_counter(), _cpu_of_children()
                times += train(root, data, start, turn)
                whole[name].append(time.perf_counter() - begun)
                busy[name].append(_cpu_of_children() - used)
    epoch, peer = statistics.median(ours), statistics.median(theirs)
    report.add("train: one epoch", epoch, "s", peer=f"yolo train: {peer:.2f} s")
    report.add("train: epoch / yolo train's", epoch / peer, "", at_most=1.1)
    report.add(
        f"train: {EPOCHS} epochs, all in all",
        min(whole["ours"]),
        "s",
        peer=f"yolo train: {min(whole['theirs']):.1f} s",
    )
    report.add(
        "train: processor time / yolo train's",
        min(busy["ours"]) / min(busy["theirs"]),
        "",
        at_most=1.1,
        note="what a busy machine does not disturb",
    )


def _cpu_of_children() -> float:
    used = os.times()
    return used.children_user + used.children_system


def _dataset(root: Path) -> Path:
    seed = 0
    for split, count in PICTURES.items():
        for number in range(count):
            seed += 1
            drawn = make_picture(seed, (SIZE, SIZE))
            write_image(root / "images" / split / f"{number:03d}.jpg", drawn.image)
            rows = [_row(p.keypoints, p.tight_box()) for p in drawn.people]
            atomic_write_text(root / "labels" / split / f"{number:03d}.txt", "\n".join(rows))
    return root


def _row(keypoints: np.ndarray, box: np.ndarray | None) -> str:
    assert box is not None
    x, y, w, h = np.clip(np.array([box[0], box[1], box[0] + box[2], box[1] + box[3]]) / SIZE, 0, 1)
    numbers = [(x + w) / 2, (y + h) / 2, max(w - x, 1e-3), max(h - y, 1e-3)]
    points = keypoints.copy()
    points[:, :2] = np.clip(points[:, :2] / SIZE, 0, 1)
    points[points[:, 2] == 0] = 0
    joints = " ".join(f"{px:.6f} {py:.6f} {int(v)}" for px, py, v in points)
    return "0 " + " ".join(f"{n:.6f}" for n in numbers) + " " + joints


def _studio(root: Path, data: Path, start: str, turn: int) -> list[float]:
    words = ["train", "yolo-pose", "--dataset-root", str(data), "--pretrained", start]
    words += ["--epochs", str(EPOCHS), "--imgsz", str(SIZE), "--batch", str(BATCH)]
    words += ["--device", "cpu", "--output", str(root / "runs"), "--name", f"r{turn}", "--json"]
    subprocess.run([sys.executable, "-m", "studio", *words], check=True, stdout=subprocess.DEVNULL)
    events = root / "runs" / "yolo-pose" / f"r{turn}" / "events.jsonl"
    lines = [json.loads(line) for line in events.read_text().splitlines()]
    ends = [e["t"] for e in lines if e.get("split") == "val"]
    return [b - a for a, b in itertools.pairwise(ends)]


def _by_hand(root: Path, data: Path, start: str, turn: int) -> list[float]:
    program = str(Path(sys.executable).with_name("yolo"))
    words = ["pose", "train", f"model={start}", f"data={data / 'pose.yaml'}", f"epochs={EPOCHS}"]
    words += [f"imgsz={SIZE}", f"batch={BATCH}", "device=cpu", "plots=False", f"name=y{turn}"]
    environment = {
        **os.environ,
        "YOLO_OFFLINE": "true",
        "YOLO_AUTOINSTALL": "false",
        "YOLO_CONFIG_DIR": str(root / "config"),
    }
    subprocess.run(
        [program, *words, f"project={root / 'hand'}"],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    table = (root / "hand" / f"y{turn}" / "results.csv").read_text().splitlines()
    times = [float(row["time"]) for row in csv.DictReader(table)]
    return [b - a for a, b in itertools.pairwise(times)]
