"""Predict: pictures, videos, bad input, stops, files, imports."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from studio.core.errors import (
    Cancelled,
    DataError,
    DeviceError,
    FileProblem,
    StudioError,
    UsageError,
)
from studio.core.requests.predict import PredictOptions
from studio.io.images import read_image, write_image
from studio.io.video import VideoReader, VideoWriter
from studio.jobs.predict import place
from tests.jobs.listening import Listener, run
from tests.runtime.toy import centre, picture_with, read_records

ROOT = Path(__file__).parents[2]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Three pictures: two people, one, none."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    write_image(folder / "a.png", picture_with((2, 1), (8, 4), size=(640, 384)))
    write_image(folder / "b.png", picture_with((5, 5), size=(384, 640)))
    write_image(folder / "c.png", picture_with(size=(640, 384)))
    return folder


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Twenty frames of a block that walks to the right, ten frames a second."""
    path = tmp_path / "clip.avi"
    with VideoWriter(path, 10.0, (640, 384)) as writer:
        for i in range(20):
            writer.write(picture_with((i, 5), size=(640, 384)))
    return path


def test_pictures_are_drawn_under_their_names_and_written_down(
    toy_model: Path, pictures: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    listener = Listener()
    result = run(
        "predict", out, listener, model=toy_model, source=pictures, save_dir=out, save_json=True,
        save_csv=True, precision="f32",
    )  # fmt: skip
    assert (result["frames"], result["people"], result["problems"]) == (3, 3, [])
    assert sorted(p.name for p in out.iterdir()) == [
        "a.png", "b.png", "c.png", "predictions.csv", "predictions.json",
    ]  # fmt: skip
    rows = read_records(out / "predictions.json")
    assert [(r["image"], r["image_id"], r["frame"]) for r in rows] == [
        ("a.png", 1, 0), ("a.png", 1, 0), ("b.png", 2, 0),
    ]  # fmt: skip
    x, y, w, h = rows[2]["bbox"]  # type: ignore[misc]
    assert (x + w / 2, y + h / 2) == pytest.approx(centre(5, 5), abs=0.01)
    assert len(rows[0]["keypoints"]) == 51  # type: ignore[arg-type]
    assert rows[0]["category_id"] == 1
    with (out / "predictions.csv").open() as stream:
        assert [r["image"] for r in csv.DictReader(stream)] == ["a.png", "a.png", "b.png"]
    drawn, plain = read_image(out / "a.png"), read_image(pictures / "a.png")
    assert drawn.shape == plain.shape
    assert (drawn != plain).any()
    assert (read_image(out / "c.png") == read_image(pictures / "c.png")).all()
    assert {"json", "csv", "folder"} <= {a["kind"] for a in listener.of("artifact")}
    assert listener.of("progress")[-1] == {"stage": "predict", "done": 3, "total": 3}


def test_a_damaged_picture_is_reported_and_the_others_go_on(
    toy_model: Path, pictures: Path, tmp_path: Path
) -> None:
    (pictures / "b.png").write_bytes((pictures / "b.png").read_bytes()[:60])
    (pictures / "d.jpg").write_bytes(b"")
    listener = Listener()
    out = tmp_path / "out"
    result = run("predict", out, listener, model=toy_model, source=pictures, save_dir=out)
    assert result["frames"] == 2
    assert [Path(p["where"]).name for p in result["problems"]] == ["b.png", "d.jpg"]
    assert len([log for log in listener.of("log") if log["level"] == "warning"]) == 2
    assert sorted(p.name for p in out.iterdir()) == ["a.png", "c.png"]


def test_nothing_readable_is_an_error(toy_model: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(b"no picture")
    with pytest.raises(FileProblem, match="None of the 1 pictures"):
        run("predict", tmp_path / "o", model=toy_model, source=tmp_path / "in")


def test_the_pictures_themselves_are_never_replaced(toy_model: Path, pictures: Path) -> None:
    before = (pictures / "a.png").read_bytes()
    with pytest.raises(DataError, match="replace the pictures"):
        run("predict", pictures, model=toy_model, source=pictures, save_dir=pictures)
    assert (pictures / "a.png").read_bytes() == before
    result = run(
        "predict", pictures, model=toy_model, source=pictures, save_dir=pictures, no_draw=True
    )
    assert result["people"] == 3


def test_pictures_of_one_name_keep_apart(toy_model: Path, tmp_path: Path) -> None:
    for name in ("x/1.png", "y/1.png"):
        (tmp_path / "in" / name).parent.mkdir(parents=True)
        write_image(tmp_path / "in" / name, picture_with((1, 1), size=(640, 384)))
    out = tmp_path / "out"
    source = tmp_path / "in" / "**" / "*.png"
    run("predict", out, model=toy_model, source=source, save_dir=out, save_json=True)
    assert (out / "x" / "1.png").is_file()
    assert (out / "y" / "1.png").is_file()
    assert [r["image"] for r in read_records(out / "predictions.json")] == ["x/1.png", "y/1.png"]


def test_numbered_pictures_keep_their_numbers(toy_model: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("000000000785.png", "12.png"):
        write_image(tmp_path / "in" / name, picture_with((1, 1), size=(640, 384)))
    run(
        "predict", tmp_path, model=toy_model, source=tmp_path / "in", save_dir=tmp_path / "o",
        save_json=True, no_draw=True,
    )  # fmt: skip
    assert [r["image_id"] for r in read_records(tmp_path / "o" / "predictions.json")] == [785, 12]


def test_batches_change_nothing(toy_model: Path, pictures: Path, tmp_path: Path) -> None:
    found = []
    for batch in (1, 2, 8):
        out = tmp_path / str(batch)
        run(
            "predict", out, model=toy_model, source=pictures, save_dir=out, save_json=True,
            batch=batch, precision="f32",
        )  # fmt: skip
        found.append(read_records(out / "predictions.json"))
    assert found[0] == found[1] == found[2]


def test_a_video_becomes_a_drawn_video_and_its_predictions(
    toy_model: Path, clip: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    result = run(
        "predict", out, model=toy_model, source=clip, save_dir=out, save_json=True, conf=0.8
    )
    assert result["videos"] == [str(out / "result.mp4")]
    assert result["frames"] == 20
    rows = read_records(out / "predictions.json")
    assert [r["frame"] for r in rows] == list(range(20))
    assert [r["image_id"] for r in rows] == list(range(1, 21))
    assert rows[10]["time"] == pytest.approx(1.0, abs=0.01)
    for i, row in enumerate(rows):
        x, _, w, _ = row["bbox"]  # type: ignore[misc]
        assert x + w / 2 == pytest.approx(centre(i, 0)[0], abs=0.6)
    with VideoReader(out / "result.mp4") as reader:
        assert reader.fps == pytest.approx(10)
        assert reader.size == (640, 384)
        assert len(list(reader)) == 20
    assert set(result["stages_ms"]) == {"capture", "preprocess", "infer", "decode", "draw", "write"}


def test_the_frame_rate_stands_in_the_corner(toy_model: Path, clip: Path, tmp_path: Path) -> None:
    corners = []
    for flag in (False, True):
        out = tmp_path / str(flag)
        run("predict", out, model=toy_model, source=clip, save_dir=out, draw_fps=flag, conf=1.0)
        with VideoReader(out / "result.mp4") as reader:
            *_, (_, _, last) = reader
        corners.append(int(last[:40, :120].max()))
    assert corners[0] < 40
    assert corners[1] > 180


def test_a_video_cut_short_says_so(toy_model: Path, clip: Path, tmp_path: Path) -> None:
    whole = clip.read_bytes()
    cut = tmp_path / "cut.avi"
    cut.write_bytes(whole[: len(whole) // 2])
    result = run("predict", tmp_path, model=toy_model, source=cut, save_dir=tmp_path / "o")
    assert 0 < result["frames"] < 20
    (problem,) = result["problems"]
    assert "cut short" in problem["message"]
    with VideoReader(tmp_path / "o" / "result.mp4") as reader:
        assert len(list(reader)) == result["frames"]


def test_a_row_of_pictures_as_a_video(toy_model: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for i in range(4):
        write_image(tmp_path / "in" / f"{i}.png", picture_with((i, 2), size=(640, 384)))
    out = tmp_path / "out"
    run("predict", out, model=toy_model, source=tmp_path / "in", save_dir=out, save_video=True)
    with VideoReader(out / "result.mp4") as reader:
        assert len(list(reader)) == 4


@pytest.mark.parametrize("how", ["stop", "cancel"])
def test_an_early_end_keeps_what_was_finished(toy_model: Path, tmp_path: Path, how: str) -> None:
    listener = Listener()
    listener.on("progress", 1, listener.stop if how == "stop" else listener.cancel)
    out = tmp_path / "out"
    arguments = {
        "model": toy_model, "source": "synthetic:?frames=400", "save_dir": out, "save_json": True,
    }  # fmt: skip
    if how == "stop":
        result = run("predict", out, listener, **arguments)
        assert 1 <= result["frames"] < 400
    else:
        with pytest.raises(Cancelled):
            run("predict", out, listener, **arguments)
    json.loads((out / "predictions.json").read_text())
    with VideoReader(out / "result.mp4") as reader:
        assert 1 <= len(list(reader)) < 400
    assert sorted(p.name for p in out.iterdir()) == ["predictions.json", "result.mp4"]


def test_the_default_place_is_the_next_free_number(tmp_path: Path) -> None:
    options = PredictOptions(model=Path("m"), source="s")
    assert place(options, tmp_path) == tmp_path / "runs" / "predict" / "1"
    assert place(options, tmp_path) == tmp_path / "runs" / "predict" / "2"
    assert place(PredictOptions(model=Path("m"), source="s", save_dir=tmp_path), tmp_path) is None


def test_what_cannot_be_is_said(toy_model: Path, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="Camera 98"):
        run("predict", tmp_path, model=toy_model, source="98")
    with pytest.raises(FileProblem, match="no such model"):
        run("predict", tmp_path, model=tmp_path / "gone", source="synthetic:?frames=1")
    with pytest.raises(UsageError, match="tracker"):
        run("predict", tmp_path, model=toy_model, source="x", tracker="oks")


def test_a_precision_that_the_device_lacks_is_told(toy_model: Path, tmp_path: Path) -> None:
    listener = Listener()
    result = run(
        "predict", tmp_path, listener, model=toy_model, source="synthetic:?frames=2",
        precision="f16", no_draw=True,
    )  # fmt: skip
    told = [log["message"] for log in listener.of("log")]
    assert any("not in f16" in message for message in told) == (result["precision"] != "f16")


def test_pictures_of_any_depth_are_taken(toy_model: Path, tmp_path: Path) -> None:
    """Grey, 16-bit and transparent files are pictures too."""
    (tmp_path / "in").mkdir()
    bright = picture_with((3, 3), size=(640, 384))
    cv2.imwrite(str(tmp_path / "in" / "grey.png"), bright[..., 0])
    cv2.imwrite(str(tmp_path / "in" / "deep.png"), bright.astype(np.uint16) * 257)
    cv2.imwrite(str(tmp_path / "in" / "alpha.png"), cv2.cvtColor(bright, cv2.COLOR_BGR2BGRA))
    out = tmp_path / "out"
    result = run("predict", out, model=toy_model, source=tmp_path / "in", save_dir=out)
    assert (result["frames"], result["people"]) == (3, 3)


def test_openvino_is_predicted_with_without_torch(
    toy_model: Path, pictures: Path, tmp_path: Path
) -> None:
    code = (
        "import sys\n"
        "from studio.cli import main\n"
        "status = main(sys.argv[1:])\n"
        "heavy = {'torch', 'ultralytics', 'onnxruntime', 'PySide6', 'openvino_telemetry'}\n"
        "print(status, sorted(n for n in heavy if sys.modules.get(n)), 'openvino' in sys.modules)"
    )
    command = ["predict", "--model", toy_model, "--source", pictures, "--save-dir", tmp_path / "o"]
    said = subprocess.run(
        [sys.executable, "-c", code, *map(str, command), "--json"],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    last = said.stdout.splitlines()[-1]
    assert last == "0 [] True", said.stdout + said.stderr
    assert (tmp_path / "o" / "a.png").is_file()


def test_people_of_a_video_get_identities(toy_model: Path, tmp_path: Path) -> None:
    clip, out = tmp_path / "clip.avi", tmp_path / "out"
    with VideoWriter(clip, 10.0, (640, 384)) as writer:
        for i in range(20):
            # One stays, one comes later and goes again.
            people = ((2, 5), (8, 4)) if 5 <= i < 12 else ((2, 5),)
            writer.write(picture_with(*people, size=(640, 384)))
    result = run(
        "predict", out, model=toy_model, source=clip, save_dir=out, save_json=True, save_mot=True,
        track="oks", track_options=["lost=5", "smooth=false"],
    )  # fmt: skip
    rows = read_records(out / "predictions.json")
    told = {(r["frame"], r["track_id"]) for r in rows}
    assert told == {(i, 1) for i in range(20)} | {(i, 2) for i in range(5, 12)}
    assert len(rows) == len(told)
    assert result["stages_ms"]["track"] > 0
    lines = (out / "clip_pred.txt").read_text().splitlines()
    assert {tuple(int(v) for v in line.split(",")[:2]) for line in lines} == told


def test_alphaposes_flag_names_its_tracker(toy_model: Path, clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(
        "predict", out, model=toy_model, source=clip, save_dir=out, save_json=True, no_draw=True,
        pose_flow=True,
    )  # fmt: skip
    assert {r["track_id"] for r in read_records(out / "predictions.json")} >= {1}


def test_a_tracker_that_follows_by_itself_spares_the_model(
    toy_model: Path, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from studio.runtime.predictor import Predictor

    seen: list[int] = []
    submit = Predictor.submit

    def counted(self: Predictor, pictures: list[object]) -> object:
        seen.append(len(pictures))
        return submit(self, pictures)  # type: ignore[arg-type]

    monkeypatch.setattr(Predictor, "submit", counted)
    out = tmp_path / "out"
    result = run(
        "predict", out, model=toy_model, source=clip, save_dir=out, save_json=True, no_draw=True,
        track="klt", track_options=["every=5"], batch=4,
    )  # fmt: skip
    assert sum(seen) == 4
    assert result["frames"] == 20
    rows = read_records(out / "predictions.json")
    assert [r["frame"] for r in rows if int(str(r["frame"])) % 5 == 0] == [0, 5, 10, 15]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"track": "magic"}, "no tracker called 'magic'"),
        ({"track_options": ["lost=5"]}, "needs --track"),
        ({"track": "oks", "track_options": ["lost"]}, "says no value"),
        ({"track": "oks", "track_options": ["nonsense=1"]}, "nonsense"),
    ],
)
def test_a_tracker_that_cannot_be_is_refused(
    toy_model: Path, clip: Path, tmp_path: Path, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(StudioError, match=message):
        run("predict", tmp_path, model=toy_model, source=clip, save_dir=tmp_path / "o", **values)
