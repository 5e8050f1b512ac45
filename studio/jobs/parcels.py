"""What a training needs of this machine's files, packed to be sent to another one.

A parcel is a folder or a file as one tar archive without times or owners, so that the same
content gives the same bytes; it is called by their SHA-256, and whoever has it already is not
sent it again. Links are followed: what they point to travels.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import platformdirs
import yaml

from studio.core.errors import DataError, FileProblem, UsageError
from studio.io.datasets import DATASET_JSON
from studio.io.files import atomic_folder, problem_of, read_text

DATA_YAML = "pose-studio-data.yaml"
_YAML = frozenset({".yaml", ".yml"})
# Parcels that nobody asked for so long are thrown away by the next one that is unpacked.
_KEPT_SECONDS = 14 * 86_400
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Parcel:
    """`archive` holds `root`; `inside` is what the training is told: the path in it, "" for all."""

    root: Path
    inside: str
    archive: Path
    digest: str
    size: int


@dataclass(frozen=True)
class _Content:
    """What goes in: files by their name inside, and texts that are written anew."""

    root: Path
    inside: str
    files: tuple[tuple[str, Path], ...]
    texts: tuple[tuple[str, str], ...] = ()


def pack(path: Path, limit: float, into: Path, *, leave: frozenset[str] = frozenset()) -> Parcel:
    """Pack a dataset, a folder or a file into the folder `into`.

    limit: bytes. leave: names at the top of a folder that stay here. Raises FileProblem,
    DataError, and UsageError where it is larger than `limit`.
    """
    content = _content_of(path.expanduser().absolute(), leave)
    size = 0
    for _, file in content.files:
        try:
            size += file.stat().st_size
        except OSError as error:
            raise problem_of(error, file, "read") from error
    if size > limit:
        raise UsageError(
            f"This is {size / 1e9:.2f} GB, more than the {limit / 1e9:g} GB that are sent at most.",
            where=str(path),
            hint="Raise --send-limit, or keep it where every machine of the cluster sees it under "
            "the same path and give --send never.",
        )
    archive = into / f"{len(list(into.iterdir()))}.tar"
    try:
        digest = _write(content, archive)
    except OSError as error:
        raise problem_of(error, error.filename or path, "pack") from error
    return Parcel(content.root, content.inside, archive, digest, archive.stat().st_size)


def _content_of(path: Path, leave: frozenset[str]) -> _Content:
    if not path.exists():
        raise FileProblem("This is not there, so it cannot be sent.", where=path)
    if path.is_dir():
        return _Content(path, "", tuple(_files(path, leave)))
    if path.name == DATASET_JSON:
        return _Content(path.parent, path.name, tuple(_files(path.parent, leave)))
    if path.suffix.lower() in _YAML:
        return _of_yaml(path)
    return _Content(path.parent, path.name, ((path.name, path),))


def _of_yaml(path: Path) -> _Content:
    """A data file and the folder that it means; a `path` in it is this machine's, and taken out."""
    try:
        said: Any = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        raise DataError(f"This data file cannot be read: {error}.", where=path) from error
    if not isinstance(said, dict) or "train" not in said:
        # Not a dataset's: a model's description, a configuration.
        return _Content(path.parent, path.name, ((path.name, path),))
    root = (path.parent / str(said.pop("path", "") or "")).resolve()
    for side in ("train", "val", "test"):
        places = said.get(side) or ()
        for place in (places,) if isinstance(places, str) else places:
            inside = (root / str(place)).resolve()
            if Path(str(place)).is_absolute() or not inside.is_relative_to(root):
                raise DataError(
                    f"Its {side} pictures stand outside the dataset's folder, so they cannot be sent.",
                    where=path,
                    hint="Convert the dataset first, or give --send never where every machine of "
                    "the cluster sees these paths.",
                )
    text = yaml.safe_dump(said, sort_keys=False, allow_unicode=True)
    return _Content(root, DATA_YAML, tuple(_files(root, frozenset())), ((DATA_YAML, text),))


def _files(root: Path, leave: frozenset[str]) -> Iterator[tuple[str, Path]]:
    """Every file below `root` by its name there, in order; hidden and unfinished ones stay."""
    for folder, folders, names in os.walk(root, followlinks=True):
        here = Path(folder)
        top = here == root
        folders[:] = sorted(
            f for f in folders if not f.startswith(".") and not (top and f in leave)
        )
        for name in sorted(names):
            if name.startswith(".") or name.endswith(".part") or (top and name in leave):
                continue
            file = here / name
            yield file.relative_to(root).as_posix(), file


def _write(content: _Content, archive: Path) -> str:
    with archive.open("wb") as out:
        hashing = _Hashing(out)
        with tarfile.open(
            fileobj=cast("IO[bytes]", hashing), mode="w|", format=tarfile.PAX_FORMAT
        ) as tar:
            for name, file in content.files:
                with file.open("rb") as stream:
                    tar.addfile(_head(name, os.fstat(stream.fileno()).st_size), stream)
            for name, text in content.texts:
                data = text.encode()
                with io.BytesIO(data) as stream:
                    tar.addfile(_head(name, len(data)), stream)
    return hashing.digest()


def _head(name: str, size: int) -> tarfile.TarInfo:
    head = tarfile.TarInfo(name)
    head.size = size
    head.mode = 0o644
    return head


class _Hashing:
    """A file that is written to and hashed at once."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._hash = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        return self._out.write(data)

    def digest(self) -> str:
        return self._hash.hexdigest()


def blocks(archive: Path, size: int = 32 * _BLOCK) -> Iterator[bytes]:
    """The archive in pieces."""
    with archive.open("rb") as stream:
        while piece := stream.read(size):
            yield piece


def parcel_folder() -> Path:
    """Where this machine keeps what it was sent."""
    return Path(platformdirs.user_cache_dir("pose-studio", appauthor=False)) / "parcels"


def kept(digest: str) -> Path | None:
    """The folder of a parcel that is here already; it counts as used now."""
    folder = parcel_folder() / digest
    if not folder.is_dir():
        return None
    os.utime(folder)
    return folder


def unpack(digest: str, pieces: Iterator[bytes]) -> Path:
    """Check and unpack a parcel; its folder. Raises DataError where it is not what it is called."""
    root = parcel_folder()
    root.mkdir(parents=True, exist_ok=True)
    _throw_old_away(root)
    archive = root / f".{digest}-{os.getpid()}.tar"
    try:
        digesting = hashlib.sha256()
        with archive.open("wb") as out:
            for piece in pieces:
                digesting.update(piece)
                out.write(piece)
        if digesting.hexdigest() != digest:
            raise DataError("What was sent came damaged.", where=digest, hint="Start again.")
        with atomic_folder(root / digest, overwrite=True) as folder, tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
    except tarfile.TarError as error:
        raise DataError(f"What was sent cannot be unpacked: {error}.", where=digest) from error
    finally:
        archive.unlink(missing_ok=True)
    return root / digest


def _throw_old_away(root: Path) -> None:
    for folder in root.iterdir():
        if folder.is_dir() and time.time() - folder.stat().st_mtime > _KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
