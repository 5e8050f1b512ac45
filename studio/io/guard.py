"""A program that ends with the one that started it, however that one ends.

    python -m studio.io.guard COMMAND …

runs the command and ends it, with all that it started, as soon as standard input ends: the other
end of that pipe is closed by the system when its owner is gone, by SIGKILL too and on every
system. Where Linux offers it, the command also dies with this guard.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from types import FrameType

_PR_SET_PDEATHSIG = 1
# A killed process lets its ports go when the system has cleared it away.
_GONE_SECONDS = 5.0


def guarded(command: list[str]) -> list[str]:
    """The arguments for Python that run `command` (program and arguments) under a guard."""
    return ["-m", "studio.io.guard", *command]


def main(command: list[str]) -> int:
    """Run `command`; its exit status. What it prints goes where this program's output goes."""
    on_linux = sys.platform == "linux"
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        # No thread runs yet: what is called between fork and exec cannot meet a lock.
        preexec_fn=_die_with_parent if on_linux else None,  # noqa: PLW1509
    )
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, _leave)
    threading.Thread(target=_watch, args=(child.pid,), daemon=True).start()
    try:
        return child.wait()
    except BaseException:
        # Only here: once it was waited for, its number may be another program's.
        end(child.pid)
        raise


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(1)


def _watch(pid: int) -> None:
    """Until the owner's end of the pipe is closed."""
    with contextlib.suppress(OSError):
        while os.read(sys.stdin.fileno(), 1024):
            pass
    end(pid)
    os._exit(1)


def end(pid: int) -> None:
    """Kill a process with all that it started, and see them gone; nothing where it is gone."""
    import psutil

    try:
        process = psutil.Process(pid)
        family = [*process.children(recursive=True), process]
    except psutil.NoSuchProcess:
        return
    for each in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    psutil.wait_procs(family, timeout=_GONE_SECONDS)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
