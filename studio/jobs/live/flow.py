"""Frames on their way through the network, so that it never waits for what comes after it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from studio.runtime.capture import Capture
from studio.runtime.predictor import Finding, Found, PeopleFinder
from studio.runtime.ring import FrameRing
from studio.runtime.sources import SourceFrame


@dataclass(frozen=True, eq=False)
class Watched:
    """A frame that the network looks at; `taken` (perf_counter) is when it was read or due, and
    it lies in `slot` of `ring` under the number `seq`.
    """

    frame: SourceFrame
    ticket: Finding
    ring: FrameRing
    slot: int
    seq: int
    taken: float


class Flow:
    """One opening of a source: `step` gives one frame after the other with what was found.

    The next frame is handed to the network before the one just found is drawn, told and written:
    from a live source the newest then, so that no frame waits in a queue; from a file as many as
    the engine computes at once.
    """

    def __init__(
        self,
        capture: Capture,
        predictor: PeopleFinder,
        begin: Callable[[SourceFrame, float], Watched | None],
    ) -> None:
        """begin: hands a frame that was taken at that moment to the network; None for one that
        cannot be read.
        """
        self.capture = capture
        self._begin = begin
        self._depth = 1 if capture.source.live else max(1, predictor.engine.requests)
        self._under_way: deque[Watched] = deque()

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.capture.ended and not self._under_way

    def step(self, wait: float) -> tuple[Watched, Found] | None:
        """The next frame with what was found; None where none came within `wait` seconds. Raises
        what the source or the network raises.
        """
        started = time.perf_counter()
        self._fill(wait)
        if not self._under_way:
            return None
        waited = (time.perf_counter() - started) * 1000
        watched = self._under_way.popleft()
        found = watched.ticket.result()[0]
        self._fill(0.0)
        return watched, replace(found, timings={"capture": waited, **found.timings})

    def _fill(self, wait: float) -> None:
        while len(self._under_way) < self._depth:
            frame = self.capture.take(0.0 if self._under_way else wait)
            if frame is None:
                return
            watched = self._begin(frame, self.capture.taken)
            if watched is not None:
                self._under_way.append(watched)
