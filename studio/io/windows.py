"""Which windows have a project open: each says so in `.studio/windows`, and warns of the others.

A window's file names its process. One whose process is gone (it was killed) is stale and removed
by the next who looks. On a folder shared by several machines a foreign process cannot be looked
at: there the file counts as long as it is renewed.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

FOLDER = Path(".studio") / "windows"
RENEW_SECONDS = 20.0
STALE_SECONDS = 4 * RENEW_SECONDS


@dataclass(frozen=True)
class OtherWindow:
    """Another window on the same project."""

    pid: int
    host: str


class Presence:
    """This window's own mark in one project. A project that cannot be written has none: such a
    window cannot overwrite anything either.
    """

    def __init__(self, project: Path) -> None:
        self.folder = project / FOLDER
        self.path = self.folder / f"{os.getpid()}-{secrets.token_hex(4)}.json"
        self._renewed = 0.0

    def renew(self) -> None:
        """Say that the window is there; at most every RENEW_SECONDS something is written."""
        now = time.monotonic()
        if self._renewed and now - self._renewed < RENEW_SECONDS:
            return
        with contextlib.suppress(OSError):
            # Not with its parents: nothing is made in the place of a drive that is away.
            self.folder.parent.mkdir(exist_ok=True)
            self.folder.mkdir(exist_ok=True)
            self.path.write_bytes(orjson.dumps(_this_process()))
            self._renewed = now

    def leave(self) -> None:
        """The window closes the project."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)

    def others(self) -> tuple[OtherWindow, ...]:
        """The other windows that have the project open now; stale marks are removed."""
        found: list[OtherWindow] = []
        with contextlib.suppress(OSError):
            for path in sorted(self.folder.glob("*.json")):
                if path.name == self.path.name:
                    continue
                head = _read(path)
                if head is None:
                    continue
                if _is_alive(path, head):
                    found.append(OtherWindow(int(head["pid"]), str(head["host"])))
                else:
                    path.unlink(missing_ok=True)
        return tuple(found)


def _this_process() -> dict[str, Any]:
    import psutil

    born = psutil.Process().create_time()
    return {"pid": os.getpid(), "born": born, "host": socket.gethostname()}


def _read(path: Path) -> dict[str, Any] | None:
    """What a mark says; None where it is just being written or was just removed."""
    try:
        value: Any = orjson.loads(path.read_bytes())
        return value if isinstance(value, dict) and {"pid", "born", "host"} <= set(value) else None  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    except (OSError, orjson.JSONDecodeError):
        return None


def _is_alive(path: Path, head: dict[str, Any]) -> bool:
    import psutil

    if head["host"] != socket.gethostname():
        return time.time() - path.stat().st_mtime < STALE_SECONDS
    try:
        process = psutil.Process(int(head["pid"]))
        same = abs(process.create_time() - float(head["born"])) < 1.0
        return same and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, ValueError, TypeError):
        return False
