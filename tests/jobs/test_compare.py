"""Compare: the same model twice, and one that differs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from studio.core.errors import Cancelled, ModelError
from studio.io.images import write_image
from studio.runtime.artifacts import load_artifact, save_artifact
from tests.exporting.test_companions import head_model
from tests.jobs.listening import Listener, run
from tests.plugins.sixdrepnet.heads import write_heads
from tests.runtime.toy import centre, picture_with, write_onnx


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three pictures as labelme has them: the labelled person stands where the toy sees one."""
    folder = tmp_path / "data"
    folder.mkdir()
    for number, (column, row) in enumerate([(2, 1), (5, 3), (8, 6)]):
        name = f"{number}.png"
        write_image(folder / name, picture_with((column, row), size=(640, 384)))
        x, y = centre(column, row)
        names = load_names()
        shapes = [
            {"label": "person", "shape_type": "rectangle", "group_id": 1, "flags": {},
             "points": [[x - 16, y - 16], [x + 16, y + 16]]}
        ] + [
            {"label": joint, "shape_type": "point", "group_id": 1, "flags": {},
             "points": [[x + k / 10, y + k / 10]]}
            for k, joint in enumerate(names)
        ]  # fmt: skip
        values = {
            "version": "5.5.0", "flags": {}, "shapes": shapes, "imagePath": name,
            "imageData": None, "imageHeight": 384, "imageWidth": 640,
        }  # fmt: skip
        (folder / f"{number}.json").write_text(json.dumps(values))
    return folder


def load_names() -> tuple[str, ...]:
    from studio.io.skeletons import load_skeleton

    return load_skeleton("coco17").keypoints


@pytest.fixture
def onnx_model(toy_model: Path, tmp_path: Path) -> Path:
    pytest.importorskip("onnxruntime")
    folder = tmp_path / "onnx"
    folder.mkdir()
    path = write_onnx(folder / "toy.onnx")
    save_artifact(load_artifact(path))
    return folder


def test_two_artefacts_of_one_model_agree(
    toy_model: Path, onnx_model: Path, data: Path, tmp_path: Path
) -> None:
    listener = Listener()
    out = tmp_path / "report"
    result = run("compare", tmp_path, listener, a=onnx_model, b=toy_model, data=data, out=out)
    assert result["people"] == {"both": 3, "only_a": 0, "only_b": 0}
    assert result["shift_px"]["count"] == 51
    assert result["shift_px"]["max"] < 0.01
    assert result["ap"]["a"] == pytest.approx(1.0)
    assert result["ap"]["difference"] == pytest.approx(0.0, abs=1e-9)
    assert (result["a"]["engine"], result["b"]["engine"]) == ("onnxruntime", "openvino")
    assert result["b"]["precision"] == "f32"
    stored = json.loads((out / "report.json").read_text())
    assert stored["joints"]["nose"]["count"] == 3
    page = (out / "report.html").read_text()
    assert "3 pictures" in page
    assert len(list((out / "report_files").glob("*.jpg"))) == 3


def test_without_labels_there_is_no_ap(toy_model: Path, data: Path, tmp_path: Path) -> None:
    for path in data.glob("*.json"):
        path.unlink()
    result = run("compare", tmp_path, a=toy_model, b=toy_model, data=data)
    assert result["ap"] is None
    assert result["pictures"] == 3
    assert Path(result["report"]).is_file()


def test_a_damaged_picture_is_said_and_left_out(
    toy_model: Path, data: Path, tmp_path: Path
) -> None:
    png = data / "1.png"
    png.write_bytes(png.read_bytes()[:-20])
    result = run("compare", tmp_path, a=toy_model, b=toy_model, data=data)
    assert result["pictures"] == 2
    assert any("1.png" in p for p in result["problems"])


def test_two_models_that_are_not_one(toy_model: Path, data: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    other = write_onnx(tmp_path / "other.onnx", joints=4)
    with pytest.raises(ModelError, match="17 and 4 joints"):
        run("compare", tmp_path, a=toy_model, b=other, data=data)


def test_a_cancel_leaves_no_report(toy_model: Path, data: Path, tmp_path: Path) -> None:
    listener = Listener()
    listener.on("progress", 2, listener.cancel)
    out = tmp_path / "o"
    with pytest.raises(Cancelled):
        run("compare", tmp_path, listener, a=toy_model, b=toy_model, data=data, out=out)
    assert not out.exists()
    shutil.rmtree(data)


def test_two_artefacts_of_a_head_pose_model(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    first = head_model(tmp_path / "a", "rotation").weights.parent
    second = shutil.copytree(first, tmp_path / "b")
    data = write_heads(tmp_path / "heads", 14, 4)
    result = run("compare", tmp_path, a=first, b=second, data=data, out=tmp_path / "out")
    assert result["pictures"] == 14
    assert result["turn_deg"]["max"] == pytest.approx(0, abs=1e-3)
    assert result["geodesic"]["difference"] == pytest.approx(0, abs=1e-3)
    assert result["a"]["size_mb"] == result["b"]["size_mb"]
    assert result["b"]["ms_per_picture"] > 0
    assert "geodesic error" in (tmp_path / "out" / "report.html").read_text()
    assert (tmp_path / "out" / "report_files" / "01.jpg").is_file()
    val = run("compare", tmp_path, a=first, b=second, data=data, split="val", out=tmp_path / "val")
    assert val["pictures"] == 4
    # Another model turns heads another way.
    other = head_model(tmp_path / "c", "rot6d").weights.parent
    result = run("compare", tmp_path, a=first, b=other, data=data, out=tmp_path / "other")
    assert result["turn_deg"]["mean"] > 1
