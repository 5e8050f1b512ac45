"""What a running job is asked from outside: by lines on stdin, by signals, by its owner's death."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from typing import IO, Any

import orjson
import psutil

OWNER_POLL_SECONDS = 0.5
# A step that outlasts this after the owner's death is cut off; the last checkpoint stands.
ORPHAN_GRACE_SECONDS = 8.0
EXIT_CANCELLED = 3


class RemoteControl:
    """The `Control` of a job, safe to be asked and set from any thread."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._cancel = threading.Event()
        self._lock = threading.Lock()
        self._values: dict[str, Any] = {}

    @property
    def stop_requested(self) -> bool:
        """Finish the epoch or frame, save, end as ok."""
        return self._stop.is_set()

    @property
    def cancel_requested(self) -> bool:
        """End now, keep the last checkpoint."""
        return self._cancel.is_set()

    def stop(self) -> None:
        """Ask for an end after the step in hand."""
        self._stop.set()

    def cancel(self) -> None:
        """Ask for an end now."""
        self._cancel.set()

    def take_values(self) -> Mapping[str, Any]:
        """Live options that came since the last call."""
        with self._lock:
            values, self._values = self._values, {}
        return values

    def obey(self, line: bytes | str) -> None:
        """One line of commands; what is not one is ignored, as the contract says of unknowns."""
        try:
            command = orjson.loads(line)
        except orjson.JSONDecodeError:
            return
        if not isinstance(command, dict):
            return
        match command.get("cmd"):
            case "stop":
                self.stop()
            case "cancel":
                self.cancel()
            case "set" if isinstance(command.get("values"), dict):
                with self._lock:
                    self._values.update(command["values"])
            case _:
                pass

    def listen_to(self, stream: IO[str] | None) -> None:
        """Obey lines from `stream` on a thread of its own; its end means nothing. A terminal is
        not listened to: reading it would halt a job that was put into the background.
        """
        if stream is None or stream.closed or stream.isatty():
            return
        threading.Thread(
            target=self._listen, args=(stream,), name="job-commands", daemon=True
        ).start()

    def _listen(self, stream: IO[str]) -> None:
        try:
            # Raw reads: a buffered reader holds a lock that an exiting interpreter waits for.
            descriptor = stream.fileno()
        except (OSError, ValueError):
            return
        rest = b""
        while chunk := _read(descriptor):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self.obey(line)

    def follow(self, owner_pid: int) -> None:
        """Save and end when the process `owner_pid` is gone."""
        threading.Thread(
            target=self._watch, args=(owner_pid,), name="job-owner", daemon=True
        ).start()

    def _watch(self, owner_pid: int) -> None:
        try:
            owner = psutil.Process(owner_pid)
            # is_running compares start times, so a reused process number does not fool it.
            while owner.is_running() and owner.status() != psutil.STATUS_ZOMBIE:
                time.sleep(OWNER_POLL_SECONDS)
        except psutil.NoSuchProcess:
            pass
        self.cancel()
        time.sleep(ORPHAN_GRACE_SECONDS)
        end_children()
        os._exit(EXIT_CANCELLED)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""


def end_children() -> None:
    """End every process that this one started: loader workers outlive a hard exit otherwise."""
    children = psutil.Process().children(recursive=True)
    for child in children:
        try:
            child.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(children, timeout=1.0)
