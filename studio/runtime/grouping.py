"""Frames through a model, out in the order they came in: several inferences under way, and pictures
that share an input one after the other.

A network is compiled for the size of its input. Pictures of many sizes, taken as they come, would
change it with every picture; within a window they are taken size by size.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field

from studio.runtime.predictor import Finding, Found
from studio.runtime.sources import SourceFrame

# Pictures that wait for others of their size: so many, or so many bytes of them.
WINDOW = 64
WINDOW_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Asking:
    """How frames are asked about.

    submit: starts one inference over frames of one kind. kind: what frames must have in common for
    that. under_way: how many inferences at once; it may change after the first. batch: frames in
    one inference. window: how many frames may wait for others of their kind (1: none). halted:
    whether what waits is to be left alone; what is under way is finished.
    """

    submit: Callable[[list[SourceFrame]], Finding]
    kind: Callable[[SourceFrame], Hashable]
    under_way: Callable[[], int]
    batch: int = 1
    window: int = 1
    halted: Callable[[], bool] = lambda: False


def found_in_order(
    frames: Iterable[SourceFrame], asking: Asking
) -> Iterator[tuple[SourceFrame, Found]]:
    """Every frame, which must have its picture, with what was found in it. Raises what `submit`
    and its results raise.
    """
    flow = _Flow(asking)
    for frame in frames:
        flow.take(frame)
        if flow.is_full:
            yield from flow.asked_all()
    yield from flow.asked_all()
    yield from flow.finished()


@dataclass
class _Flow:
    asking: Asking
    window: list[SourceFrame] = field(default_factory=list[SourceFrame])
    held: int = 0
    waiting: deque[tuple[list[SourceFrame], Finding]] = field(
        default_factory=deque[tuple[list[SourceFrame], Finding]]
    )
    order: deque[SourceFrame] = field(default_factory=deque[SourceFrame])
    known: dict[int, Found] = field(default_factory=dict[int, Found])

    def take(self, frame: SourceFrame) -> None:
        self.window.append(frame)
        self.order.append(frame)
        self.held += 0 if frame.picture is None else frame.picture.nbytes

    @property
    def is_full(self) -> bool:
        return len(self.window) >= self.asking.window or self.held >= WINDOW_BYTES

    def asked_all(self) -> Iterator[tuple[SourceFrame, Found]]:
        """Ask about the window, kind by kind."""
        groups: dict[Hashable, list[SourceFrame]] = {}
        for frame in self.window:
            groups.setdefault(self.asking.kind(frame), []).append(frame)
        self.window, self.held = [], 0
        size = self.asking.batch
        for group in groups.values():
            for start in range(0, len(group), size):
                if self.asking.halted():
                    asked = {f.index for part, _ in self.waiting for f in part} | self.known.keys()
                    self.order = deque(f for f in self.order if f.index in asked)
                    return
                part = group[start : start + size]
                self.waiting.append((part, self.asking.submit(part)))
                while len(self.waiting) >= max(1, self.asking.under_way()):
                    yield from self._taken()

    def finished(self) -> Iterator[tuple[SourceFrame, Found]]:
        """Wait for all that is under way."""
        while self.waiting:
            yield from self._taken()

    def _taken(self) -> Iterator[tuple[SourceFrame, Found]]:
        part, finding = self.waiting.popleft()
        for frame, found in zip(part, finding.result(), strict=True):
            self.known[frame.index] = found
        while self.order and self.order[0].index in self.known:
            frame = self.order.popleft()
            yield frame, self.known.pop(frame.index)
