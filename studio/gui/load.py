"""How much of the machine a job takes: its process and all that it started; no Qt."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """cpu: shares of one core, 2.5 is two and a half cores. memory: resident bytes."""

    cpu: float
    memory: int


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
        return Load(used / passed if before and passed > 0 else 0.0, memory)
