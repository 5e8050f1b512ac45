"""Arrays for frames that are used again: new memory for every frame costs more than filling it."""

from __future__ import annotations

import sys

import numpy as np
import numpy.typing as npt


def _references(arrays: list[npt.NDArray[np.uint8]], place: int) -> int:
    """How many hold an array. No name stands for it here: Python 3.14 does not count those that it
    lends to a call.
    """
    return sys.getrefcount(arrays[place])


_NOBODY = _references([np.empty(0, np.uint8)], 0)


class Buffers:
    """Hands out arrays and takes those again that nobody else holds any more, views included.

    One thread takes; any may let go. At most the newest `most` are kept for another time. The
    references are those that CPython counts.
    """

    def __init__(self, most: int = 24) -> None:
        self._most = most
        self._kept: list[npt.NDArray[np.uint8]] = []

    def take(self, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
        """An array of `shape` with anything in it."""
        for place in range(len(self._kept)):
            if self._kept[place].shape == shape and _references(self._kept, place) == _NOBODY:
                return self._kept[place]
        fresh = np.empty(shape, np.uint8)
        if len(self._kept) >= self._most:
            self._kept.pop(0)
        self._kept.append(fresh)
        return fresh
