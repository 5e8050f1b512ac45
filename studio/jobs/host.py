"""Runs one job from its spec: the same way for the command line, the window and a cluster.

The first act is to keep a duplicate of stdout for the events and to point stdout and stderr at
`job.log`: nothing that a library prints can break the stream, and nothing breaks when the window
dies and its pipes with it. An event goes to `events.jsonl` first and to the listener second.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import logging
import os
import platform
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, ModuleType
from typing import IO, Any

import orjson
import platformdirs

import studio
from studio.core import job as names
from studio.core.errors import Cancelled, FileProblem, StudioError, UsageError
from studio.core.job import Emit, JobContext, JobEvent, JobSpec
from studio.jobs.control import RemoteControl
from studio.ml.launch import launched_rank
from studio.registry.jobs import job_entry, options_for

NOT_STORED = frozenset({names.FRAME, "ring"})
VERSIONS_OF = ("numpy", "opencv-python", "torch", "ultralytics", "openvino", "onnxruntime")
EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_CANCELLED = 0, 1, 2, 3


@dataclass(frozen=True)
class JobOutcome:
    """How a job ended. `status` is "ok", "failed" or "cancelled"; `error` is the `error` event's
    data where there was one.
    """

    status: str
    exit_status: int
    result: Mapping[str, Any] = field(default_factory=dict[str, Any])
    error: Mapping[str, Any] | None = None
    run_dir: Path | None = None


def run_job(spec: JobSpec, listener: Emit, control: RemoteControl) -> JobOutcome:
    """Run `spec` to its end in this process, telling `listener` every event.

    Never raises for what the job did: a failure is an `error` event and the outcome. Of several
    processes that torchrun started, only the first one speaks.
    """
    if launched_rank():
        listener = _silent
    try:
        options = options_for(spec)
        run_dir = _run_dir(spec, options)
    except (StudioError, OSError) as error:
        return _refuse(error, listener)
    with _EventLog(run_dir / "events.jsonl", listener) as log, _own_output(run_dir / "job.log"):
        context = JobContext(log.emit, control, run_dir, spec.project)
        context.event(
            names.STARTED, job=spec.job, pid=os.getpid(), run_dir=str(run_dir), versions=versions()
        )
        with _warnings_told(context):
            outcome = _run(spec, options, context)
        context.event(names.FINISHED, status=outcome.status, result=dict(outcome.result))
    # Only now are the log and the events closed: Windows removes no open file.
    tidy: Callable[[Path], None] | None = getattr(_module(spec), "tidy", None)
    if tidy is not None:
        tidy(run_dir)
    return outcome


def _silent(_event: JobEvent) -> None:
    """For a listener that nobody is to hear."""


def _run(spec: JobSpec, options: Any, context: JobContext) -> JobOutcome:
    try:
        result = job_entry(spec.job).load()(options, context)
        # A job that returns what it had when it was cancelled was cancelled all the same.
        cancelled = context.control.cancel_requested
        status, number = ("cancelled", EXIT_CANCELLED) if cancelled else ("ok", EXIT_OK)
        return JobOutcome(status, number, dict(result), None, context.run_dir)
    except (Cancelled, KeyboardInterrupt):
        return JobOutcome("cancelled", EXIT_CANCELLED, run_dir=context.run_dir)
    except StudioError as error:
        # An error that a cancel provoked on its way out is a cancel.
        if context.control.cancel_requested:
            return JobOutcome("cancelled", EXIT_CANCELLED, run_dir=context.run_dir)
        data = _error_data(error)
        context.event(names.ERROR, **data)
        return JobOutcome("failed", error.exit_status, {}, data, context.run_dir)
    except Exception as error:  # noqa: BLE001 - the outermost edge: it is told, with its traceback
        data = _error_data(_explained(error))
        context.event(names.ERROR, **data)
        return JobOutcome("failed", EXIT_FAILED, {}, data, context.run_dir)


@contextmanager
def _warnings_told(context: JobContext) -> Any:
    """What the studio's own code warns of by `logging` becomes `log` events."""

    class Teller(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            level = "error" if record.levelno >= logging.ERROR else "warning"
            context.log(record.getMessage(), level)

    teller = Teller(logging.WARNING)
    logger = logging.getLogger("studio")
    logger.addHandler(teller)
    try:
        yield
    finally:
        logger.removeHandler(teller)


def _explained(error: Exception) -> Exception:
    """Give the failures that any library may bring a message that helps."""
    if isinstance(error, OSError) and error.errno == 28:
        explained: StudioError = FileProblem(
            "The disk is full.",
            where=error.filename or "",
            hint="Make room and start again; nothing that was finished is lost.",
        )
    elif isinstance(error, PermissionError):
        explained = FileProblem(
            "This may not be written or read, or another program has it open.",
            where=error.filename or "",
            hint="Close the programs that use it, or check who may write there; then try again.",
        )
    elif isinstance(error, MemoryError):
        explained = StudioError("There is not enough memory.", hint="Take a smaller batch or size.")
    else:
        return error
    explained.__traceback__ = error.__traceback__
    return explained


def _refuse(error: StudioError | OSError, listener: Emit) -> JobOutcome:
    """A job that could not begin has no folder: its error goes to the listener alone."""
    data = _error_data(error)
    status = error.exit_status if isinstance(error, StudioError) else EXIT_FAILED
    listener(JobEvent(names.ERROR, data, time.time()))
    listener(JobEvent(names.FINISHED, {"status": "failed", "result": {}}, time.time()))
    return JobOutcome("failed", status, {}, data)


def _error_data(error: BaseException) -> dict[str, Any]:
    known = isinstance(error, StudioError)
    text = str(error) or type(error).__name__
    return {
        "type": type(error).__name__,
        "message": error.message if known else text,
        "where": (error.where or "") if known else "",
        "hint": error.hint if known else "This is a defect of the studio; job.log has the details.",
        "traceback": "".join(traceback.format_exception(error)),
    }


def versions() -> dict[str, str]:
    """What took part, told from the installed metadata without importing anything."""
    found = {"studio": studio.__version__, "python": platform.python_version()}
    for name in VERSIONS_OF:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def _run_dir(spec: JobSpec, options: Any) -> Path:
    """The job's folder, made now: as the spec says, else where the job wants it, else a new one
    under the project's (or the user's) job folder. In it stands what the job lets be `written`.
    """
    if spec.run_dir is not None:
        folder = spec.run_dir
    else:
        place: Callable[[Any, Path | None], Path | None] | None
        place = getattr(_module(spec), "place", None)
        folder = (place(options, spec.project) if place else None) or _job_folder(spec)
    folder = folder.resolve()
    kept: Mapping[str, Any] = getattr(_module(spec), "written", dict)(spec.options)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        spec_text = orjson.dumps(
            JobSpec(spec.job, kept, folder, spec.project).to_mapping(),
            default=str,
            option=orjson.OPT_INDENT_2,
        )
        (folder / "spec.json").write_bytes(spec_text)
    except OSError as error:
        raise FileProblem(
            f"The job's folder cannot be written: {error.strerror}.",
            where=folder,
            hint="Choose another output folder, or make room.",
        ) from error
    return folder


def _module(spec: JobSpec) -> ModuleType:
    return importlib.import_module(job_entry(spec.job).run.partition(":")[0])


def _job_folder(spec: JobSpec) -> Path:
    root = (
        spec.project / ".studio" / "jobs"
        if spec.project is not None
        else Path(platformdirs.user_cache_dir("pose-studio", appauthor=False)) / "jobs"
    )
    return root / f"{time.strftime('%Y%m%d-%H%M%S')}-{spec.job}-{os.getpid()}"


class _EventLog:
    """Writes each event to `events.jsonl`, whole line by whole line, then tells the listener."""

    def __init__(self, path: Path, listener: Emit) -> None:
        self._path = path
        self._listener = listener
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None

    def __enter__(self) -> _EventLog:
        self._file = self._path.open("ab", buffering=0)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def emit(self, event: JobEvent) -> None:
        """Store and tell; safe from any thread. A full disk does not silence the listener."""
        with self._lock:
            if event.event not in NOT_STORED and self._file is not None:
                # A job that fails for want of space must still be able to say so.
                with suppress(OSError):
                    write_whole(self._file, encode(event))
            self._listener(event)


def encode(event: JobEvent) -> bytes:
    """One JSON line. Arrays become lists, paths text, and numbers that JSON lacks null."""
    option = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS
    return orjson.dumps(event.to_mapping(), default=str, option=option)


@contextmanager
def _own_output(path: Path) -> Any:
    """Point file descriptors 1 and 2, and Python's streams with them, at `path` meanwhile."""
    flush_output()
    saved = duplicate(1), duplicate(2)
    # Windows would make two line ends of each in text mode.
    binary = getattr(os, "O_BINARY", 0)
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | binary, 0o644)
    streams = sys.stdout, sys.stderr
    try:
        os.dup2(log, 1)
        os.dup2(log, 2)
        with os.fdopen(
            log, "w", encoding="utf-8", errors="replace", buffering=1, newline="\n"
        ) as text:
            sys.stdout = sys.stderr = text
            try:
                yield
            finally:
                sys.stdout, sys.stderr = streams
    finally:
        os.dup2(saved[0], 1)
        os.dup2(saved[1], 2)
        os.close(saved[0])
        os.close(saved[1])


def private_stdout() -> IO[bytes]:
    """A duplicate of stdout that stays ours while the job's own output goes to its log."""
    flush_output()
    return os.fdopen(duplicate(1), "wb", buffering=0)


def private_stdin() -> IO[str] | None:
    """A duplicate of stdin for commands; stdin itself becomes empty.

    A child that a library starts inherits stdin: it would take commands away, and on Windows it
    would hang at its start while this process waits to read from the same pipe. A terminal is
    left alone, and so is a stdin that is not there.
    """
    try:
        if os.isatty(0):
            return sys.stdin
        commands = os.dup(0)
    except OSError:
        return None
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    return os.fdopen(commands, "r", encoding="utf-8")


def flush_output() -> None:
    """A program without a console, as on Windows, may have no streams at all."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


def duplicate(descriptor: int) -> int:
    """A duplicate of 1 or 2, where need be of a way to nowhere.

    Where 0, 1 or 2 is closed, the next file that is opened takes its number, and everything that
    is printed with it: all three are filled first.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is taken, which is this one.
            os.open(os.devnull, os.O_RDWR)
    return os.dup(descriptor)


def write_whole(stream: IO[bytes], data: bytes) -> None:
    """A raw stream may take only a part at a time."""
    rest = memoryview(data)
    while rest:
        rest = rest[stream.write(rest) or 0 :]


def pipe_listener(pipe: IO[bytes]) -> Emit:
    """Events as JSON lines to `pipe`; once the reader is gone, to nobody."""
    alive = True

    def listen(event: JobEvent) -> None:
        nonlocal alive
        if alive:
            try:
                write_whole(pipe, encode(event))
            except (BrokenPipeError, ValueError, OSError):
                alive = False

    return listen


@contextmanager
def signals_cancel(control: RemoteControl) -> Any:
    """Ctrl-C and SIGTERM ask the job to save and end; a second Ctrl-C ends it at once."""

    def ask(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT and control.cancel_requested:
            raise KeyboardInterrupt
        control.cancel()

    wanted = [signal.SIGINT, signal.SIGTERM]
    # Windows: Ctrl-Break, and what asks a process group to end.
    ctrl_break: signal.Signals | None = getattr(signal, "SIGBREAK", None)
    if ctrl_break is not None:
        wanted.append(ctrl_break)
    previous = {number: signal.signal(number, ask) for number in wanted}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def read_spec(path: Path) -> JobSpec:
    """Raises UsageError or FileProblem where the file is no job spec."""
    try:
        data = orjson.loads(path.read_bytes())
    except OSError as error:
        raise FileProblem(f"The job spec cannot be read: {error.strerror}.", where=path) from error
    except orjson.JSONDecodeError as error:
        raise UsageError(f"The job spec is not JSON: {error}.", where=path) from error
    if not isinstance(data, dict):
        raise UsageError("The job spec is not a table.", where=path)
    return JobSpec.from_mapping(data)


def run_spec_file(path: Path, owner_pid: int | None = None) -> int:
    """`pose-studio job SPEC.json`: events on stdout, commands on stdin. Returns the exit status."""
    pipe = private_stdout()
    listener = pipe_listener(pipe)
    try:
        spec = read_spec(path)
    except StudioError as error:
        return _refuse(error, listener).exit_status
    control = RemoteControl()
    control.listen_to(private_stdin())
    if owner_pid is not None:
        control.follow(owner_pid)
    with signals_cancel(control):
        return run_job(spec, listener, control).exit_status
