"""How much of the machine a job takes: its process and all that it started; no Qt."""

from __future__ import annotations

import shutil
import subprocess
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class GpuLoad:
    """The busiest graphics card. busy: 0..1; memory, total: bytes of its own memory."""

    busy: float
    memory: int
    total: int


@dataclass(frozen=True)
class Load:
    """cpu: shares of one core, 2.5 is two and a half cores. memory: resident bytes. gpu: of the
    whole machine, None where no card says.
    """

    cpu: float
    memory: int
    gpu: GpuLoad | None = None


class LoadMeter:
    """Asked again and again from one worker thread at a time; cpu is since the last question."""

    def __init__(self) -> None:
        self._seconds: dict[int, float] = {}
        self._at = 0.0

    def measure(self, pid: int) -> Load | None:
        """The load of the process tree of `pid`; None where that process is gone."""
        import psutil

        try:
            root = psutil.Process(pid)
            processes = [root, *root.children(recursive=True)]
        except psutil.Error:
            return None
        seconds: dict[int, float] = {}
        memory = 0
        for process in processes:
            try:
                with process.oneshot():
                    times = process.cpu_times()
                    memory += process.memory_info().rss
            except psutil.Error:
                continue  # it ended in between
            seconds[process.pid] = times.user + times.system
        now = time.monotonic()
        passed, before = now - self._at, self._seconds
        self._at, self._seconds = now, seconds
        used = sum(max(0.0, s - before.get(p, s)) for p, s in seconds.items())
        return Load(used / passed if before and passed > 0 else 0.0, memory, gpu_load())


def gpu_load() -> GpuLoad | None:
    """What NVIDIA's own tool says of the busiest card; None without it, or where it says nothing.

    Cards of other makers have no tool that is usually there.
    """
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    asked = "--query-gpu=utilization.gpu,memory.used,memory.total"
    try:
        said = subprocess.run(
            [tool, asked, "--format=csv,noheader,nounits"],
            capture_output=True, text=True, timeout=5, check=True,
        ).stdout  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    found: list[GpuLoad] = []
    for line in said.splitlines():
        try:
            busy, used, total = (float(v) for v in line.split(","))
        except ValueError:
            continue  # "[N/A]" of a card that does not tell
        found.append(GpuLoad(busy / 100, int(used * 2**20), int(total * 2**20)))
    return max(found, key=lambda g: (g.busy, g.memory), default=None)
