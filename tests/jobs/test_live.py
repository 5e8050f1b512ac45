"""Live: frames and predictions to a window, changes while it runs, recording, cameras that go."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from studio.core.errors import DeviceError, FileProblem
from studio.core.job import JobContext, JobSpec
from studio.core.prelabels import proposals_of
from studio.io import labelme
from studio.io.images import read_image
from studio.io.video import VideoReader, VideoWriter
from studio.jobs.live import run as live
from studio.jobs.live.window import Window
from studio.registry.jobs import options_for
from studio.runtime.predictor import Predictor
from studio.runtime.results import predictions_from_values
from studio.runtime.ring import FrameRing
from studio.runtime.sources import CameraWish, SyntheticSource
from tests.jobs.listening import Listener, run
from tests.runtime.toy import centre, picture_with, read_records

ROOT = Path(__file__).parents[2]
SIZES = ((64, 48), (320, 192), (640, 384))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.avi"
    with VideoWriter(path, 50.0, (640, 384)) as writer:
        for i in range(20):
            writer.write(picture_with((i, 5), size=(640, 384)))
    return path


def write_spec(folder: Path, **options: object) -> Path:
    folder.mkdir(exist_ok=True)
    spec = {"v": 1, "job": "live", "options": options, "run_dir": str(folder)}
    path = folder / "in.json"
    path.write_text(json.dumps(spec, default=str))
    return path


def test_another_process_sees_every_frame(toy_model: Path, clip: Path, tmp_path: Path) -> None:
    spec = write_spec(tmp_path / "run", model=toy_model, source=clip, conf=0.8)
    process = subprocess.Popen(
        [sys.executable, "-m", "studio", "job", str(spec)],
        stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    ring: FrameRing | None = None
    places: list[float] = []
    final: dict[str, object] = {}
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "ring":
            assert event["skeleton"]["name"] == "coco17"
            assert (event["width"], event["height"], event["kind"]) == (640, 384, "video")
            ring = FrameRing.attach(event["name"])
        elif event["event"] == "frame":
            assert ring is not None
            frame = ring.read(event["slot"], event["seq"])
            (person,) = predictions_from_values(event["predictions"])
            middle = float(person.box[0] + person.box[2]) / 2
            places.append(middle)
            if frame is not None:
                assert frame.shape == (384, 640, 3)
                assert frame[180, int(middle)].min() > 200, "the picture and what was found agree"
            assert {"capture", "preprocess", "infer", "decode", "latency"} <= set(event["timings"])
        elif event["event"] == "finished":
            final = event
    process.stdout.close()
    assert process.wait(20) == 0
    assert ring is not None
    ring.close()
    assert places == pytest.approx([centre(i, 0)[0] for i in range(20)], abs=0.6)
    assert final["result"]["frames"] == 20  # type: ignore[index]
    stored = (tmp_path / "run" / "events.jsonl").read_text()
    assert '"frame"' not in stored
    assert '"ring"' not in stored


def test_changes_while_it_runs(toy_model: Path, tmp_path: Path) -> None:
    listener = Listener()
    listener.on("frame", 3, lambda: listener.values.update(conf=1.0, record=True, snapshot=True))
    listener.on("frame", 6, lambda: listener.values.update(source="0"))
    listener.on("frame", 7, lambda: listener.values.update(conf=7))
    listener.on("frame", 12, lambda: listener.values.update(record=False))
    listener.on("frame", 15, listener.stop)
    out = tmp_path / "out"
    result = run(
        "live", tmp_path, listener, model=toy_model, source="synthetic:", save_dir=out, conf=0.1,
        width=320, height=256, fps=60,
    )  # fmt: skip
    frames = listener.of("frame")
    assert result["frames"] == len(frames) == 15
    assert [len(f["predictions"]) > 0 for f in frames] == [True] * 3 + [False] * 12
    assert [f["recording"] for f in frames[3:12]] == [True] * 9
    warnings = [log["message"] for log in listener.of("log")]
    assert any("source" in w for w in warnings)
    assert any("at most 1" in w for w in warnings)
    kinds = {a["kind"]: Path(str(a["path"])) for a in listener.of("artifact")}
    assert set(kinds) == {"snapshot", "video", "json", "csv"}
    assert read_image(kinds["snapshot"]).shape == (256, 320, 3)
    with VideoReader(kinds["video"]) as reader:
        assert len(list(reader)) > 3
    assert read_records(kinds["json"]) == []
    assert sorted(str(p) for p in kinds.values()) == sorted(result["saved"])


def test_doubtful_frames_are_kept(toy_model: Path, tmp_path: Path) -> None:
    write = tmp_path / "in"
    write.mkdir()
    from studio.io.images import write_image

    write_image(write / "1.png", picture_with((2, 2), size=(640, 384), value=100))
    write_image(write / "2.png", picture_with((2, 2), size=(640, 384)))
    out = tmp_path / "out"
    result = run(
        "live", tmp_path, model=toy_model, source=write, save_dir=out, keep_doubtful=True,
        fps=100, doubt_low=0.3, doubt_high=0.6,
    )  # fmt: skip
    (kept,) = result["saved"]
    assert Path(kept).parent == out / "doubtful"
    (proposal,) = proposals_of(labelme.read(Path(kept).with_suffix(".json")))
    assert 0.3 <= proposal.score < 0.6


def test_doubtful_frames_stand_among_the_projects_pictures(toy_model: Path, tmp_path: Path) -> None:
    from studio.io.images import write_image

    (tmp_path / "in").mkdir()
    write_image(tmp_path / "in" / "1.png", picture_with((2, 2), size=(640, 384), value=100))
    project = tmp_path / "project"
    project.mkdir()
    values = {"model": str(toy_model), "source": str(tmp_path / "in"), "keep_doubtful": True}
    spec = JobSpec("live", {**values, "fps": 100, "doubt_low": 0.3, "doubt_high": 0.6})
    listener = Listener()
    live(options_for(spec), JobContext(listener.emit, listener, tmp_path, project))
    (kept,) = (project / "doubtful").glob("*.jpg")
    assert len(proposals_of(labelme.read(kept.with_suffix(".json")))) == 1


def test_pictures_of_growing_size_get_a_larger_ring(toy_model: Path, tmp_path: Path) -> None:
    from studio.io.images import write_image

    (tmp_path / "in").mkdir()
    for number, size in enumerate([(320, 192), (640, 384), (320, 192)]):
        picture = picture_with((2, 2), size=size)
        write_image(tmp_path / "in" / f"{number}.png", picture)
    (tmp_path / "in" / "3.png").write_bytes(b"broken")
    listener = Listener()
    result = run("live", tmp_path, listener, model=toy_model, source=tmp_path / "in", fps=100)
    assert [(r["width"], r["height"]) for r in listener.of("ring")] == [(320, 192), (640, 384)]
    assert result["frames"] == 3
    assert [Path(p["where"]).name for p in result["problems"]] == ["3.png"]
    assert listener.of("status")[-1]["state"] == "ended"


def test_a_broken_picture_is_said_once_however_often_it_comes(
    toy_model: Path, tmp_path: Path
) -> None:
    from studio.io.images import write_image

    (tmp_path / "in").mkdir()
    write_image(tmp_path / "in" / "1.png", picture_with((2, 2), size=(320, 192)))
    (tmp_path / "in" / "2.png").write_bytes(b"broken")
    listener = Listener()
    listener.on("frame", 4, listener.stop)
    result = run("live", tmp_path, listener, model=toy_model, source=tmp_path / "in", fps=100,
                 loop=True)  # fmt: skip
    assert result["frames"] == 4
    assert len(result["problems"]) == 1
    assert sum("2.png" in log["message"] for log in listener.of("log")) == 1


def test_frames_under_way_stay_where_the_window_is_told_of_them(
    toy_model: Path, tmp_path: Path
) -> None:
    """However many there are, and whatever sizes come behind them."""
    listener = Listener()
    context = JobContext(listener.emit, listener, tmp_path, None)
    with Predictor(toy_model) as predictor:
        predictor.engine.requests = 9
        window = Window(context, predictor)
        pictures = [picture_with((2, 2), size=size) for size in SIZES for _ in range(10)]
        put = [window.put(picture) for picture in pictures]
        source = SyntheticSource("", CameraWish())
        for picture, (ring, slot, seq) in zip(pictures, put, strict=True):
            window.show(ring, source, (picture.shape[1], picture.shape[0]), {})
            with FrameRing.attach(listener.of("ring")[-1]["name"]) as seen:
                frame = seen.read(slot, seq)
            assert frame is not None
            assert (frame == picture).all()
        assert len(listener.of("ring")) == len(SIZES)
        names = [r["name"] for r in listener.of("ring")]
        with pytest.raises(FileProblem):
            FrameRing.attach(names[0])
        window.close()
    with pytest.raises(FileProblem):
        FrameRing.attach(names[-1])


def test_a_file_can_be_repeated(toy_model: Path, clip: Path, tmp_path: Path) -> None:
    listener = Listener()
    listener.on("frame", 45, listener.stop)
    run("live", tmp_path, listener, model=toy_model, source=clip, loop=True, fps=1000)
    times = [f["time"] for f in listener.of("frame")]
    assert len(times) == 45
    assert times == sorted(times), "the session's time goes on"


def test_a_camera_that_is_not_there(toy_model: Path, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="Camera 96"):
        run("live", tmp_path, model=toy_model, source="96")


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@contextlib.contextmanager
def served(folder: Path, port: int = 0):
    """The folder by HTTP; gives the port."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_a_stream_that_goes_away_is_waited_for(toy_model: Path, clip: Path, tmp_path: Path) -> None:
    listener = Listener()
    running: list[object] = []

    def back_again() -> None:
        """The server starts anew on its old port, a moment after it was missed."""

        def serve() -> None:
            time.sleep(0.3)
            with served(tmp_path, port) as _:
                running.append(True)
                while not listener.stop_requested:
                    time.sleep(0.05)

        threading.Thread(target=serve, daemon=True).start()

    with contextlib.ExitStack() as stack:
        port = stack.enter_context(served(tmp_path))
        first = stack.pop_all()
        # The server goes while the first frames are shown; what is buffered is still played.
        listener.on("frame", 1, first.close)
        listener.on("status", 2, back_again)
        listener.on(
            "status", 3, lambda: listener.on("frame", len(listener.of("frame")) + 1, listener.stop)
        )
        run(
            "live",
            tmp_path,
            listener,
            model=toy_model,
            source=f"http://127.0.0.1:{port}/{clip.name}",
        )
    assert [s["state"] for s in listener.of("status")] == ["running", "waiting", "running"]
    assert running
    times = [f["time"] for f in listener.of("frame")]
    assert times == sorted(times)


@pytest.mark.skipif(sys.platform == "win32", reason="ends the owner with a POSIX signal")
def test_it_ends_when_its_owner_dies(toy_model: Path, tmp_path: Path) -> None:
    spec = write_spec(tmp_path / "run", model=toy_model, source="synthetic:", record=True,
                      save_dir=tmp_path / "out")  # fmt: skip
    owner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    command = [sys.executable, "-m", "studio", "job", str(spec), "--owner-pid", str(owner.pid)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    name = ""
    for line in process.stdout:
        event = json.loads(line)
        name = event.get("name", name)
        if event["event"] == "frame" and event["index"] == 3:
            break
    owner.kill()
    owner.wait()
    process.stdout.close()
    process.wait(15)
    assert not (Path("/dev/shm") / name).exists()
    (video,) = (tmp_path / "out").glob("*.mp4")
    with VideoReader(video) as reader:
        assert len(list(reader)) >= 3, "what was recorded until then is kept"
