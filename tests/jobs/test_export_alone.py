"""No export touches the network, and none installs anything by itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from studio.io.toolchains import READY, find_worker
from studio.registry import contributions
from studio.runtime.artifacts import load_artifact
from tests.training_runs import make_dataset, needs_yolo, tiny_run

pytest.importorskip("torch")
pytestmark = [needs_yolo, pytest.mark.slow]

# Python runs this first, in every process that an export starts. What a program connects to or
# starts is written down before it is refused, so that nobody can swallow it.
GUARD = """
import os, sys

def refuse(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        if event == "socket.connect" and not isinstance(args[1], tuple):
            return
        said = f"{event} {args[1:]}"
    elif event in ("subprocess.Popen", "os.posix_spawn", "os.exec"):
        words = [str(w) for w in (args[1] or ())]
        if not any(w in ("pip", "venv", "ensurepip", "uv") or w.endswith("/pip") for w in words):
            return
        said = f"{event} {words}"
    else:
        return
    with open(os.environ["EXPORT_GUARD"], "a") as log:
        log.write(said + "\\n")
    raise PermissionError(f"not in an export: {said}")

sys.addaudithook(refuse)
"""


def targets() -> list[str]:
    """Those whose tools are here."""
    found = contributions("target")
    return [
        c.id
        for c in found
        if c.enabled and (not c.worker or find_worker(c.worker).state() == READY)
    ]


def guarded(folder: Path, words: list[str]) -> tuple[subprocess.CompletedProcess[str], str]:
    """A command of the studio under the guard, and what the guard wrote down."""
    (folder / "guard").mkdir(exist_ok=True)
    (folder / "guard" / "sitecustomize.py").write_text(GUARD)
    log = folder / "guard.log"
    path = os.pathsep.join([str(folder / "guard"), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "EXPORT_GUARD": str(log)}
    done = subprocess.run(
        words, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
    )
    return done, log.read_text() if log.exists() else ""


def test_the_guard_sees_what_it_is_there_for(tmp_path: Path) -> None:
    code = "import socket; socket.create_connection(('127.0.0.1', 9))"
    done, said = guarded(tmp_path, [sys.executable, "-c", code])
    assert done.returncode != 0
    assert "getaddrinfo" in said or "connect" in said
    code = "import subprocess, sys; subprocess.run([sys.executable, '-m', 'pip', 'list'])"
    done, said = guarded(tmp_path, [sys.executable, "-c", code])
    assert done.returncode != 0
    assert "'pip'" in said


@pytest.mark.parametrize("target", targets())
def test_an_export_needs_neither_network_nor_installer(target: str, tmp_path: Path) -> None:
    contribution = next(c for c in contributions("target") if c.id == target)
    weights = load_artifact(tiny_run().run_dir)
    values: dict[str, Any] = {}
    names = {f.name for f in contribution.options_class().fields()}
    if "calibration" in names:
        values["calibration"] = str(make_dataset(tmp_path / "data", train=12, val=1))
    if "int8" in names:
        values["int8"] = True
    options = contribution.options_class().from_mapping(values)
    refused = [p for p in contribution.load().problems(weights, options) if p.severity == "error"]
    if refused:
        pytest.skip(f"cannot take the tiny model: {refused[0].message}")
    more = [w for k, v in values.items() for w in ([f"--{k}"] if v is True else [f"--{k}", v])]
    out = tmp_path / "out"
    words = [sys.executable, "-m", "studio", "export", "--weights", str(tiny_run().best),
             "--target", target, "--out", str(out), "--pictures", "1", *more]  # fmt: skip
    done, said = guarded(tmp_path, words)
    assert said == ""
    assert done.returncode == 0, done.stderr
    assert json.loads((out / "certificate.json").read_text())["target"] == target
