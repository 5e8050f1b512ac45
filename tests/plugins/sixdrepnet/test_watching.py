"""Heads beside people through every engine that a head-pose model is exported to."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")

from studio.core.artifact import ModelArtifact  # noqa: E402
from studio.core.errors import MissingTool, StudioError  # noqa: E402
from studio.core.prediction import Prediction  # noqa: E402
from studio.core.requests.export import ExportRequest  # noqa: E402
from studio.io.model_json import save_artifact  # noqa: E402
from studio.io.skeletons import load_skeleton  # noqa: E402
from studio.jobs import export  # noqa: E402
from studio.metrics.head import geodesic  # noqa: E402
from studio.registry import find  # noqa: E402
from studio.registry.jobs import PluginRequest  # noqa: E402
from studio.runtime.artifacts import load_artifact  # noqa: E402
from studio.runtime.head_pose import HeadPoser, people_boxes  # noqa: E402
from studio.runtime.heads import HeadWatcher  # noqa: E402
from studio.runtime.predictor import Found  # noqa: E402
from studio.vision.synthetic.head import make_head  # noqa: E402
from tests.plugins.sixdrepnet.heads import heads, root, run  # noqa: E402
from tests.training_runs import Remote, context_of  # noqa: E402

FACE = load_skeleton("coco17")
SIDE = 96
JOINTS = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")


@cache
def scene() -> tuple[np.ndarray, tuple[Prediction, ...]]:
    """Five drawn heads side by side and the people whose they are; one shows no face."""
    tiles, people = [], []
    for number in range(5):
        head = make_head(np.random.default_rng((3, number)), SIDE)
        tiles.append(head.image)
        joints = np.zeros((len(FACE), 3), np.float32)
        for place, name in enumerate(JOINTS):
            x, y = head.points[name]
            joints[place] = x + number * SIDE, y, 0.0 if number == 2 else 0.9
        box = np.array([number * SIDE, 0, (number + 1) * SIDE, SIDE], np.float32)
        people.append(Prediction(box, 0.9, joints, track_id=number))
    return np.hstack(tiles), tuple(people)


@cache
def learnt() -> ModelArtifact:
    """A tiny network that has seen its 12 heads so often that it tells them apart."""
    made = run(root() / "learnt", epochs=8)
    save_artifact(made, made.weights.parent.parent)
    return made


@cache
def exported(target: str, *flags: str) -> ModelArtifact:
    source = learnt()
    values = dict.fromkeys(flags, True)
    name = "-".join([target, *flags])
    folder = root() / "watched" / name
    asked = {"weights": str(source.weights), "target": target, "out": str(folder)}
    request = ExportRequest.from_mapping(asked | {"data": str(heads())})
    options = find("target", target).options_class().from_mapping(values)
    job = PluginRequest(target, request, options)
    export.run(job, context_of(folder.with_name(f"{name}-job"), Remote()))
    return load_artifact(folder)


def watched(artifact: ModelArtifact) -> np.ndarray:
    """(4, 3, 3) of the people who show their faces."""
    frame, people = scene()
    poser = HeadPoser(artifact, device="cpu")
    watcher = HeadWatcher(poser, lambda _, found: people_boxes(found, FACE), smoothing=0.5)
    with watcher:
        first = watcher.told(frame, Found(people, {}), 0.0).predictions
        # The same picture again: what is still stays where it is, exactly.
        again = watcher.told(frame, Found(people, {}), 1 / 30).predictions
    assert [p.head is None for p in first] == [n == 2 for n in range(5)]
    poses = [p.head for p in first if p.head is not None]
    for pose, same in zip(poses, (p.head for p in again if p.head is not None), strict=True):
        assert geodesic(pose.rotation[None], same.rotation[None])[0] < 1e-3
    return np.array([pose.rotation for pose in poses])


@pytest.mark.parametrize(
    ("target", "flags", "most"),
    [
        ("openvino", (), 1.0),
        ("openvino", ("half",), 1.0),
        ("openvino", ("int8",), 6.0),
        ("onnx", (), 0.1),
        ("onnx", ("fixed",), 0.1),
        ("onnx", ("int8",), 6.0),
        ("torchscript", (), 0.1),
        ("ncnn", (), 0.3),
        ("mnn", (), 0.3),
    ],
)
def test_every_engine_tells_the_same_heads(
    target: str, flags: tuple[str, ...], most: float
) -> None:
    try:
        made = exported(target, *flags)
    except MissingTool as error:
        pytest.skip(str(error))
    here, there = watched(learnt()), watched(made)
    apart = geodesic(there, here)
    # The heads are told apart, and not by their order.
    assert geodesic(here[:1].repeat(3, axis=0), here[1:]).min() > 3
    assert made.task == "head-pose"
    assert apart.max() < most


def test_an_export_that_lost_its_description_is_still_known(tmp_path: Path) -> None:
    """model.json is gone: the file's own shape says what it is, but for colours' scales."""
    pytest.importorskip("onnxruntime")
    made = exported("onnx")
    bare = tmp_path / "bare.onnx"
    bare.write_bytes(made.weights.read_bytes())
    known = load_artifact(bare)
    assert (known.task, known.family) == ("head-pose", "foreign")
    assert known.input == made.input
    assert geodesic(watched(known), watched(made)).max() < 1e-3


def test_a_head_model_with_a_wrong_description_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    made = exported("onnx")
    folder = tmp_path / "wrong"
    folder.mkdir()
    (folder / made.weights.name).write_bytes(made.weights.read_bytes())
    said = {**made.to_mapping(), "output": "heatmaps"}
    (folder / "model.json").write_text(json.dumps(said), encoding="utf-8")
    with pytest.raises(StudioError, match="how heads are turned"):
        HeadPoser(folder)
