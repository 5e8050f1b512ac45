"""Heads that no tracker numbers, told apart from frame to frame by where they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from studio.vision.assignment import best_pairs
from studio.vision.nms import overlaps

Boxes = npt.NDArray[np.floating]

# Two boxes that overlap less are two heads; a head is waited for so many seconds.
_SAME, _WAIT = 0.3, 0.5


class HeadNumbers:
    """Gives each head a number that it keeps while it moves less than about half of its size from
    one frame to the next.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[Boxes, float]] = {}
        self._next = 0

    def __call__(self, boxes: Sequence[Boxes | None], time: float) -> list[int | None]:
        """A number for each (4,) box x1, y1, x2, y2; None for None. time: seconds."""
        self._known = {n: k for n, k in self._known.items() if 0 <= time - k[1] <= _WAIT}
        here = [i for i, box in enumerate(boxes) if box is not None]
        now = np.array([box for box in boxes if box is not None], np.float64).reshape(-1, 4)
        before = list(self._known)
        then = np.array([self._known[n][0] for n in before], np.float64).reshape(-1, 4)
        numbers: list[int | None] = [None] * len(boxes)
        alike = overlaps(now, then)
        for row, column in best_pairs(alike, _SAME):
            numbers[here[row]] = before[column]
        for row, place in enumerate(here):
            number = numbers[place]
            if number is None:
                number, self._next = self._next, self._next + 1
                numbers[place] = number
            self._known[number] = now[row], time
        return numbers
