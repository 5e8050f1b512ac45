"""Trainings of several processes from the command line: one of them speaks, and all obey."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("timm")
pytest.importorskip("torch")

from studio.ml.checkpoints import read_weights
from tests.plugins.fastpose.folk import BACKBONE, dots

pytestmark = pytest.mark.slow

QUIET = {**os.environ, "OMP_NUM_THREADS": "1"}


def words(output: Path, **options: object) -> list[str]:
    values = {
        "data": dots(), "backbone": BACKBONE, "imgsz": "64,64", "batch": 2, "epochs": 2,
        "output": output, "name": "run", **options,
    }  # fmt: skip
    flags = [str(w) for k, v in values.items() for w in (f"--{k}", v)]
    return ["-m", "studio", "train", "fastpose", *flags, "--json"]


def test_under_torchrun_one_process_speaks(tmp_path):
    environment = {**QUIET, "TMPDIR": str(tmp_path / "temporary")}
    (tmp_path / "temporary").mkdir()
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [sys.executable, *launcher, *words(tmp_path / "runs", device="cpu")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        check=True,
        timeout=300,
    )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    names = [e["event"] for e in events]
    assert (names.count("started"), names.count("finished")) == (1, 1)
    assert events[-1]["status"] == "ok"
    batches = [e for e in events if e["event"] == "metrics" and e["split"] == "train"]
    assert [b["step"] for b in batches] == [1, 2, 3, 4]  # eight pictures, two at a time, two ways
    assert [p.name for p in (tmp_path / "runs" / "fastpose").iterdir()] == ["run"]
    assert not list(Path(environment["TMPDIR"]).glob("pose-studio-*"))


@pytest.mark.skipif(os.name == "nt", reason="process groups end otherwise there")
@pytest.mark.parametrize("options", [{"device": "cpu,cpu"}, {"device": "cpu", "workers": 1}])
def test_ctrl_c_saves_and_leaves_nobody_behind(tmp_path, options):
    with subprocess.Popen(
        [sys.executable, *words(tmp_path / "runs", epochs=5000, **options)],
        stdout=subprocess.PIPE,
        env=QUIET,
        start_new_session=True,
    ) as job:
        assert job.stdout is not None
        try:
            for line in job.stdout:
                event = json.loads(line)
                if event["event"] == "metrics" and event["epoch"] >= 3:
                    os.killpg(job.pid, signal.SIGINT)
                    break
            rest = [json.loads(line) for line in job.stdout]
            assert job.wait(60) == 3
        finally:
            job.kill()
    assert rest[-1]["status"] == "cancelled"
    assert read_weights(tmp_path / "runs/fastpose/run/weights/last.pt").whole["epoch"] >= 2
    # What keeps Python's shared things in order goes a moment after the last of its users.
    deadline = time.monotonic() + 30
    while _group_lives(job.pid):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
