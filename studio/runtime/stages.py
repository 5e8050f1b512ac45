"""Work that overlaps: a stage that reads ahead and a stage that finishes behind, each on a thread
of its own with a bounded queue between. An error in a stage comes out where its end is used.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, Self, TypeVar

S = TypeVar("S")
T = TypeVar("T")

_POLL_SECONDS = 0.1


class _End:
    """Marks the end of a queue."""


class ReadAhead(Generic[T]):
    """Iterates `items` on a thread, at most `depth` ahead."""

    def __init__(self, items: Iterable[T], depth: int = 4, name: str = "read") -> None:
        self._items = items
        self._queue: queue.Queue[T | _End] = queue.Queue(depth)
        self._halt = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[T]:
        while not isinstance(item := self._queue.get(), _End):
            yield item
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """End the thread; what it had read is dropped."""
        self._halt.set()
        while self._thread.is_alive():
            try:
                self._queue.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def _run(self) -> None:
        try:
            for item in self._items:
                if not self._put(item):
                    return
        except BaseException as error:  # noqa: BLE001 - it is raised again at the other end
            self._error = error
        self._put(_End())

    def _put(self, item: T | _End) -> bool:
        while not self._halt.is_set():
            try:
                self._queue.put(item, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return True
        return False


class MapAhead(Generic[S, T]):
    """`work` done on every one of `items`, on `workers` threads, at most `depth` ahead; the results
    in the order of the items.
    """

    def __init__(
        self,
        work: Callable[[S], T],
        items: Iterable[S],
        *,
        workers: int,
        depth: int = 0,
        name: str = "read",
    ) -> None:
        self._work = work
        self._items = iter(items)
        self._depth = max(depth, workers)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=name)

    def __iter__(self) -> Iterator[T]:
        waiting: deque[Future[T]] = deque()
        for item in self._items:
            waiting.append(self._pool.submit(self._work, item))
            if len(waiting) > self._depth:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def close(self) -> None:
        """End the threads; what they had done is dropped."""
        self._pool.shutdown(cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()


class FinishBehind(Generic[T]):
    """Calls `handle` for every item put, in order, on a thread, at most `depth` behind."""

    def __init__(self, handle: Callable[[T], None], depth: int = 4, name: str = "finish") -> None:
        self._handle = handle
        self._queue: queue.Queue[T | _End] = queue.Queue(depth)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, item: T) -> None:
        """Hand an item over; waits while the queue is full. Raises what `handle` raised."""
        self._raise()
        self._queue.put(item)

    def waiting(self) -> int:
        """How many items are not yet begun."""
        return self._queue.qsize()

    def close(self) -> None:
        """Finish what was put and end the thread. Raises what `handle` raised."""
        self._queue.put(_End())
        self._thread.join()
        self._raise()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except BaseException:
            if error is None:
                raise

    def _raise(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _run(self) -> None:
        failed = False
        while not isinstance(item := self._queue.get(), _End):
            if failed:
                continue
            try:
                self._handle(item)
            except BaseException as error:  # noqa: BLE001 - it is raised again at the other end
                self._error, failed = error, True


@contextlib.contextmanager
def one_opencv_thread() -> Generator[None]:
    """OpenCV computes each picture on the thread that asks: where stages overlap, its own threads
    take the cores from the inference and wait for each other.
    """
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
