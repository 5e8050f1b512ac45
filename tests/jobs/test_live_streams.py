"""Live on a network camera that stalls, dies, comes back and changes its size."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.core.errors import DeviceError
from studio.core.job import JobEvent, JobSpec
from studio.io.video import VideoReader, VideoWriter
from studio.jobs.control import RemoteControl
from studio.jobs.host import run_job
from studio.jobs.live import session
from studio.runtime import stream_source
from tests.jobs.listening import Listener, run
from tests.mjpeg import NetworkCamera
from tests.runtime.toy import picture_with


def patience(monkeypatch: pytest.MonkeyPatch, stall: float, silent: float) -> None:
    """Seconds until a stream is said to have stalled, and until it is given up."""
    monkeypatch.setattr(session, "_STALL_SECONDS", stall)
    monkeypatch.setattr(stream_source, "SILENT_SECONDS", silent)


def after_status(listener: Listener, number: int, frames: int, act) -> None:
    """Act when `frames` more frames were seen after the n-th status."""
    listener.on(
        "status",
        number,
        lambda: listener.on("frame", len(listener.of("frame")) + frames, act),
    )


def test_a_camera_that_dies_and_comes_back(
    toy_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience(monkeypatch, 60.0, 60.0)
    listener = Listener()
    with NetworkCamera() as camera:
        after_status(listener, 1, 5, camera.die)
        listener.on("status", 2, camera.start)
        after_status(listener, 3, 5, listener.stop)
        result = run("live", tmp_path, listener, model=toy_model, source=camera.url, conf=0.8)
    assert [s["state"] for s in listener.of("status")] == ["running", "waiting", "running"]
    frames = listener.of("frame")
    assert result["frames"] == len(frames) >= 10
    assert [f["index"] for f in frames] == list(range(len(frames)))
    times = [f["time"] for f in frames]
    assert times == sorted(times)
    # The toy sees a cell that is shown twice as large as four.
    ids = {p["track_id"] for f in frames for p in f["predictions"]}
    assert ids == {1, 2, 3, 4}, "who was out of sight for a moment is the same person"


def test_a_short_stall_is_said_and_passes(
    toy_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience(monkeypatch, 2.0, 60.0)
    listener = Listener()
    with NetworkCamera() as camera:
        after_status(listener, 1, 5, lambda: camera.tell("stall"))
        listener.on("status", 2, lambda: camera.tell("go"))
        after_status(listener, 3, 2, listener.stop)
        run("live", tmp_path, listener, model=toy_model, source=camera.url)
    assert [s["state"] for s in listener.of("status")] == ["running", "stalled", "running"]


def test_a_long_stall_ends_the_connection_and_another_is_tried(
    toy_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer than the bounded wait, while the camera still takes connections but gives nothing."""
    patience(monkeypatch, 2.0, 5.0)
    listener = Listener()
    with NetworkCamera() as camera:
        after_status(listener, 1, 5, lambda: camera.tell("stall"))
        listener.on("status", 3, lambda: camera.tell("go"))
        after_status(listener, 4, 2, listener.stop)
        run("live", tmp_path, listener, model=toy_model, source=camera.url)
    states = [s["state"] for s in listener.of("status")]
    assert states == ["running", "stalled", "waiting", "running"]


def test_a_stop_is_heard_while_nothing_comes(
    toy_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience(monkeypatch, 2.0, 60.0)
    listener = Listener()
    with NetworkCamera() as camera:
        after_status(listener, 1, 3, lambda: camera.tell("stall"))
        listener.on("status", 2, listener.stop)
        run("live", tmp_path, listener, model=toy_model, source=camera.url)
    assert [s["state"] for s in listener.of("status")] == ["running", "stalled"]


def test_frames_that_change_their_size(toy_model: Path, tmp_path: Path) -> None:
    listener = Listener()
    out = tmp_path / "out"
    with NetworkCamera() as camera:
        listener.on("frame", 5, lambda: camera.tell("640x384"))
        listener.on("ring", 2, lambda: listener.on("frame", len(listener.of("frame")) + 5, back))

        def back() -> None:
            camera.tell("320x192")
            listener.on("frame", len(listener.of("frame")) + 15, listener.stop)

        result = run("live", tmp_path, listener, model=toy_model, source=camera.url, conf=0.8,
                     record=True, save_dir=out)  # fmt: skip
    rings = [(r["width"], r["height"]) for r in listener.of("ring")]
    assert rings == [(320, 192), (640, 384)]
    assert {len(f["predictions"]) for f in listener.of("frame")} == {1, 4}
    videos = sorted(Path(p) for p in result["saved"] if p.endswith(".mp4"))
    assert [p.stem[-2:] for p in videos if p.stem[-2] == "-"] == ["-2", "-3"]
    sizes = {}
    for path in videos:
        with VideoReader(path) as reader:
            sizes[path.stem[-2:]] = reader.size
    assert sorted(sizes.values()) == [(320, 192), (320, 192), (640, 384)]


def test_only_looking_at_a_source_needs_no_model(tmp_path: Path) -> None:
    with NetworkCamera() as camera:
        said = run("live", tmp_path, model="-", source=camera.url, check_only=True)
        found = said["source"]
        assert (found["kind"], found["width"], found["height"]) == ("stream", 320, 192)
        camera.die()
        with pytest.raises(DeviceError, match="does not answer"):
            run("live", tmp_path, model="-", source=camera.url, check_only=True)


def test_a_video_cut_in_half_is_used_as_far_as_it_goes(toy_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "clip.avi"
    with VideoWriter(path, 50.0, (640, 384)) as writer:
        for i in range(40):
            writer.write(picture_with((i % 20, 5), size=(640, 384)))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    listener = Listener()
    result = run("live", tmp_path, listener, model=toy_model, source=path, fps=1000)
    assert 10 <= result["frames"] <= 25
    (problem,) = result["problems"]
    assert "cut short or damaged" in problem["message"]
    assert listener.of("status")[-1]["state"] == "ended"


def test_passwords_are_not_written_down(tmp_path: Path) -> None:
    """Neither with what was asked nor with what went wrong."""
    options = {"model": "-", "check_only": True, "serve": "mqtt://me:secret@127.0.0.1/hall",
               "source": "http://me:se@cret@127.0.0.1:9/x.mjpg"}  # fmt: skip
    told: list[JobEvent] = []
    outcome = run_job(JobSpec("live", options, tmp_path), told.append, RemoteControl())
    assert outcome.status == "failed"
    assert "does not answer" in str(outcome.error)
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert {"spec.json", "events.jsonl"} <= {p.name for p in files}
    assert not [p.name for p in files if "cret" in p.read_text(encoding="utf-8")]
    spec = json.loads((tmp_path / "spec.json").read_text(encoding="utf-8"))["options"]
    assert spec == {
        **options,
        "source": "http://127.0.0.1:9/x.mjpg",
        "serve": "mqtt://127.0.0.1/hall",
    }
