"""What runs on a machine of the cluster: one job, through the same host as anywhere else.

`run_order` is a Ray task. It unpacks what the job needs, starts it as a process of its own,
passes its events and files to the post and the post's commands to it, and leaves nothing behind
but the parcels, which the next training of the same data finds again.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import psutil

import studio
from studio.core.errors import FileProblem, StudioError
from studio.core.job import ARTIFACT, ERROR, FINISHED, METRICS, JobEvent, JobSpec
from studio.jobs.children import ProcessChild
from studio.jobs.host import encode
from studio.jobs.parcels import kept, unpack

EVENT, FILE, END = "event", "file", "end"
# Words between the two machines alone: where things are there; the check is passed, files follow.
OPENING, BEGUN = "cluster", "cluster-begun"
RUN = "run"
_PREFIX = "pose-studio-cluster-"
# Pieces in which files travel, and what the post holds of them before it lets senders wait.
PIECE = 4 << 20
HELD = 64 << 20
# Files below this go at once; larger ones at most every so many seconds until the end.
SMALL = 2 << 20
LARGE_EVERY = 60.0
# The stream itself, and what is this machine's business.
NOT_SENT = frozenset({"events.jsonl", "spec.json", "child.log"})
LOG, LOG_THERE = "job.log", "cluster.log"

Item = tuple[str, Any]


class Post:
    """Between the machine that asked and the one that works: an actor that both reach. Events
    and pieces of files go one way, commands the other.
    """

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self._held = 0
        self._commands: list[str] = []

    async def put(self, items: Sequence[Item]) -> None:
        """Take items in; waits while much is held."""
        while self._held > HELD:
            await asyncio.sleep(0.02)
        for item in items:
            self._items.append(item)
            self._held += _weight(item)

    async def take(self, seconds: float) -> list[Item]:
        """What has come, at most a few pieces' weight of it; waits so long for the first."""
        end = time.monotonic() + seconds
        while not self._items and time.monotonic() < end:
            await asyncio.sleep(0.02)
        taken: list[Item] = []
        weight = 0
        while self._items and weight < 4 * PIECE:
            item = self._items.popleft()
            weight += _weight(item)
            taken.append(item)
        self._held -= weight
        return taken

    async def ask(self, command: str) -> None:
        """A command for the job."""
        self._commands.append(command)

    async def commands(self, seconds: float) -> list[str]:
        """Commands since the last call; waits so long for the first."""
        end = time.monotonic() + seconds
        while not self._commands and time.monotonic() < end:
            await asyncio.sleep(0.05)
        taken, self._commands = self._commands, []
        return taken


def _weight(item: Item) -> int:
    return len(item[1]["data"]) if item[0] == FILE else len(item[1]) if item[0] == EVENT else 0


@dataclass(frozen=True)
class Sent:
    """A parcel on its way: the option or place it belongs to, and how its pieces are had."""

    inside: str
    digest: str
    pieces: Sequence[Any]


@dataclass(frozen=True)
class Order:
    """One job to do. files: parcels by the option that names them, or "run" for what an earlier
    part of this run left. seen: options whose paths must be here already.
    """

    job: str
    options: Mapping[str, Any]
    files: Mapping[str, Sent] = field(default_factory=dict[str, Sent])
    seen: Mapping[str, str] = field(default_factory=dict[str, str])
    version: str = ""


def run_order(post: Any, order: Order) -> None:
    """Do `order`; every word of it goes to `post`."""
    from ray import get

    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))

    def put(*items: Item) -> None:
        get(post.put.remote(list(items)))

    try:
        _check(order)
        _Work(order, folder / RUN, put, lambda s: get(post.commands.remote(s)), get).do()
    except StudioError as error:
        for event in _refusal(error):
            put((EVENT, encode(event)))
    finally:
        # The post is told last: whoever waits for the end may then take the cluster down.
        shutil.rmtree(folder, ignore_errors=True)
        put((END, None))


def _sweep() -> None:
    """Remove the folders of workers that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        number = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if number.isdigit() and not psutil.pid_exists(int(number)):
            shutil.rmtree(folder, ignore_errors=True)


def _check(order: Order) -> None:
    if order.version != studio.__version__:
        raise StudioError(
            f"The cluster's machine has Pose Studio {studio.__version__}, this one has "
            f"{order.version}.",
            where=socket.gethostname(),
            hint="Install the same version on both.",
        )
    for option, path in order.seen.items():
        if not Path(path).exists():
            raise FileProblem(
                f"The cluster's machine {socket.gethostname()} does not see this path (--{option}).",
                where=path,
                hint="Give --send always, or keep it where every machine of the cluster sees it "
                "under the same path.",
            )


def _refusal(error: StudioError) -> list[JobEvent]:
    now = time.time()
    data = {
        "type": type(error).__name__,
        "message": error.message,
        "where": error.where or "",
        "hint": error.hint,
        "traceback": "",
    }
    return [
        JobEvent(ERROR, data, now),
        JobEvent(FINISHED, {"status": "failed", "result": {}}, now),
    ]


class _Work:
    """One job in a process, and what goes to and fro meanwhile."""

    def __init__(
        self,
        order: Order,
        run_dir: Path,
        put: Callable[..., None],
        commands: Callable[[float], list[str]],
        get: Callable[[Any], Any],
    ) -> None:
        self._order, self._run_dir, self._put, self._commands = order, run_dir, put, commands
        self._get = get
        self._heard: SimpleQueue[JobEvent | None] = SimpleQueue()
        self._ended = threading.Event()
        self._files = _Files(run_dir, put)

    def do(self) -> None:
        """All of it."""
        self._run_dir.mkdir()
        options, places = dict(self._order.options), {}
        for name, sent in self._order.files.items():
            places[name] = str(self._place(name, sent))
            if name != RUN:
                options[name] = places[name]
        if RUN in places:
            options["resume"] = str(self._run_dir)
        self._put((EVENT, encode(_opening(self._run_dir, places))))
        child = ProcessChild(JobSpec(self._order.job, options, self._run_dir), self._heard.put)
        obeying = threading.Thread(target=self._obey, args=(child,), daemon=True)
        obeying.start()
        try:
            self._listen()
        finally:
            self._ended.set()
            child.kill()
            obeying.join()
        self._files.send(everything=True)

    def _place(self, name: str, sent: Sent) -> Path:
        folder = kept(sent.digest) or unpack(sent.digest, self._pieces(sent))
        if name != RUN:
            return folder / sent.inside if sent.inside else folder
        shutil.copytree(folder, self._run_dir, dirs_exist_ok=True)
        self._files.know()
        return self._run_dir

    def _pieces(self, sent: Sent) -> Iterator[bytes]:
        for piece in sent.pieces:
            yield self._get(piece)

    def _listen(self) -> None:
        """Pass events on until the job is over; its files after every epoch."""
        began = False
        while True:
            event = self._heard.get()
            if event is None:
                return
            if event.event in (METRICS, ARTIFACT) and not began:
                began = True
                self._put((EVENT, encode(JobEvent(BEGUN, {}, event.t))))
            # What is spoken of is there before it is spoken of.
            if event.event == FINISHED:
                self._files.send(everything=True)
            elif event.event == ARTIFACT or event.data.get("split") == "val":
                self._files.send()
            self._put((EVENT, encode(event)))

    def _obey(self, child: ProcessChild) -> None:
        while not self._ended.is_set():
            for command in self._commands(0.5):
                child.ask(command)


def _opening(run_dir: Path, places: Mapping[str, str]) -> JobEvent:
    """The first word: where things are there, so that paths can be told in the words of here."""
    data = {"run_dir": str(run_dir), "places": dict(places), "machine": socket.gethostname()}
    return JobEvent(OPENING, data, time.time())


class _Files:
    """What stands in the run's folder, sent as it changes."""

    def __init__(self, run_dir: Path, put: Callable[..., None]) -> None:
        self._run_dir, self._put = run_dir, put
        self._sent: dict[str, tuple[int, int]] = {}
        self._large = time.monotonic()

    def know(self) -> None:
        """All that is here now came from there."""
        self._sent |= {name: state for name, _, state in self._found()}

    def send(self, *, everything: bool = False) -> None:
        """Send what has changed since; large files not every time."""
        large = everything or time.monotonic() - self._large > LARGE_EVERY
        for name, path, state in list(self._found()):
            if self._sent.get(name) == state or (state[1] > SMALL and not large):
                continue
            if name == LOG and not everything:
                continue
            self._sent[name] = state
            self._send(LOG_THERE if name == LOG else name, path)
        if large:
            self._large = time.monotonic()

    def _found(self) -> Iterator[tuple[str, Path, tuple[int, int]]]:
        for folder, _, names in os.walk(self._run_dir):
            for file in names:
                path = Path(folder) / file
                name = path.relative_to(self._run_dir).as_posix()
                if name in NOT_SENT or file.endswith(".part"):
                    continue
                try:
                    said = path.stat()
                except OSError:
                    # Renamed or removed meanwhile.
                    continue
                yield name, path, (said.st_mtime_ns, said.st_size)

    def _send(self, name: str, path: Path) -> None:
        try:
            stream = path.open("rb")
        except OSError:
            return
        with stream:
            first = True
            while True:
                data = stream.read(PIECE)
                last = len(data) < PIECE
                self._put((FILE, {"name": name, "data": data, "first": first, "last": last}))
                first = False
                if last:
                    return
