"""A process that had run OpenVINO hears its signals: it is not killed by the next one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ov: Any = pytest.importorskip("openvino")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only there a stack is set")

ROOT = Path(__file__).resolve().parents[2]
# Two that go in the order of their coming leave the first one's stack in use, unmapped.
CORES = """
def cores():
    import openvino
    first, second = openvino.Core(), openvino.Core()
    for core in (first, second):
        core.get_property("CPU", "FULL_DEVICE_NAME")
    del core, first
    del second
"""
HEARS = """
heard = []
signal.signal(signal.SIGUSR1, lambda *_: heard.append(1))
os.kill(os.getpid(), signal.SIGUSR1)
assert heard
print("heard")
"""
BEGIN = "import faulthandler, gc, os, signal, sys, threading\nfaulthandler.enable()\n"


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", BEGIN + script + HEARS],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_danger_is_real():
    """Where this fails, OpenVINO has mended it, and this module can go."""
    assert run(CORES + "cores()").returncode == -signal.SIGSEGV


def test_what_was_before_is_there_again():
    kept = "from studio.runtime.signal_stack import signal_stack_kept\n"
    done = run(CORES + kept + "with signal_stack_kept():\n    cores()\n")
    assert (done.returncode, done.stdout) == (0, "heard\n"), done.stderr


def test_engines_that_go_on_another_thread(tiny_ir: Path):
    """As in a job: opened here, given up there."""
    script = f"""
from studio.runtime.artifacts import load_artifact
from studio.runtime.engines.openvino import make_engine
kept = [make_engine(load_artifact({str(tiny_ir)!r}), "cpu", "auto", 1, False) for _ in range(2)]
def let_go():
    kept.pop(0).close()
    gc.collect()
for _ in range(2):
    thread = threading.Thread(target=let_go)
    thread.start()
    thread.join()
assert not kept
"""
    done = run(script)
    assert (done.returncode, done.stdout) == (0, "heard\n"), done.stderr


@pytest.fixture
def tiny_ir(tmp_path: Path) -> Path:
    """A network of fixed size that gives three times three numbers."""
    ops = ov.opset8
    entry = ops.parameter([1, 3, 32, 32], ov.Type.f32, name="images")
    means = ops.squeeze(ops.reduce_mean(entry, [2, 3], keep_dims=True), [3])
    model = ov.Model([ops.tile(means, [1, 1, 3])], [entry], "tiny")
    path = tmp_path / "tiny.xml"
    ov.save_model(model, str(path), compress_to_fp16=False)
    return path
