"""A guarded program ends with its owner, whichever way that ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from studio.io.guard import guarded

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
# A program with a child of its own, which tells both numbers and would stay for ever.
PROGRAM = """
import subprocess, sys, time, os
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
print(os.getpid(), child.pid, flush=True)
time.sleep(1000)
"""
OWNER = """
import subprocess, sys, time
from studio.io.guard import guarded
guard = subprocess.Popen([sys.executable, *guarded([sys.executable, "-c", sys.argv[1]])],
                         stdin=subprocess.PIPE)
print(guard.pid, flush=True)
time.sleep(1000)
"""


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def owner() -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A program that started a guard, and the guard, what it guards and that one's child."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, PROGRAM], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    numbers: list[int] = []
    while len(numbers) < 3:
        numbers += [int(word) for word in process.stdout.readline().split()]
    yield process, numbers
    process.kill()
    process.wait()
    process.stdout.close()
    for pid in numbers:
        if not gone(pid):
            psutil.Process(pid).kill()


def test_it_ends_when_its_owner_is_killed(
    owner: tuple[subprocess.Popen[str], list[int]],
) -> None:
    process, numbers = owner
    assert not any(gone(pid) for pid in numbers)
    process.kill()
    until(lambda: all(gone(pid) for pid in numbers))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM that is heard")
def test_it_ends_with_a_guard_that_is_asked_to_leave(
    owner: tuple[subprocess.Popen[str], list[int]],
) -> None:
    _, numbers = owner
    psutil.Process(numbers[0]).send_signal(signal.SIGTERM)
    until(lambda: all(gone(pid) for pid in numbers))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
def test_it_ends_with_a_guard_that_is_killed(
    owner: tuple[subprocess.Popen[str], list[int]],
) -> None:
    _, numbers = owner
    psutil.Process(numbers[0]).kill()
    until(lambda: gone(numbers[1]))


def test_what_it_prints_and_its_status_come_through() -> None:
    command = [sys.executable, "-c", "print('said'); raise SystemExit(7)"]
    with subprocess.Popen(
        [sys.executable, *guarded(command)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as guard:
        assert guard.stdout is not None
        assert guard.stdout.read().strip() == "said"
        assert guard.wait(PATIENCE) == 7
