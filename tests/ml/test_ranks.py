"""Two processes on the CPU train together: the same loss as one that gathers, and no way to hang."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.slow

from studio.core.errors import Cancelled, DataError, DeviceError  # noqa: E402
from studio.core.job import METRICS  # noqa: E402
from studio.ml.checkpoints import read_weights  # noqa: E402
from tests.ml.toy import Dots, DotTask, options, run  # noqa: E402
from tests.training_runs import Remote  # noqa: E402

PLAIN = {"epochs": 3, "dropout": 0.0, "noise": 0.0}


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def means(remote: Remote) -> list[float]:
    return [e["values"]["loss"] for e in remote.named(METRICS, split="train_epoch")]


def children() -> list[psutil.Process]:
    return [
        p
        for p in psutil.Process().children(recursive=True)
        if p.status() != psutil.STATUS_ZOMBIE and "resource_tracker" not in " ".join(p.cmdline())
    ]


def test_two_processes_are_one_that_gathers_twice(tmp_path):
    two, one = Remote(), Remote()
    artifact = run(tmp_path / "two", two, device="cpu,cpu", ema=0.9, **PLAIN)
    run(tmp_path / "one", one, accumulate=2, ema=0.9, **PLAIN)
    assert means(two) == pytest.approx(means(one), abs=1e-4)
    assert means(two)[-1] < means(two)[0] / 2
    # What is said is said once, and by batches of one process.
    assert [e["step"] for e in two.named(METRICS, split="train")] == [1, 2, 3, 4, 5, 6]
    assert artifact.weights == tmp_path / "two" / "weights" / "best.pt"
    ours, theirs = (
        read_weights(tmp_path / d / "weights" / "last.pt").state for d in ("two", "one")
    )
    assert torch.allclose(ours["head.weight"], theirs["head.weight"], atol=1e-4)
    assert children() == []


def test_parts_that_thaw_on_the_way_are_trained_by_all(tmp_path):
    two, one = Remote(), Remote()
    task = DotTask(options(), frozen_until=1)
    run(tmp_path / "two", two, task=task, device="cpu,cpu", **PLAIN)
    run(tmp_path / "one", one, task=task, accumulate=2, **PLAIN)
    assert means(two) == pytest.approx(means(one), abs=1e-4)
    ours, theirs = (
        read_weights(tmp_path / d / "weights" / "last.pt").state for d in ("two", "one")
    )
    for name in ("body.0.weight", "head.weight"):
        assert torch.allclose(ours[name], theirs[name], atol=1e-4), name


def test_a_dead_process_ends_the_run_with_a_reason(tmp_path):
    """The watcher tells the death, not the torn connection that follows from it."""

    class Killing(Remote):
        def emit(self, event):
            super().emit(event)
            if event.event == METRICS and event.data["step"] == 5:
                ranks = [p for p in children() if "spawn_main" in " ".join(p.cmdline())]
                assert len(ranks) == 2
                max(ranks, key=lambda p: p.pid).send_signal(signal.SIGKILL)

    with pytest.raises(DeviceError, match="ended by signal 9") as caught:
        run(tmp_path, Killing(), device="cpu,cpu", **{**PLAIN, "epochs": 400})
    assert "last.pt" in caught.value.hint
    assert read_weights(tmp_path / "weights" / "last.pt").whole["epoch"] >= 2
    assert children() == []


def test_a_cancel_reaches_every_process_and_a_resume_goes_on(tmp_path):
    remote = Remote(cancel_when=lambda e: e.event == METRICS and e.data["step"] == 5)
    with pytest.raises(Cancelled):
        run(tmp_path, remote, device="cpu,cpu", **{**PLAIN, "epochs": 400})
    assert children() == []
    done = read_weights(tmp_path / "weights" / "last.pt").whole["epoch"]
    stopped = Remote(stop_when=lambda e: e.event == METRICS)
    artifact = run(tmp_path, stopped, resume=True, device="cpu,cpu", **{**PLAIN, "epochs": 400})
    assert artifact.extra["epochs"] >= done + 1
    assert min(e["step"] for e in stopped.named(METRICS, split="train")) == done * 2 + 1
    assert children() == []


def test_what_goes_wrong_in_one_is_told_as_it_is(tmp_path):
    task = DotTask(options(), Dots(32, broken=(3,), broken_from=2))
    with pytest.raises(DataError, match=r"dot003\.jpg"):
        run(tmp_path, task=task, device="cpu,cpu")
    assert read_weights(tmp_path / "weights" / "last.pt").whole["epoch"] == 1
    assert children() == []


OWNER = """
import os, signal, sys
from pathlib import Path
import psutil
from tests.ml.toy import run
from tests.training_runs import Remote
class Dying(Remote):
    def emit(self, event):
        if event.event == "metrics" and event.data["step"] == 3:
            for child in psutil.Process().children(recursive=True):
                print(child.pid, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
if __name__ == "__main__":
    run(Path(sys.argv[1]), Dying(), device="cpu,cpu", epochs=400)
"""


def test_no_process_outlives_its_watcher(tmp_path):
    script = tmp_path / "owner.py"
    script.write_text(OWNER)
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "run")],
        check=False,
        stdout=subprocess.PIPE,
        env=environment,
        timeout=300,
    )
    assert done.returncode == -signal.SIGKILL
    left = [psutil.Process(int(p)) for p in done.stdout.split() if psutil.pid_exists(int(p))]
    _, alive = psutil.wait_procs(left, timeout=30)
    assert alive == []


TORCHRUN = """
import json, os, sys
from pathlib import Path
from tests.ml.toy import run
from tests.training_runs import Remote
remote = Remote()
artifact = run(Path(sys.argv[1]), remote, epochs=3, dropout=0.0, noise=0.0)
means = [e["values"]["loss"] for e in remote.named("metrics", split="train_epoch")]
Path(sys.argv[1], f"rank{os.environ['RANK']}.json").write_text(
    json.dumps([means, str(artifact.weights)])
)
# As the studio's own ranks leave: the library's threads may abort an interpreter that is taken down.
os._exit(0)
"""


def test_torchrun_starts_the_same_training(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(TORCHRUN)
    words = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    subprocess.run(
        [sys.executable, *words, str(script), str(tmp_path / "run")],
        check=True,
        env=environment,
        timeout=300,
        stderr=subprocess.DEVNULL,
    )
    one = Remote()
    run(tmp_path / "one", one, accumulate=2, **PLAIN)
    found = [json.loads((tmp_path / "run" / f"rank{r}.json").read_text()) for r in (0, 1)]
    assert found[0][0] == pytest.approx(means(one), abs=1e-4)
    assert found[0][1] == found[1][1] == str(tmp_path / "run" / "weights" / "best.pt")
