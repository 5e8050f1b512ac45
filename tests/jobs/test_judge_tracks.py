"""Stored tracks judged: the guide's folders, names and options; figures by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from studio.core.job import JobEvent, JobSpec
from studio.io.images import read_image
from studio.io.keypoint_rows import Row, rows_text
from studio.jobs.control import RemoteControl
from studio.jobs.host import JobOutcome, run_job

FRAMES = range(12)


def rows(shift: float = 0.0, tracks=(1, 2), tool: bool = True) -> list[Row]:
    """Two hands (class 0) far from each other, and scissors (class 1)."""
    square = np.array([[0, 0], [30, 0], [30, 40], [0, 40]])
    made = []
    for frame in FRAMES:
        for number, track in enumerate(tracks):
            points = square + np.array([10 + frame + number * 100 + shift, 10])
            made.append(Row(frame, track, 0, np.c_[points, np.full(4, 2)]))
        if tool:
            points = square[:2] + np.array([60 + frame, 90])
            made.append(Row(frame, 5, 1, np.c_[points, np.full(2, 2)]))
    return made


def write(path: Path, made: list[Row]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(rows_text(made))
    return path


@pytest.fixture
def kp_eval(tmp_path) -> Path:
    """Laid out as the guide has it."""
    root = tmp_path / "kp_eval" / "data"
    for video in ("A36O", "E66F"):
        write(root / "gt" / f"{video}.txt", rows())
        write(root / "trackers" / "oss25_det" / f"{video}.txt", rows(shift=5))
        write(root / "trackers" / "klt" / "data" / f"{video}.txt", rows(tracks=(7, 8)))
    write(root / "single" / "E66F_pred.txt", rows(shift=10))
    return root


def judge(tmp_path: Path, **options: Any) -> tuple[JobOutcome, list[JobEvent]]:
    events: list[JobEvent] = []
    values = {k: str(v) if isinstance(v, Path) else v for k, v in options.items()}
    outcome = run_job(JobSpec("judge", values, project=tmp_path), events.append, RemoteControl())
    return outcome, events


def test_one_tracker(kp_eval, tmp_path):
    outcome, _ = judge(
        tmp_path, gt=kp_eval / "gt", pred=kp_eval / "trackers", trackers=["oss25_det"],
        class_names=["hand", "scissors"], out=tmp_path / "out_det",
    )  # fmt: skip
    assert outcome.status == "ok", outcome.error
    assert outcome.result["metrics"]["HOTA-KP"] == pytest.approx((0.8947 + 1) / 2, abs=1e-4)
    assert outcome.result["metrics"]["HOTA-KP/hands"] == pytest.approx(0.8947, abs=1e-4)
    report = json.loads((tmp_path / "out_det" / "report.json").read_text())
    assert report["kind"] == "clips"
    assert report["dataset"]["videos"] == ["A36O", "E66F"]
    assert report["dataset"]["people"] == 2 * 12 * 3
    assert list(report["hota"]["classes"]) == ["hand", "scissors"]
    assert len(report["hota"]["alphas"]) == 19
    assert len(report["joints"]) == 6
    page = (tmp_path / "out_det" / "report.html").read_text()
    assert "HOTA of each class" in page
    assert "<svg" in page


def test_all_trackers_of_a_folder(kp_eval, tmp_path):
    outcome, _ = judge(tmp_path, gt=kp_eval / "gt", pred=kp_eval / "trackers", out=tmp_path / "o")
    assert outcome.status == "ok", outcome.error
    found = {n: r["metrics"]["HOTA-KP"] for n, r in outcome.result["trackers"].items()}
    assert found == pytest.approx({"klt": 1.0, "oss25_det": (0.8947 + 1) / 2}, abs=1e-4)
    assert (tmp_path / "o" / "klt" / "report.json").is_file()
    assert (tmp_path / "o" / "oss25_det" / "report.html").is_file()


def test_one_video_by_its_file_with_drawn_frames(kp_eval, tmp_path):
    frames = tmp_path / "data" / "val" / "frames" / "E66F"
    frames.mkdir(parents=True)
    for number in FRAMES:
        picture = np.full((160, 240, 3), 90, np.uint8)
        cv2.imwrite(str(frames / f"E66F_frame_{number:06d}.png"), picture)
    outcome, events = judge(
        tmp_path, gt=kp_eval / "gt", pred=kp_eval / "single" / "E66F_pred.txt", videos=["E66F"],
        frames=tmp_path / "data", vis=tmp_path / "vis", limit=3,
    )  # fmt: skip
    assert outcome.status == "ok", outcome.error
    drawn = sorted((tmp_path / "vis").iterdir())
    assert len(drawn) == outcome.result["drawn"] == 3
    picture = read_image(drawn[0])
    assert (picture.std(axis=2) > 20).any(), "labels green and predictions orange are drawn"
    kinds = [e.data["kind"] for e in events if e.event == "artifact"]
    assert kinds == ["report", "page", "pictures"]
    assert outcome.result["metrics"]["AssA"] == pytest.approx((0.6316 + 1) / 2, abs=1e-4)


def test_a_video_without_predictions_counts_as_missed(kp_eval, tmp_path):
    outcome, events = judge(tmp_path, gt=kp_eval / "gt", pred=kp_eval / "single")
    assert outcome.status == "ok", outcome.error
    assert outcome.result["metrics"]["DetA"] < 0.51
    assert any("A36O" in e.data["message"] for e in events if e.event == "log")


def test_sparse_labels(kp_eval, tmp_path):
    sparse = [r for r in rows() if r.frame % 4 == 0]
    write(tmp_path / "gt" / "E66F.txt", sparse)
    write(tmp_path / "pred" / "E66F.txt", rows())
    whole, _ = judge(tmp_path, gt=tmp_path / "gt", pred=tmp_path / "pred")
    assert whole.result["metrics"]["DetA"] == pytest.approx(0.25)
    some, _ = judge(tmp_path, gt=tmp_path / "gt", pred=tmp_path / "pred", labelled_only=True)
    assert some.result["metrics"]["HOTA-KP"] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trackers": ["nobody"]}, "no tracker called nobody"),
        ({"trackers": ["../gt"]}, "no tracker called ../gt"),
        ({"pred": Path("absent")}, "no such file"),
        ({"videos": ["Z"]}, "no labels of Z"),
        ({"class_names": ["one"]}, "1 class names are given and 2 classes"),
    ],
)
def test_what_cannot_be_judged(kp_eval, tmp_path, options, message):
    outcome, _ = judge(tmp_path, **{"gt": kp_eval / "gt", "pred": kp_eval / "trackers", **options})
    assert outcome.error is not None
    assert message in outcome.error["message"]


def test_a_damaged_row_names_its_line(kp_eval, tmp_path):
    bad = kp_eval / "trackers" / "klt" / "data" / "A36O.txt"
    bad.write_text(bad.read_text() + "3,1,0,-1,-1,-1,-1,5\n")
    outcome, _ = judge(tmp_path, gt=kp_eval / "gt", pred=kp_eval / "trackers", trackers=["klt"])
    assert outcome.error is not None
    assert "Line 37" in outcome.error["message"]


def test_the_guides_own_command(kp_eval, tmp_path):
    ran = subprocess.run(
        [sys.executable, "-m", "studio", "evaluate", "--GT_FOLDER", kp_eval / "gt",
         "--TRACKERS_FOLDER", kp_eval / "trackers", "--OUTPUT_FOLDER", tmp_path / "out_det",
         "--TRACKERS_TO_EVAL", "oss25_det", "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    last = json.loads(ran.stdout.splitlines()[-1])
    assert last["event"] == "finished"
    assert 0.9 < last["result"]["metrics"]["HOTA-KP"] < 1
