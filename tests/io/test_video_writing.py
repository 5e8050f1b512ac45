"""Videos that can be played whatever happened while they were written."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from studio.core.errors import FileProblem
from studio.io.video import VideoReader, VideoWriter

GROWING = """
import sys, numpy as np
from studio.io.video import VideoWriter
writer = VideoWriter(sys.argv[1], 25.0, (64, 48), growing=True)
for i in range(100):
    writer.write(np.full((48, 64, 3), 2 * i, np.uint8))
print("written", flush=True)
sys.stdin.read()
"""
FULL = """
import resource, signal, sys, numpy as np
from studio.core.errors import StudioError
from studio.io.video import VideoWriter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
random = np.random.default_rng(0)
writer = VideoWriter(sys.argv[1], 25.0, (320, 240), growing=True)
try:
    for i in range(200):
        writer.write(random.integers(0, 255, (240, 320, 3), dtype=np.uint8))
except StudioError as error:
    print(type(error).__name__, writer.frames, flush=True)
    writer.abandon()
"""


def grey(value: int, size: tuple[int, int] = (64, 48)) -> np.ndarray:
    return np.full((size[1], size[0], 3), value, np.uint8)


def read(path: Path) -> list[tuple[int, float, np.ndarray]]:
    with VideoReader(path) as reader:
        return list(reader)


@pytest.mark.skipif(sys.platform == "win32", reason="ends the process with a POSIX signal")
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_killed_process_leaves_what_can_be_played(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"v{suffix}"
    process = subprocess.Popen([sys.executable, "-c", GROWING, str(path)], stdout=subprocess.PIPE,
                               stdin=subprocess.PIPE, text=True)  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    frames = read(path)
    assert len(frames) >= 75, "at most a second is lost"
    assert all(abs(float(f.mean()) - 2 * i) < 4 for i, _, f in frames)


@pytest.mark.skipif(sys.platform == "win32", reason="limits a file's size as POSIX does")
def test_a_full_disk_is_said_and_what_was_written_can_be_played(tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    done = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True,
                          check=True)  # fmt: skip
    name, count = done.stdout.split()
    assert name == "FileProblem"
    assert 13 <= len(read(path)) <= int(count)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".avi"])
def test_frames_come_back(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"v{suffix}"
    colours = np.zeros((48, 64, 3), np.uint8)
    colours[:, :32] = (200, 40, 90)
    colours[:, 32:] = (20, 180, 240)
    with VideoWriter(path, 29.97, (64, 48)) as writer:
        for _ in range(40):
            writer.write(colours)
        assert not path.exists(), "not before it is whole"
    frames = read(path)
    assert len(frames) == 40
    assert [t for _, t, _ in frames] == pytest.approx([i / 29.97 for i in range(40)], abs=0.002)
    for left, colour in ((10, (200, 40, 90)), (50, (20, 180, 240))):
        assert np.abs(frames[-1][2][20, left].astype(int) - colour).max() < 12
    with VideoReader(path) as reader:
        assert reader.fps == pytest.approx(29.97, abs=0.01)


def test_times_are_kept_and_never_go_back(tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    with VideoWriter(path, 25.0, (64, 48)) as writer:
        for value, time in ((10, 0.0), (60, 0.5), (110, 0.5), (160, 2.0)):
            writer.write(grey(value), time)
    frames = read(path)
    assert [round(t, 2) for _, t, _ in frames] == [0.0, 0.5, 0.5, 2.0]
    assert [float(f.mean()) for _, _, f in frames] == pytest.approx([10, 60, 110, 160], abs=4)


def test_odd_sides_lose_their_last_line(tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    with VideoWriter(path, 25.0, (65, 49)) as writer:
        writer.write(grey(90, (65, 49)))
    assert read(path)[0][2].shape == (48, 64, 3)


def test_a_place_that_no_video_can_have(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="cannot be written here"):
        VideoWriter(tmp_path / "v.txt", 25.0, (64, 48))
    (tmp_path / "file").write_text("x")
    with pytest.raises(FileProblem):
        VideoWriter(tmp_path / "file" / "v.mp4", 25.0, (64, 48))


def test_a_picture_that_no_encoder_takes_is_said(tmp_path: Path) -> None:
    def write() -> None:
        with VideoWriter(tmp_path / "wide.mp4", 25, (16_400, 16)) as writer:
            writer.write(np.zeros((16, 16_400, 3), np.uint8))

    with pytest.raises(FileProblem, match="cannot be written here"):
        write()
    assert list(tmp_path.iterdir()) == []
