"""Videos: frames with their times, and no unfinished file in place."""

from pathlib import Path

import numpy as np
import pytest

from studio.core.errors import FileProblem, FormatError
from studio.io.video import VideoReader, VideoWriter


def _frame(value: int) -> np.ndarray:
    return np.full((48, 64, 3), value, np.uint8)


@pytest.mark.parametrize("name", ["clip.mp4", "動画.avi"])
def test_round_trip(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with VideoWriter(path, 10.0, (64, 48)) as writer:
        for i in range(6):
            writer.write(_frame(40 * i))
        assert not path.exists()
    assert [p.name for p in tmp_path.iterdir()] == [name]
    with VideoReader(path) as reader:
        assert (reader.fps, reader.size, reader.frame_count) == (10.0, (64, 48), 6)
        found = list(reader)
    assert [i for i, _t, _f in found] == list(range(6))
    assert [round(t, 3) for _i, t, _f in found] == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert [abs(int(f.mean()) - 40 * i) < 8 for i, _t, f in found] == [True] * 6


def test_a_failed_recording_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"

    def fail() -> None:
        with VideoWriter(path, 5, (64, 48)) as writer:
            writer.write(_frame(1))
            writer.write(np.zeros((10, 10, 3), np.uint8))

    with pytest.raises(FormatError, match="does not fit"):
        fail()
    assert not list(tmp_path.iterdir())


def test_no_video(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(FileProblem, match="no such video"):
        VideoReader(tmp_path / "no.mp4")
    (tmp_path / "bad.mp4").write_bytes(b"nothing like it")
    with pytest.raises(FormatError, match="no video"):
        VideoReader(tmp_path / "bad.mp4")
