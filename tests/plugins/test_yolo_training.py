"""Real trainings of a second or two: what they say, what they leave, how they end."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
import yaml

from studio.core.errors import Cancelled, DataError, DeviceError, FileProblem, ModelError
from studio.core.job import ARTIFACT, LOG, METRICS, PROGRESS
from studio.io.images import read_image
from studio.registry import find
from studio.runtime.artifacts import load_artifact
from tests.training_runs import (
    Remote,
    context_of,
    make_dataset,
    needs_yolo,
    rates,
    tiny_options,
    tiny_run,
    train_tiny,
)

torch = pytest.importorskip("torch")
pytestmark = [needs_yolo, pytest.mark.slow]


def epoch_of(event) -> int:
    return event.data["epoch"] if event.event == METRICS and event.data["split"] == "val" else 0


@pytest.fixture
def data(tmp_path) -> Path:
    return make_dataset(tmp_path / "data")


def test_it_says_every_batch_and_epoch():
    remote = tiny_run().remote
    batches = remote.named(METRICS, split="train")
    assert [b["step"] for b in batches] == [1, 2, 3, 4]
    assert [b["epoch"] for b in batches] == [1, 1, 2, 2]
    for name in ("loss", "box_loss", "pose_loss", "kobj_loss", "cls_loss", "dfl_loss", "lr"):
        assert all(isinstance(b["values"][name], float) for b in batches), name
    assert all(b["values"]["images_per_second"] > 0 for b in batches)
    parts = batches[0]["values"]
    total = sum(parts[n] for n in parts if n.endswith("_loss"))
    assert parts["loss"] == pytest.approx(total)
    means = remote.named(METRICS, split="train_epoch")
    assert [m["epoch"] for m in means] == [1, 2]
    first = [b["values"]["loss"] for b in batches[:2]]
    assert means[0]["values"]["loss"] == pytest.approx(sum(first) / 2, rel=1e-5)
    judged = remote.named(METRICS, split="val")
    assert [m["epoch"] for m in judged] == [1, 2]
    assert {"AP", "AP50", "box_AP", "fitness", "loss"} <= set(judged[0]["values"])
    steps = [p["done"] for p in remote.named(PROGRESS, stage="train")]
    assert steps == [0, 1, 2, 3, 4]
    assert {p["total"] for p in remote.named(PROGRESS, stage="train")} == {4}
    kinds = {a["kind"] for a in remote.named(ARTIFACT)}
    assert kinds == {"data", "weights", "tensorboard", "picture"}


def test_it_shows_what_goes_in_and_what_comes_out():
    pictures = [Path(a["path"]) for a in tiny_run().remote.named(ARTIFACT, kind="picture")]
    assert [p.name for p in pictures] == ["batch.jpg", "val_0001.jpg", "val_0002.jpg"]
    batch = read_image(pictures[0])
    assert batch.shape == (128, 128, 3)
    # Drawn joints are of bright colours, the pictures underneath are grey and yellow.
    assert (batch.max(axis=2) - batch.min(axis=2) > 100).mean() > 0.05
    assert read_image(pictures[-1]).shape == (192, 192, 3)


def test_it_leaves_a_run_that_can_be_used():
    run = tiny_run()
    made = {p.relative_to(run.run_dir).as_posix() for p in run.run_dir.rglob("*") if p.is_file()}
    assert {"config.toml", "model.json", "weights/best.pt", "weights/last.pt"} <= made
    assert any(name.startswith("tensorboard/events.out") for name in made)
    config = tomllib.loads((run.run_dir / "config.toml").read_text())
    assert config["options"]["epochs"] == 2
    artifact = load_artifact(run.run_dir)
    assert artifact.weights == run.best
    assert artifact.skeleton.name == "coco17"
    assert artifact.input.size == (64, 64)
    assert set(run.artifact.metrics) >= {"AP", "AP50", "fitness"}
    assert run.artifact.extra["epochs"] == 2
    # Nothing but the missing pose.yaml was written into the dataset.
    extra = [p.name for p in run.data.rglob("*") if p.suffix not in (".jpg", ".txt", "")]
    assert extra == ["pose.yaml"]


def test_the_yolo_program_opens_the_weights():
    from studio.plugins.yolo_pose.guard import ultralytics

    model = ultralytics().YOLO(tiny_run().best)
    assert model.task == "pose"
    assert model.model.kpt_shape == [17, 3]
    assert model.model.kpt_oks_sigmas[0] == 0.026
    assert model.ckpt["optimizer"] is None


def test_the_same_seed_gives_the_same_run(tmp_path):
    run = tiny_run()
    remote = Remote()
    train_tiny(run.data, tmp_path / "again", remote)
    losses = [
        [e["values"]["loss"] for e in r.named(METRICS, split="train")] for r in (remote, run.remote)
    ]
    assert losses[0] == losses[1]


def test_sixteen_bits_on_a_processor(data, tmp_path):
    """Nearly the same loss, and not the very same: the network computed in other numbers."""
    losses = []
    for bf16 in (False, True):
        remote = Remote()
        train_tiny(data, tmp_path / f"bf16-{bf16}", remote, epochs=1, bf16=bf16)
        losses.append(remote.named(METRICS, split="train")[0]["values"]["loss"])
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], rel=0.05)


def test_stop_ends_after_the_epoch_and_resume_goes_on(data, tmp_path):
    """What a stopped and resumed run does is what an unbroken one does, epoch by epoch."""
    whole = Remote()
    train_tiny(data, tmp_path / "whole", whole, epochs=3, mosaic=0)
    stopped = Remote(stop_when=lambda e: e.event == METRICS and e.data["step"] == 1)
    run_dir = tmp_path / "stopped"
    artifact = train_tiny(data, run_dir, stopped, epochs=3, mosaic=0)
    assert artifact.extra["epochs"] == 1
    assert [m["epoch"] for m in stopped.named(METRICS, split="val")] == [1]
    last = run_dir / "weights" / "last.pt"

    family = find("family", "yolo-pose").load()
    values = family.resumed_options(last, run_dir, {})
    resumed = Remote()
    options = tiny_options(data, **{k: v for k, v in values.items() if k != "data"})
    artifact = family.train(options, context_of(run_dir, resumed), last)
    assert artifact.extra["epochs"] == 3
    assert [m["epoch"] for m in resumed.named(METRICS, split="val")] == [2, 3]
    expected = rates(whole.named(METRICS, split="train"))
    found = {
        **rates(stopped.named(METRICS, split="train")),
        **rates(resumed.named(METRICS, split="train")),
    }
    assert found == pytest.approx(expected)
    steps = [p["done"] for p in resumed.named(PROGRESS, stage="train")]
    assert steps == [2, 3, 4, 5, 6]
    # One more epoch than planned goes on from the end; no more is a clear refusal.
    with pytest.raises(DataError, match="finished: 3 of 3 epochs") as caught:
        family.resumed_options(last, run_dir, {})
    assert "--epochs" in caught.value.hint
    longer = Remote()
    values = family.resumed_options(last, run_dir, {"epochs": 4})
    options = tiny_options(data, **{k: v for k, v in values.items() if k != "data"})
    family.train(options, context_of(run_dir, longer), last)
    assert [m["epoch"] for m in longer.named(METRICS, split="val")] == [4]


def test_weights_without_a_state_cannot_be_resumed():
    run = tiny_run()
    with pytest.raises(ModelError, match="no state to resume"):
        find("family", "yolo-pose").load().resumed_options(run.best, run.run_dir, {})


def test_cancel_ends_at_once_and_keeps_the_last_epoch(data, tmp_path):
    remote = Remote(cancel_when=lambda e: e.event == METRICS and e.data["step"] == 3)
    with pytest.raises(Cancelled):
        train_tiny(data, tmp_path / "run", remote, epochs=50)
    assert max(b["step"] for b in remote.named(METRICS, split="train")) == 3
    checkpoint = torch.load(tmp_path / "run" / "weights" / "last.pt", weights_only=False)
    assert checkpoint["epoch"] == 0
    assert load_artifact(tmp_path / "run").weights.name == "best.pt"


def test_kill_leaves_a_run_that_resumes(data, tmp_path):
    run_dir = tmp_path / "runs" / "yolo-pose" / "killed"
    words = ["train", "yolo-pose", "--data", str(data), "--pretrained", "yolo11n-pose.yaml"]
    words += ["--epochs", "400", "--imgsz", "64", "--batch", "4", "--device", "cpu"]
    words += ["--name", "killed", "--output", str(tmp_path / "runs"), "--json"]
    home = tmp_path / "home"
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "POSE_"))}
    job = subprocess.Popen(
        [sys.executable, "-m", "studio", *words],
        stdout=subprocess.DEVNULL,
        env={**environment, "HOME": str(home), "USERPROFILE": str(home)},
    )
    try:
        events = run_dir / "events.jsonl"
        deadline = time.monotonic() + 60
        while not (events.is_file() and b'"epoch":3' in events.read_bytes()):
            assert job.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        job.send_signal(signal.SIGKILL)
        job.wait()
    # The library wrote into the studio's own corner and nowhere else.
    written = {p.name for p in home.rglob("*") if p.is_file()}
    assert written <= {"settings.json", "Arial.ttf", "Arial.Unicode.ttf"}
    lines = [json.loads(line) for line in events.read_text().splitlines() if line.endswith("}")]
    saved = max(e["epoch"] for e in lines if e.get("split") == "val")
    last = run_dir / "weights" / "last.pt"
    family = find("family", "yolo-pose").load()
    values = family.resumed_options(last, run_dir, {})
    done = torch.load(last, weights_only=False)["epoch"] + 1
    assert done in (saved, saved + 1)
    remote = Remote(stop_when=lambda e: epoch_of(e) > done)
    options = tiny_options(data, **{k: v for k, v in values.items() if k != "data"})
    family.train(options, context_of(run_dir, remote), last)
    assert remote.named(METRICS, split="val")[0]["epoch"] == done + 1


def test_an_interrupted_write_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    from studio.plugins.yolo_pose.trainer import AtomicPath

    path = AtomicPath(tmp_path / "last.pt")
    path.write_bytes(b"old")

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("studio.io.files.os.fsync", full)
    with pytest.raises(FileProblem, match="disk is full"):
        path.write_bytes(b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["last.pt"]
    assert path.read_bytes() == b"old"


def test_a_full_disk_is_told(data, tmp_path, monkeypatch):
    real = os.fsync

    def full(handle: int) -> None:
        if os.fstat(handle).st_size > 1_000_000:  # the checkpoint; small files still fit
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    monkeypatch.setattr("studio.io.files.os.fsync", full)
    with pytest.raises(FileProblem, match="disk is full"):
        train_tiny(data, tmp_path / "run")
    assert not list((tmp_path / "run" / "weights").iterdir())


def test_a_loss_that_is_no_number_is_told(data, tmp_path):
    checkpoint = torch.load(tiny_run().best, weights_only=False)
    with torch.no_grad():
        next(checkpoint["model"].parameters()).fill_(float("nan"))
    torch.save(checkpoint, tmp_path / "sick.pt")
    with pytest.raises(DataError, match="no longer a number") as caught:
        train_tiny(data, tmp_path / "run", pretrained=str(tmp_path / "sick.pt"))
    assert "--lr0" in caught.value.hint


def test_out_of_memory_names_the_batch_to_try(data, tmp_path, monkeypatch):
    from studio.plugins.yolo_pose.trainer import StudioTrainer

    def burst(_self, _batch):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")

    monkeypatch.setattr(StudioTrainer, "preprocess_batch", burst)
    remote = Remote()
    with pytest.raises(DeviceError, match="batch 4 at 64 pixels") as caught:
        train_tiny(data, tmp_path / "run", remote)
    assert "--batch 2" in caught.value.hint
    assert remote.named("suggest") == [{"option": "batch", "value": 2}]


def test_another_skeleton_from_trained_weights(tmp_path):
    data = make_dataset(tmp_path / "data", joints=5)
    artifact = train_tiny(
        data, tmp_path / "run", epochs=1, skeleton="face5", pretrained=str(tiny_run().best)
    )
    assert artifact.skeleton.name == "face5"
    again = find("family", "yolo-pose").load().describe(artifact.weights)
    assert again.skeleton == artifact.skeleton
    assert again.parent == "best.pt"


def test_few_pictures_do_not_undo_what_the_weights_know(data, tmp_path):
    remote = Remote()
    train_tiny(data, tmp_path / "gentle", remote, epochs=1, pretrained=str(tiny_run().best))
    used = yaml.safe_load((tmp_path / "gentle" / "args.yaml").read_text())
    assert (used["optimizer"], used["lr0"], used["warmup_bias_lr"]) == ("AdamW", 1e-4, 0.0)
    assert any("learning rate is 0.0001" in e["message"] for e in remote.named(LOG))

    train_tiny(data, tmp_path / "asked", epochs=1, pretrained=str(tiny_run().best), lr0=0.003)
    used = yaml.safe_load((tmp_path / "asked" / "args.yaml").read_text())
    assert (used["lr0"], used["warmup_bias_lr"]) == (0.003, 0.0)


def test_joints_without_visibility(tmp_path):
    data = make_dataset(tmp_path / "data")
    for label in data.rglob("labels/**/*.txt"):
        words = label.read_text().split()
        kept = words[:5] + [w for i, w in enumerate(words[5:]) if i % 3 != 2]
        label.write_text(" ".join(kept))
    (data / "data.yaml").write_text(
        "train: images/train\nval: images/val\nnames: [person]\nkpt_shape: [17, 2]\n"
    )
    artifact = train_tiny(data, tmp_path / "run", epochs=1)
    module = find("family", "yolo-pose").load().load_torch(artifact)
    with torch.inference_mode():
        out = module(torch.rand(1, 3, 64, 64))
    assert out.shape[1] == 5 + 51
    assert bool((out[:, 7::3] == 1).all())


def test_damaged_pictures_do_not_stop_a_training(data, tmp_path):
    (data / "images" / "train" / "p000.jpg").write_bytes(b"no picture")
    remote = Remote()
    train_tiny(data, tmp_path / "run", remote, epochs=1, batch=2)
    assert len(remote.named(METRICS, split="train")) == 4
