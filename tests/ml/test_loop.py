"""Real trainings of a small convnet: what they say, what they leave, how they end and go on."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from studio.core.errors import (  # noqa: E402
    Cancelled,
    DataError,
    DeviceError,
    FileProblem,
    ModelError,
    StudioError,
)
from studio.core.job import ARTIFACT, LOG, METRICS, PROGRESS  # noqa: E402
from studio.io.images import read_image  # noqa: E402
from studio.ml.checkpoints import read_weights  # noqa: E402
from studio.runtime.artifacts import load_artifact  # noqa: E402
from tests.ml.toy import Dots, DotTask, options, run  # noqa: E402
from tests.training_runs import Remote  # noqa: E402

# Everything that could make a resumed run another one, at once.
RICH = {
    "ema": 0.9,
    "accumulate": 2,
    "clip": 1.0,
    "warmup_epochs": 1,
    "batch": 6,
    "optimizer": "adamw",
}


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def losses(remote: Remote) -> dict[int, float]:
    return {e["step"]: e["values"]["loss"] for e in remote.named(METRICS, split="train")}


def warnings_of(remote: Remote) -> list[str]:
    return [
        e["message"]
        for e in remote.named(LOG, level="warning")
        if "waits" not in e["message"]  # a toy is loaded no slower than it is learnt
    ]


def at_batch(number: int, event) -> bool:
    return (
        event.event == METRICS and event.data["split"] == "train" and event.data["step"] == number
    )


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


def test_the_same_seed_gives_the_same_run(tmp_path):
    first, again, other = Remote(), Remote(), Remote()
    run(tmp_path / "a", first, **RICH)
    run(tmp_path / "b", again, **RICH)
    run(tmp_path / "c", other, **{**RICH, "seed": 4})
    assert losses(first) == losses(again)
    assert losses(first) != losses(other)


@pytest.mark.parametrize("schedule", ["cosine", "steps", "onecycle"])
def test_a_resumed_run_is_the_unbroken_one(tmp_path, schedule):
    values = {**RICH, "schedule": schedule, "milestones": (2, 3)}
    whole, begun, resumed = Remote(), Remote(stop_when=partial(at_batch, 8)), Remote()
    unbroken = run(tmp_path / "whole", whole, **values)
    artifact = run(tmp_path / "parts", begun, **values)
    assert artifact.extra["epochs"] == 2
    artifact = run(tmp_path / "parts", resumed, resume=True, **values)
    assert artifact.extra == unbroken.extra
    assert artifact.metrics == pytest.approx(unbroken.metrics, abs=1e-9)
    found = {**losses(begun), **losses(resumed)}
    assert found == pytest.approx(losses(whole), abs=1e-9)
    assert [e["epoch"] for e in resumed.named(METRICS, split="val")] == [3, 4]
    assert resumed.named(PROGRESS, stage="train")[0]["done"] == 12
    ours, theirs = (
        read_weights(tmp_path / d / "weights" / "best.pt").state for d in ("whole", "parts")
    )
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_finished_run_is_not_resumed_but_extended(tmp_path):
    run(tmp_path, epochs=2)
    with pytest.raises(DataError, match="finished: 2 of 2 epochs") as caught:
        run(tmp_path, epochs=2, resume=True)
    assert "--epochs" in caught.value.hint
    remote = Remote()
    run(tmp_path, remote, epochs=3, resume=True)
    assert [e["epoch"] for e in remote.named(METRICS, split="val")] == [3]


def test_a_run_goes_on_with_another_batch(tmp_path):
    """As after a lack of memory: the rate stays that of the epoch."""
    run(tmp_path, epochs=4, batch=8, task=DotTask(options(), judgements=[1.0, 1.0]), patience=1)
    remote = Remote()
    run(tmp_path, remote, resume=True, epochs=4, batch=4, schedule="cosine")
    batches = remote.named(METRICS, split="train")
    assert [b["step"] for b in batches] == list(range(9, 25))
    assert remote.named(PROGRESS, stage="train")[-1] == {"stage": "train", "done": 24, "total": 24}
    whole = Remote()
    run(tmp_path / "whole", whole, epochs=4, batch=4)
    rates = [b["values"]["lr"] for b in whole.named(METRICS, split="train")]
    assert [b["values"]["lr"] for b in batches] == pytest.approx(rates[16:])


def test_weights_alone_or_of_another_network_are_not_resumed(tmp_path):
    run(tmp_path, epochs=1)
    with pytest.raises(ModelError, match=r"another network.*shape") as caught:
        run(tmp_path, epochs=2, resume=True, width=5)
    assert "body.0.weight (8x1x3x3 there, 5x1x3x3 here)" in caught.value.message
    (tmp_path / "weights" / "best.pt").replace(tmp_path / "weights" / "last.pt")
    with pytest.raises(ModelError, match="no state to resume"):
        run(tmp_path, epochs=2, resume=True)


def test_stop_ends_after_the_epoch(tmp_path):
    remote = Remote(stop_when=partial(at_batch, 5))
    artifact = run(tmp_path, remote, epochs=50)
    assert artifact.extra["epochs"] == 2
    assert max(losses(remote)) == 8
    assert remote.named(METRICS, split="val")[-1]["epoch"] == 2


def test_a_stop_judges_and_keeps_though_no_judgement_was_due(tmp_path):
    remote = Remote(stop_when=partial(at_batch, 5))
    artifact = run(tmp_path, remote, epochs=50, validate_every=10)
    assert [e["epoch"] for e in remote.named(METRICS, split="val")] == [2]
    assert artifact.weights.is_file()


def test_cancel_ends_at_once_and_keeps_the_last_epoch(tmp_path):
    remote = Remote(cancel_when=partial(at_batch, 6))
    with pytest.raises(Cancelled):
        run(tmp_path, remote, epochs=50)
    assert max(losses(remote)) == 6
    assert read_weights(tmp_path / "weights" / "last.pt").whole["epoch"] == 1
    assert load_artifact(tmp_path).weights.name == "best.pt"


KILLED = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from tests.ml.toy import Dots, DotTask, options, run
from tests.training_runs import Remote
class Loud(Remote):
    def emit(self, event):
        if event.event == "metrics" and event.data["split"] == "train":
            print(event.data["step"], flush=True)
task = DotTask(options(), Dots(32, pause=0.002))
run(Path(sys.argv[1]), Loud(), task=task, epochs=4, ema=0.9)
"""


@pytest.mark.slow
def test_a_kill_loses_the_epoch_in_hand_and_no_more(tmp_path):
    job = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path / "run")], stdout=subprocess.PIPE
    )
    assert job.stdout is not None
    for line in job.stdout:  # four batches an epoch: in the middle of the third
        if int(line) >= 10:
            job.send_signal(signal.SIGKILL)
            break
    job.stdout.close()
    assert job.wait(60) == -signal.SIGKILL
    assert read_weights(tmp_path / "run" / "weights" / "last.pt").whole["epoch"] == 2
    whole, resumed = Remote(), Remote()
    run(tmp_path / "whole", whole, epochs=4, ema=0.9)
    run(tmp_path / "run", resumed, epochs=4, ema=0.9, resume=True)
    found = losses(resumed)
    assert min(found) == 9
    assert found == pytest.approx({s: v for s, v in losses(whole).items() if s >= 9}, abs=1e-5)


HALF = """
import os, signal, sys
from pathlib import Path
from studio.io.files import atomic_stream
with atomic_stream(Path(sys.argv[1])) as stream:
    stream.write(b"half")
    stream.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_a_kill_while_a_checkpoint_is_written_leaves_the_old_one(tmp_path):
    """The file is written beside its place, and what a dead process left is removed."""
    run(tmp_path, epochs=1)
    last = tmp_path / "weights" / "last.pt"
    killed = subprocess.run([sys.executable, "-c", HALF, str(last)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(list((tmp_path / "weights").iterdir())) == 3
    run(tmp_path, epochs=2, resume=True)
    assert {p.name for p in (tmp_path / "weights").iterdir()} == {"best.pt", "last.pt"}


def test_one_bad_batch_is_left_out_and_said(tmp_path):
    """Its pictures are no numbers: weights, averages and running statistics stay sound."""
    remote = Remote()
    task = DotTask(options(), Dots(32, poisoned=((2, 7),)))
    run(tmp_path, remote, task=task, epochs=3, ema=0.9)
    (said,) = warnings_of(remote)
    assert "epoch 2, batch" in said
    assert "left out" in said
    values = losses(remote)
    assert sum(v != v for v in values.values()) == 1
    epoch = remote.named(METRICS, split="train_epoch")[1]["values"]
    assert epoch["loss"] == epoch["loss"]
    state = read_weights(tmp_path / "weights" / "last.pt").state
    assert all(torch.isfinite(v).all() for v in state.values())
    assert all(e["values"]["error"] < 8 for e in remote.named(METRICS, split="val"))


def test_a_gradient_that_is_no_number_is_left_out_too(tmp_path):
    def spoil(call: int, loss):
        # Finite, with an infinite slope: the root of nothing.
        return loss + (loss - loss.detach()).abs().sqrt() if call == 3 else loss

    remote = Remote()
    run(tmp_path, remote, task=DotTask(options(), spoil=spoil), epochs=1)
    assert len(warnings_of(remote)) == 1
    assert all(v == v for v in losses(remote).values())


def test_several_bad_batches_end_the_run_with_the_last_good_checkpoint(tmp_path):
    def spoil(call: int, loss):
        return loss * float("nan") if call > 6 else loss

    remote = Remote()
    with pytest.raises(DataError, match=r"no longer a number \(epoch 3, batch 9\)") as caught:
        run(tmp_path, remote, task=DotTask(options(), spoil=spoil), epochs=9)
    assert "--lr" in caught.value.hint
    kept = read_weights(tmp_path / "weights" / "last.pt")
    assert kept.whole["epoch"] == 2
    assert all(torch.isfinite(v).all() for v in kept.state.values())
    resumed = Remote()
    run(tmp_path, resumed, epochs=3, resume=True)
    assert min(losses(resumed)) == 9


def test_weights_that_overflow_are_never_kept(tmp_path):
    with pytest.raises(DataError, match="no longer"):
        run(tmp_path, epochs=30, lr=10, weight_decay=1, optimizer="sgd", schedule="constant")
    last = tmp_path / "weights" / "last.pt"
    assert not last.exists() or all(
        torch.isfinite(v).all() for v in read_weights(last).state.values()
    )


def test_an_unreadable_picture_among_few_ends_the_run_by_name(tmp_path):
    remote = Remote()
    task = DotTask(options(), Dots(32, broken=(5,), broken_from=2))
    with pytest.raises(DataError, match=r"dot005\.jpg") as caught:
        run(tmp_path, remote, task=task, epochs=3)
    assert "last.pt" in caught.value.hint
    assert read_weights(tmp_path / "weights" / "last.pt").whole["epoch"] == 1
    assert load_artifact(tmp_path).weights.is_file()


def test_an_unreadable_picture_among_many_is_left_out_and_named_once(tmp_path):
    remote = Remote()
    task = DotTask(options(), Dots(100, broken=(5,)))
    run(tmp_path, remote, task=task, epochs=2, batch=20)
    (said,) = warnings_of(remote)
    assert "dot005.jpg" in said
    assert len(losses(remote)) == 10
    with pytest.raises(DataError, match=r"dot0(05|55)\.jpg"):
        run(tmp_path / "two", task=DotTask(options(), Dots(100, broken=(5, 55))), batch=20)


def test_a_full_disk_ends_with_the_last_good_checkpoint(tmp_path, monkeypatch):
    real, count = os.fsync, [0]

    def full(handle: int) -> None:
        if Path(f"/proc/self/fd/{handle}").resolve().name.startswith(".last.pt"):
            count[0] += 1
            if count[0] > 2:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    monkeypatch.setattr("studio.io.files.os.fsync", full)
    with pytest.raises(FileProblem, match="disk is full"):
        run(tmp_path, epochs=5)
    monkeypatch.undo()
    assert {p.name for p in (tmp_path / "weights").iterdir()} == {"best.pt", "last.pt"}
    assert read_weights(tmp_path / "weights" / "last.pt").whole["epoch"] == 2


def test_too_little_space_is_said_before_the_first_epoch(tmp_path, monkeypatch):
    usage = type(shutil.disk_usage("."))(10**9, 10**9 - 1000, 1000)
    monkeypatch.setattr("studio.ml.keeping.shutil.disk_usage", lambda _: usage)
    remote = Remote()
    with pytest.raises(FileProblem, match="need about"):
        run(tmp_path, remote)
    assert not remote.named(METRICS)


def test_out_of_memory_names_the_batch_to_try(tmp_path):
    def spoil(call: int, loss):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")

    remote = Remote()
    with pytest.raises(DeviceError, match="batch 8") as caught:
        run(tmp_path, remote, task=DotTask(options(), spoil=spoil))
    assert "--batch 4" in caught.value.hint
    assert remote.named("suggest") == [{"option": "batch", "value": 4}]


def test_a_gpu_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DeviceError, match="GPU 77 is not there"):
        run(tmp_path, device="77")
    with pytest.raises(DeviceError, match="named twice"):
        run(tmp_path, device="1,1")


def test_a_fault_of_a_family_is_told_as_one(tmp_path):
    def spoil(call: int, loss):
        raise ValueError("shapes (3,) and (4,) differ\nmore")

    with pytest.raises(StudioError, match=r"cannot go on: shapes \(3,\) and \(4,\) differ$"):
        run(tmp_path, task=DotTask(options(), spoil=spoil))


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


def test_the_best_is_the_best_also_when_resumed_without_a_better_one(tmp_path):
    run(tmp_path, task=DotTask(options(), judgements=[3.0, 1.0]), epochs=2)
    kept = (tmp_path / "weights" / "best.pt").read_bytes()
    artifact = run(tmp_path, task=DotTask(options(), judgements=[2.0]), epochs=3, resume=True)
    assert artifact.extra["best_epoch"] == 2
    assert (tmp_path / "weights" / "best.pt").read_bytes() == kept


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


def test_seeds_hold_from_epoch_to_epoch(tmp_path):
    """Chance of the network itself (dropout) is the epoch's, not what came before it."""
    first, second = Remote(), Remote(stop_when=partial(at_batch, 1))
    run(tmp_path / "a", first, epochs=2, dropout=0.5)
    run(tmp_path / "b", second, epochs=2, dropout=0.5)
    torch.rand(7)
    resumed = Remote()
    run(tmp_path / "b", resumed, epochs=2, dropout=0.5, resume=True)
    assert losses(resumed) == {s: v for s, v in losses(first).items() if s > 4}
