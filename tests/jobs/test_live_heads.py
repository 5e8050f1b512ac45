"""Heads in a live session: beside people, alone, drawn in what is kept, changed while it runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.core.errors import ModelError
from studio.core.head import Angles, rotation_of
from studio.io.video import VideoReader, VideoWriter
from tests.jobs.listening import Listener, run
from tests.runtime.head_toy import write_head_onnx
from tests.runtime.toy import picture_with, write_onnx

TRUE = Angles(yaw=25.0, pitch=-12.0, roll=8.0)


@pytest.fixture
def head_model(tmp_path: Path) -> Path:
    pytest.importorskip("onnx")
    return write_head_onnx(tmp_path / "head.onnx", {"rotation": rotation_of(TRUE)})


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "pair.mp4"
    with VideoWriter(path, 25.0, (640, 384)) as writer:
        for _ in range(12):
            writer.write(picture_with((3, 5), (15, 5), size=(640, 384)))
    return path


def watched(tmp_path: Path, film: Path, **options: Any) -> tuple[dict[str, Any], Listener]:
    listener = Listener()
    result = run(
        "live", tmp_path, listener, source=film, fps=1000, save_dir=tmp_path / "out", **options
    )
    return result, listener


def test_heads_of_people_are_told_and_kept(
    toy_model: Path, head_model: Path, film: Path, tmp_path: Path
) -> None:
    result, listener = watched(
        tmp_path, film, model=toy_model, head_model=head_model, conf=0.8, record=True
    )
    frames = listener.of("frame")
    assert len(frames) == 12
    for frame in frames:
        assert "head" in frame["timings"]
        for person in frame["predictions"]:
            head = person["head"]
            assert (head["yaw"], head["pitch"], head["roll"]) == pytest.approx(TRUE, abs=1e-3)
            x, y, w, h = head["bbox"]
            bx, by, bw, bh = person["bbox"]
            assert (x + w / 2, y + h / 2) == pytest.approx((bx + bw / 2, by + bh / 2), abs=1)
    (table,) = (Path(p) for p in result["saved"] if p.endswith(".json"))
    rows = json.loads(table.read_text(encoding="utf-8"))
    assert len(rows) == 24
    assert all(r["head"]["yaw"] == pytest.approx(TRUE.yaw, abs=1e-3) for r in rows)


@pytest.mark.parametrize(("draw", "orange"), [("cube", True), ("none", False)])
def test_a_recording_has_the_cubes(
    toy_model: Path, head_model: Path, film: Path, tmp_path: Path, draw: str, orange: bool
) -> None:
    result, _ = watched(
        tmp_path, film, model=toy_model, head_model=head_model, conf=0.8, record=True,
        head_draw=draw, head_size=120,
    )  # fmt: skip
    (path,) = (Path(p) for p in result["saved"] if p.endswith(".mp4"))
    frame = list(VideoReader(path))[-1][2].astype(int)
    front = (frame[..., 2] > 180) & (abs(frame[..., 1] - 165) < 50) & (frame[..., 0] < 130)
    assert (int(front.sum()) > 800) == orange


def test_a_head_pose_model_alone(head_model: Path, film: Path, tmp_path: Path) -> None:
    """Each frame is a head: it keeps one number, and nothing but its place is known of it."""
    _, listener = watched(tmp_path, film, model=head_model, head_boxes="picture")
    frames = listener.of("frame")
    assert len(frames) == 12
    people = [p for f in frames for p in f["predictions"]]
    assert len(people) == 12
    assert {p["track_id"] for p in people} == {1}
    assert all(p["bbox"] == [0, 0, 640, 384] for p in people)
    assert all(p["head"]["roll"] == pytest.approx(TRUE.roll, abs=1e-3) for p in people)
    assert not np.array(people[0]["keypoints"]).any()


def test_a_head_model_that_is_none_is_said_at_once(
    toy_model: Path, film: Path, tmp_path: Path
) -> None:
    people = write_onnx(tmp_path / "people.onnx")
    with pytest.raises(ModelError, match="how heads are turned"):
        watched(tmp_path, film, model=toy_model, head_model=people)
