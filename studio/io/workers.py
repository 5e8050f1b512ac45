"""Helper processes for work on many files, which end with the process that started them."""

from __future__ import annotations

import contextlib
import gc
import importlib
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any, Self, TypeVar

from studio.core.errors import DeviceError

Item = TypeVar("Item")
Result = TypeVar("Result")

# Chunks that wait at a helper, so that it never waits for the next one.
_AHEAD = 3
_MOST = 8
# Ten steps down: about a tenth of a processor that both want.
_GIVE_WAY = 10


class Workers:
    """`map` over chunks in `count` processes; with 0 of them the work is done here.

    They start with the first `map`, or with `start`. A helper holds one end of a pipe: when this process dies, the
    pipe ends and so does the helper. give_way: they leave the processor to whatever else wants
    it, where the system knows that, because somebody works at this process's window meanwhile.
    """

    def __init__(self, count: int, *, give_way: bool = False) -> None:
        self.count = count
        self._give_way = give_way
        self._processes: list[Any] = []
        self._pipes: list[Connection] = []

    def map(
        self, work: Callable[[Item], Result], items: Iterable[Item]
    ) -> Generator[Result, None, None]:
        """`work(item)` for each item, in their order. Raises what `work` raised, and DeviceError
        where a helper process was ended from outside.

        `work` and what goes in and out must be picklable where there are helpers.
        """
        if not self.count:
            yield from map(work, items)
            return
        self.start()
        source = iter(items)
        waiting: deque[int] = deque()
        for _ in range(_AHEAD):
            for helper in range(len(self._pipes)):
                self._send(work, source, helper, waiting)
        while waiting:
            helper = waiting.popleft()
            good, value = self._receive(helper)
            if not good:
                raise value
            self._send(work, source, helper, waiting)
            yield value

    def _send(
        self, work: Callable[[Any], Any], source: Iterator[Any], helper: int, waiting: deque[int]
    ) -> None:
        for item in source:
            try:
                self._pipes[helper].send((work, item))
            except OSError as error:
                raise _gone() from error
            waiting.append(helper)
            return

    def _receive(self, helper: int) -> tuple[bool, Any]:
        try:
            return self._pipes[helper].recv()
        except (EOFError, OSError) as error:
            raise _gone() from error

    def start(self, *modules: str) -> None:
        """Start the helpers where there are none yet, so that they are ready when the first chunk
        comes; `modules` is what their work will need.
        """
        if self._processes:
            return
        context = multiprocessing.get_context("spawn")
        for _ in range(self.count):
            ours, theirs = context.Pipe()
            arguments = (theirs, self._give_way, modules)
            process = context.Process(target=_serve, args=arguments, daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def close(self) -> None:
        """End the helpers, whatever they are doing; the next `map` starts others."""
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.terminate()
            process.join()
            process.close()
        self._pipes.clear()
        self._processes.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()


def _gone() -> DeviceError:
    return DeviceError(
        "A helper process was ended from outside, perhaps for want of memory.",
        hint="Close other programs and try again.",
    )


def _serve(pipe: Connection, give_way: bool, modules: tuple[str, ...]) -> None:
    """A helper's life: one chunk after the other until the pipe ends."""
    # Ctrl-C is for the process that has the terminal; it ends its helpers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if give_way and hasattr(os, "nice"):
        os.nice(_GIVE_WAY)
    # Millions of small values come and go; looking through them for circles takes a tenth longer.
    # Only what a chunk leaves behind is looked through, when it is done.
    gc.disable()
    started = False
    waiting: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_listen, args=(pipe, waiting), daemon=True).start()
    for name in modules:
        importlib.import_module(name)
    while True:
        work, item = waiting.get()
        try:
            answer = (True, work(item))
        except Exception as error:  # noqa: BLE001 - it is raised again where `map` was called
            answer = (False, error)
        pipe.send(answer)
        del work, item, answer
        gc.collect()
        if not started:
            # The modules that the work needs are there now, and stay.
            gc.freeze()
            started = True


def _listen(pipe: Connection, waiting: SimpleQueue[Any]) -> None:
    """Take chunks off the pipe at once, so that neither end ever waits for the other to read."""
    with contextlib.suppress(EOFError, OSError):
        while True:
            waiting.put(pipe.recv())
    # Nobody is there to take what is in hand.
    os._exit(0)


def chunks(items: list[Item], size: int) -> Iterator[list[Item]]:
    """`items` in pieces of `size`, the last one shorter."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def helpers_for(files: int, *, enough: int = 600) -> int:
    """How many helper processes are worth their start for so many files; never a single one, for
    this process would only wait for it.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    count = min(cores or 1, _MOST, files // enough)
    return count if count > 1 else 0
