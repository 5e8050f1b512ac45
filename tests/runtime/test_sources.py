"""Where frames come from, and what is said when they do not."""

from __future__ import annotations

import functools
import http.server
import threading
from pathlib import Path

import numpy as np
import pytest

from studio.core.errors import DeviceError, FileProblem, FormatError
from studio.io.cameras import Camera
from studio.io.images import write_image
from studio.io.video import VideoWriter
from studio.runtime import camera_source
from studio.runtime.sources import CameraWish, open_source, source_kind
from studio.runtime.stream_source import without_password

GREY = np.full((40, 60, 3), 90, np.uint8)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def pictures(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_image(folder / name, GREY)
    return [folder / name for name in names]


def video(path: Path, frames: int = 12) -> Path:
    with VideoWriter(path, 10.0, (64, 48)) as writer:
        for i in range(frames):
            writer.write(np.full((48, 64, 3), 20 * i, np.uint8))
    return path


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("0", "camera"),
        ("/dev/video2", "camera"),
        ("camera:Logitech C920", "camera"),
        ("rtsp://user:secret@10.0.0.1/stream", "stream"),
        ("HTTP://cam.local/video.mjpg", "stream"),
        ("synthetic:3", "synthetic"),
        ("walk.MP4", "video"),
        ("a/*.mp4", "images"),
        ("folder", "images"),
        ("list.txt", "images"),
    ],
)
def test_the_kind_is_told_without_opening(text: str, kind: str) -> None:
    assert source_kind(text) == kind


def test_one_picture_a_folder_a_glob_and_a_list(tmp_path: Path) -> None:
    paths = pictures(tmp_path / "p", "b.jpg", "a.png", "ü 1.jpg")
    (tmp_path / "p" / "note.md").write_text("no picture")
    (tmp_path / "list.txt").write_text(f"# mine\np/b.jpg\n\n{paths[1]}\np/b.jpg\n")
    for text, names in (
        (str(paths[0]), ["b.jpg"]),
        (str(tmp_path / "p"), ["a.png", "b.jpg", "ü 1.jpg"]),
        (str(tmp_path / "p" / "*.jpg"), ["b.jpg", "ü 1.jpg"]),
        (str(tmp_path / "list.txt"), ["b.jpg", "a.png"]),
    ):
        source = open_source(text)
        frames = list(source)
        assert [f.name for f in frames] == names
        assert [f.index for f in frames] == list(range(len(names)))
        assert source.count == len(names)
        assert all(f.picture is not None and f.picture.shape == (40, 60, 3) for f in frames)


def test_a_folder_of_folders(tmp_path: Path) -> None:
    pictures(tmp_path, "x/1.jpg", "y/1.jpg")
    assert open_source(str(tmp_path)).count == 2


def test_a_picture_that_cannot_be_read_does_not_stop_the_others(tmp_path: Path) -> None:
    good, cut, *_ = pictures(tmp_path, "a.jpg", "b.jpg", "c.jpg")
    cut.write_bytes(good.read_bytes()[:300])
    frames = list(open_source(str(tmp_path)))
    assert [f.picture is None for f in frames] == [False, True, False]
    assert frames[1].problem is not None
    assert frames[1].problem.where == str(cut)
    missing = tmp_path / "list.txt"
    missing.write_text("a.jpg\ngone.jpg\n")
    assert [f.problem is None for f in open_source(str(missing))] == [True, False]


def test_nothing_to_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.txt").write_text("\n# nothing\n")
    for text, message in (
        (tmp_path / "empty", "no pictures in this folder"),
        (tmp_path / "gone", "no such source"),
        (tmp_path / "*.jpg", "fits this pattern"),
        (tmp_path / "empty.txt", "names no pictures"),
        (tmp_path / "gone.mp4", "no such video"),
    ):
        with pytest.raises(FileProblem, match=message):
            open_source(str(text))


def test_a_video_gives_every_frame_with_its_time(tmp_path: Path) -> None:
    source = open_source(str(video(tmp_path / "v.mp4")))
    assert (source.fps, source.size, source.count, source.live) == (10.0, (64, 48), 12, False)
    frames = list(source)
    assert len(frames) == 12
    assert [f.time for f in frames] == pytest.approx([i / 10 for i in range(12)], abs=0.01)
    source.close()


def test_a_video_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    path.write_bytes(b"not a video at all" * 100)
    with pytest.raises(FormatError, match="no video"):
        open_source(str(path))


def test_a_camera_that_is_not_there_says_what_to_do() -> None:
    with pytest.raises(DeviceError, match="Camera 97 is not there") as caught:
        open_source("97")
    assert "Plug it in" in caught.value.hint


def test_a_camera_that_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_source, "list_cameras", lambda: (Camera(98, "C920", "/dev/x"),))
    with pytest.raises(DeviceError, match="no camera called Doorbell") as caught:
        open_source("camera:Doorbell")
    assert "C920" in caught.value.hint
    with pytest.raises(DeviceError, match="is not there") as caught:
        open_source("camera:c920")


def test_a_stream_that_does_not_answer_keeps_its_password_to_itself() -> None:
    with pytest.raises(DeviceError, match="does not answer") as caught:
        open_source("http://me:secret@127.0.0.1:9/x.mjpg")
    assert "secret" not in str(caught.value)


def test_a_stream_served_here_is_read(tmp_path: Path) -> None:
    """A real HTTP server that serves a video file is a stream that ends."""
    video(tmp_path / "v.avi")
    handler = functools.partial(_Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        source = open_source(f"http://127.0.0.1:{server.server_port}/v.avi")
        assert (source.kind, source.live, source.size) == ("stream", True, (64, 48))
        assert len(list(source)) == 12
        source.close()
        server.shutdown()


def test_the_synthetic_source_ends_or_plays_on() -> None:
    source = open_source("synthetic:4?frames=5", CameraWish(width=160, height=120))
    assert (source.count, source.live) == (5, False)
    first = [f.picture for f in source]
    again = [f.picture for f in open_source("synthetic:4?frames=5", CameraWish(160, 120))]
    assert len(first) == 5
    for a, b in zip(first, again, strict=True):
        assert a is not None
        assert b is not None
        assert a.shape == (120, 160, 3)
        assert (a == b).all(), "seeded"
    endless = open_source("synthetic:", CameraWish(160, 120, 100.0))
    assert endless.live
    frames = iter(endless)
    assert [next(frames).index for _ in range(3)] == [0, 1, 2]
    endless.close()
    assert list(frames) == []
    with pytest.raises(FileProblem, match="synthetic"):
        open_source("synthetic:people")


def test_a_password_with_an_at_sign_is_not_shown() -> None:
    assert without_password("rtsp://me:se@cret@camera/x?a=b@c") == "rtsp://camera/x?a=b@c"
    assert without_password("http://camera/x@y") == "http://camera/x@y"


def test_a_camera_of_an_impossible_number_is_not_there() -> None:
    with pytest.raises(DeviceError, match="is not there"):
        open_source("99999999999")
