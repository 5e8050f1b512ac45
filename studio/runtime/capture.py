"""Frames for a live view, read on a thread of their own and given at the right moment."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from studio.runtime.sources import Source, SourceFrame

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
        self.taken = 0.0
        self.error: BaseException | None = None
        self._pace = 0.0 if source.live else fps or source.fps or PICTURES_PER_SECOND
        self._given: float | None = None
        self._latest: SourceFrame | None = None
        self._read_at = 0.0
        self._ended = False
        self._halt = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)
        self._thread.start()

    def next(self, stopped: Callable[[], bool]) -> SourceFrame | None:
        """The next frame; None when the source has ended or `stopped()` is true.

        Raises what the source raised.
        """
        with self._changed:
            while self._latest is None and not self._ended:
                self._changed.wait(_POLL_SECONDS)
                if stopped():
                    return None
            frame, self._latest = self._latest, None
            self.taken = self._read_at
            self._changed.notify_all()
        if frame is None:
            if self.error is not None:
                raise self.error
            return None
        return None if self._wait_for_turn(stopped) else frame

    def close(self) -> None:
        """End the reading; the source is closed by the thread that reads it."""
        with self._changed:
            self._halt = True
            self._changed.notify_all()
        self._thread.join(_JOIN_SECONDS)

    def _wait_for_turn(self, stopped: Callable[[], bool]) -> bool:
        """Sleep until a file's frame is due; true where a stop was asked meanwhile."""
        if not self._pace:
            return False
        now = time.perf_counter()
        due = (
            now if self._given is None else max(self._given + 1 / self._pace, now - 1 / self._pace)
        )
        while (rest := due - time.perf_counter()) > 0:
            if stopped():
                return True
            time.sleep(min(rest, _POLL_SECONDS))
        self._given = due
        self.taken = time.perf_counter()
        return False

    def _run(self) -> None:
        try:
            for frame in self.source:
                self.rate.tick()
                if not self._offer(frame):
                    return
        except BaseException as error:  # noqa: BLE001 - it is raised again by `next`
            self.error = error
        finally:
            self.source.close()
            with self._changed:
                self._ended = True
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
