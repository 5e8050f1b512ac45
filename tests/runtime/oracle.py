"""ultralytics asked in a process of its own, and our answers held against its."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from studio.core.prediction import Prediction
from studio.metrics.agreement import VISIBLE, match_people
from studio.runtime.results import prediction_from_values
from tests.runtime.toy import read_records

ROOT = Path(__file__).parents[2]
WEIGHTS = ROOT.parent / "shared" / "data" / "weights" / "yolo11n-pose.pt"
# Known answers at confidence 0.25.
PEOPLE = {"bus.jpg": 4, "zidane.jpg": 2}

ORACLE = """
import json, sys
from ultralytics import YOLO
model = YOLO(sys.argv[1])
found = {}
for path in sys.argv[3:]:
    result = model.predict(path, conf=0.25, verbose=False, save=False)[0]
    found[path] = {"boxes": result.boxes.xyxy.tolist(), "scores": result.boxes.conf.tolist(),
                   "keypoints": result.keypoints.data.tolist()}
open(sys.argv[2], "w").write(json.dumps(found))
"""

Found = dict[str, list[Prediction]]


def photographs() -> list[Path]:
    spec = importlib.util.find_spec("ultralytics")
    assert spec is not None
    assert spec.origin is not None
    return [Path(spec.origin).parent / "assets" / name for name in PEOPLE]


def studio(*words: object) -> None:
    command = [sys.executable, "-m", "studio", *map(str, words), "--json"]
    said = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert said.returncode == 0, said.stdout[-3000:] + said.stderr[-3000:]


def ask_ultralytics(weights: Path, folder: Path) -> Found:
    """What it finds on its photographs."""
    offline = {"YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "False", "YOLO_CONFIG_DIR": str(folder)}
    out = folder / "found.json"
    command = [sys.executable, "-c", ORACLE, weights, out, *photographs()]
    subprocess.run(
        [str(c) for c in command], check=True, capture_output=True, env=os.environ | offline
    )
    values: dict[str, Any] = json.loads(out.read_text())
    return {
        Path(path).name: [
            Prediction(np.array(b, np.float32), s, np.array(k, np.float32))
            for b, s, k in zip(v["boxes"], v["scores"], v["keypoints"], strict=True)
        ]
        for path, v in values.items()
    }


def found_by(model: Path, folder: Path, precision: str) -> Found:
    studio(
        "predict", "--model", model, "--source", photographs()[0].parent, "--save-dir", folder,
        "--save-json", "--no-draw", "--precision", precision,
    )  # fmt: skip
    found: Found = {name: [] for name in PEOPLE}
    for row in read_records(folder / "predictions.json"):
        found[str(row["image"])].append(prediction_from_values(row))
    return found


def differences(expected: Found, found: Found) -> dict[str, float]:
    """The largest differences over all people of both photographs; the people must be the same."""
    worst = {"keypoint_px": 0.0, "score": 0.0, "joint_score": 0.0}
    visible: list[np.ndarray] = []
    for name, count in PEOPLE.items():
        assert len(expected[name]) == len(found[name]) == count, name
        pairs = match_people(expected[name], found[name])
        assert len(pairs) == count, name
        for i, j in pairs:
            a, b = expected[name][i], found[name][j]
            shift = np.hypot(*(a.keypoints - b.keypoints)[:, :2].T)
            visible.append(shift[a.keypoints[:, 2] >= VISIBLE])
            worst["keypoint_px"] = max(worst["keypoint_px"], float(shift.max()))
            worst["score"] = max(worst["score"], abs(a.score - b.score))
            joint = float(np.abs(a.keypoints - b.keypoints)[:, 2].max())
            worst["joint_score"] = max(worst["joint_score"], joint)
    seen = np.concatenate(visible)
    worst |= {"visible_median_px": float(np.median(seen)), "visible_max_px": float(seen.max())}
    return worst
