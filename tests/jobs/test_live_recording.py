"""What Live records: drawn, raw or both; after a crash and on a full disk too."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from studio.core.artifact import ModelArtifact
from studio.io.video import VideoReader, VideoWriter
from studio.jobs.live import keeping
from studio.jobs.live import recorder as recorders
from studio.runtime.artifacts import load_artifact
from studio.runtime.recording import FrameVideo
from studio.runtime.results import predictions_from_values
from studio.vision.drawing import DrawStyle, draw_people
from tests.jobs.listening import Listener, run
from tests.jobs.test_live import write_spec
from tests.runtime.toy import picture_with, read_records

ROOT = Path(__file__).parents[2]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    with VideoWriter(path, 25.0, (640, 384)) as writer:
        for i in range(20):
            writer.write(picture_with((i, 5), size=(640, 384)))
    return path


def frames_of(path: Path) -> list[np.ndarray]:
    with VideoReader(path) as reader:
        return [frame for _, _, frame in reader]


def saved(result: dict, suffix: str) -> list[Path]:
    return [Path(p) for p in result["saved"] if p.endswith(suffix)]


@pytest.mark.parametrize("shown", ["drawn", "raw", "both"])
def test_a_recording_replays_to_the_same_picture(
    toy_model: Path, clip: Path, tmp_path: Path, shown: str
) -> None:
    result = run("live", tmp_path, model=toy_model, source=clip, fps=1000, record=True,
                 record_as=shown, save_dir=tmp_path / "out", conf=0.8)  # fmt: skip
    videos = {("raw" if p.stem.endswith("-raw") else shown): p for p in saved(result, ".mp4")}
    assert len(videos) == (2 if shown == "both" else 1)
    rows = read_records(saved(result, ".json")[0])
    assert [r["frame"] for r in rows] == list(range(20))
    assert all("track_id" in r for r in rows)
    artifact: ModelArtifact = load_artifact(toy_model)
    whole = frames_of(clip)
    for kind, path in videos.items():
        frames = frames_of(path)
        assert len(frames) == 20
        for index in (0, 7, 19):
            row = dict(rows[index])
            row["category_id"] = int(str(row["category_id"])) - 1
            people = predictions_from_values([row])
            drawn = draw_people(whole[index], people, artifact.skeleton, DrawStyle(), ("person",))
            wanted = whole[index] if kind == "raw" else drawn
            assert np.abs(frames[index].astype(int) - wanted).mean() < 2.0
            other = np.abs(frames[index].astype(int) - (whole[(index + 5) % 20])).mean()
            assert other > 2.0, "the comparison can fail"


def test_the_records_name_the_file_that_their_frame_is_in(toy_model: Path, tmp_path: Path) -> None:
    from studio.io.images import write_image

    (tmp_path / "in").mkdir()
    for number, size in enumerate([(320, 192), (320, 192), (640, 384)]):
        write_image(tmp_path / "in" / f"{number}.png", picture_with((2, 2), size=size))
    result = run("live", tmp_path, model=toy_model, source=tmp_path / "in", fps=100, record=True,
                 save_dir=tmp_path / "out", conf=0.8)  # fmt: skip
    first, second = sorted(saved(result, ".mp4"), key=lambda p: len(p.name))
    places = dict.fromkeys(
        (r["image"], r["frame"]) for r in read_records(saved(result, ".json")[0])
    )
    assert list(places) == [(first.name, 0), (first.name, 1), (second.name, 0)]


@pytest.mark.skipif(sys.platform == "win32", reason="ends the process with a POSIX signal")
def test_a_killed_live_leaves_what_it_recorded(toy_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    spec = write_spec(tmp_path / "run", model=toy_model, source="synthetic:", record=True,
                      record_as="both", save_dir=out, conf=0.1, width=320, height=256)  # fmt: skip
    process = subprocess.Popen([sys.executable, "-m", "studio", "job", str(spec)],
                               stdout=subprocess.PIPE, text=True, cwd=ROOT)  # fmt: skip
    assert process.stdout is not None
    seen = 0
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "frame":
            seen = event["index"] + 1
            if event["time"] >= 3.0 and seen > 20:
                process.send_signal(signal.SIGKILL)
                break
    process.stdout.close()
    process.wait()
    drawn, raw = sorted(out.glob("*.mp4"), key=lambda p: len(p.name))
    rows = read_records(drawn.with_suffix(".json"))
    # Records are written frame by frame after the video's, so they say how far it had come.
    written = sorted({float(str(r["time"])) for r in rows})
    longest = max(b - a for a, b in itertools.pairwise(written))
    for path in (drawn, raw):
        with VideoReader(path) as reader:
            times = [t for _, t, _ in reader]
        # A fragment of half a second may be lost, and the frame that would have ended it.
        assert times[-1] >= written[-1] - written[0] - 0.5 - 2 * longest
    newest = sum(r["time"] == rows[-1]["time"] for r in rows)
    lines = len(drawn.with_suffix(".csv").read_text().splitlines())
    assert len(rows) + 1 - newest <= lines <= len(rows) + 1
    assert not list(out.glob(".*")), "nothing half-written lies around"


@pytest.mark.skipif(sys.platform == "win32", reason="limits a file's size as POSIX does")
def test_a_full_disk_ends_the_recording_and_live_goes_on(toy_model: Path, tmp_path: Path) -> None:
    """The limit stands for the disk: the same call fails in the same way at the same place."""
    code = f"""
import errno, json, resource, signal, sys
from pathlib import Path
import studio.io.files as files
from tests.jobs.listening import Listener, run
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
files._FULL |= {{errno.EFBIG}}
listener = Listener()
# Shared memory is bound by the limit too, so it comes when that is there.
limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
listener.on("ring", 1, limit)
def go_on():
    listener.on("frame", len(listener.of("frame")) + 10, listener.stop)
listener.on("status", 2, go_on)
result = run("live", Path({str(tmp_path)!r}), listener, model={str(toy_model)!r}, fps=60, width=320,
             height=256, source="synthetic:", record=True, max_people=1,
             save_dir=Path({str(tmp_path / "out")!r}))
last = listener.of("frame")[-1]
print(json.dumps({{"status": listener.of("status"), "result": result, "last": last["recording"]}}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT,
                          check=True)  # fmt: skip
    said = json.loads(done.stdout.splitlines()[-1])
    assert [s["state"] for s in said["status"]] == ["running", "disk-full"]
    assert "The disk is full" in said["status"][1]["message"]
    assert "Free some space" in said["status"][1]["hint"]
    assert said["last"] is False
    (video,) = saved(said["result"], ".mp4")
    assert len(frames_of(video)) > 5
    json.loads(saved(said["result"], ".json")[0].read_text())


def test_a_disk_too_slow_for_a_camera_costs_frames_of_the_recording_alone(
    toy_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    gate = threading.Event()
    real = FrameVideo.write

    def slow(self: FrameVideo, frame: np.ndarray, time: float) -> None:
        gate.wait(60)
        real(self, frame, time)

    monkeypatch.setattr(recorders.FrameVideo, "write", slow)
    listener = Listener()
    listener.on("frame", 40, gate.set)
    listener.on("frame", 41, listener.stop)
    result = run("live", tmp_path, listener, model=toy_model, source="synthetic:", fps=60,
                 record=True, save_dir=tmp_path / "out", width=320, height=256)  # fmt: skip
    assert result["frames"] == 41, "Live did not wait for the disk"
    (video,) = saved(result, ".mp4")
    assert len(frames_of(video)) < 15
    assert any("not in the recording" in log["message"] for log in listener.of("log"))


def test_a_folder_that_takes_no_pictures_does_not_end_live(toy_model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    listener = Listener()
    listener.on("frame", 2, lambda: listener.values.update(snapshot=True))
    listener.on("frame", 5, listener.stop)
    result = run("live", tmp_path, listener, model=toy_model, source="synthetic:", fps=60,
                 save_dir=tmp_path / "file" / "out", width=320, height=256)  # fmt: skip
    assert result["frames"] == 5
    assert result["saved"] == []
    assert any("file" in log["message"] for log in listener.of("log"))


def test_doubtful_frames_that_cannot_be_kept_do_not_end_a_recording(
    toy_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "_DOUBT_SECONDS", 0.0)
    clip = tmp_path / "pale.mp4"
    with VideoWriter(clip, 25.0, (640, 384)) as writer:
        for i in range(20):
            writer.write(picture_with((i, 5), size=(640, 384), value=100))
    out = tmp_path / "out"
    out.mkdir()
    (out / "doubtful").write_text("no folder")
    listener = Listener()
    result = run("live", tmp_path, listener, model=toy_model, source=clip, fps=1000, record=True,
                 save_dir=out, keep_doubtful=True, doubt_low=0.0, doubt_high=1.0)  # fmt: skip
    (video,) = saved(result, ".mp4")
    assert len(frames_of(video)) == 20
    assert all(f["recording"] for f in listener.of("frame"))
    assert sum("doubtful" in log["message"] for log in listener.of("log")) == 1, "said once"
