"""Writing so that a crash, a cancel or a full disk leaves the old file or the new one, never half.

Everything is written beside its place, flushed to the disk and renamed. Names of unfinished
files end in `.part` and name the process that makes them, so that what a killed process left
behind is found and removed by the next one.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import socket
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from studio.core.errors import FileProblem, FormatError

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".gif"}
)

_IS_WINDOWS = os.name == "nt"
_HOST = re.sub(r"[^A-Za-z0-9]", "", socket.gethostname())[:20] or "host"
_PART = re.compile(r"^\..+\.(?P<host>[A-Za-z0-9]+)-(?P<pid>\d+)-[0-9a-f]{8}\.part(\.\w+)?$")
_FULL = frozenset(
    code for name in ("ENOSPC", "EDQUOT") if (code := getattr(errno, name, None)) is not None
)


def problem_of(error: OSError, path: Path | str, doing: str) -> FileProblem:
    """`error` in words: what could not be done (`doing`: "read", "write", ...) and what to do."""
    if error.errno in _FULL:
        return FileProblem(
            f"The disk is full; nothing was changed while trying to {doing} this.",
            where=path,
            hint="Free some space, or choose another folder, and try again.",
        )
    if isinstance(error, FileNotFoundError):
        message, hint = "This is not there", "Check the path."
    elif isinstance(error, PermissionError):
        message, hint = f"No permission to {doing} this", "Check who may write there."
    elif isinstance(error, IsADirectoryError):
        message, hint = f"This is a folder; a file was expected to {doing}", "Check the path."
    elif isinstance(error, NotADirectoryError):
        message, hint = "A file stands where a folder should be", "Check the path."
    elif error.errno == errno.EROFS:
        message, hint = "This place is read-only", "Choose another folder."
    else:
        message, hint = f"Cannot {doing} this: {error.strerror or error}", ""
    return FileProblem(message + ".", where=path, hint=hint)


def disk_is_full(error: BaseException) -> bool:
    """Whether that is what an error of `problem_of` came from."""
    return isinstance(error.__cause__, OSError) and error.__cause__.errno in _FULL


def part_path(path: Path, suffix: str = "") -> Path:
    """A fresh name beside `path` for its unfinished content.

    `suffix` keeps an ending that a library insists on.
    """
    name = f".{path.name}.{_HOST}-{os.getpid()}-{secrets.token_hex(4)}.part{suffix}"
    return path.with_name(name)


def replace(source: Path, target: Path) -> None:
    """Rename over `target`; waits a moment where Windows still holds the old one open."""
    for attempt in range(10):
        try:
            source.replace(target)
        except PermissionError:
            if not _IS_WINDOWS or attempt == 9:
                raise
            time.sleep(0.05 * (attempt + 1))
        else:
            return


def atomic_write_bytes(path: Path | str, data: bytes) -> None:
    """Replace `path` by `data` in one step, on the disk when this returns.

    Makes missing folders and keeps the old file's permissions. Raises FileProblem; the old file
    is then untouched.
    """
    with atomic_stream(path) as stream:
        stream.write(data)


@contextlib.contextmanager
def atomic_stream(path: Path | str) -> Generator[BinaryIO]:
    """`atomic_write_bytes` of what the block writes, for content that need not be in memory
    whole. An exception of the block's own leaves the old file and goes on as it is.
    """
    path = Path(path)
    part = part_path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("xb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            if path.exists():
                shutil.copymode(path, part)
            replace(part, path)
        finally:
            part.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except OSError as error:
        raise problem_of(error, path, "write") from error


def atomic_write_text(path: Path | str, text: str) -> None:
    """`atomic_write_bytes` of UTF-8 text with the line ends as given."""
    atomic_write_bytes(path, text.encode("utf-8"))


@contextlib.contextmanager
def atomic_folder(path: Path | str, *, overwrite: bool = False) -> Generator[Path]:
    """A fresh folder that becomes `path` when the block ends well, and vanishes when it does not.

    `overwrite`: an existing `path` is replaced, again in one step and only at the very end;
    without it an existing folder that is not empty raises FileProblem.
    """
    path = Path(path).absolute()
    if path.exists() and (not path.is_dir() or (not overwrite and any(path.iterdir()))):
        raise FileProblem(
            "There is already something here.",
            where=path,
            hint="Choose another folder, or remove this one first.",
        )
    part = part_path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path.parent)
        part.mkdir()
    except OSError as error:
        raise problem_of(error, path, "make") from error
    try:
        yield part
        _swap(part, path)
    except OSError as error:
        raise problem_of(error, path, "write") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _swap(part: Path, path: Path) -> None:
    if not path.exists():
        replace(part, path)
        return
    old = part_path(path)
    replace(path, old)
    try:
        replace(part, path)
    except OSError:
        replace(old, path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def remove_leftovers(folder: Path) -> tuple[Path, ...]:
    """Remove unfinished files and folders that processes of this machine left when they died."""
    import psutil

    removed: list[Path] = []
    for entry in folder.iterdir():
        match = _PART.match(entry.name)
        if match is None or match["host"] != _HOST or psutil.pid_exists(int(match["pid"])):
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
        removed.append(entry)
    return tuple(removed)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself last; not every system can."""
    if _IS_WINDOWS:
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EBADF, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def read_bytes(path: Path | str) -> bytes:
    """The whole file. Raises FileProblem."""
    try:
        with open(path, "rb", buffering=0) as stream:  # noqa: PTH123 - twice as fast here
            return stream.read()
    except OSError as error:
        raise problem_of(error, path, "read") from error


def read_text(path: Path | str) -> str:
    """The whole file as UTF-8, a byte order mark left out. Raises FileProblem, FormatError."""
    try:
        return read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(
            f"This is not UTF-8 text (byte {error.start}).",
            where=path,
            hint="Save it as UTF-8 and try again.",
        ) from error


def read_json(path: Path | str) -> Any:
    """The file's JSON value. Raises FileProblem, or FormatError naming line and column."""
    return parse_json(read_bytes(path), path)


def parse_json(data: bytes, path: Path | str) -> Any:
    """JSON of the file `path`. Raises FormatError naming line and column."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise _json_problem(error, data, path) from error


def _json_problem(error: orjson.JSONDecodeError, data: bytes, path: Path | str) -> FormatError:
    place = f"{path}:{error.lineno}"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as wrong:
        return FormatError(
            f"This is not UTF-8 text (byte {wrong.start}).",
            where=path,
            hint="Save it as UTF-8 and try again.",
        )
    if not data.strip():
        return FormatError(
            "This file is empty.", where=path, hint="Restore it from a copy, or delete it."
        )
    if re.match(r"-?(NaN|Infinity)", error.doc[max(error.pos - 1, 0) : error.pos + 9].strip(" [,")):
        return FormatError(
            f"Line {error.lineno} holds a number that is not finite (NaN or Infinity), which JSON "
            "does not allow.",
            where=place,
            hint="Put a real number there, or take the shape out.",
        )
    if error.pos >= len(error.doc.rstrip()) - 1:
        what = f"The file ends too early, in line {error.lineno} (byte {len(data)})"
    else:
        what = f"Line {error.lineno}, column {error.colno} is not JSON: {error.msg}"
    return FormatError(
        what + ".", where=place, hint="Restore it from a copy, or mend it in a text editor."
    )


def write_json(path: Path | str, value: Any) -> None:
    """`value` as indented JSON, atomically. Raises FileProblem."""
    atomic_write_bytes(path, orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n")


def list_images(folder: Path | str, *, recursive: bool = False) -> tuple[Path, ...]:
    """The pictures of a folder by name's order, hidden files and folders left out.

    Raises FileProblem where there is no such folder.
    """
    folder = Path(folder)
    found: list[Path] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    if recursive and not entry.is_symlink():
                        found.extend(list_images(entry.path, recursive=True))
                elif Path(entry.name).suffix.lower() in IMAGE_SUFFIXES:
                    found.append(folder / entry.name)
    except OSError as error:
        raise problem_of(error, folder, "read") from error
    return tuple(sorted(found))
