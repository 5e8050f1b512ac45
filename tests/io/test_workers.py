"""Helper processes: order, errors, and that none outlives its owner."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from studio.core.errors import DeviceError, FormatError
from studio.io.workers import Workers, chunks, helpers_for


def double(numbers: list[int]) -> tuple[int, list[int]]:
    return os.getpid(), [2 * n for n in numbers]


def refuse(number: int) -> int:
    if number == 3:
        raise FormatError("Three is not allowed.", where="x.json", hint="Take four.")
    return number


def die(number: int) -> int:
    if number == 2:
        os._exit(9)
    return number


@pytest.mark.parametrize("count", [0, 2])
def test_results_come_in_order(count: int) -> None:
    with Workers(count) as workers:
        done = list(workers.map(double, chunks(list(range(100)), 7)))
        again = list(workers.map(double, [[1]]))
    assert [n for _, numbers in done for n in numbers] == list(range(0, 200, 2))
    assert again[0][1] == [2]
    assert (
        {pid for pid, _ in done} == {os.getpid()} if not count else len({p for p, _ in done}) == 2
    )


@pytest.mark.parametrize("count", [0, 1])
def test_an_error_arrives_whole(count: int) -> None:
    with Workers(count) as workers, pytest.raises(FormatError, match="Three") as caught:
        list(workers.map(refuse, range(6)))
    assert (caught.value.where, caught.value.hint) == ("x.json", "Take four.")


def is_imported(name: str) -> tuple[int, bool]:
    return os.getpid(), name in sys.modules


def test_helpers_can_be_ready_before_there_is_work() -> None:
    # A module that no helper has unless it is asked for.
    name = "studio.io.splits"
    with Workers(1) as asked, Workers(1) as plain:
        asked.start(name)
        assert next(plain.map(is_imported, [name]))[1] is False
        first, second = asked.map(is_imported, [name] * 2)
    assert first == second
    assert first[1] is True


def test_a_helper_that_was_killed_is_told() -> None:
    with Workers(1) as workers, pytest.raises(DeviceError, match="ended from outside"):
        list(workers.map(die, range(6)))


OWNER = """
import os, sys, time
from studio.io.workers import Workers
from tests.io.test_workers import double
if __name__ == "__main__":
    workers = Workers(2)
    pids = {pid for pid, _ in workers.map(double, [[1]] * 8)}
    print(*pids, flush=True)
    time.sleep(60)
"""


def test_helpers_end_with_their_owner(tmp_path: Path) -> None:
    script = tmp_path / "owner.py"
    script.write_text(OWNER)
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": str(root)}
    command = [sys.executable, str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as owner:
        assert owner.stdout is not None
        pids = [int(pid) for pid in owner.stdout.readline().split()]
        owner.kill()
    assert pids
    end = time.monotonic() + 10
    while any(psutil.pid_exists(pid) for pid in pids) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_few_files_need_no_helpers() -> None:
    assert helpers_for(100) == 0
    assert helpers_for(100_000) <= (os.cpu_count() or 1)
