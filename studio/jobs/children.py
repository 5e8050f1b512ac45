"""Jobs that a job starts: each in a process of its own, through the same host as any other."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import orjson
import psutil

import studio
from studio.core import errors
from studio.core.errors import FileProblem, StudioError
from studio.core.job import ARTIFACT, ERROR, FINISHED, JobEvent, JobSpec
from studio.io.files import write_json
from studio.registry.jobs import job_command

# A child that does not answer a cancel for so long is ended by force.
GRACE_SECONDS = 30.0

Tell = Callable[[JobEvent | None], None]
"""Hears every event of a child, on a thread of its own; None: it is over, nothing more comes."""


class Child(Protocol):
    """A job that runs somewhere else."""

    def ask(self, command: str) -> None:
        """Pass on "stop" or "cancel"; see `studio.core.job.Control`."""
        ...

    def kill(self) -> None:
        """End it at once, and wait until it is gone."""
        ...


@dataclass
class Told:
    """What a child has said, folded: how it ended, with what result or error."""

    status: str = ""
    result: Mapping[str, Any] = field(default_factory=dict[str, Any])
    error: Mapping[str, Any] | None = None
    artifacts: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def hear(self, event: JobEvent) -> None:
        """Fold one event in."""
        data = event.data
        if event.event == FINISHED:
            self.status = str(data.get("status", ""))
            result = data.get("result")
            self.result = result if isinstance(result, Mapping) else {}
        elif event.event == ERROR:
            self.error = dict(data)
        elif event.event == ARTIFACT:
            self.artifacts.append((str(data.get("kind", "")), str(data.get("path", ""))))

    def failure(self, log: Path) -> StudioError:
        """Why it failed, as an error of the same kind; `log` is named where it said nothing."""
        if self.error is None:
            return StudioError(
                "The training ended without a word: its process is gone.",
                where=log,
                hint="The end of the log says what stood last.",
            )
        return error_of(self.error)


def error_of(data: Mapping[str, Any]) -> StudioError:
    """An `error` event's data as the error that it was."""
    known: Any = getattr(errors, str(data.get("type", "")), None)
    kind = known if isinstance(known, type) and issubclass(known, StudioError) else StudioError
    return kind(
        str(data.get("message", "")),
        where=str(data.get("where") or "") or None,
        hint=str(data.get("hint") or ""),
    )


def parse_event(line: bytes | str) -> JobEvent | None:
    """One line of a stream as an event, or None where it is none."""
    try:
        return JobEvent.from_mapping(orjson.loads(line))
    except (ValueError, AttributeError, TypeError):
        return None


class ProcessChild:
    """`spec` in a process of this machine. `spec.run_dir` must be given; `spec.json` and what the
    interpreter itself says (`child.log`) are written there.
    """

    def __init__(
        self, spec: JobSpec, tell: Tell, environment: Mapping[str, str] | None = None
    ) -> None:
        """Raises FileProblem where its folder cannot be written or no process be started."""
        assert spec.run_dir is not None
        self._tell = tell
        self._asked_to_cancel = 0.0
        path = spec.run_dir / "spec.json"
        write_json(path, spec.to_mapping())
        try:
            with (spec.run_dir / "child.log").open("ab") as log:
                self._process = subprocess.Popen(
                    job_command(path),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    env=_environment() | dict(environment or {}),
                    # Ctrl-C at a terminal is the parent's to pass on, in order.
                    start_new_session=os.name != "nt",
                    creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
                    | getattr(subprocess, "CREATE_NO_WINDOW", 0),
                )
        except OSError as error:
            raise FileProblem(
                f"The training's process could not be started: {error.strerror or error}.",
                where=spec.run_dir,
            ) from error
        self._reader = threading.Thread(target=self._read, name="child-events", daemon=True)
        self._reader.start()

    def ask(self, command: str) -> None:
        """See `Child`; a cancel that is not answered within the grace time ends it by force."""
        if command == "cancel" and not self._asked_to_cancel:
            self._asked_to_cancel = time.monotonic()
            threading.Thread(target=self._end_late, name="child-grace", daemon=True).start()
        pipe = self._process.stdin
        assert pipe is not None
        try:
            pipe.write(orjson.dumps({"cmd": command}) + b"\n")
            pipe.flush()
        except (OSError, ValueError):
            # It has ended meanwhile; the reader says so.
            return

    def kill(self) -> None:
        """See `Child`: the process and all that it started."""
        kill_tree(self._process.pid)
        if self._reader is not threading.current_thread():
            self._reader.join(GRACE_SECONDS)

    def _end_late(self) -> None:
        try:
            self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def _read(self) -> None:
        pipe = self._process.stdout
        assert pipe is not None
        with pipe:
            for line in pipe:
                event = parse_event(line)
                if event is not None:
                    self._tell(event)
        self._process.wait()
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        self._tell(None)


def _environment() -> dict[str, str]:
    """This process's own; a checkout is found also where it is not installed."""
    own = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
    root = Path(studio.__file__).resolve().parents[1]
    if (root / "pyproject.toml").is_file():
        paths = [str(root), *own.get("PYTHONPATH", "").split(os.pathsep)]
        own["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(p for p in paths if p))
    return own


def kill_tree(pid: int) -> None:
    """End a process and everything that it started; Windows ends none of that with it."""
    try:
        process = psutil.Process(pid)
        family = [*process.children(recursive=True), process]
    except psutil.NoSuchProcess:
        return
    for each in family:
        try:
            each.kill()
        except psutil.NoSuchProcess:
            continue
