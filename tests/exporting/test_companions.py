"""README.md and run_model.py of an export: the script finds what the studio finds, without it."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from studio.core.artifact import InputSpec, ModelArtifact
from studio.core.device_report import NextStep
from studio.core.errors import StudioError
from studio.core.job import JobContext
from studio.exporting.bundle import bundled
from studio.exporting.companions import PACKAGES, script, write_companions
from studio.exporting.making import BESIDE
from studio.io.images import read_image, write_image
from studio.io.model_json import save_artifact
from studio.io.toolchains import READY, find_worker
from studio.registry import contributions, find
from studio.runtime.artifacts import load_artifact
from studio.runtime.clips import ClipPredictor
from studio.runtime.head_pose import HeadPoser, head_pose
from studio.runtime.predictor import Predictor
from studio.runtime.raw_heads import raw_shapes
from studio.runtime.topdown import TopDown
from studio.vision.synthetic import make_picture
from tests.exporting.outside import call, run_model

SHARED = Path("../shared/data")
SUFFIXES = {
    "openvino": ".xml", "onnxruntime": ".onnx", "torchscript": ".torchscript", "ncnn": ".param",
    "mnn": ".mnn", "litert": ".tflite",
}  # fmt: skip
KINDS: dict[str, dict[str, Any]] = {
    "people": {"task": "pose", "output": "decoded"},
    "end2end": {"task": "pose", "output": "end2end"},
    "raw": {"task": "pose", "output": "raw-heads"},
    "heatmaps": {"task": "keypoints", "output": "heatmaps"},
    "simcc": {"task": "keypoints", "output": "simcc"},
    "frames": {"task": "keypoints", "output": "heatmaps", "extra": {"frame": True}},
    "heads": {"task": "head-pose", "output": "rotation"},
}
QUIET = JobContext(lambda _event: None)


def sample() -> ModelArtifact:
    return load_artifact("resources/sample/weights")


def described(kind: str, suffix: str) -> ModelArtifact:
    return dataclasses.replace(sample(), weights=Path("model").with_suffix(suffix), **KINDS[kind])


def exported(target: str, artifact: ModelArtifact, out: Path, **values: Any) -> ModelArtifact:
    """The target's files, model.json and the companions, as the job leaves them."""
    entry = find("target", target)
    options = entry.options_class().from_mapping(values)
    out.mkdir(parents=True)
    made = entry.load().export(artifact, options, out, QUIET)
    save_artifact(made, out)
    write_companions(made, "", (), out)
    return load_artifact(out)


def test_the_outside_has_no_studio() -> None:
    done = call("-c", "import cv2, numpy\nimport studio")
    assert done.returncode == 1
    assert "No module named 'studio'" in done.stderr


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("engine", sorted(PACKAGES))
def test_a_script_is_whole_and_well_written(engine: str, kind: str, tmp_path: Path) -> None:
    text = script(described(kind, SUFFIXES[engine]))
    assert text is not None
    assert "import studio" not in text
    assert "from studio" not in text
    path = tmp_path / "run_model.py"
    path.write_text(text, encoding="utf-8")
    checks = (("check", "--isolated", "--select", "F,E9,I"), ("format", "--isolated", "--check"))
    for words in checks:
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *words, "--no-cache", "--line-length", "100", str(path)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
    # Only what this artefact needs: one engine, and the arithmetic of its own kind.
    others = [
        e for e in ("openvino", "onnxruntime", "torch", "ncnn", "MNN") if f"import {e}\n" in text
    ]
    assert len(others) <= 1
    assert ("def nms(" in text) == (kind in ("people", "end2end", "raw"))
    assert ("def decode_maps(" in text) == (kind in ("heatmaps", "simcc", "frames"))
    assert ("def raw_shapes(" in text) == (kind == "raw")
    assert ("def angles_of(" in text) == (kind == "heads")


def test_a_file_that_no_package_runs_has_no_script(tmp_path: Path) -> None:
    made = described("people", ".espdl")
    assert script(made) is None
    steps = (NextStep("Flash it", "flash model.espdl"), NextStep("Read", "https://a.example/b"))
    made = dataclasses.replace(made, extra={BESIDE: ["model.info"]})
    for name in ("model.espdl", "model.info"):
        (tmp_path / name).write_bytes(b"x")
    (written,) = write_companions(made, "The chip reads `model.espdl`.", steps, tmp_path)
    text = written.read_text(encoding="utf-8")
    assert "run_model.py" not in text
    assert "`model.espdl` is the model" in text
    assert "Flash it" in text
    assert "```sh\nflash model.espdl\n```" in text
    assert "\nRead: <https://a.example/b>\n" in text
    assert "The chip reads `model.espdl`." in text


def test_two_meanings_of_one_name_are_no_script(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("WIDE = 1\n")
    (tmp_path / "two.py").write_text("from .one import WIDE\nLONG = WIDE\n")
    assert bundled([tmp_path / "two.py"])[1] == "WIDE = 1\nLONG = WIDE\n"
    (tmp_path / "three.py").write_text("WIDE = 2\n")
    with pytest.raises(LookupError, match="WIDE"):
        bundled([tmp_path / "two.py", tmp_path / "three.py"])


def real_pictures(folder: Path) -> tuple[ModelArtifact, Path]:
    """A published model with photographs, where they are; else the sample's own, with drawn ones."""
    weights = SHARED / "weights" / "yolo11n-pose.pt"
    folder.mkdir()
    if weights.is_file():
        for path in sorted((SHARED / "coco_people" / "images").rglob("*.jpg"))[:4]:
            (folder / path.name).write_bytes(path.read_bytes())
        return load_artifact(weights), folder
    for seed in range(3):
        write_image(folder / f"{seed}.png", make_picture(seed, (320, 240)).image)
    return sample(), folder


TARGETS = ("openvino", "onnx", "torchscript", "ncnn", "mnn", "litert")


@pytest.mark.parametrize("target", TARGETS)
def test_the_script_finds_the_studios_people(target: str, tmp_path: Path) -> None:
    known = {c.id: c for c in contributions("target") if not c.reason}
    if target not in known:
        pytest.skip(f"the target {target} cannot be used here")
    if known[target].worker and find_worker(known[target].worker).state() != READY:
        pytest.skip(f"the tools {known[target].worker} are not installed")
    source, pictures = real_pictures(tmp_path / "pictures")
    made = exported(target, source, tmp_path / "out", imgsz=[320])
    rows = run_model(tmp_path / "out", pictures, tmp_path / "found")
    with Predictor(made, precision="f32" if target == "openvino" else "auto") as predictor:
        people = 0
        for path in sorted(pictures.iterdir()):
            expected = predictor.predict(read_image(path))
            own = [r for r in rows if r["image"] == path.name]
            assert len(own) == len(expected)
            people += len(own)
            for row, person in zip(own, expected, strict=True):
                found = np.array(row["keypoints"]).reshape(-1, 3)
                assert np.abs(found - person.keypoints).max() < 0.5
                assert row["score"] == pytest.approx(person.score, abs=5e-3)
            assert read_image(tmp_path / "found" / path.name).shape == read_image(path).shape
    assert people >= 3


def test_a_film_is_drawn_and_its_frames_are_numbered(tmp_path: Path) -> None:
    made = exported("openvino", sample(), tmp_path / "out")
    film = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"MJPG"), 5, (320, 240))
    for seed in range(3):
        writer.write(make_picture(seed, (320, 240)).image)
    writer.release()
    rows = run_model(tmp_path / "out", film, tmp_path / "found")
    assert {r["frame"] for r in rows} == {0, 1, 2}
    capture = cv2.VideoCapture(str(tmp_path / "found" / "result.mp4"))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 3
    capture.release()
    assert made.task == "pose"


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    exported("openvino", sample(), tmp_path / "out")
    (tmp_path / "no.jpg").write_bytes(b"no picture")
    (tmp_path / "empty").mkdir()
    for source, said in (
        (tmp_path / "no.jpg", "is no picture"), (tmp_path / "empty", "holds no pictures"),
    ):  # fmt: skip
        done = call(tmp_path / "out" / "run_model.py", "--source", source, "--out", tmp_path / "o")
        assert done.returncode == 1
        assert said in done.stderr


@pytest.mark.parametrize(("kind", "batch"), [("heatmaps", None), ("simcc", None), ("heatmaps", 4)])
def test_crops_have_the_studios_joints(kind: str, batch: int | None, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    from tests.runtime import crop_toy

    made = load_artifact(crop_toy.write_artifact(tmp_path / "model", kind, batch))
    write_companions(made, "", (), tmp_path / "model")
    picture = make_picture(2, (320, 240)).image
    write_image(tmp_path / "one.png", picture)
    boxes = [(20.0, 10.0, 90.0, 200.0), (150.5, 30.0, 120.0, 170.0)]
    more = [w for x, y, w, h in boxes for w in ("--box", f"{x},{y},{w},{h}")]
    rows = run_model(
        tmp_path / "model", tmp_path / "one.png", tmp_path / "found", ["--conf=0", *more]
    )
    corners = np.array([(x, y, x + w, y + h) for x, y, w, h in boxes])
    with TopDown(made, flip_test=False) as model:
        expected = model.joints(picture, corners)
    found = np.array([r["keypoints"] for r in rows]).reshape(expected.shape)
    assert np.abs(found - expected).max() < 1e-3
    (whole,) = run_model(tmp_path / "model", tmp_path / "one.png", tmp_path / "all", ["--conf=0"])
    assert whole["bbox"] == [0, 0, 320, 240]


def raw_model(folder: Path) -> ModelArtifact:
    """Maps of chance in an order of their own, a little moved by the picture's mean colour."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    shapes = raw_shapes((64, 64), len(sample().skeleton))
    rng = np.random.default_rng(8)
    nodes = [helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0)]
    stored, outputs = [], []
    for number in rng.permutation(len(shapes)):
        values = rng.normal(size=shapes[number]).astype(np.float32)
        stored.append(numpy_helper.from_array(values, f"map{number}"))
        nodes.append(helper.make_node("Add", [f"map{number}", "mean"], [f"output{number}"]))
        outputs.append(
            helper.make_tensor_value_info(f"output{number}", TensorProto.FLOAT, shapes[number])
        )
    entry = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 64, 64])
    graph = helper.make_graph(nodes, "heads", [entry], outputs, stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    folder.mkdir()
    onnx.save(model, str(folder / "model.onnx"))
    made = dataclasses.replace(
        sample(),
        output="raw-heads",
        weights=folder / "model.onnx",
        input=InputSpec(size=(64, 64)),
        extra={"batch": 1},
    )
    save_artifact(made, folder)
    return load_artifact(folder)


def test_raw_heads_are_the_studios_people(tmp_path: Path) -> None:
    made = raw_model(tmp_path / "out")
    write_companions(made, "", (), tmp_path / "out")
    picture = make_picture(1, (320, 240)).image
    write_image(tmp_path / "one.png", picture)
    rows = run_model(tmp_path / "out", tmp_path / "one.png", tmp_path / "found", ["--conf", "0.6"])
    with Predictor(made, conf=0.6) as predictor:
        expected = predictor.predict(picture)
    assert len(rows) == len(expected) > 5
    for row, person in zip(rows, expected, strict=True):
        found = np.array(row["keypoints"]).reshape(-1, 3)
        assert np.abs(found - person.keypoints).max() < 0.01
        x, y, width, height = row["bbox"]
        assert np.abs(np.array([x, y, x + width, y + height]) - person.box).max() < 0.01


def head_model(folder: Path, output: str) -> ModelArtifact:
    """The mean colours of a crop times numbers of chance: nothing of a head, all of the way there."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    wide = 9 if output == "rotation" else 6
    rng = np.random.default_rng(4)
    weight = numpy_helper.from_array(rng.normal(size=(3, wide)).astype(np.float32), "weight")
    shape = [-1, 3, 3] if output == "rotation" else [-1, 6]
    target = numpy_helper.from_array(np.array(shape, np.int64), "shape")
    nodes = [
        helper.make_node("GlobalAveragePool", ["images"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weight"], ["rows"]),
        helper.make_node("Reshape", ["rows", "shape"], ["output0"]),
    ]
    entry = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 3, 64, 64])
    out = helper.make_tensor_value_info("output0", TensorProto.FLOAT, ["n", *shape[1:]])
    graph = helper.make_graph(nodes, "heads", [entry], [out], [weight, target])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    folder.mkdir()
    onnx.save(model, str(folder / "model.onnx"))
    spec = InputSpec(size=(64, 64), mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    made = dataclasses.replace(
        sample(), task="head-pose", output=output, weights=folder / "model.onnx", input=spec
    )
    save_artifact(made, folder)
    return load_artifact(folder)


@pytest.mark.parametrize("output", ["rotation", "rot6d"])
def test_heads_are_turned_as_the_studio_says(output: str, tmp_path: Path) -> None:
    made = head_model(tmp_path / "out", output)
    write_companions(made, "", (), tmp_path / "out")
    picture = make_picture(1, (320, 240)).image
    write_image(tmp_path / "one.png", picture)
    box = (30.5, 20.0, 170.0, 200.0)
    words = ["--box", ",".join(map(str, box))]
    (row,) = run_model(tmp_path / "out", tmp_path / "one.png", tmp_path / "found", words)
    corners = [box[0], box[1], box[0] + box[2], box[1] + box[3]]
    with HeadPoser(made) as poser:
        expected = head_pose(poser.of_boxes(picture, corners)[0])
        whole = poser.rotations([picture])[0]
    assert np.abs(np.array(row["head"]["rotation"]) - expected.rotation).max() < 1e-4
    assert row["head"]["yaw"] == pytest.approx(expected.yaw, abs=0.01)
    assert row["head"]["roll"] == pytest.approx(expected.roll, abs=0.01)
    (row,) = run_model(tmp_path / "out", tmp_path / "one.png", tmp_path / "all")
    assert np.abs(np.array(row["head"]["rotation"]) - whole).max() < 1e-4


@pytest.mark.parametrize("channels", [3, 6])
def test_clips_have_the_studios_joints(channels: int, tmp_path: Path) -> None:
    pytest.importorskip("timm")
    pytest.importorskip("onnx")
    from tests.plugins.kpnet_clips import picture
    from tests.plugins.test_kpnet_export import make_model, to_openvino

    made = to_openvino(make_model(tmp_path / "run", channels), tmp_path / "out")
    write_companions(made, "", (), tmp_path / "out")
    readme = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "whole frame" in readme
    assert ("optical flow" in readme) == (channels == 6)
    frames = tmp_path / "frames"
    for number in range(3):
        write_image(frames / f"{number:03d}.png", picture(1, number))
    rows = run_model(tmp_path / "out", frames, tmp_path / "found", ["--conf=0"])
    with ClipPredictor(made, conf=0.0, precision="f32") as predictor:
        for path in sorted(frames.iterdir()):
            own = [r for r in rows if r["image"] == path.name]
            expected = predictor.predict(read_image(path))
            assert [r["category_id"] for r in own] == [p.category_id for p in expected]
            for row, person in zip(own, expected, strict=True):
                found = np.array(row["keypoints"]).reshape(-1, 3)
                assert np.abs(found - person.keypoints).max() < 0.05


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_readme_says_what_goes_in_and_out(kind: str, tmp_path: Path) -> None:
    made = described(kind, ".onnx")
    (tmp_path / "model.onnx").write_bytes(b"x")
    write_companions(made, "Notes of its own.", (NextStep("Copy it", "cp a b"),), tmp_path)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert text.startswith("# ")
    for part in (
        "Notes of its own.",
        "cp a b",
        "python run_model.py",
        "onnxruntime",
        "- In: (N, 3",
    ):
        assert part in text
    assert "- Out: " in text
    assert ("--box" in text) == (kind in ("heatmaps", "simcc", "heads"))
    assert ("non-maximum" in text) == (kind == "people")


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    (tmp_path / "README.md").mkdir()
    with pytest.raises(StudioError):
        write_companions(described("people", ".onnx"), "", (), tmp_path)
