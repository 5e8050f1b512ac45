"""How much memory an artefact takes, in a process of its own: `python -m studio.jobs.memory_use
MODEL` prints {"bytes": n}, what loading and running it took at most above what was there before.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import orjson
import psutil

from studio.core.artifact import ModelArtifact
from studio.core.job import JobContext

_LOOK_SECONDS = 0.1
_RUNS = 3


def memory_bytes(artifact: ModelArtifact, context: JobContext) -> int | None:
    """Of an artefact whose model.json stands beside it; None where it could not be measured.

    Raises Cancelled.
    """
    if getattr(sys, "frozen", False):
        return None
    command = [sys.executable, "-m", "studio.jobs.memory_use", str(artifact.weights)]
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        command, cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )  # fmt: skip
    try:
        while process.poll() is None:
            context.check()
            time.sleep(_LOOK_SECONDS)
        said = process.stdout.read() if process.stdout is not None else b""
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    lines = said.splitlines()
    with contextlib.suppress(orjson.JSONDecodeError, KeyError, TypeError):
        return int(orjson.loads(lines[-1])["bytes"]) if lines else None
    return None


def main(model: str) -> int:
    """See the module."""
    from studio.runtime.artifacts import load_artifact
    from studio.runtime.opening import open_engine

    artifact = load_artifact(model)
    before = psutil.Process().memory_info().rss
    engine = open_engine(artifact)
    shape = (int(artifact.extra.get("batch", 1)), *artifact.input.size, artifact.input.channels)
    pictures = np.full(shape, 114, np.uint8)
    for _ in range(_RUNS):
        engine.infer(pictures)
    # Some engines run a network in a process of their own.
    others = sum(c.memory_info().rss for c in psutil.Process().children(recursive=True))
    used = max(_peak() - before, 0) + others
    engine.close()
    sys.stdout.buffer.write(orjson.dumps({"bytes": used}) + b"\n")
    return 0


def _peak() -> int:
    """The most that this process has held at once, in bytes."""
    told = psutil.Process().memory_info()
    if sys.platform == "win32":
        return int(told.peak_wset)
    status = Path("/proc/self/status")
    if status.is_file():
        # Not getrusage: there a child begins with what its parent held.
        lines = status.read_text().splitlines()
        high = next((line.split()[1] for line in lines if line.startswith("VmHWM:")), None)
        if high is not None:
            return int(high) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
