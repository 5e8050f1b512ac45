"""Arrays for frames that are used again: new memory for every frame costs more than filling it."""

from __future__ import annotations

import sys

import numpy as np
import numpy.typing as npt

# The pool's own list, the loop's name and the count's own argument.
_NOBODY = 3


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
        for buffer in self._kept:
            if buffer.shape == shape and sys.getrefcount(buffer) == _NOBODY:
                return buffer
        fresh = np.empty(shape, np.uint8)
        if len(self._kept) >= self._most:
            self._kept.pop(0)
        self._kept.append(fresh)
        return fresh
