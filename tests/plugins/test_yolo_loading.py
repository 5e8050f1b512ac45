"""What a weights file is told to be, and what the network in it gives."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from studio.core.errors import ModelError
from studio.registry import find
from tests.training_runs import SHARED_WEIGHTS, needs_yolo, tiny_run

torch = pytest.importorskip("torch")
pytestmark = needs_yolo


@pytest.fixture
def family():
    return find("family", "yolo-pose").load()


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Checkpoints of several kinds, made from descriptions."""
    from studio.plugins.yolo_pose.guard import ultralytics

    ultralytics()
    from ultralytics import YOLO

    folder = tmp_path_factory.mktemp("weights")
    for name in ("yolo11n-pose", "yolov8n-pose", "yolo26n-pose", "yolo11n", "yolo11n-seg"):
        YOLO(f"{name}.yaml").save(folder / f"{name}.pt")
    torch.save({"layer.weight": torch.zeros(3)}, folder / "state.pt")
    torch.save({"state_dict": {"a": torch.zeros(1)}, "epoch": 3}, folder / "nested.pt")
    torch.save([1, 2], folder / "list.pt")
    torch.save(
        {"old.weight": torch.zeros(2)}, folder / "old.pt", _use_new_zipfile_serialization=False
    )
    torch.jit.script(torch.nn.ReLU()).save(str(folder / "script.pt"))
    whole = (folder / "yolo11n-pose.pt").read_bytes()
    (folder / "cut.pt").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.pt").write_bytes(b"")
    (folder / "text.pt").write_text("no weights")
    with zipfile.ZipFile(folder / "zip.pt", "w") as archive:
        archive.writestr("readme.txt", "a zip of something else")
    return folder


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("yolo11n.pt", "a detection model, not a pose model"),
        ("yolo11n-seg.pt", "a segmentation model, not a pose model"),
        ("state.pt", "bare state dict of another kind (1 tensors, the first 'layer.weight')"),
        ("nested.pt", "bare state dict of another kind (1 tensors, the first 'a')"),
        ("old.pt", "bare state dict of another kind"),
        ("list.pt", "something else than a YOLO checkpoint"),
        ("script.pt", "TorchScript"),
        ("cut.pt", "cut short"),
        ("empty.pt", "empty"),
        ("text.pt", "no PyTorch file"),
        ("zip.pt", "no PyTorch file"),
        ("none.pt", "not there"),
        ("yolo11n-pose.pth", "a .pt file"),
    ],
)
def test_foreign_files_are_named(family, made, name, message):
    if name.endswith(".pth"):
        (made / name).write_bytes((made / "yolo11n-pose.pt").read_bytes())
    with pytest.raises(ModelError) as caught:
        family.describe(made / name)
    assert message in caught.value.message
    assert caught.value.where == str(made / name)
    assert len(caught.value.hint) > 10, "what to do is said"


@pytest.mark.parametrize("name", ["yolo11n-pose", "yolov8n-pose", "yolo26n-pose"])
def test_every_version_gives_decoded_output(family, made, name):
    artifact = family.describe(made / f"{name}.pt")
    assert artifact.output == "decoded"
    assert artifact.skeleton.name == "coco17"
    channels = 4 + len(artifact.categories) + 51
    module = family.load_torch(artifact)
    assert not module.training
    for height, width in ((64, 96), (96, 64)):
        anchors = sum((height // s) * (width // s) for s in (8, 16, 32))
        with torch.inference_mode():
            out = module(torch.rand(2, 3, height, width))
        assert out.shape == (2, channels, anchors)
        scores = out[:, 4 : 4 + len(artifact.categories)]
        assert float(scores.min()) >= 0
        assert float(scores.max()) <= 1


def test_an_own_training_describes_itself(family):
    run = tiny_run()
    for weights in (run.best, run.last):
        artifact = family.describe(weights)
        assert artifact.skeleton.name == "coco17"
        assert artifact.categories == ("person",)
        assert artifact.parent == "yolo11n-pose.yaml"
        assert artifact.input.size == (64, 64)
        assert artifact.created


def test_a_checkpoint_with_foreign_classes_opens_with_a_warning(family, made, caplog):
    from studio.plugins.yolo_pose.guard import ultralytics

    ultralytics()
    checkpoint = torch.load(made / "yolo11n-pose.pt", weights_only=False)
    checkpoint["note"] = Path("of another program")
    torch.save(checkpoint, made / "more.pt")
    checkpoint["note"] = np.random.default_rng(0)
    torch.save(checkpoint, made / "code.pt")
    assert family.describe(made / "yolo11n-pose.pt").task == "pose"
    assert not caplog.records
    assert family.describe(made / "code.pt").task == "pose"
    assert "runs code" in caplog.text
    assert "numpy.random" in caplog.text, "what it wants is named"
    caplog.clear()
    assert family.describe(made / "code.pt").task == "pose"
    assert not caplog.records, "said once a file"


def test_a_checkpoint_that_nobody_agreed_to_stays_closed(family, made, tmp_path, monkeypatch):
    """The window's jobs carry what was agreed to; an armed file does not go off."""
    from studio.io.trust import AGREED, fingerprint

    class Armed:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    armed = tmp_path / "armed.pt"
    torch.save({"model": Armed()}, armed)
    monkeypatch.setenv(AGREED, "")
    with pytest.raises(ModelError, match=r"mkdir.*nobody agreed"):
        family.describe(armed)
    assert not (tmp_path / "ran").exists()
    assert family.describe(made / "yolo11n-pose.pt").task == "pose"
    monkeypatch.setenv(AGREED, fingerprint(armed))
    with pytest.raises(ModelError):
        family.describe(armed)
    assert (tmp_path / "ran").exists(), "the file is really armed"


def test_a_device_that_is_not_there(family, made):
    artifact = family.describe(made / "yolo11n-pose.pt")
    with pytest.raises(ModelError, match="cannot be used"):
        family.load_torch(artifact, "cuda:7" if not torch.cuda.is_available() else "cuda:99")


@pytest.mark.skipif(not SHARED_WEIGHTS.is_file(), reason="the shared weights are not here")
def test_published_weights(family):
    artifact = family.describe(SHARED_WEIGHTS)
    assert artifact.skeleton.name == "coco17"
    assert artifact.categories == ("person",)
    assert artifact.input.size == (640, 640)
    assert artifact.metrics["AP"] == pytest.approx(0.500, abs=0.001)


def test_the_import_leaves_the_process_as_it_was(tmp_path):
    """No network, nothing on the console, OpenCV's and PyTorch's threads and Pillow as before."""
    code = """
import os, socket, sys
os.environ.pop("OMP_NUM_THREADS", None)
def refuse(*args, **kwargs): raise AssertionError("network")
socket.socket.connect = refuse
socket.getaddrinfo = refuse
import cv2
from PIL import Image
cv2.setNumThreads(2)
before = cv2.getNumThreads(), Image.open
from studio.plugins.yolo_pose.guard import ultralytics
ultralytics()
from ultralytics.utils import USER_CONFIG_DIR, plotting
assert (cv2.getNumThreads(), Image.open) == before, "changed"
import torch
assert torch.get_num_threads() > 1 or os.cpu_count() == 1, "one core"
from ultralytics.utils.checks import check_font
assert check_font("Arial.ttf").parent == USER_CONFIG_DIR
assert check_font("Arial.Unicode.ttf").parent == USER_CONFIG_DIR
sys.stderr.write(str(USER_CONFIG_DIR))
"""
    environment = {**os.environ, "POSE_STUDIO_ULTRALYTICS_DIR": str(tmp_path / "private")}
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == ""
    assert ran.stderr.startswith(str(tmp_path / "private"))
