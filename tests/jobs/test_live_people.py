"""Who is who, calm joints, heads, and results out, in a live session."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from studio.core.errors import DeviceError, PluginError, UsageError
from studio.io.video import VideoReader, VideoWriter
from tests.jobs.listening import Listener, run
from tests.runtime.toy import picture_with

ROOT = Path(__file__).parents[2]


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """Two people; the one on the left steps one cell aside after the tenth frame."""
    path = tmp_path / "pair.mp4"
    with VideoWriter(path, 25.0, (640, 384)) as writer:
        for i in range(20):
            writer.write(picture_with((2 if i < 10 else 3, 5), (15, 5), size=(640, 384)))
    return path


def ids(listener: Listener) -> list[list[int | None]]:
    return [
        [p.get("track_id") for p in sorted(f["predictions"], key=lambda p: p["bbox"][0])]
        for f in listener.of("frame")
    ]


def test_people_keep_their_numbers_in_events_and_records(
    toy_model: Path, pair: Path, tmp_path: Path
) -> None:
    listener = Listener()
    out = tmp_path / "out"
    result = run("live", tmp_path, listener, model=toy_model, source=pair, fps=1000, conf=0.8,
                 record=True, save_dir=out)  # fmt: skip
    assert ids(listener)[0] == [1, 2] or ids(listener)[0] == [2, 1]
    right = {row[1] for row in ids(listener)}
    assert len(right) == 1, "who stays keeps the number"
    (table,) = (p for p in result["saved"] if p.endswith(".csv"))
    rows = Path(table).read_text().splitlines()
    column = rows[0].split(",").index("track_id")
    assert {int(row.split(",")[column]) for row in rows[1:]} == {
        i for row in ids(listener) for i in row
    }
    assert all("track" in f["timings"] for f in listener.of("frame"))
    assert result["stages_ms"]["track"] > 0


def test_no_tracker_no_numbers(toy_model: Path, pair: Path, tmp_path: Path) -> None:
    listener = Listener()
    run("live", tmp_path, listener, model=toy_model, source=pair, fps=1000, conf=0.8, track="")
    assert {i for row in ids(listener) for i in row} == {None}


def test_a_tracker_that_follows_by_itself_spares_the_model(
    toy_model: Path, pair: Path, tmp_path: Path
) -> None:
    listener = Listener()
    run("live", tmp_path, listener, model=toy_model, source=pair, fps=1000, conf=0.8, track="klt",
        track_options="every=5")  # fmt: skip
    looked = [i for i, f in enumerate(listener.of("frame")) if "infer" in f["timings"]]
    assert looked == [0, 5, 10, 15]


def test_a_tracker_that_is_none_is_said_at_once(toy_model: Path, tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="no tracker called"):
        run("live", tmp_path, model=toy_model, source="synthetic:", track="psychic")
    with pytest.raises(UsageError, match="Unknown option"):
        run("live", tmp_path, model=toy_model, source="synthetic:", track_options="colour=red")


def test_a_video_that_is_repeated_begins_its_numbers_anew(
    toy_model: Path, pair: Path, tmp_path: Path
) -> None:
    listener = Listener()
    listener.on("frame", 30, listener.stop)
    run("live", tmp_path, listener, model=toy_model, source=pair, fps=1000, conf=0.8, loop=True)
    assert sorted(ids(listener)[20]) == [1, 2]


def test_calm_joints_lag_behind_what_was_found(toy_model: Path, pair: Path, tmp_path: Path) -> None:
    def path_of(**options: object) -> np.ndarray:
        listener = Listener()
        run("live", tmp_path, listener, model=toy_model, source=pair, fps=1000, conf=0.8,
            track="oks", track_options="smooth=no,least=0.01", **options)  # fmt: skip
        return np.array([min(p["keypoints"][0] for p in f["predictions"])
                         for f in listener.of("frame")])  # fmt: skip

    quick, calm = path_of(), path_of(smoothing=1.0)
    assert quick[11] - quick[9] == pytest.approx(32, abs=1)
    assert calm[9] == pytest.approx(quick[9], abs=0.5), "where nothing moves nothing lags"
    assert 0 < calm[10] - calm[9] < 31


def test_results_go_out_while_it_runs(toy_model: Path, tmp_path: Path) -> None:
    listener = Listener()
    got: list[dict] = []

    def read() -> None:
        (serving,) = (s for s in listener.of("status") if s["state"] == "serving")
        port = int(serving["message"].rsplit(":", 1)[1])
        reader = socket.create_connection(("127.0.0.1", port), 60)
        listener.on("frame", len(listener.of("frame")) + 10, lambda: hear(reader))

    def hear(reader: socket.socket) -> None:
        with reader, reader.makefile("rb") as lines:
            got.extend(json.loads(next(lines)) for _ in range(4))
        listener.values["serve"] = ""
        listener.on("frame", len(listener.of("frame")) + 2, listener.stop)

    listener.on("frame", 3, lambda: listener.values.update(serve="tcp://127.0.0.1:0"))
    listener.on("frame", 5, read)
    run("live", tmp_path, listener, model=toy_model, source="synthetic:", fps=60, conf=0.1,
        width=320, height=256)  # fmt: skip
    frames = {f["index"]: f for f in listener.of("frame")}
    assert got[0]["event"] == "stream"
    for values in got[1:]:
        told = frames[values["index"]]
        assert values["predictions"] == told["predictions"]
        assert (values["width"], values["height"]) == (320, 256)


def test_an_address_in_use_is_said(toy_model: Path, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(DeviceError, match="cannot be served"):
            run("live", tmp_path, model=toy_model, source="synthetic:", serve=address)
        listener = Listener()
        listener.on("frame", 2, lambda: listener.values.update(serve=address))
        listener.on("frame", 5, listener.stop)
        result = run("live", tmp_path, listener, model=toy_model, source="synthetic:", fps=60)
    assert result["frames"] == 5
    assert any("cannot be served" in log["message"] for log in listener.of("log"))


@pytest.mark.skipif(sys.platform == "win32", reason="ends the process with a POSIX signal")
def test_without_a_window_ctrl_c_ends_it_well(toy_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "studio", "live", "--model", str(toy_model), "--source",
               "synthetic:", "--width", "320", "--height", "256", "--record", "--save-dir",
               str(out), "--serve", "tcp://127.0.0.1:0"]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               cwd=tmp_path, env=None)  # fmt: skip
    assert process.stdout is not None
    said = [process.stdout.readline(), process.stdout.readline()]
    assert said[0].startswith("serving: tcp://127.0.0.1:")
    assert said[1] == "running: Watching synthetic.\n"
    end = time.monotonic() + 60
    while time.monotonic() < end and not list(out.glob("*.mp4")):
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    text, wrong = process.communicate(timeout=60)
    assert "made  video" in text, wrong
    with VideoReader(next(out.glob("*.mp4"))) as reader:
        assert len(list(reader)) >= 1
