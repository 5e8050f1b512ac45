"""Real trainings, of seconds: they learn, go on exactly, transfer, and leave what a run leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")

from studio.core.errors import ModelError  # noqa: E402
from studio.io.model_json import save_artifact  # noqa: E402
from studio.plugins.fastpose.family import FastPoseFamily  # noqa: E402
from studio.runtime.artifacts import load_artifact  # noqa: E402
from tests.plugins.fastpose.folk import options, run, trained  # noqa: E402
from tests.training_runs import Remote  # noqa: E402


def losses(remote: Remote) -> list[float]:
    return [e["values"]["loss"] for e in remote.named("metrics", split="train")]


def judged(remote: Remote) -> list[dict[str, float]]:
    return [e["values"] for e in remote.named("metrics", split="val")]


def last_weights(run_dir: Path) -> dict[str, Any]:
    return torch.load(run_dir / "weights" / "last.pt", weights_only=True)["model"]


@pytest.mark.parametrize("head", ["heatmap", "simcc"])
def test_a_run_learns_and_leaves_what_a_run_leaves(tmp_path: Path, head: str) -> None:
    remote = Remote()
    artifact = run(tmp_path / "run", remote, head=head, epochs=6, flip=0.0, rotate=0.0)
    curve = losses(remote)
    assert len(curve) == 12
    assert sum(curve[-2:]) < sum(curve[:2])
    figures = judged(remote)
    assert len(figures) == 6
    assert {"AP", "AP50", "AR"} <= set(figures[-1])
    assert artifact.task == "keypoints"
    assert artifact.output == ("heatmaps" if head == "heatmap" else "simcc")
    for name in ("weights/best.pt", "weights/last.pt", "report/batch.jpg", "config.toml"):
        assert (tmp_path / "run" / name).is_file()
    assert list((tmp_path / "run" / "report").glob("val_*.jpg"))
    known = load_artifact(artifact.weights)
    assert known.extra["backbone"] == "test_resnet"
    assert known.skeleton.keypoints == artifact.skeleton.keypoints


@pytest.mark.parametrize("head", ["heatmap", "simcc"])
def test_resuming_equals_no_interruption(tmp_path: Path, head: str) -> None:
    values: dict[str, Any] = {"head": head, "jitter_from": 3, "color": 0.2, "half_body": 0.3}
    whole, first, second = Remote(), Remote(), Remote()
    run(tmp_path / "whole", whole, epochs=4, **values)
    # The first half is stopped after its second epoch, as a person would stop it.
    first.stop_when = lambda e: (
        e.event == "metrics" and e.data["split"] == "val" and e.data["epoch"] == 2
    )
    run(tmp_path / "parts", first, epochs=4, **values)
    run(tmp_path / "parts", second, epochs=4, resume=True, **values)
    assert len(losses(first)) == 4
    assert losses(first) + losses(second) == pytest.approx(losses(whole), abs=1e-5)
    for here, there in zip(judged(first) + judged(second), judged(whole), strict=True):
        assert here == pytest.approx(there, abs=1e-5)
    there = last_weights(tmp_path / "whole")
    for name, value in last_weights(tmp_path / "parts").items():
        assert torch.allclose(value.float(), there[name].float(), atol=1e-5), name


def test_the_same_seed_gives_the_same_curve(tmp_path: Path) -> None:
    first, again, other = Remote(), Remote(), Remote()
    run(tmp_path / "a", first)
    run(tmp_path / "b", again)
    run(tmp_path / "c", other, seed=6)
    assert losses(first) == losses(again)
    assert losses(first) != losses(other)


def test_going_on_from_a_models_weights(tmp_path: Path) -> None:
    remote = Remote()
    before = trained()
    artifact = run(tmp_path / "run", remote, pretrained=str(before.weights), epochs=1, lr=1e-9)
    (told,) = remote.named("transfer")
    assert not told["missing"]
    assert not told["unexpected"]
    assert artifact.parent == "best.pt"
    stored = torch.load(before.weights, weights_only=True)["model"]
    made = torch.load(artifact.weights, weights_only=True)["model"]
    name = "head.up1.conv.weight"
    assert torch.allclose(stored[name], made[name], atol=1e-4)


def test_transfer_says_which_tensors_matched(tmp_path: Path) -> None:
    remote = Remote()
    run(tmp_path / "run", remote, try_load=str(trained().weights), head="simcc", epochs=1)
    (told,) = remote.named("transfer")
    assert all(name.startswith("backbone.") for name in told["matched"])
    assert any(name.startswith("head.across") for name in told["missing"])
    assert any("Taken over" in e["message"] for e in remote.named("log"))


def test_a_checkpoint_of_another_head_is_named_before_the_start() -> None:
    problems = FastPoseFamily().preflight(options(pretrained=str(trained("simcc").weights)))
    assert any("another network" in p.message for p in problems if p.severity == "error")


def test_a_checkpoint_of_another_family_is_named_before_the_start(tmp_path: Path) -> None:
    stored = torch.load(trained().weights, weights_only=True)
    path = tmp_path / "other.pt"
    torch.save({**stored, "family": "kpnet"}, path)
    problems = FastPoseFamily().preflight(options(try_load=str(path)))
    assert any("kpnet" in p.message for p in problems if p.severity == "error")


def test_a_run_resumes_without_the_weights_it_began_with(tmp_path: Path) -> None:
    start = tmp_path / "start.pt"
    start.write_bytes(trained().weights.read_bytes())
    run(tmp_path / "run", epochs=1, pretrained=str(start))
    start.unlink()
    remote = Remote()
    run(tmp_path / "run", remote, epochs=2, pretrained=str(start), resume=True)
    assert len(losses(remote)) == 2


def test_the_model_runs_without_its_training(tmp_path: Path) -> None:
    artifact = trained()
    save_artifact(artifact, artifact.weights.parent.parent)
    module = FastPoseFamily().load_torch(load_artifact(artifact.weights.parent.parent))
    assert not module.training
    with torch.no_grad():
        assert module(torch.zeros(2, 3, 64, 64)).shape == (2, 17, 16, 16)


def test_a_description_without_a_backbone_says_so(tmp_path: Path) -> None:
    import dataclasses

    artifact = dataclasses.replace(trained(), extra={})
    with pytest.raises(ModelError, match="backbone"):
        FastPoseFamily().network(artifact)
