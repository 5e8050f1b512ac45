"""One change of many files that can be taken back: what they held before and after, on disk.

A snapshot is a folder, `.studio/snapshots/<id>`: `snapshot.json` names the files with the hashes
of what they held and hold, the contents stand beside it under their hashes. A file that another
program changed meanwhile is never overwritten. A change cut off by a crash is found by
`unfinished` and can be put back.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from studio.core.annotation import AnnotatedImage
from studio.core.errors import Cancelled, FileProblem, StudioError
from studio.io import labelme
from studio.io.files import atomic_write_bytes, problem_of, read_bytes, read_json, write_json
from studio.io.images import image_size
from studio.io.journal import NO_FILE, content_hash, file_hash

FOLDER = Path(".studio") / "snapshots"
# Older ones go when a new one is made: nobody takes back a step of last month.
KEPT = 50
WRITERS = 8
LIST = "snapshot.json"
BEGUN, DONE = "begun", "done"

Progress = Callable[[int, int], None]
Stop = Callable[[], bool]


@dataclass(frozen=True)
class FileChange:
    """One file's content before and after, by hash; "" (NO_FILE) where there is no file."""

    path: Path
    before: str
    after: str


@dataclass(frozen=True)
class Snapshot:
    """A change that stands on the disk. `files` are as they are now (`after`) and were."""

    folder: Path
    title: str
    files: tuple[FileChange, ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files, in the order they were changed."""
        return tuple(f.path for f in self.files)


def apply(
    changes: Iterable[tuple[Path, bytes | None]],
    store: Path,
    *,
    title: str = "",
    progress: Progress | None = None,
    cancelled: Stop | None = None,
    expect: Mapping[Path, str] | None = None,
) -> Snapshot:
    """Give files new contents (None: remove the file) and keep what they held in `store`.

    Contents are kept first, then the files change, each in one step. Where one fails those that
    had changed are put back. `expect`: content hashes that the files must have.
    Raises FileProblem, or Cancelled with nothing changed.
    """
    folder = _new_folder(store)
    try:
        files = tuple(_keep_all(changes, folder, expect or {}, cancelled))
        snapshot = Snapshot(folder, title, files)
        _write_list(snapshot, BEGUN)
        _perform(snapshot, progress)
        _write_list(snapshot, DONE)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return snapshot


def revert(snapshot: Snapshot, *, progress: Progress | None = None) -> Snapshot:
    """Put back what the files held; the snapshot returned does the same the other way.

    Raises FileProblem naming the first file that is no longer as the snapshot left it; nothing
    is changed then.
    """
    swapped = tuple(replace(f, before=f.after, after=f.before) for f in snapshot.files)
    back = replace(snapshot, files=swapped)
    _check(back)
    _write_list(back, BEGUN)
    try:
        _perform(back, progress)
    finally:
        _write_list(back, DONE)
    return back


def unfinished(store: Path) -> tuple[Snapshot, ...]:
    """Changes that a killed program left half made, the newest first."""
    import psutil

    found: list[Snapshot] = []
    for path in sorted(store.glob(f"*/{LIST}"), reverse=True):
        try:
            data = read_json(path)
            if data["state"] != BEGUN or psutil.pid_exists(int(data["pid"])):
                continue
            files = tuple(
                FileChange(Path(f["path"]), str(f["before"]), str(f["after"]))
                for f in data["files"]
            )
        except (StudioError, KeyError, TypeError, ValueError):
            # Cut short itself: no file of the project had been touched yet.
            continue
        found.append(Snapshot(path.parent, str(data.get("title", "")), files))
    return tuple(found)


def put_back(snapshot: Snapshot) -> tuple[Path, ...]:
    """Files of an unfinished change as they were before it; gives those that somebody changed
    since, which are left alone. Raises FileProblem.
    """
    left: list[Path] = []
    for change in snapshot.files:
        now = file_hash(change.path)
        if now == change.after:
            _set(snapshot.folder, change.path, change.before)
        elif now != change.before:
            left.append(change.path)
    _write_list(snapshot, DONE)
    return tuple(left)


def edit_files(
    pictures: Iterable[Path],
    change: Callable[[Path, AnnotatedImage], AnnotatedImage | None],
    store: Path,
    *,
    title: str = "",
    progress: Progress | None = None,
    cancelled: Stop | None = None,
    problems: list[StudioError] | None = None,
) -> Snapshot | None:
    """Change the annotations beside many pictures in one step that can be taken back.

    `change(picture, annotations)` gives the new annotations, or None to leave the file alone. A
    file that cannot be read is left alone and told in `problems` (raised without one). None where
    nothing changed. Raises as `apply`.
    """

    def changes() -> Iterable[tuple[Path, bytes | None]]:
        for picture in pictures:
            try:
                found = _changed(picture, change)
            except StudioError as problem:
                if problems is None:
                    raise
                problems.append(problem)
                continue
            if found is not None:
                yield found

    snapshot = apply(changes(), store, title=title, progress=progress, cancelled=cancelled)
    if not snapshot.files:
        shutil.rmtree(snapshot.folder, ignore_errors=True)
        return None
    return snapshot


def _changed(
    picture: Path, change: Callable[[Path, AnnotatedImage], AnnotatedImage | None]
) -> tuple[Path, bytes] | None:
    path = labelme.annotation_path(picture)
    old = read_bytes(path) if path.is_file() else None
    if old is None:
        image = labelme.new_image(picture, image_size(picture))
    else:
        image = labelme.parse(old, path)
    after = change(picture, image)
    if after is None or after == image:
        return None
    return path, labelme.dumps(after, like=old, path=path)


def _keep_all(
    changes: Iterable[tuple[Path, bytes | None]],
    folder: Path,
    expect: Mapping[Path, str],
    cancelled: Stop | None,
) -> Iterable[FileChange]:
    for path, content in changes:
        if cancelled is not None and cancelled():
            raise Cancelled
        old = read_bytes(path) if path.is_file() else None
        before = NO_FILE if old is None else content_hash(old)
        if path in expect and expect[path] != before:
            raise _changed_outside(path)
        after = NO_FILE if content is None else content_hash(content)
        if before == after:
            continue
        for digest, data in ((before, old), (after, content)):
            if data is not None:
                _keep(folder / digest, data)
        yield FileChange(path, before, after)


def _keep(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise problem_of(error, path, "write") from error


def _perform(snapshot: Snapshot, progress: Progress | None) -> None:
    """Every file from `before` to `after`, or none."""
    _check(snapshot)
    done: list[FileChange] = []

    def make(change: FileChange) -> None:
        _set(snapshot.folder, change.path, change.after)
        done.append(change)

    # Most of the time goes by until the disk says that a file is on it; several may wait at once.
    with ThreadPoolExecutor(WRITERS, thread_name_prefix="snapshot") as pool:
        try:
            for number, _ in enumerate(pool.map(make, snapshot.files), 1):
                if progress is not None:
                    progress(number, len(snapshot.files))
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            for change in done:
                _set(snapshot.folder, change.path, change.before)
            raise


def _check(snapshot: Snapshot) -> None:
    for change in snapshot.files:
        if file_hash(change.path) != change.before:
            raise _changed_outside(change.path)


def _set(folder: Path, path: Path, digest: str) -> None:
    if digest != NO_FILE:
        atomic_write_bytes(path, read_bytes(folder / digest))
        return
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise problem_of(error, path, "remove") from error


def _changed_outside(path: Path) -> FileProblem:
    return FileProblem(
        "Another program changed this file meanwhile; nothing was changed.",
        where=path,
        hint="Look at it first. What was to be put there is kept in .studio/snapshots.",
    )


def _new_folder(store: Path) -> Path:
    folder = store / f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
    try:
        store.mkdir(parents=True, exist_ok=True)
        _remove_old(store)
        folder.mkdir()
    except OSError as error:
        raise problem_of(error, folder, "make") from error
    return folder


def _remove_old(store: Path) -> None:
    folders = sorted(p for p in store.iterdir() if (p / LIST).is_file())
    for folder in folders[: max(0, len(folders) - KEPT + 1)]:
        shutil.rmtree(folder, ignore_errors=True)


def _write_list(snapshot: Snapshot, state: str) -> None:
    files = [{"path": str(f.path), "before": f.before, "after": f.after} for f in snapshot.files]
    data = {"v": 1, "title": snapshot.title, "state": state, "pid": os.getpid(), "files": files}
    write_json(snapshot.folder / LIST, data)
