"""Streams over the network: sizes that change, senders that die, damage on the way."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from studio.runtime import capture as captures
from studio.runtime import stream_source
from studio.runtime.capture import Capture, opened
from studio.runtime.sources import CameraWish, open_source
from tests.mjpeg import NetworkCamera

WAIT = 60.0
SENDER = """
import sys, time
import av, numpy as np
out = av.open(sys.argv[1], "w", format="mpegts")
video = out.add_stream("mpeg2video", rate=25)
video.width, video.height, video.pix_fmt, video.gop_size = 320, 192, "yuv420p", 5
while True:
    frame = av.VideoFrame.from_ndarray(np.full((192, 320, 3), 90, np.uint8), format="bgr24")
    for packet in video.encode(frame):
        out.mux(packet)
    time.sleep(0.04)
"""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_source, "SILENT_SECONDS", 3.0)


@pytest.fixture
def sender() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        address = f"udp://127.0.0.1:{free.getsockname()[1]}"
    process = subprocess.Popen([sys.executable, "-c", SENDER, address], stderr=subprocess.DEVNULL)
    yield address, process
    process.kill()
    process.wait()


def test_a_transport_stream_over_udp(
    sender: tuple[str, subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, _ = sender
    monkeypatch.setattr(stream_source, "SILENT_SECONDS", WAIT)  # till the sender has begun
    source = open_source(address)
    assert (source.kind, source.live, source.size) == ("stream", True, (320, 192))
    frames = iter(source)
    values = {round(float(next(frames).picture.mean())) for _ in range(10)}
    assert all(abs(v - 90) <= 5 for v in values)
    source.close()


@pytest.mark.usefixtures("impatient")
def test_a_stream_that_dies_ends_within_the_bound() -> None:
    with NetworkCamera() as camera:
        source = open_source(camera.url)
        frames = iter(source)
        next(frames)
        camera.tell("stall")
        started = time.monotonic()
        rest = list(frames)
        assert 2.0 < time.monotonic() - started < WAIT
        assert len(rest) < 40
        source.close()


def test_each_frame_has_its_own_size() -> None:
    with NetworkCamera() as camera:
        source = open_source(camera.url)
        sizes = []
        for frame in source:
            assert frame.picture is not None
            sizes.append(frame.picture.shape)
            if len(sizes) == 5:
                camera.tell("640x384")
            if len(sizes) == 40:
                break
        source.close()
    assert list(dict.fromkeys(sizes)) == [(192, 320, 3), (384, 640, 3)]


def test_a_capture_keeps_the_newest_frame_and_counts_the_others() -> None:
    with NetworkCamera() as camera:
        capture = Capture(open_source(camera.url))
        end = time.monotonic() + WAIT
        while capture.count < 10 and time.monotonic() < end:
            time.sleep(0.01)
        frame = capture.take(1.0)
        assert frame is not None
        assert frame.index >= 9
        assert capture.dropped >= 9
        assert capture.take(0.0) is None or capture.count > 10
        capture.close()


@pytest.mark.usefixtures("impatient")
def test_opening_can_be_given_up() -> None:
    """A server that takes the connection and says nothing."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        stop = threading.Event()
        threading.Timer(0.3, stop.set).start()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/x"
        assert opened(url, CameraWish(), stop.is_set) is None


def test_whatever_goes_wrong_while_opening_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody takes it for a stop."""

    def broken(*_: object) -> None:
        raise OverflowError("odd")

    monkeypatch.setattr(captures, "open_source", broken)
    with pytest.raises(OverflowError, match="odd"):
        opened("0", CameraWish(), lambda: False)
