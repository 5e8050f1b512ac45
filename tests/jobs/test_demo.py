"""The whole way with no window, in small; and what it says when something is wrong."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from studio.core.errors import Cancelled, FileProblem, ModelError, StudioError
from studio.core.job import JobContext, JobEvent, NoControl
from studio.core.requests.demo import DemoOptions
from studio.io.files import write_json
from studio.jobs import demo
from studio.jobs.demo_page import DemoResult, Step, write_report
from studio.registry import contributions


def needs_training() -> None:
    for kind, name in (("family", "yolo-pose"), ("target", "openvino")):
        found = [c for c in contributions(kind) if c.id == name]
        if not found or not found[0].enabled:
            pytest.skip(f"{name} cannot be used here: {found[0].reason if found else 'not found'}")


def context(control: Any = None) -> tuple[JobContext, list[JobEvent]]:
    events: list[JobEvent] = []
    return JobContext(events.append, control or NoControl()), events


@pytest.mark.slow
def test_the_whole_way_finds_people_and_reports(tmp_path: Path) -> None:
    needs_training()
    options = DemoOptions(out=tmp_path / "demo", pictures=16, epochs=1, imgsz=192).validated()
    told, events = context()
    result = demo.run(options, told)
    assert result["frames"] == 100
    assert result["frames_with_people"] > 80
    assert result["people"] > 150
    out = tmp_path / "demo"
    predictions = json.loads((out / "predictions" / "predictions.json").read_text())
    assert len(predictions) == result["people"]
    assert len(predictions[0]["keypoints"]) == 51
    assert (out / "project" / "exports" / "demo-openvino" / "model.json").is_file()
    stages = [e.data["stage"].partition(":")[0] for e in events if e.event == "progress"]
    order = ["sample", "convert", "train", "evaluate", "export", "predict"]
    assert list(dict.fromkeys(stages)) == order
    assert any(e.event == "metrics" for e in events)
    check_page(out / "report.html", order)
    # A second demonstration takes the place of the first one.
    assert demo.place(options, None) == out


def check_page(path: Path, order: list[str]) -> None:
    text = path.read_text(encoding="utf-8")
    HTMLParser().feed(text)
    assert text.count("data:image/jpeg;base64,") >= 12
    assert not re.search(r"(src|href)='(?!data:)", text)
    assert "prefers-color-scheme:dark" in text
    assert all(f"<td>{job}<td>" in text for job in order)


def test_a_folder_of_somebody_elses_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    options = DemoOptions(out=tmp_path)
    with pytest.raises(FileProblem):
        demo.place(options, None)
    with pytest.raises(FileProblem):
        demo.run(options, context()[0])
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_missing_sample_weights_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "WEIGHTS", tmp_path / "nothing.pt")
    with pytest.raises(ModelError, match="sample weights"):
        demo.run(DemoOptions(out=tmp_path / "demo"), context()[0])


def test_nobody_found_is_an_error(tmp_path: Path) -> None:
    way = demo._Way(DemoOptions(out=tmp_path), context()[0], tmp_path)
    write_json(tmp_path / "predictions" / "predictions.json", [])
    found = {"frames": 100, "fps": 50.0, "engine": "openvino", "device": "CPU", "precision": "f32"}
    with pytest.raises(StudioError, match="0 of 100 frames"):
        way._result({"clips": ["clip.mp4"]}, {}, {}, {}, {"certificate": None}, found)


def test_a_cancel_ends_between_and_within_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Cancelling(NoControl):
        cancel_requested = True

    weights = tmp_path / "weights.pt"
    weights.write_bytes(b"weights")
    monkeypatch.setattr(demo, "WEIGHTS", weights)
    with pytest.raises(Cancelled):
        demo.run(DemoOptions(out=tmp_path / "demo"), context(Cancelling())[0])
    assert not (tmp_path / "demo" / "report.html").exists()


def test_the_report_shows_what_is_there_and_escapes_names(tmp_path: Path) -> None:
    from studio.io.video import VideoWriter
    from studio.jobs import sample
    from studio.vision.synthetic import make_clip

    sample.run(
        demo_sample(tmp_path / "project"),
        context()[0],
    )
    video = tmp_path / "result.mp4"
    with VideoWriter(video, 25, (160, 120)) as writer:
        for picture in make_clip(0, 12, (160, 120), 1):
            writer.write(picture.image)
    result = DemoResult(
        steps=(Step("convert", "a <b> & c", 1.5), Step("train", "t", 3.0)),
        pictures=tmp_path / "project" / "pictures" / "drawn",
        video=video,
        worst=tmp_path / "none",
        people=12,
        frames=12,
        frames_with_people=12,
        rate=80.4,
        engine="openvino",
        counts={"train": 3, "val": 1},
        epochs=2,
        metrics={"AP50": 0.9123, "APM": -1.0},
        shift={"mean": None},
    )
    text = write_report(tmp_path / "report.html", result).read_text(encoding="utf-8")
    assert "a &lt;b&gt; &amp; c" in text
    assert "0.912" in text
    assert "12 / 12" in text
    assert text.count("data:image/jpeg;base64,") == 6 + 2


def demo_sample(out: Path) -> Any:
    from studio.core.requests.sample import SampleOptions

    return SampleOptions(out=out, pictures=2, clips=0, size=128, photos=False)
