"""Runs pip where somebody is waiting: plain progress, a whole log, and its last words if it fails."""

from __future__ import annotations

import os
import queue
import re
import subprocess
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from pose_setup.console import SetupError, Ticker

LAST_LINES = 15
_NOISE = re.compile(r": started$|finished with status 'done'$|Location 'file:.*is ignored")

# The first that stands in pip's last lines says what to do.
HINTS: dict[str, str] = {
    "No space left on device": (
        "The disk is full. The whole set needs about 9 GB; free some and run this again."
    ),
    "Permission denied": (
        "This folder may not be written. Use a checkout of your own, or give --venv DIR."
    ),
    "CERTIFICATE_VERIFY_FAILED": (
        "The network's certificate is not trusted. Give pip your company's certificate: "
        "pip config set global.cert FILE"
    ),
    "Temporary failure in name resolution": (
        "The package index cannot be reached. Check the network or the proxy (HTTPS_PROXY), or "
        "carry the packages over: `bootstrap.py wheels DIR` where there is a network, "
        "`bootstrap.py run --wheels DIR` here."
    ),
    "No matching distribution found": (
        "Either the package index could not be reached (check the network and the proxy, and run "
        "this again), or it has no file of that package for this Python and this system (use "
        "64-bit Python 3.11 or 3.12). With --wheels, collect the folder again for this machine: "
        "`bootstrap.py wheels DIR --platform ... --python ...`."
    ),
    "No solution found when resolving": (
        "The line `cause` says which package has no file for that machine; a newer platform or "
        "another Python may have one."
    ),
    "Connection": "The network broke off. Run the same command again: what was fetched is kept.",
}
SAME_AS = {
    "Failed to establish a new connection": "Temporary failure in name resolution",
    "getaddrinfo failed": "Temporary failure in name resolution",
    "Cannot connect to proxy": "Temporary failure in name resolution",
    "Could not find a version that satisfies": "No matching distribution found",
    "Access is denied": "Permission denied",
    "not enough space on the disk": "No space left on device",
}


def environment_for(wheels: Path | None) -> dict[str, str]:
    """The process environment for pip. With a wheels folder nothing else may be a source, so
    pip's own settings (indexes, other folders) are left out.
    """
    env = dict(os.environ)
    if wheels is not None:
        env = {k: v for k, v in env.items() if not k.upper().startswith("PIP_")}
        env["PIP_CONFIG_FILE"] = os.devnull
    env.update(
        PYTHONUNBUFFERED="1",
        PYTHONUTF8="1",
        PIP_DISABLE_PIP_VERSION_CHECK="1",
        PIP_NO_INPUT="1",
    )
    env.pop("PYTHONPATH", None)
    env.pop("PYTHONHOME", None)
    return env


def sources(wheels: Path | None) -> list[str]:
    """The options of pip that say where packages come from."""
    return [] if wheels is None else ["--no-index", "--find-links", str(wheels)]


def run_pip(
    python: Path, arguments: Sequence[str], *, log: Path, wheels: Path | None = None
) -> None:
    """Run `python -m pip arguments`; the whole output is added to `log`.

    Raises SetupError with pip's last lines and what to do.
    """
    command = [str(python), "-m", "pip", *arguments, "--progress-bar", "off"]
    watched(command, what="pip", log=log, env=environment_for(wheels))


def watched(
    command: Sequence[str], *, what: str, log: Path, env: Mapping[str, str] | None = None
) -> None:
    """Run `command`, show what it is doing, and raise SetupError if it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    last: deque[str] = deque(maxlen=LAST_LINES)
    ticker = Ticker()
    process = subprocess.Popen(
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=None if env is None else dict(env),
        encoding="utf-8",
        errors="replace",
    )
    assert process.stdout is not None
    lines: queue.Queue[str | None] = queue.Queue()
    reader = threading.Thread(target=_read, args=(process.stdout, lines), daemon=True)
    reader.start()
    try:
        with log.open("a", encoding="utf-8") as file:
            file.write(f"$ {' '.join(command)}\n")
            _follow(lines, ticker, last, file)
        status = process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise
    finally:
        ticker.end()
    if status != 0:
        raise SetupError(
            f"{what} ended with status {status}. Its last lines (all of them: {log}):",
            details=list(last),
            hint=hint_for("\n".join(last)),
        )


def _read(stream: IO[str], lines: queue.Queue[str | None]) -> None:
    for line in stream:
        lines.put(line.rstrip())
    lines.put(None)


def _follow(
    lines: queue.Queue[str | None], ticker: Ticker, last: deque[str], file: IO[str]
) -> None:
    while True:
        try:
            line = lines.get(timeout=1.0)
        except queue.Empty:
            ticker.tick()
            continue
        if line is None:
            return
        file.write(line + "\n")
        if line.strip() and not _NOISE.search(line):
            last.append(line.strip())
        text = doing(line)
        if text:
            ticker.show(text)


def doing(line: str) -> str:
    """What a line of pip's says is happening, for a person; "" where it is of no interest."""
    words = line.split()
    if not words:
        return ""
    if words[0] == "Downloading" and len(words) > 1:
        name = words[1].rsplit("/", 1)[-1]
        return " ".join(["Fetching", _short(name), *words[2:4]])
    if words[:2] == ["Using", "cached"]:
        return f"Taking {_short(words[2])}"
    if words[0] == "Processing" and words[-1].endswith(".whl"):
        return f"Taking {_short(words[-1].replace(chr(92), '/').rsplit('/', 1)[-1])}"
    if line.startswith("Installing collected packages"):
        return f"Installing {line.count(',') + 1} packages"
    if words[0] == "Building" or line.strip().startswith("Preparing"):
        return "Building pose-studio" if "pose-studio" in line else ""
    return ""


def _short(file_name: str) -> str:
    parts = file_name.split("-")
    return " ".join(parts[:2]) if file_name.endswith(".whl") and len(parts) > 2 else file_name


def hint_for(text: str) -> str:
    """What to do about pip's last words."""
    for words, same in {**SAME_AS, **{w: w for w in HINTS}}.items():
        if words in text:
            return HINTS[same]
    return "Run the same command again; if it fails the same way, the log says more."
