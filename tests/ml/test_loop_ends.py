"""The same run again: from the same seed, after a stop, a kill, resumed as if it had never ended."""

from __future__ import annotations

import signal
import subprocess
import sys
from functools import partial

import pytest

torch = pytest.importorskip("torch")

from studio.core.errors import (  # noqa: E402
    Cancelled,
    DataError,
    ModelError,
)
from studio.core.job import METRICS, PROGRESS  # noqa: E402
from studio.ml.checkpoints import read_weights  # noqa: E402
from studio.runtime.artifacts import load_artifact  # noqa: E402
from tests.ml.toy import DotTask, options, run  # noqa: E402
from tests.ml.watching import losses  # noqa: E402
from tests.training_runs import Remote  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


# Everything that could make a resumed run another one, at once.
RICH = {
    "ema": 0.9,
    "accumulate": 2,
    "clip": 1.0,
    "warmup_epochs": 1,
    "batch": 6,
    "optimizer": "adamw",
}


def at_batch(number: int, event) -> bool:
    return (
        event.event == METRICS and event.data["split"] == "train" and event.data["step"] == number
    )


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


def test_the_best_is_the_best_also_when_resumed_without_a_better_one(tmp_path):
    run(tmp_path, task=DotTask(options(), judgements=[3.0, 1.0]), epochs=2)
    kept = (tmp_path / "weights" / "best.pt").read_bytes()
    artifact = run(tmp_path, task=DotTask(options(), judgements=[2.0]), epochs=3, resume=True)
    assert artifact.extra["best_epoch"] == 2
    assert (tmp_path / "weights" / "best.pt").read_bytes() == kept


def test_seeds_hold_from_epoch_to_epoch(tmp_path):
    """Chance of the network itself (dropout) is the epoch's, not what came before it."""
    first, second = Remote(), Remote(stop_when=partial(at_batch, 1))
    run(tmp_path / "a", first, epochs=2, dropout=0.5)
    run(tmp_path / "b", second, epochs=2, dropout=0.5)
    torch.rand(7)
    resumed = Remote()
    run(tmp_path / "b", resumed, epochs=2, dropout=0.5, resume=True)
    assert losses(resumed) == {s: v for s, v in losses(first).items() if s > 4}
