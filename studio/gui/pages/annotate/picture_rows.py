"""Rows of the picture list, whoever knows them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload


@dataclass(frozen=True)
class Entry:
    """A row of the list. `state` is one of the list's STATES; `problem` says why."""

    path: Path
    state: str = "empty"
    people: int = 0
    shapes: int = 0
    split: str = ""
    problem: str = ""


class Rows(Sequence[Entry]):
    """What a filter leaves, in the list's order. What is known better for a picture that is being
    worked on stands over what was fetched.
    """

    def __init__(self) -> None:
        self._known: dict[Path, Entry] = {}

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> list[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | list[Entry]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        row = index + len(self) if index < 0 else index
        if not 0 <= row < len(self):
            raise IndexError(index)
        if self._known and (known := self._known.get(self.path(row))) is not None:
            return known
        return self.fetch(row)

    def know(self, entry: Entry) -> None:
        """What is so of one picture now."""
        self._known[entry.path] = entry

    def known(self) -> tuple[Entry, ...]:
        """What `know` was told."""
        return tuple(self._known.values())

    @abstractmethod
    def path(self, row: int) -> Path:
        """The picture of a row."""

    @abstractmethod
    def row_of(self, path: Path) -> int:
        """The row of a picture; -1 where it is not among them."""

    @abstractmethod
    def fetch(self, row: int) -> Entry:
        """A row as it was found."""

    @abstractmethod
    def lists_same(self, other: Rows) -> bool:
        """Whether both list the same pictures in the same order."""

    def refresh(self) -> None:
        """Fetch rows anew when they are looked at."""


class ListedRows(Rows):
    """Rows that are all at hand."""

    def __init__(self, entries: Sequence[Entry] = ()) -> None:
        super().__init__()
        self._entries = tuple(entries)
        self._places = {entry.path: row for row, entry in enumerate(self._entries)}

    def __len__(self) -> int:
        return len(self._entries)

    def path(self, row: int) -> Path:
        return self._entries[row].path

    def row_of(self, path: Path) -> int:
        return self._places.get(path, -1)

    def fetch(self, row: int) -> Entry:
        return self._entries[row]

    def lists_same(self, other: Rows) -> bool:
        return isinstance(other, ListedRows) and list(self._places) == list(other._places)
