"""Which windows have a project open: each says so in `.studio/windows`, and warns of the others.

A window's file names its process. One whose process is gone (it was killed) is stale and removed
by the next who looks. On a folder shared by several machines a foreign process cannot be looked
at: there the file counts as long as it is renewed. A window on a folder of an open project, or on
a folder around it, edits the same files: it leaves its mark in every project around it too.
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
    """Another window on the same project, or on a folder in it or around it."""

    pid: int
    host: str
    project: Path


class Presence:
    """This window's own mark in one project. A project that cannot be written has none: such a
    window cannot overwrite anything either.
    """

    def __init__(self, project: Path) -> None:
        self.project = project.absolute()
        self.folder = self.project / FOLDER
        self.path = self.folder / f"{os.getpid()}-{secrets.token_hex(4)}.json"
        self._renewed = 0.0
        self._marked: set[Path] = set()

    def renew(self) -> None:
        """Say that the window is there; every RENEW_SECONDS, and where a project around this one
        was opened since, something is written.
        """
        now = time.monotonic()
        wanted = set(self._folders())
        if self._renewed and now - self._renewed < RENEW_SECONDS and wanted <= self._marked:
            return
        with contextlib.suppress(OSError):
            # Not with its parents: nothing is made in the place of a drive that is away.
            self.folder.parent.mkdir(exist_ok=True)
            self.folder.mkdir(exist_ok=True)
            self._renewed = now
        mark = orjson.dumps({**_this_process(), "project": str(self.project)})
        for folder in wanted:
            with contextlib.suppress(OSError):
                (folder / self.path.name).write_bytes(mark)
            self._marked.add(folder)

    def leave(self) -> None:
        """The window closes the project."""
        for folder in {self.folder, *self._marked}:
            with contextlib.suppress(OSError):
                (folder / self.path.name).unlink(missing_ok=True)

    def _folders(self) -> tuple[Path, ...]:
        """The project's own folder of marks, and those of the projects around it."""
        around = (folder / FOLDER for folder in self.project.parents)
        return (self.folder, *(folder for folder in around if folder.is_dir()))

    def others(self) -> tuple[OtherWindow, ...]:
        """The other windows that have the project, or a folder in it or around it, open now;
        stale marks are removed.
        """
        found: dict[str, OtherWindow] = {}
        for folder in self._folders():
            with contextlib.suppress(OSError):
                for path in sorted(folder.glob("*.json")):
                    head = None if path.name == self.path.name else _read(path)
                    if head is None:
                        continue
                    if not _is_alive(path, head):
                        path.unlink(missing_ok=True)
                        continue
                    project = Path(str(head.get("project") or folder.parent.parent))
                    if _overlap(project, self.project):
                        found[path.name] = OtherWindow(int(head["pid"]), str(head["host"]), project)
        return tuple(found.values())


def _overlap(first: Path, second: Path) -> bool:
    """Whether one is the other, or a folder in it."""
    return first.is_relative_to(second) or second.is_relative_to(first)


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
