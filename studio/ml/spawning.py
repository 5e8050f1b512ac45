"""Trains on several devices of this machine: a process for each, and one that watches over them.

The watching process is the job's own: it hands on what rank 0 says, passes a stop or cancel down,
and when one of them dies it ends the others and says why, so that nothing hangs.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import connection
from pathlib import Path
from typing import Any

from studio.core.artifact import ModelArtifact
from studio.core.errors import Cancelled, DeviceError, StudioError
from studio.core.job import LOG, JobContext, JobEvent
from studio.ml.course import CourseOptions
from studio.ml.ranks import Group
from studio.ml.task import Task

# How often the watcher looks at the job's control, in seconds.
_LOOK = 0.1
# How long a torn connection waits for the true reason to arrive from another process.
_REASON = 5.0
_PART = 20.0
_EVENT, _DONE, _FAILED, _TORN = "event", "done", "failed", "torn"
_TORN_WORDS = ("gloo", "nccl", "connection", "process group", "distributed")


@dataclass(frozen=True)
class Work:
    """What every process is given."""

    task: Task
    options: CourseOptions
    family: str
    run_dir: Path
    resume: Path | None
    devices: tuple[str, ...]
    store: str


def train_on(
    devices: Sequence[str],
    task: Task,
    options: CourseOptions,
    context: JobContext,
    *,
    family: str,
    resume: Path | None,
) -> ModelArtifact:
    """Train with one process a device; see `studio.ml.loop.train`."""
    assert context.run_dir is not None
    with tempfile.TemporaryDirectory(prefix="pose-studio-ranks-") as folder:
        store = (Path(folder) / "store").as_uri()
        work = Work(task, options, family, context.run_dir, resume, tuple(devices), store)
        return _Watch(work, context).run()


class _Flags:
    """A stop and a cancel as every process sees them: the `Control` of the ranks."""

    def __init__(self, values: Any) -> None:
        self.values = values

    @property
    def stop_requested(self) -> bool:
        return bool(self.values[0])

    @property
    def cancel_requested(self) -> bool:
        return bool(self.values[1])

    def take_values(self) -> Mapping[str, Any]:
        """Live options do not reach the ranks."""
        return {}


class _Watch:
    """The processes of one training, from their start to their end."""

    def __init__(self, work: Work, context: JobContext) -> None:
        self._work, self._context = work, context
        # A fresh interpreter each: a GPU does not survive a fork.
        spawn = multiprocessing.get_context("spawn")
        self._flags = _Flags(spawn.RawArray("b", 2))
        self._pipes: dict[connection.Connection, int] = {}
        self._processes: list[Any] = []
        self._torn: tuple[float, StudioError] | None = None
        self._artifact: ModelArtifact | None = None
        for rank in range(len(work.devices)):
            ours, theirs = spawn.Pipe(duplex=False)
            arguments = (work, rank, theirs, self._flags.values)
            process = spawn.Process(target=_rank_main, args=arguments, name=f"train-rank-{rank}")
            process.start()
            theirs.close()
            self._pipes[ours] = rank
            self._processes.append(process)

    def run(self) -> ModelArtifact:
        """Watch until the end; the artefact of rank 0. Raises what ended the training."""
        try:
            while self._pipes:
                self._pass_down()
                for pipe in connection.wait(list(self._pipes), timeout=_LOOK):
                    self._hear(pipe)  # pyright: ignore[reportArgumentType]
                if self._torn is not None and time.monotonic() - self._torn[0] > _REASON:
                    raise self._torn[1]
            self._judge_ends()
        finally:
            self._end_all()
        if self._artifact is None:
            raise (
                self._torn[1] if self._torn else StudioError("The training ended without a result.")
            )
        return self._artifact

    def _pass_down(self) -> None:
        control = self._context.control
        self._flags.values[0] = control.stop_requested or control.cancel_requested
        self._flags.values[1] = control.cancel_requested

    def _hear(self, pipe: connection.Connection) -> None:
        rank = self._pipes[pipe]
        try:
            kind, content = pipe.recv()
        except (EOFError, ConnectionError):
            del self._pipes[pipe]
            self._look_after(rank)
            return
        if kind == _EVENT:
            self._context.emit(content)
        elif kind == _DONE:
            self._artifact = content or self._artifact
        elif kind == _TORN:
            self._torn = self._torn or (time.monotonic(), content)
        else:
            raise content

    def _look_after(self, rank: int) -> None:
        """A process hung up: was that its end?"""
        process = self._processes[rank]
        process.join(_REASON)
        if process.exitcode not in (0, _TORN_STATUS):
            how = (
                f"by signal {-process.exitcode}"
                if (process.exitcode or 0) < 0
                else f"with status {process.exitcode}"
            )
            raise DeviceError(
                f"The training process of device {self._work.devices[rank]} ended {how}.",
                hint="Most often the memory was not enough: try a smaller --batch. last.pt holds "
                "the last whole epoch.",
            )

    def _judge_ends(self) -> None:
        for rank in range(len(self._processes)):
            self._look_after(rank)
        if self._torn is not None:
            raise self._torn[1]

    def _end_all(self) -> None:
        """Leave no process behind."""
        for end in ("terminate", "kill"):
            for process in self._processes:
                if process.is_alive():
                    getattr(process, end)()
            for process in self._processes:
                process.join(_PART / 4)
        for pipe in self._pipes:
            pipe.close()


_TORN_STATUS = 17


def _rank_main(work: Work, rank: int, pipe: connection.Connection, flags: Any) -> None:
    """The life of one rank."""
    import torch

    from studio.ml.loop import train_in

    # Ctrl-C reaches every process of a terminal: the watcher's word counts.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_with_parent()
    lock = threading.Lock()

    def send(kind: str, content: Any) -> None:
        with lock:
            pipe.send((kind, content))

    def emit(event: JobEvent) -> None:
        # Of the others only what went wrong is worth a word.
        told = rank == 0 or (event.event == LOG and event.data.get("level") != "info")
        if told or event.event == "suggest":
            send(_EVENT, event)

    context = JobContext(emit, _Flags(flags), work.run_dir)
    try:
        group = Group(torch.device(work.devices[rank]), rank, len(work.devices), work.store)
        made = train_in(group, work.task, work.options, context, work.family, work.resume)
        send(_DONE, made)
        group.close()
        # The library's threads may still run when the interpreter takes them down: it then aborts.
        _leave(pipe, 0)
    except (Cancelled, StudioError) as error:
        torn = type(error) is StudioError and any(w in str(error).lower() for w in _TORN_WORDS)
        send(_TORN if torn else _FAILED, error)
        _leave(pipe, _TORN_STATUS if torn else 1)
    except Exception as error:  # noqa: BLE001 - the edge of the process: it is told, whatever it is
        traceback.print_exc()
        send(_FAILED, StudioError(f"The training cannot go on: {type(error).__name__}: {error}"))
        _leave(pipe, 1)


def _leave(pipe: connection.Connection, status: int) -> None:
    """End at once: the farewells of a broken group would wait for the dead."""
    sys.stdout.flush()
    sys.stderr.flush()
    pipe.close()
    os._exit(status)


def _end_with_parent() -> None:
    """When the watching process dies without a word, so does this one."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="rank-parent", daemon=True).start()
