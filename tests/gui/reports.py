"""Reports of clips and of heads as the jobs write them, with real pictures."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np

from studio.core.head import Angles, rotation_of
from studio.core.job import JobSpec
from studio.io.keypoint_rows import Row, rows_text
from studio.io.video_keypoints import frame_name
from studio.jobs.control import RemoteControl
from studio.jobs.host import run_job
from studio.jobs.report_values import head_values
from studio.metrics.heads import evaluate_heads

HAND = np.array([[0, 60], [15, 20], [30, 5], [45, 0], [60, 10], [75, 30]], np.float64)
TOOL = np.array([[0, 0], [70, 30], [75, 0]], np.float64)
CLASSES = {
    0: ("left hand", HAND),
    1: ("right hand", HAND * (-1, 1) + (75, 0)),
    2: ("scissors", TOOL),
}
STARTS = {0: (60, 120), 1: (300, 110), 2: (190, 240)}


def clip_rows(frames: range, shift: float = 0.0, seed: int = 0) -> list[Row]:
    rng = np.random.default_rng(seed)
    rows = []
    for frame in frames:
        for category, (_, shape) in CLASSES.items():
            off = rng.normal(0, shift, shape.shape) if shift else 0
            points = shape + np.array(STARTS[category]) + (frame * 4, frame * 2) + off
            rows.append(Row(frame, category + 1, category, np.c_[points, np.full(len(points), 2)]))
    return rows


def draw_frames(folder: Path, video: str, frames: range) -> None:
    """Cloth-coloured frames with the hands and the tool as blobs."""
    folder.mkdir(parents=True, exist_ok=True)
    for frame in frames:
        picture = np.full((360, 480, 3), (120, 96, 70), np.uint8)
        for row in clip_rows(range(frame, frame + 1)):
            points = row.keypoints[:, :2].astype(np.int32)
            color = (150, 180, 225) if row.category < 2 else (200, 200, 205)
            cv2.fillConvexPoly(picture, cv2.convexHull(points), color)
            for x, y in points:
                cv2.circle(picture, (int(x), int(y)), 9, color, -1)
        cv2.imwrite(str(folder / f"{frame_name(video, frame)}.png"), picture)


def clip_report(project: Path, name: str, shift: float, count: int = 12) -> Path:
    """Judges stored tracks that are `shift` px of noise off; the report in `reports/<name>`."""
    frames = range(count)
    root = project / "clips"
    gt = root / "gt"
    gt.mkdir(parents=True, exist_ok=True)
    (gt / "E66F.txt").write_text(rows_text(clip_rows(frames)))
    found = clip_rows(frames, shift, seed=int(shift * 10))
    pred = root / name
    pred.mkdir(parents=True, exist_ok=True)
    kept = [r for r in found if (r.frame, r.category) != (3, 2)]
    (pred / "E66F.txt").write_text(rows_text(kept))
    draw_frames(root / "frames", "E66F", frames)
    report = project / "reports" / name / "report.json"
    options = {
        "gt": str(gt), "pred": str(pred), "frames": str(root / "frames"), "out": str(report),
        "class_names": [n for n, _ in CLASSES.values()],
    }  # fmt: skip
    outcome = run_job(JobSpec("judge", options), lambda _: None, RemoteControl())
    assert outcome.status == "ok", outcome.error
    return report


def head_report(project: Path, name: str, off: float, count: int = 60) -> Path:
    """Judges made-up predictions `off` degrees from the truth; `reports/<name>`."""
    rng = np.random.default_rng(3)
    folder = project / "heads"
    folder.mkdir(parents=True, exist_ok=True)
    samples = []
    for number in range(count):
        angles = Angles(*rng.uniform((-85, -40, -30), (85, 40, 30)))
        path = folder / f"head_{number:03}.png"
        picture = np.full((128, 128, 3), (96, 110, 120), np.uint8)
        cv2.ellipse(picture, (64, 64), (38, 50), 0, 0, 360, (150, 175, 215), -1)
        nose = (int(64 - 38 * np.sin(np.radians(angles.yaw))), 66)
        cv2.circle(picture, nose, 6, (110, 130, 190), -1)
        cv2.imwrite(str(path), picture)
        samples.append(
            SimpleNamespace(picture=path, rotation=rotation_of(angles), angles=angles, box=None)
        )

    def turn(_pictures, mine):
        wrong = rng.normal(0, off, (len(mine), 3)) * np.array([1 + abs(s.angles.yaw) / 60 for s in mine])[:, None]  # fmt: skip
        return np.stack(
            [rotation_of(Angles(*(s.angles + w))) for s, w in zip(mine, wrong, strict=True)]
        )

    judged = evaluate_heads(samples, turn)
    model = {"path": str(project / "runs" / "sixdrepnet" / name / "weights" / "best.pt"),
             "family": "sixdrepnet", "precision": "fp32"}  # fmt: skip
    values = head_values(judged, model=model, settings={}, pictures=200)
    values["dataset"] = {"path": str(folder), "split": "val", "pictures": count, "people": count}
    report = project / "reports" / name / "report.json"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(json.dumps(values))
    return report
