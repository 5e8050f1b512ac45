"""What a model is, told from what stands there."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import pytest

from studio.core.errors import FileProblem, FormatError, ModelError
from studio.core.skeleton import Skeleton
from studio.runtime.artifacts import _foreign, load_artifact, save_artifact
from studio.runtime.head_foreign import NetworkOutput
from studio.runtime.predictor import Predictor
from tests.runtime.toy import picture_with, write_onnx, write_openvino

METADATA = """
author: Ultralytics
date: '2026-01-02T03:04:05'
task: pose
stride: 32
batch: 1
imgsz: [320, 320]
names:
  0: person
kpt_shape: [17, 3]
args: {nms: false, half: false}
"""


def test_an_own_artefact_by_folder_by_json_and_by_weights(toy_model: Path) -> None:
    by_folder = load_artifact(toy_model)
    assert by_folder.family == "toy"
    assert by_folder.skeleton.name == "coco17"
    assert load_artifact(toy_model / "model.json").weights == by_folder.weights
    assert load_artifact(toy_model / "model.xml").family == "toy"


def test_what_is_saved_is_loaded(toy_model: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(toy_model, run / "weights")
    artifact = load_artifact(run / "weights")
    (run / "weights" / "model.json").unlink()
    path = save_artifact(artifact, run)
    assert path == run / "model.json"
    again = load_artifact(run)
    assert again.weights == (run / "weights" / "model.xml").resolve()
    assert again.created
    assert load_artifact(run / "weights" / "model.xml").family == "toy", "one folder down"
    assert [p.name for p in run.iterdir() if p.name.endswith(".part")] == []


def test_weights_outside_the_folder_are_refused(toy_model: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="outside"):
        save_artifact(load_artifact(toy_model), tmp_path)


def test_a_foreign_openvino_folder_with_metadata(tmp_path: Path) -> None:
    write_openvino(tmp_path)
    (tmp_path / "metadata.yaml").write_text(METADATA)
    artifact = load_artifact(tmp_path)
    assert artifact.task == "pose"
    assert artifact.input.size == (320, 320)
    assert artifact.input.dynamic
    assert artifact.skeleton.name == "coco17"
    assert artifact.categories == ("person",)
    assert artifact.output == "decoded"
    with Predictor(artifact, precision="f32") as predictor:
        assert len(predictor.predict(picture_with((3, 3), size=(320, 192)))) == 1


def test_a_foreign_family_is_told_by_its_author(tmp_path: Path) -> None:
    write_openvino(tmp_path)
    (tmp_path / "metadata.yaml").write_text(METADATA)
    assert load_artifact(tmp_path).family == "yolo-pose"


def test_a_bare_openvino_file(tmp_path: Path) -> None:
    artifact = load_artifact(write_openvino(tmp_path, joints=3))
    assert artifact.skeleton == Skeleton.numbered(3)
    assert artifact.input.size == (640, 640)


def test_onnx_with_metadata_inside(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    path = write_onnx(
        tmp_path / "m.onnx",
        joints=4,
        task="pose",
        names="{0: 'cat'}",
        kpt_shape="[4, 3]",
        imgsz="[256, 256]",
        stride="32",
        kpt_names="{0: ['a', 'b', 'c', 'd']}",
    )
    artifact = load_artifact(path)
    assert artifact.categories == ("cat",)
    assert artifact.skeleton.keypoints == ("a", "b", "c", "d")
    assert artifact.input.size == (256, 256)


@pytest.mark.parametrize(
    ("output", "joints", "layout"),
    [
        ((-1, 56, -1), 17, "decoded"),
        ((1, 14, 2100), 3, "decoded"),
        ((1, 300, 57), 17, "end2end"),
        ((-1, 302, 57), 17, "end2end"),
        ((-1, -1, 15), 3, "end2end"),
    ],
)
def test_a_bare_models_joints_are_told_by_its_output(
    output: tuple[int, ...], joints: int, layout: str
) -> None:
    outputs = [NetworkOutput("output0", output)]
    artifact = _foreign(Path("/m.onnx"), {}, (1, 3, 640, 640), outputs)
    assert (len(artifact.skeleton), artifact.output) == (joints, layout)


def test_onnx_of_another_task(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    with pytest.raises(ModelError, match="detect model, not a pose model"):
        load_artifact(write_onnx(tmp_path / "m.onnx", task="detect"))


def test_a_model_of_another_kind(tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    pytest.importorskip("onnxruntime")
    node = helper.make_node("Identity", ["x"], ["y"])
    value = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 3, 3]) for n in "xy"]
    graph = helper.make_graph([node], "g", value[:1], value[1:])
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), str(tmp_path / "m.onnx"))
    with pytest.raises(ModelError, match="a pose model takes one picture"):
        load_artifact(tmp_path / "m.onnx")


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="no such model"):
        load_artifact(tmp_path / "gone.pt")
    with pytest.raises(ModelError, match="no model in this folder"):
        load_artifact(tmp_path)


def test_two_models_in_a_folder(tmp_path: Path) -> None:
    for name in ("a.onnx", "b.onnx"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(ModelError, match=r"2 models here: a\.onnx, b\.onnx"):
        load_artifact(tmp_path)


def test_a_suffix_that_nothing_opens(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"\.tflite"):
        load_artifact(tmp_path / "m.tflite")


def test_files_cut_in_half(toy_model: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    shutil.copytree(toy_model, tmp_path / "a")
    text = (tmp_path / "a" / "model.json").read_bytes()
    (tmp_path / "a" / "model.json").write_bytes(text[: len(text) // 2])
    with pytest.raises(FormatError, match="line"):
        load_artifact(tmp_path / "a")
    (tmp_path / "a" / "model.json").unlink()
    xml = (tmp_path / "a" / "model.xml").read_bytes()
    (tmp_path / "a" / "model.xml").write_bytes(xml[: len(xml) // 2])
    with pytest.raises(ModelError, match="OpenVINO"):
        load_artifact(tmp_path / "a")
    onnx = write_onnx(tmp_path / "m.onnx")
    onnx.write_bytes(onnx.read_bytes()[:500])
    with pytest.raises(ModelError, match="ONNX"):
        load_artifact(onnx)


def test_json_without_a_key(toy_model: Path, tmp_path: Path) -> None:
    shutil.copytree(toy_model, tmp_path / "a")
    path = tmp_path / "a" / "model.json"
    values = json.loads(path.read_text())
    del values["skeleton"]
    path.write_text(json.dumps(values))
    with pytest.raises(ModelError, match="skeleton"):
        load_artifact(tmp_path / "a")
    path.write_text("[]")
    with pytest.raises(ModelError, match="no table"):
        load_artifact(tmp_path / "a")


# Not by importorskip: imported past its guard, ultralytics changes Pillow for the whole process.
def test_a_pt_of_another_kind(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    if importlib.util.find_spec("ultralytics") is None:
        pytest.skip("ultralytics is not installed")
    torch.save({"conv.weight": torch.zeros(3)}, tmp_path / "other.pt")
    with pytest.raises(ModelError, match="state dict of another kind"):
        load_artifact(tmp_path / "other.pt")
    (tmp_path / "cut.pt").write_bytes((tmp_path / "other.pt").read_bytes()[:200])
    with pytest.raises(ModelError, match="cut short"):
        load_artifact(tmp_path / "cut.pt")
