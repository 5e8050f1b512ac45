"""Frames of a video as pictures to annotate."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.core.annotation import Shape
from studio.core.errors import DataError, FileProblem, UsageError
from studio.core.job import JobContext, JobEvent
from studio.core.prediction import Prediction
from studio.core.requests.frames import FramesOptions
from studio.io import labelme
from studio.io.annotations import read_or_report
from studio.io.clips import frames_of
from studio.io.images import read_image
from studio.io.video import VideoWriter
from studio.jobs import frames
from tests.io.people import SKELETON
from tests.runtime.toy import write_artifact


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty frames at 10 a second: dark, bright from frame 20 on."""
    path = tmp_path_factory.mktemp("clip") / "walk.mp4"
    with VideoWriter(path, 10.0, (128, 96)) as video:
        for number in range(40):
            video.write(np.full((96, 128, 3), 40 if number < 20 else 200, np.uint8))
    return path


def run(clip: Path, output: Path, control: Any = None, **values: Any) -> dict[str, Any]:
    options = FramesOptions.from_mapping({"video": clip, "output": output, **values}).validated()
    events: list[JobEvent] = []
    context = JobContext(events.append, control) if control else JobContext(events.append)
    return frames.run(options, context)


def test_every_nth_with_where_it_comes_from(clip: Path, tmp_path: Path) -> None:
    result = run(clip, tmp_path, every=15)
    assert result["frames"] == [0, 15, 30]
    assert [Path(p).name for p in result["pictures"]] == [
        "walk.mp4_000000.jpg", "walk.mp4_000015.jpg", "walk.mp4_000030.jpg",
    ]  # fmt: skip
    raw = json.loads((tmp_path / "walk.mp4_000030.json").read_text())
    assert (raw["video"], raw["frame"], raw["shapes"]) == ("walk.mp4", 30, [])
    assert raw["time"] == pytest.approx(3.0, abs=0.01)
    assert (raw["imageWidth"], raw["imageHeight"]) == (128, 96)
    picture = tmp_path / "walk.mp4_000030.jpg"
    assert abs(float(read_image(picture).mean()) - 200) < 8
    assert [f.number for f in frames_of(picture)] == [0, 15, 30]


def test_what_is_there_stays(clip: Path, tmp_path: Path) -> None:
    run(clip, tmp_path, every=20)
    path = tmp_path / "walk.mp4_000020.json"
    image = labelme.read(path)
    box = Shape("person", "rectangle", ((1.0, 1.0), (9.0, 9.0)), 1)
    labelme.write(path, replace(image, shapes=(box,)))
    before = path.read_bytes()
    result = run(clip, tmp_path, every=10)
    assert (result["frames"], result["kept"]) == ([0, 10, 20, 30], 2)
    assert path.read_bytes() == before
    assert labelme.read(path).extra["frame"] == 20


def test_a_frame_without_people_is_not_taken_for_empty(clip: Path, tmp_path: Path) -> None:
    run(clip, tmp_path, every=20, limit=1)
    path = tmp_path / "walk.mp4_000000.json"
    told: list[Any] = []
    assert read_or_report(path, SKELETON, told.append) is None
    assert [(p.severity, "not annotated yet" in p.message) for p in told] == [("warning", True)]
    labelme.write(path, replace(labelme.read(path), flags={"reviewed": True}))
    record = read_or_report(path, SKELETON, told.append)
    assert record is not None
    assert (record.instances, record.video) == ((), "walk.mp4")


def test_those_that_differ(clip: Path, tmp_path: Path) -> None:
    result = run(clip, tmp_path, choose="difference", every=1, format="png")
    assert result["frames"] == [0, 20]
    assert result["looked_at"] == 40
    assert (tmp_path / "walk.mp4_000020.png").exists()


def test_a_part_of_the_video(clip: Path, tmp_path: Path) -> None:
    assert run(clip, tmp_path, every=5, start=1.0, end=2.0)["frames"] == [10, 15, 20]
    assert run(clip, tmp_path, every=5, limit=2)["frames"] == [0, 5]
    with pytest.raises(DataError, match="No frame was taken"):
        run(clip, tmp_path, start=100.0)


def person(score: float, joints: float) -> Prediction:
    keypoints = np.full((3, 3), joints, np.float32)
    return Prediction(np.zeros(4, np.float32), score, keypoints)


def test_doubt() -> None:
    sure, unsure = person(0.9, 0.9), person(0.9, 0.3)
    seen = {0: (sure,), 10: (sure,), 20: (), 30: (sure,), 40: (sure, unsure), 50: (sure, sure)}
    doubts = frames.doubts_of(seen)
    assert doubts[20] == 1.0, "a person who flickers"
    assert doubts[40] == pytest.approx(0.73)
    assert doubts[0] == pytest.approx(0.19)
    assert frames.most_doubtful(doubts, 2, 5) == [20, 40]
    assert frames.most_doubtful(doubts, 3, 25) == [20, 50]


def test_those_a_model_doubts(clip: Path, tmp_path: Path) -> None:
    model = write_artifact(tmp_path / "model", size=64)
    result = run(clip, tmp_path / "out", choose="doubt", every=4, limit=3, apart=8, model=model)
    assert len(result["frames"]) == 3
    assert set(result["doubts"]) == {str(n) for n in result["frames"]}
    with pytest.raises(UsageError, match="a model is needed"):
        run(clip, tmp_path, choose="doubt")


class Stop:
    """A person who stops after some frames."""

    cancel_requested = False

    def __init__(self, after: int) -> None:
        self.left = after

    @property
    def stop_requested(self) -> bool:
        self.left -= 1
        return self.left < 0

    def take_values(self) -> dict[str, Any]:
        return {}


def test_a_stop_keeps_what_is_there(clip: Path, tmp_path: Path) -> None:
    assert run(clip, tmp_path, Stop(12), every=5)["frames"] == [0, 5, 10]
    with pytest.raises(FileProblem, match="no such video"):
        run(tmp_path / "none.mp4", tmp_path)
