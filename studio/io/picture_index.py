"""The project's list of pictures, kept in SQLite so that a hundred thousand open at once.

The index holds nothing that is not in the files: it may be deleted at any time and is made anew.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from pathlib import Path

import numpy as np

from studio.core.annotation import AnnotatedImage
from studio.core.skeleton import Skeleton
from studio.io import labelme
from studio.io.filters import parse_filter
from studio.io.index_database import IndexDatabase
from studio.io.picture_facts import PictureFacts, facts_of, natural_key
from studio.io.picture_rows import Listing, PictureEntry, Selection
from studio.io.picture_scan import Looked, Reader, ToRead, key_of, names_in
from studio.io.workers import Workers, chunks, helpers_for

__all__ = ["PictureEntry", "PictureIndex", "Rescan", "Selection"]

# Pictures that are read and taken in at once; the first ones are listed before the others.
_CHUNK = 100
_FIRST = 1000

_COLUMNS = (
    "id, path, annotation, state, problem, reviewed, people, shapes, occluded, missing_total, "
    "proposals, score, split, width, height"
)
_STORED = (
    "annotation", "stamp", "state", "problem", "reviewed", "people", "shapes", "occluded",
    "missing_total", "proposals", "score", "width", "height", "label_set", "missing_set",
    "gid_set",
)  # fmt: skip


@dataclass(frozen=True)
class Rescan:
    """What a rescan found: how many pictures are new, changed, gone, and how many there are."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    total: int = 0


Progress = Callable[[int, int], None]
Splits = Callable[[], dict[str, str]]


class PictureIndex:
    """The index of one project. Safe to use from several threads: each has its own connection,
    and readers do not wait for a rescan.
    """

    def __init__(
        self,
        folder: Path,
        picture_folders: Sequence[Path],
        skeletons: Sequence[Skeleton],
        *,
        skip: Callable[[str], bool] = lambda _path: False,
        splits: Splits = dict[str, str],
    ) -> None:
        self.folder = folder
        self._picture_folders = tuple(picture_folders)
        self._skeletons = tuple(skeletons)
        self._skip = skip
        self._splits = splits
        self._lock = threading.RLock()
        self._scanning = threading.Lock()
        self._known: Listing | None = None
        self._closing = threading.Event()
        self._database = IndexDatabase(folder, skeletons)
        self.path = self._database.path
        self._database.prepare()

    # --- reading

    def select(self, text: str = "") -> Selection:
        """The pictures that the filter picks, in the list's order, fetched when looked at.

        Raises UsageError.
        """
        found = parse_filter(text)
        with self._database.told():
            listing = self._listing()
            places = np.arange(len(listing.ids))
            if found.sql != "1":
                # One text instead of a hundred thousand rows: three times as fast.
                sql = f"SELECT group_concat(id) FROM pictures WHERE {found.sql}"  # noqa: S608
                text = self._database.connect().execute(sql, found.parameters).fetchone()[0] or ""
                ids = np.fromstring(text, dtype=np.int64, sep=",")
                # A picture that came after the listing was made is in the next one.
                known = listing.place_by_id
                places = np.sort(known[ids[ids < len(known)]])
                places = places[places >= 0]
        for first, last, wanted in found.places:
            end = len(listing.ids) if last is None else last
            inside = (places + 1 >= first) & (places + 1 <= end)
            places = places[inside == wanted]
        for pattern, wanted in found.patterns:
            search, paths = pattern.search, listing.paths
            kept = [p for p in places.tolist() if (search(paths[p]) is not None) == wanted]
            places = np.array(kept, dtype=np.int64)
        return Selection(listing, places, self._fetch)

    def query(self, text: str = "") -> list[PictureEntry]:
        """All rows that the filter picks at once. Raises UsageError."""
        return list(self.select(text))

    def count(self, text: str = "") -> int:
        """How many pictures the filter picks. Raises UsageError."""
        return len(self.select(text))

    def entry(self, picture: Path) -> PictureEntry | None:
        """The row of one picture, or None where it is not listed."""
        sql = f"SELECT {_COLUMNS} FROM pictures WHERE path = ?"  # noqa: S608 - our own words
        with self._database.told():
            row = self._database.connect().execute(sql, (self.key(picture),)).fetchone()
        return None if row is None else PictureEntry._make(row)

    def labels(self) -> dict[str, int]:
        """Every label with the number of pictures that have it, the most frequent first."""
        sql = (
            "SELECT item, SUM(n) AS n FROM set_items JOIN (SELECT label_set, COUNT(*) AS n FROM "
            "pictures GROUP BY label_set) ON set_id = label_set WHERE kind = 'label' "
            "GROUP BY item ORDER BY n DESC, item"
        )
        with self._database.told():
            return {
                str(label): int(count) for label, count in self._database.connect().execute(sql)
            }

    def states(self) -> dict[str, int]:
        """How many pictures are in each state."""
        sql = "SELECT state, COUNT(*) FROM pictures GROUP BY state"
        with self._database.told():
            return {
                str(state): int(count) for state, count in self._database.connect().execute(sql)
            }

    def picture(self, entry: PictureEntry) -> Path:
        """The picture's file."""
        return self.folder / entry.path

    def key(self, path: Path) -> str:
        """How a file is named in the index."""
        return key_of(str(path), str(self.folder))

    def _fetch(self, ids: Sequence[int]) -> dict[int, PictureEntry]:
        marks = ",".join("?" * len(ids))
        sql = f"SELECT {_COLUMNS} FROM pictures WHERE id IN ({marks})"  # noqa: S608
        with self._database.told():
            rows = self._database.connect().execute(sql, ids)
            return {row[0]: PictureEntry._make(row) for row in rows}

    def _listing(self) -> Listing:
        """All names in order; read again only where some came or went."""
        connection = self._database.connect()
        mark = connection.execute("SELECT value FROM meta WHERE key = 'listing'").fetchone()[0]
        listing = self._known
        if listing is None or listing.mark != mark:
            rows = connection.execute("SELECT id, path FROM pictures ORDER BY sort, path")
            pairs = rows.fetchall()
            ids = np.array([i for i, _ in pairs], dtype=np.int64)
            listing = self._known = Listing(ids, [path for _, path in pairs], str(mark))
        return listing

    # --- writing

    def rescan(
        self,
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
        listed: Callable[[], None] | None = None,
    ) -> Rescan:
        """Look through the picture folders; read again only what has another time or size.

        `listed()` is called as soon as the first names, and again when all names, are in the list;
        their annotations are read after that, many at a time by helper processes.
        `progress(done, total)` counts pictures looked at. Where `cancelled()` turns true what was
        done so far stays. Raises FileProblem where a folder cannot be listed.
        """
        with self._scanning, self._database.told():
            names = names_in(self._picture_folders, self.folder, self._skip)
            added, removed, todo = self._take_names(names, listed)
            changed, done, ended = 0, 0, self._is_over(cancelled)
            with Workers(helpers_for(len(todo), enough=3000), give_way=True) as workers:
                reader = Reader(self.folder, self._skeletons)
                pieces = chunks([] if ended else todo, _CHUNK)
                # Named tuples are watched by the garbage collector, plain ones of texts are not.
                asked = ([ToRead(*item) for item in piece] for piece in pieces)
                for looked in workers.map(reader.look, asked):
                    changed += self._take(looked)
                    done += len(looked)
                    if progress is not None:
                        progress(done, len(todo))
                    ended = self._is_over(cancelled)
                    if ended:
                        break
            if not ended:
                self._set_splits()
            return Rescan(added, max(0, changed - added), removed, len(names))

    def _is_over(self, cancelled: Callable[[], bool] | None) -> bool:
        return self._closing.is_set() or (cancelled is not None and cancelled())

    def update(self, picture: Path, image: AnnotatedImage | None = None) -> None:
        """Take in one picture that was just saved; `image` is what was written, if at hand."""
        path = self.key(picture)
        with self._database.told():
            if not picture.exists():
                self._change(gone=[path])
                return
            annotation = labelme.annotation_path(picture)
            beside = self.key(annotation) if annotation.is_file() else ""
            reader = Reader(self.folder, self._skeletons)
            stamp = reader.stamp(path, beside)
            facts = facts_of(image, self._skeletons) if image is not None else reader.facts(beside)
            self._change(new={path: beside})
            with self._lock, self._database.connect() as connection:
                self._store(connection, path, beside, stamp, facts)

    def _take_names(
        self, names: Mapping[str, str], listed: Callable[[], None] | None
    ) -> tuple[int, int, list[tuple[str, str, str]]]:
        """Bring the list of names up to date; how many came and went, and what to look at."""
        known = {path for (path,) in self._database.connect().execute("SELECT path FROM pictures")}
        gone = [path for path in known if path not in names]
        new = [path for path in names if path not in known]
        if gone:
            self._change(gone=gone)
        # Sorting a hundred thousand keys, or freeing what held them, would let no other thread
        # run meanwhile: the first few are picked one by one, and the database orders them all.
        first = new if known else nsmallest(_FIRST, new, key=lambda path: (natural_key(path), path))
        ahead = set(first)
        for piece in (first, [path for path in new if path not in ahead]):
            if piece:
                self._change(new={path: names[path] for path in piece})
                if listed is not None:
                    listed()
        if gone and not new and listed is not None:
            listed()
        # What stands at the top of the list is read first.
        rows = self._database.connect().execute(
            "SELECT path, annotation, stamp FROM pictures ORDER BY sort, path"
        )
        todo = [
            (path, names[path], stamp if annotation == names[path] else "")
            for path, annotation, stamp in rows
            if path in names
        ]
        return len(new), len(gone), todo

    def _change(self, *, new: Mapping[str, str] | None = None, gone: Iterable[str] = ()) -> None:
        """Names into the list and out of it; those there already stay as they are."""
        with self._lock, self._database.connect() as connection:
            before = connection.total_changes
            connection.executemany("DELETE FROM pictures WHERE path = ?", [(p,) for p in gone])
            # What is not read yet has an annotation, for all that is known, or has none.
            connection.executemany(
                "INSERT OR IGNORE INTO pictures (path, sort, annotation, state) VALUES (?, ?, ?, ?)",
                (
                    (path, natural_key(path), beside, "annotated" if beside else "empty")
                    for path, beside in (new or {}).items()
                ),
            )
            if connection.total_changes != before:
                connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'listing'")

    def _take(self, looked: Sequence[Looked]) -> int:
        """Facts into the list, but where the picture was saved since it was listed."""
        found = [one for one in looked if one.facts is not None]
        if not found:
            return 0
        with self._lock, self._database.connect() as connection:
            for item, stamp, facts in found:
                assert facts is not None
                row = connection.execute("SELECT stamp FROM pictures WHERE path = ?", (item.path,))
                now = row.fetchone()
                if now is not None and now[0] in (item.stamp, ""):
                    self._store(connection, item.path, item.annotation, stamp, facts)
        return len(found)

    def _store(
        self,
        connection: sqlite3.Connection,
        path: str,
        annotation: str,
        stamp: str,
        facts: PictureFacts,
    ) -> None:
        values = (
            annotation, stamp, facts.state, facts.problem, int(facts.reviewed), facts.people,
            facts.shapes, facts.occluded, sum(facts.missing.values()), facts.proposals,
            facts.score, facts.width, facts.height,
            self._set_of(connection, "label", facts.labels),
            self._set_of(connection, "missing", facts.missing),
            self._set_of(connection, "gid", facts.groups),
        )  # fmt: skip
        columns = ", ".join(f"{name} = ?" for name in _STORED)
        sql = f"UPDATE pictures SET {columns} WHERE path = ?"  # noqa: S608 - our own words
        connection.execute(sql, (*values, path))

    def _set_of(
        self, connection: sqlite3.Connection, kind: str, items: Iterable[str | int]
    ) -> int | None:
        """The number of a set of labels, joints or ids: most pictures share a few of them."""
        listed = sorted(set(items))  # type: ignore[type-var]
        if not listed:
            return None
        mark = f"{kind}\0" + "\0".join(map(str, listed))
        row = connection.execute("SELECT id FROM sets WHERE mark = ?", (mark,)).fetchone()
        if row is not None:
            return int(row[0])
        number = connection.execute("INSERT INTO sets (mark) VALUES (?)", (mark,)).lastrowid
        connection.executemany(
            "INSERT INTO set_items VALUES (?, ?, ?)",
            # A file may hold any whole number, the database only those of 64 bits.
            [(kind, i if isinstance(i, str) or abs(i) < 2**63 else str(i), number) for i in listed],
        )
        return number

    def _set_splits(self) -> None:
        sides = {self.key(Path(path)): side for path, side in self._splits().items()}
        with self._lock, self._database.connect() as connection:
            connection.execute("UPDATE pictures SET split = '' WHERE split <> ''")
            connection.executemany(
                "UPDATE pictures SET split = ? WHERE path = ?",
                [(side, path) for path, side in sides.items()],
            )

    def close(self) -> None:
        """End a scan in another thread and close all connections; the next use opens anew."""
        self._closing.set()
        with self._scanning, self._lock:
            self._known = None
            self._database.close()
        self._closing.clear()

    def __iter__(self) -> Iterator[PictureEntry]:
        return iter(self.query())
