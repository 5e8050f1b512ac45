"""Real trainings of a small convnet: what they say, what they leave, how they learn."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from studio.core.errors import (  # noqa: E402
    DataError,
)
from studio.core.job import ARTIFACT, LOG, METRICS, PROGRESS  # noqa: E402
from studio.io.images import read_image  # noqa: E402
from studio.ml.checkpoints import read_weights  # noqa: E402
from studio.runtime.artifacts import load_artifact  # noqa: E402
from tests.ml.toy import Dots, DotTask, options, run  # noqa: E402
from tests.ml.watching import losses  # noqa: E402
from tests.training_runs import Remote  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def test_it_says_every_batch_and_epoch(tmp_path):
    remote = Remote()
    run(tmp_path, remote, epochs=2, pictures=20)
    batches = remote.named(METRICS, split="train")
    assert [b["step"] for b in batches] == [1, 2, 3, 4, 5, 6]
    assert [b["epoch"] for b in batches] == [1, 1, 1, 2, 2, 2]
    for name in ("loss", "x_loss", "y_loss", "lr", "images_per_second"):
        assert all(isinstance(b["values"][name], float) for b in batches), name
    epochs = remote.named(METRICS, split="train_epoch")
    assert [(e["epoch"], e["step"]) for e in epochs] == [(1, 3), (2, 6)]
    mean = sum(b["values"]["loss"] for b in batches[:3]) / 3
    assert epochs[0]["values"]["loss"] == pytest.approx(mean)
    assert 0 < epochs[1]["values"]["wait"] < 1
    assert [e["epoch"] for e in remote.named(METRICS, split="val")] == [1, 2]
    steps = [p["done"] for p in remote.named(PROGRESS, stage="train")]
    assert steps == [0, 1, 2, 3, 4, 5, 6]
    assert remote.named(PROGRESS, stage="train")[0]["total"] == 6


def test_it_leaves_a_run_that_can_be_used(tmp_path):
    remote = Remote()
    artifact = run(tmp_path, remote, epochs=3, save_interval=2)
    made = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert {"model.json", "report/batch.jpg", "report/val_0001.jpg", "report/val_0003.jpg"} <= made
    weights = {name for name in made if name.startswith("weights/")}
    assert weights == {"weights/best.pt", "weights/last.pt", "weights/epoch_0002.pt"}
    assert any(name.startswith("tensorboard/events.out") for name in made)
    assert read_image(tmp_path / "report" / "batch.jpg").shape == (32, 32, 3)
    told = {(e["kind"], Path(e["path"]).name) for e in remote.named(ARTIFACT)}
    assert {("weights", "best.pt"), ("weights", "last.pt"), ("tensorboard", "tensorboard")} <= told
    known = load_artifact(tmp_path)
    assert known.weights == artifact.weights == tmp_path / "weights" / "best.pt"
    assert known.metrics == artifact.metrics
    assert artifact.extra["epochs"] == 3
    last = torch.load(tmp_path / "weights" / "last.pt", weights_only=True)
    assert (last["v"], last["family"], last["epoch"], last["step"]) == (1, "toy", 3, 12)
    assert {"optimizer", "scaler", "ema", "options", "best", "versions"} <= set(last)
    best = torch.load(artifact.weights, weights_only=True)
    assert set(best) == {"v", "family", "artifact", "model"}


def test_it_learns(tmp_path):
    untrained, trained = Remote(), Remote()
    run(tmp_path / "a", untrained, epochs=1, lr=1e-9)
    run(tmp_path / "b", trained, epochs=25, pictures=64, schedule="onecycle", lr=0.05)
    before = untrained.named(METRICS, split="val")[0]["values"]["error"]
    after = trained.named(METRICS, split="val")[-1]["values"]["error"]
    assert before > 2
    assert after < 0.5


def test_patience_ends_a_run_that_gets_no_better(tmp_path):
    remote = Remote()
    task = DotTask(options(), judgements=[3.0, 2.0, 2.5, float("nan"), 2.0, 1.0])
    artifact = run(tmp_path, remote, task=task, epochs=50, patience=3)
    assert artifact.extra == {"width": 8, "best_epoch": 2, "epochs": 5}
    assert artifact.metrics == {"error": 2.0}
    assert any("Nothing better for 3 epochs" in e["message"] for e in remote.named(LOG))


def test_a_judgement_that_is_no_number_can_be_kept(tmp_path):
    artifact = run(tmp_path, task=DotTask(options(), judgements=[float("nan")]), epochs=1)
    assert artifact.metrics == {}
    assert load_artifact(tmp_path).metrics == {}


def test_a_metric_that_is_better_when_higher(tmp_path):
    task = DotTask(options(), judgements=[0.1, 0.5, 0.4], higher_is_better=True)
    assert run(tmp_path, task=task, epochs=3).metrics == {"error": 0.5}


def test_gathered_batches_make_one_step(tmp_path):
    remote = Remote()
    run(tmp_path, remote, epochs=1, pictures=40, accumulate=2, schedule="onecycle")
    rates = [e["values"]["lr"] for e in remote.named(METRICS, split="train")]
    assert len(rates) == 5
    assert rates[0] == rates[1] != rates[2] == rates[3] != rates[4]
    optimizer = read_weights(tmp_path / "weights" / "last.pt").whole["optimizer"]
    assert {int(s["step"]) for s in optimizer["state"].values()} == {3}


def test_frozen_parts_stay_as_they_are(tmp_path):
    torch.manual_seed(0)
    run(tmp_path / "a", task=DotTask(options(), frozen_until=2), epochs=2)
    run(tmp_path / "b", task=DotTask(options(), frozen_until=1), epochs=2)
    first, second = (
        read_weights(tmp_path / d / "weights" / "last.pt").state["body.0.weight"] for d in "ab"
    )
    run(tmp_path / "c", epochs=1, lr=1e-9)
    start = read_weights(tmp_path / "c" / "weights" / "last.pt").state["body.0.weight"]
    assert torch.allclose(first, start, atol=1e-6)
    assert not torch.allclose(second, start, atol=1e-4)


def test_averaged_weights_are_judged_and_kept(tmp_path):
    run(tmp_path, epochs=3, ema=0.999)
    last = read_weights(tmp_path / "weights" / "last.pt")
    raw, kept = last.whole["model"], read_weights(tmp_path / "weights" / "best.pt").state
    assert not torch.equal(raw["head.weight"], kept["head.weight"])
    assert torch.equal(last.state["head.weight"], kept["head.weight"])
    assert torch.equal(raw["body.1.running_mean"], kept["body.1.running_mean"])


@pytest.mark.slow
def test_loader_processes_make_the_same_run(tmp_path):
    alone, helped = Remote(), Remote()
    run(tmp_path / "a", alone, epochs=2)
    task = DotTask(options(), Dots(32))
    run(tmp_path / "b", helped, task=task, epochs=2, workers=2)
    assert losses(alone) == losses(helped)
    bad = DotTask(options(), Dots(32, broken=(5,)))
    with pytest.raises(DataError, match=r"dot005\.jpg"):
        run(tmp_path / "c", task=bad, workers=1)


def test_slow_pictures_are_noticed(tmp_path):
    remote = Remote()
    run(tmp_path, remote, task=DotTask(options(), Dots(32, pause=0.01)), epochs=2)
    said = [e["message"] for e in remote.named(LOG, level="warning") if "waits" in e["message"]]
    assert len(said) == 1
    assert "--workers" in said[0]
    assert remote.named(METRICS, split="train_epoch")[1]["values"]["wait"] > 0.5


def test_every_batch_is_drawn_from_what_the_network_sees(tmp_path):
    seen: list[int] = []

    class Watched(DotTask):
        def batch_pictures(self, batch):
            seen.append(len(batch["picture"]))
            return super().batch_pictures(batch)

    run(tmp_path, task=Watched(options()), epochs=2)
    assert seen == [8]
