"""Predict with heads: beside people, and by a head-pose model alone."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.core.errors import FileProblem, FormatError, MissingTool, ModelError, UsageError
from studio.core.head import Angles, rotation_of
from studio.core.requests.predict import PredictOptions
from studio.io.images import read_image, write_image
from studio.io.video import VideoReader, VideoWriter
from studio.metrics.head import geodesic
from studio.runtime import faces
from studio.runtime.results import prediction_from_values
from studio.vision.head_drawing import draw_axes, draw_cube
from tests.io.data import shared
from tests.jobs.listening import Listener, run
from tests.runtime.head_toy import write_head_onnx
from tests.runtime.toy import picture_with, read_records, write_onnx

TRUE = Angles(yaw=-35.0, pitch=12.0, roll=8.0)


@pytest.fixture
def head_model(tmp_path: Path) -> Path:
    pytest.importorskip("onnx")
    return write_head_onnx(tmp_path / "head.onnx", {"rotation": rotation_of(TRUE)})


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    for name, people in (("a.png", ((2, 1), (8, 4))), ("b.png", ()), ("more/c.jpg", ((5, 5),))):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_image(folder / name, picture_with(*people, size=(640, 384)))
    return folder


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.avi"
    with VideoWriter(path, 10.0, (640, 384)) as writer:
        for _ in range(6):
            writer.write(picture_with((3, 5), (15, 2), size=(640, 384)))
    return path


def told(**options: Any) -> tuple[dict[str, Any], Path]:
    out = Path(options["save_dir"])
    return run("predict", out, Listener(), **options), out


def test_heads_of_people_stand_in_json_csv_and_drawing(
    toy_model: Path, head_model: Path, pictures: Path, tmp_path: Path
) -> None:
    common = {"model": toy_model, "source": pictures, "precision": "f32"}
    result, out = told(
        **common, head_model=head_model, save_dir=tmp_path / "out", save_json=True, save_csv=True
    )
    assert result["people"] == 2
    assert result["stages_ms"]["head"] > 0
    assert "heads" not in result
    rows = read_records(out / "predictions.json")
    assert len(rows) == 2
    for row in rows:
        head: Any = row["head"]
        assert (head["yaw"], head["pitch"], head["roll"]) == pytest.approx(TRUE, abs=1e-4)
        assert np.array(head["rotation"]) == pytest.approx(rotation_of(TRUE), abs=1e-6)
        again = prediction_from_values(row)
        assert again.head is not None
        assert again.head.box is not None
        x, y, w, h = head["bbox"]
        assert again.head.box == pytest.approx([x, y, x + w, y + h], abs=0.01)
        # Around the face's joints, which are at the middle of the block.
        bx, by, bw, bh = row["bbox"]  # type: ignore[misc]
        assert (x + w / 2, y + h / 2) == pytest.approx((bx + bw / 2, by + bh / 2), abs=0.5)
    with (out / "predictions.csv").open(encoding="utf-8") as stream:
        table = list(csv.DictReader(stream))
    assert [float(r["yaw"]) for r in table] == pytest.approx([TRUE.yaw] * 2, abs=1e-4)
    assert [float(r["roll"]) for r in table] == pytest.approx([TRUE.roll] * 2, abs=1e-4)
    _, plain = told(**common, save_dir=tmp_path / "plain")
    _, none = told(**common, head_model=head_model, head_draw="none", save_dir=tmp_path / "none")
    assert (read_image(out / "a.png") != read_image(plain / "a.png")).any()
    assert (read_image(none / "a.png") == read_image(plain / "a.png")).all()


def test_heads_are_drawn_into_a_video_and_become_calm_by_identity(
    toy_model: Path, head_model: Path, clip: Path, tmp_path: Path
) -> None:
    result, out = told(
        model=toy_model, source=clip, head_model=head_model, track="oks", head_smoothing=0.5,
        head_size=60, save_json=True, save_dir=tmp_path / "out",
    )  # fmt: skip
    rows: list[Any] = read_records(out / "predictions.json")
    assert len(rows) == 12
    assert {r["track_id"] for r in rows} == {rows[0]["track_id"], rows[1]["track_id"]}
    assert [r["head"]["yaw"] for r in rows] == pytest.approx([TRUE.yaw] * 12, abs=1e-3)
    (path,) = result["videos"]
    frame = next(iter(VideoReader(Path(path))))[2].astype(int)
    # The orange front of the cube, through the video's compression.
    orange = (frame[..., 2] > 180) & (abs(frame[..., 1] - 165) < 50) & (frame[..., 0] < 130)
    assert orange.sum() > 100


@pytest.mark.parametrize("viz", ["cube", "axis", "none"])
def test_a_head_pose_model_alone_takes_pictures_for_heads(
    head_model: Path, pictures: Path, tmp_path: Path, viz: str
) -> None:
    """What 6DRepNet's inference does: each picture with its cube, and results.json."""
    result, out = told(
        model=head_model, source=pictures / "more", save_dir=tmp_path / "out", head_draw=viz,
        head_size=100,
    )  # fmt: skip
    assert result["heads"] == str((out / "results.json").absolute())
    (row,) = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert row["image"] == "c.jpg"
    assert (row["yaw"], row["pitch"], row["roll"]) == pytest.approx(TRUE, abs=1e-4)
    assert row["bbox"] == [0, 0, 640, 384]
    assert "keypoints" not in row
    expected = read_image(pictures / "more" / "c.jpg")
    draw = {"cube": draw_cube, "axis": draw_axes}.get(viz)
    if draw is not None:
        draw(expected, rotation_of(TRUE), (320.0, 192.0), 100.0)
    drawn = read_image(out / "c.jpg")
    assert np.abs(drawn.astype(int) - expected).mean() < 1.5


def test_a_list_and_an_ending_choose_pictures(
    head_model: Path, pictures: Path, tmp_path: Path
) -> None:
    names = tmp_path / "files.txt"
    names.write_text("b\nmore/c\na.png\n", encoding="utf-8")
    _, out = told(
        model=head_model, source=pictures, filename_list=names, save_dir=tmp_path / "listed"
    )
    rows = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert [r["image"] for r in rows] == ["b.png", "c.jpg", "a.png"]
    _, out = told(model=head_model, source=pictures, img_ext=".png", save_dir=tmp_path / "png")
    rows = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert [r["image"] for r in rows] == ["a.png", "b.png"]


def test_a_list_with_a_picture_that_is_not_there_goes_on(
    head_model: Path, pictures: Path, tmp_path: Path
) -> None:
    names = tmp_path / "files.txt"
    names.write_text("gone\na\n", encoding="utf-8")
    result, _ = told(
        model=head_model, source=pictures, filename_list=names, save_dir=tmp_path / "out"
    )
    assert result["frames"] == 1
    assert "gone" in result["problems"][0]["where"]


@pytest.mark.parametrize(
    ("line", "source", "error"),
    [
        ("../outside", "pictures", FormatError),
        ("", "pictures", FileProblem),
        ("a", "pictures/a.png", UsageError),
    ],
)
def test_lists_that_cannot_be(
    head_model: Path, pictures: Path, tmp_path: Path, line: str, source: str, error: type[Exception]
) -> None:
    del pictures
    names = tmp_path / "files.txt"
    names.write_text(line, encoding="utf-8")
    with pytest.raises(error):
        told(
            model=head_model, source=tmp_path / source, filename_list=names,
            save_dir=tmp_path / "out",
        )  # fmt: skip
    with pytest.raises(FileProblem, match=r"ends in \.tif"):
        told(
            model=head_model, source=tmp_path / "pictures", img_ext="tif",
            save_dir=tmp_path / "out",
        )  # fmt: skip


def test_head_models_that_are_none(
    toy_model: Path, pictures: Path, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    head_model: Path,
) -> None:  # fmt: skip
    out = tmp_path / "out"
    people = write_onnx(tmp_path / "people.onnx")
    with pytest.raises(ModelError, match="how heads are turned"):
        told(model=toy_model, source=pictures, head_model=people, save_dir=out)
    with pytest.raises(FileProblem, match="no such model"):
        told(model=toy_model, source=pictures, head_model=tmp_path / "no.onnx", save_dir=out)
    monkeypatch.setattr(faces, "find_weights", lambda name: None)
    with pytest.raises(MissingTool, match="face detector"):
        told(model=head_model, source=clip, save_dir=out)


def test_faces_of_a_real_video(tmp_path: Path) -> None:
    """Both real models, alone and without people: every face of a frame has its head."""
    film = tmp_path / "short.mp4"
    reader = VideoReader(shared("video/faces_1280x720.mp4"))
    with VideoWriter(film, reader.fps, reader.size) as writer:
        for index, _, frame in reader:
            if index == 4:
                break
            writer.write(frame)
    _, out = told(
        model=shared("weights/6DRepNet360.onnx"), source=film, conf=0.85, track="bytetrack",
        face_model=shared("weights/face_detection_yunet_2023mar.onnx"), head_smoothing=0.5,
        save_csv=True, save_dir=tmp_path / "out",
    )  # fmt: skip
    rows = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert len(rows) >= 8
    assert {r["frame"] for r in rows} == {0, 1, 2, 3}
    turned: dict[int, list[np.ndarray]] = {}
    for row in rows:
        turned.setdefault(row["track_id"], []).append(np.array(row["rotation"]))
    # From frame to frame nobody turns far.
    for track in turned.values():
        assert (geodesic(np.array(track[1:]), np.array(track[:-1])) < 15).all()
    assert (out / "result.mp4").is_file()


def test_the_guides_own_spellings_are_taken() -> None:
    from studio.cli.parser import _spellings

    taken = {s for f in PredictOptions.fields() for s in _spellings((f.flag, *f.aliases))}
    guide = (
        "--snapshot", "--data_dir", "--output_dir", "--gpu", "--img_ext", "--viz_mode",
        "--viz_size", "--filename_list",
    )  # fmt: skip
    assert set(guide) <= taken
