"""A part of the picture list, its rows fetched when they are looked at."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple, overload

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]

_BLOCK = 128
_BLOCKS = 16


class PictureEntry(NamedTuple):
    """One row of the list. `path` and `annotation` are relative to the project's folder, with
    forward slashes, or absolute where they stand outside; `annotation` is "" where there is none.
    """

    id: int
    path: str
    annotation: str
    state: str
    problem: str
    reviewed: int
    people: int
    shapes: int
    occluded: int
    missing: int
    proposals: int
    score: float | None
    split: str
    width: int
    height: int


class Listing:
    """All pictures in the list's order: (N,) ids and their paths."""

    def __init__(self, ids: IntArray, paths: list[str], mark: str) -> None:
        self.ids = ids
        self.paths = paths
        self.mark = mark

    @cached_property
    def place_by_path(self) -> Mapping[str, int]:
        """Each path's place, from 0."""
        return {path: place for place, path in enumerate(self.paths)}

    @cached_property
    def place_by_id(self) -> IntArray:
        """(largest id + 1,) places, -1 where an id is not used."""
        places = np.full(int(self.ids.max(initial=0)) + 1, -1, dtype=np.int64)
        places[self.ids] = np.arange(len(self.ids))
        return places


class Selection(Sequence[PictureEntry]):
    """The pictures that a filter picked, as they were listed when it was asked.

    `selection[row]` fetches rows some at a time and keeps the last few thousand; what they say is
    forgotten with `refresh`. Use it from one thread.
    """

    def __init__(
        self,
        listing: Listing,
        places: IntArray,
        fetch: Callable[[Sequence[int]], dict[int, PictureEntry]],
    ) -> None:
        self._listing = listing
        self._places = places
        self._fetch = fetch
        self._blocks: OrderedDict[int, list[PictureEntry]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> PictureEntry: ...
    @overload
    def __getitem__(self, index: slice) -> list[PictureEntry]: ...
    def __getitem__(self, index: int | slice) -> PictureEntry | list[PictureEntry]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        row = index + len(self) if index < 0 else index
        if not 0 <= row < len(self):
            raise IndexError(index)
        return self._block(row // _BLOCK)[row % _BLOCK]

    def __iter__(self) -> Iterator[PictureEntry]:
        for start in range(0, len(self), _BLOCK):
            yield from self._read(start)

    def path(self, row: int) -> str:
        """The row's path, as `PictureEntry.path`, without a look into the index."""
        return self._listing.paths[int(self._places[row])]

    def row_of(self, path: str) -> int:
        """The row of a picture by its `PictureEntry.path`; -1 where it is not among them."""
        place = self._listing.place_by_path.get(path, -1)
        row = int(np.searchsorted(self._places, place))
        return row if place >= 0 and row < len(self) and self._places[row] == place else -1

    def lists_same(self, other: Selection) -> bool:
        """Whether both list the same pictures in the same order, whatever they say of them."""
        if not np.array_equal(self._places, other._places):
            return False
        return self._listing is other._listing or self._listing.paths == other._listing.paths

    def refresh(self) -> None:
        """Fetch rows anew when they are next looked at: their files were read or changed."""
        self._blocks.clear()

    def _block(self, number: int) -> list[PictureEntry]:
        block = self._blocks.get(number)
        if block is None:
            block = self._blocks[number] = self._read(number * _BLOCK)
            while len(self._blocks) > _BLOCKS:
                self._blocks.popitem(last=False)
        return block

    def _read(self, start: int) -> list[PictureEntry]:
        places = self._places[start : start + _BLOCK]
        ids: list[int] = self._listing.ids[places].tolist()
        found = self._fetch(ids)
        paths = [self._listing.paths[int(place)] for place in places]
        return [found.get(i) or _gone(i, path) for i, path in zip(ids, paths, strict=True)]


def _gone(number: int, path: str) -> PictureEntry:
    """A picture that left the list since it was asked for."""
    return PictureEntry(number, path, "", "empty", "", 0, 0, 0, 0, 0, 0, None, "", 0, 0)
