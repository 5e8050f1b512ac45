"""Trainings with something wrong: bad batches, pictures, disks, devices, families."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from studio.core.errors import (  # noqa: E402
    DataError,
    DeviceError,
    FileProblem,
    StudioError,
)
from studio.core.job import METRICS  # noqa: E402
from studio.ml.checkpoints import read_weights  # noqa: E402
from studio.runtime.artifacts import load_artifact  # noqa: E402
from tests.ml.toy import Dots, DotTask, options, run  # noqa: E402
from tests.ml.watching import losses, warnings_of  # noqa: E402
from tests.training_runs import Remote  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


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
