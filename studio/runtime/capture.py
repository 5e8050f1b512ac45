"""Frames for a live view, read on a thread of their own and given at the right moment."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from studio.runtime.sources import CameraWish, Source, SourceFrame, open_source

# How long the end of a capture is waited for: a stream may hang in its driver.
_JOIN_SECONDS = 3.0
_POLL_SECONDS = 0.1
# Pictures have no pace of their own: so many a second are shown.
PICTURES_PER_SECOND = 2.0
_WINDOW = 30


class Rate:
    """Frames per second over the last frames."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=_WINDOW)

    def tick(self) -> None:
        """One more frame, now."""
        self._times.append(time.perf_counter())

    @property
    def value(self) -> float:
        """Frames a second; 0 before the second one."""
        times = tuple(self._times)
        if len(times) < 2 or times[-1] <= times[0]:
            return 0.0
        return (len(times) - 1) / (times[-1] - times[0])


class Capture:
    """Reads `source` until it ends or `close` is called, then closes the source.

    A live source is read as fast as it gives; only its newest frame is kept and the others count
    as `dropped`. From a file every frame is given, not before its time (`fps`, or the file's
    own). `taken` is the moment (perf_counter) at which the frame last given was read, or was due.
    """

    def __init__(self, source: Source, fps: float = 0.0) -> None:
        self.source = source
        self.rate = Rate()
        self.dropped = 0
        self.count = 0
        self.taken = 0.0
        self._error: BaseException | None = None
        self._pace = 0.0 if source.live else fps or source.fps or PICTURES_PER_SECOND
        self._given: float | None = None
        self._latest: SourceFrame | None = None
        self._read_at = time.perf_counter()
        self._over = False
        self._halt = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether the source has ended and its last frame was given."""
        return self._over and self._latest is None

    @property
    def silent(self) -> float:
        """Seconds since the source gave its last frame."""
        return time.perf_counter() - self._read_at

    def take(self, wait: float) -> SourceFrame | None:
        """The next frame; None where there is none within `wait` seconds (0: none at hand), or the
        source has ended. Raises what the source raised.
        """
        end = time.perf_counter() + wait
        with self._changed:
            while True:
                now = time.perf_counter()
                due = self._due(now)
                if self._latest is not None and now >= due:
                    return self._give(due)
                if self.ended:
                    break
                until = end if self._latest is None else min(end, due)
                if until <= now:
                    return None
                self._changed.wait(until - now)
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return None

    def close(self) -> None:
        """End the reading; the source is closed by the thread that reads it."""
        with self._changed:
            self._halt = True
            self._changed.notify_all()
        self._thread.join(_JOIN_SECONDS)

    def _due(self, now: float) -> float:
        """When the next frame may be given. A file that was held up does not rush to catch up."""
        if not self._pace or self._given is None:
            return now
        return max(self._given + 1 / self._pace, now - 1 / self._pace)

    def _give(self, due: float) -> SourceFrame | None:
        frame, self._latest = self._latest, None
        self._given = due
        self.taken = time.perf_counter() if self._pace else self._read_at
        self._changed.notify_all()
        return frame

    def _run(self) -> None:
        try:
            for frame in self.source:
                self.rate.tick()
                self.count = frame.index + 1
                if not self._offer(frame):
                    return
        except BaseException as error:  # noqa: BLE001 - it is raised again by `take`
            self._error = error
        finally:
            self.source.close()
            with self._changed:
                self._over = True
                self._changed.notify_all()

    def _offer(self, frame: SourceFrame) -> bool:
        with self._changed:
            while not self.source.live and self._latest is not None and not self._halt:
                self._changed.wait()
            if self._halt:
                return False
            if self._latest is not None:
                self.dropped += 1
            self._latest = frame
            self._read_at = time.perf_counter()
            self._changed.notify_all()
        return True


def opened(text: str, wish: CameraWish, stopped: Callable[[], bool]) -> Source | None:
    """`open_source` on a thread of its own, because a stream may take its time; None where
    `stopped()` came first, and then whatever still opens is closed. Raises as `open_source`.
    """
    opening = _Opening(text, wish)
    while not opening.done.wait(_POLL_SECONDS):
        if stopped():
            return opening.give_up()
    if opening.error is not None:
        raise opening.error
    return opening.source


class _Opening:
    def __init__(self, text: str, wish: CameraWish) -> None:
        self.source: Source | None = None
        self.error: BaseException | None = None
        self.done = threading.Event()
        self._given_up = False
        self._lock = threading.Lock()
        self._asked = text, wish
        threading.Thread(target=self._run, name="open", daemon=True).start()

    def _run(self) -> None:
        try:
            source = open_source(*self._asked)
            with self._lock:
                self.source = source
                if self._given_up:
                    source.close()
        except BaseException as error:  # noqa: BLE001 - it is raised again by `opened`
            self.error = error
        finally:
            self.done.set()

    def give_up(self) -> None:
        with self._lock:
            self._given_up = True
            if self.source is not None:
                self.source.close()
