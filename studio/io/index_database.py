"""The database of a project's list of pictures: made, opened, made anew where it cannot be used."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import threading
from collections.abc import Generator, Sequence
from pathlib import Path

from studio.core.errors import FileProblem
from studio.core.skeleton import Skeleton

SCHEMA_VERSION = 3
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE pictures (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, sort TEXT NOT NULL,
    annotation TEXT NOT NULL, stamp TEXT NOT NULL DEFAULT '', state TEXT NOT NULL DEFAULT 'empty',
    problem TEXT NOT NULL DEFAULT '', reviewed INTEGER NOT NULL DEFAULT 0,
    people INTEGER NOT NULL DEFAULT 0, shapes INTEGER NOT NULL DEFAULT 0,
    occluded INTEGER NOT NULL DEFAULT 0, missing_total INTEGER NOT NULL DEFAULT 0,
    proposals INTEGER NOT NULL DEFAULT 0, score REAL, split TEXT NOT NULL DEFAULT '',
    width INTEGER NOT NULL DEFAULT 0, height INTEGER NOT NULL DEFAULT 0,
    label_set INTEGER, missing_set INTEGER, gid_set INTEGER
);
CREATE INDEX pictures_sort ON pictures (sort, path);
CREATE TABLE sets (id INTEGER PRIMARY KEY, mark TEXT NOT NULL UNIQUE);
CREATE TABLE set_items (kind TEXT, item, set_id INTEGER, PRIMARY KEY (kind, item, set_id))
    WITHOUT ROWID;
"""


class IndexDatabase:
    """The file of one project, with a connection for each thread. What skeletons say is stored
    with the pictures: other skeletons make it anew.
    """

    def __init__(self, folder: Path, skeletons: Sequence[Skeleton]) -> None:
        self.path = _database_path(folder)
        self._skeletons = tuple(skeletons)
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []

    def prepare(self) -> None:
        """Open the list, or make it anew. Raises FileProblem."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._open_or_make()
            except sqlite3.DatabaseError:
                # Damaged or from another program: all it holds can be read again from the files.
                self.close()
                self._remove()
                self._open_or_make()
        except (OSError, sqlite3.Error) as error:
            raise FileProblem(
                f"The list of pictures cannot be kept here: {error}.",
                where=self.path,
                hint="Delete the folder .studio in the project, or make room on the disk.",
            ) from error

    def _open_or_make(self) -> None:
        connection = self.connect()
        wanted = {"version": str(SCHEMA_VERSION), "skeletons": self._skeleton_mark()}
        tables = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
        if tables:
            with contextlib.suppress(sqlite3.OperationalError):
                meta = {str(k): str(v) for k, v in connection.execute("SELECT * FROM meta")}
                if wanted.items() <= meta.items():
                    return
            self.close()
            self._remove()
            connection = self.connect()
        connection.executescript(_SCHEMA)
        with connection:
            rows = [*wanted.items(), ("listing", "0")]
            connection.executemany("INSERT INTO meta VALUES (?, ?)", rows)

    def _skeleton_mark(self) -> str:
        text = repr([s.to_mapping() for s in self._skeletons])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            Path(str(self.path) + suffix).unlink(missing_ok=True)

    def connect(self) -> sqlite3.Connection:
        """This thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self.path, timeout=30, check_same_thread=False)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")
            self._local.connection = connection
            self._connections.append(connection)
        return connection

    def close(self) -> None:
        """Close all connections; the next use opens anew."""
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        self._local = threading.local()

    @contextlib.contextmanager
    def told(self) -> Generator[None]:
        """Turn the database's own errors into words."""
        try:
            yield
        except sqlite3.Error as error:
            raise FileProblem(
                f"The list of pictures cannot be used: {error}.",
                where=self.path,
                hint="Open the project again; if that does not help, delete its folder .studio.",
            ) from error


def _database_path(folder: Path) -> Path:
    place = folder / ".studio"
    if os.access(place if place.is_dir() else folder, os.W_OK):
        return place / "index.sqlite3"
    import platformdirs

    # A project on a read-only disk keeps its list with the user.
    mark = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    return (
        Path(platformdirs.user_cache_dir("pose-studio", appauthor=False)) / f"index-{mark}.sqlite3"
    )
