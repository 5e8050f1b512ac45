"""Files that stand in place only when they are whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from studio.core.errors import FileProblem
from studio.io.video import VideoReader
from studio.runtime.recording import CsvRecords, FrameVideo, JsonRecords, Recording

ROW = {
    "image": "a.jpg", "image_id": 1, "frame": 0, "time": 0.0, "category_id": 1,
    "bbox": [1, 2, 3, 4], "score": 0.5, "keypoints": [1, 2, 0.5],
}  # fmt: skip


def frame(value: int, size: tuple[int, int] = (64, 48)) -> np.ndarray:
    return np.full((size[1], size[0], 3), value, np.uint8)


def test_json_is_a_list_whether_long_or_empty(tmp_path: Path) -> None:
    for count in (0, 1, 3):
        path = tmp_path / f"{count}.json"
        writer = JsonRecords(path)
        writer.write([ROW] * count)
        assert not path.exists(), "not before it is whole"
        writer.close()
        assert json.loads(path.read_text()) == [ROW] * count
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0.json", "1.json", "3.json"]


def test_a_failed_run_leaves_nothing_half_written(tmp_path: Path) -> None:
    def fail() -> None:
        with Recording() as recording:
            recording.add(JsonRecords(tmp_path / "p.json"))
            recording.add(CsvRecords(tmp_path / "p.csv", ["nose"]))
            video = recording.add(FrameVideo(tmp_path / "r.mp4", 10, timed=False))
            recording.write_records([ROW])
            video.write(frame(1), 0.0)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_an_older_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("old")
    with Recording() as recording:
        recording.add(CsvRecords(path, ["nose"]))
        recording.write_records([ROW])
        assert path.read_text() == "old"
    assert path.read_text().splitlines()[1].startswith("a.jpg,1,0,0.0,1,1,2,3,4,0.5")


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(FileProblem):
        JsonRecords(tmp_path / "file" / "p.json")


def test_a_timed_video_shows_each_frame_at_its_time(tmp_path: Path) -> None:
    video = FrameVideo(tmp_path / "r.mp4", 10.0, timed=True)
    for time in (5.0, 5.02, 5.3, 6.0):
        video.write(frame(int(time * 20)), time)
    video.close()
    with VideoReader(tmp_path / "r.mp4") as reader:
        assert [t for _, t, _ in reader] == pytest.approx([0, 0.02, 0.3, 1.0], abs=0.002)


def test_growing_records_are_whole_at_any_moment(tmp_path: Path) -> None:
    rows, table = tmp_path / "r.json", tmp_path / "r.csv"
    with Recording() as recording:
        recording.add(JsonRecords(rows, growing=True))
        recording.add(CsvRecords(table, ["nose"], growing=True))
        for count in range(4):
            assert json.loads(rows.read_text()) == [ROW] * count
            assert len(table.read_text().splitlines()) == count + 1
            recording.write_records([ROW])
    assert json.loads(rows.read_text()) == [ROW] * 4


@pytest.mark.skipif(sys.platform == "win32", reason="limits a file's size as POSIX does")
def test_growing_records_stay_whole_on_a_full_disk(tmp_path: Path) -> None:
    code = f"""
import resource, signal
from studio.core.errors import FileProblem
from studio.runtime.recording import JsonRecords
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
records, count = JsonRecords(Path({str(tmp_path / "r.json")!r}), growing=True), 0
try:
    while True:
        records.write([{ROW!r}])
        count += 1
except FileProblem:
    records.abandon()
print(count)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    count = int(done.stdout)
    assert count > 3
    assert json.loads((tmp_path / "r.json").read_text()) == [ROW] * count


def test_frames_of_another_size_begin_the_next_file(tmp_path: Path) -> None:
    video = FrameVideo(tmp_path / "r.mp4", 10.0, timed=False)
    for size in ((64, 48), (64, 48), (32, 32)):
        video.write(frame(9, size), 0.0)
    video.close()
    assert [p.name for p in video.paths] == ["r.mp4", "r-2.mp4"]
    sizes = []
    for path in video.paths:
        with VideoReader(path) as reader:
            sizes.append(reader.size)
    assert sizes == [(64, 48), (32, 32)]


@pytest.mark.skipif(sys.platform == "win32", reason="limits a file's size as POSIX does")
def test_a_disk_that_is_full_at_the_end_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    code = f"""
import resource, signal
from pathlib import Path
from studio.core.errors import FileProblem
from studio.runtime.recording import CsvRecords, JsonRecords, Recording
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
folder = Path({str(tmp_path)!r})
try:
    with Recording() as recording:
        recording.add(JsonRecords(folder / "r.json")).write([{ROW!r}] * 20)
        recording.add(CsvRecords(folder / "r.csv", ["nose"]))
except FileProblem as error:
    print(error.where)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("r.json")
    assert list(tmp_path.iterdir()) == []
