"""Writing predictions and drawn frames as they come: each file stands in its place when it is
whole, and a run that is stopped keeps what was finished.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
import numpy.typing as npt
import orjson

from studio.core.errors import StudioError
from studio.io.files import part_path, problem_of, replace
from studio.io.video import VideoWriter
from studio.runtime.results import alphapose_record, csv_head_line, csv_rows

Frame = npt.NDArray[np.uint8]

# Where a live source does not say its pace, its video is written at this one.
DEFAULT_FPS = 25.0


class _PartFile:
    """A file that grows beside its place and is put there by `close`; or, `growing`, in its place,
    whole after every `write`.
    """

    def __init__(self, path: Path, *, growing: bool = False) -> None:
        self.path = path
        self._growing = growing
        self._part = path if growing else part_path(path)
        self._stream: IO[bytes] | None = None
        self._end = 0
        self._tail = b""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = self._part.open("xb", buffering=0 if growing else -1)
        except OSError as error:
            raise problem_of(error, path, "write") from error

    def write(self, data: bytes, tail: bytes = b"") -> None:
        """Append `data`; `tail` makes a growing file whole and is written over by the next."""
        if self._stream is None:
            return
        try:
            if self._growing:
                self._grow(self._stream, data, tail)
            else:
                self._stream.write(data)
        except OSError as error:
            raise problem_of(error, self.path, "write") from error

    def _grow(self, stream: IO[bytes], data: bytes, tail: bytes) -> None:
        stream.seek(self._end)
        try:
            _write_all(stream, data + tail)
        except OSError:
            # What stood there before is whole, and its place on the disk is still its own.
            stream.seek(self._end)
            _write_all(stream, self._tail)
            stream.truncate()
            raise
        self._end += len(data)
        self._tail = tail

    def close(self) -> None:
        if self._stream is None:
            return
        try:
            self._stream.flush()
            os.fsync(self._stream.fileno())
            self._stream.close()
            if not self._growing:
                replace(self._part, self.path)
        except OSError as error:
            self.abandon()
            raise problem_of(error, self.path, "write") from error
        self._stream = None

    def abandon(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            # What a full disk did not take is written once more, and fails once more.
            with contextlib.suppress(OSError):
                stream.close()
        if not self._growing:
            self._part.unlink(missing_ok=True)


def _write_all(stream: IO[bytes], data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[stream.write(rest) :]


class JsonRecords:
    """`predictions.json`: a list of records, one line each. growing: it stands in its place from
    the beginning and is a whole list at any moment. Raises FileProblem.
    """

    def __init__(self, path: Path, *, growing: bool = False) -> None:
        self._file = _PartFile(path, growing=growing)
        self._growing = growing
        self._first = True
        self.path = path
        if growing:
            self._file.write(b"", b"[]\n")

    def write(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Append records."""
        lines = [orjson.dumps(row) for row in rows]
        if lines:
            start = b"[\n" if self._first else b",\n"
            self._file.write(start + b",\n".join(lines), b"\n]\n")
            self._first = False

    def close(self) -> None:
        """Finish the list and put the file in its place."""
        if not self._growing:
            self._file.write(b"[]\n" if self._first else b"\n]\n")
        self._file.close()

    def abandon(self) -> None:
        """Remove what was written, where it does not stand in its place already."""
        self._file.abandon()


class AlphaPoseRecords(JsonRecords):
    """`alphapose-results.json`. frames: the records are of a video's frames."""

    def __init__(self, path: Path, *, frames: bool) -> None:
        super().__init__(path)
        self._frames = frames

    def write(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Append records, turned into AlphaPose's."""
        super().write(alphapose_record(row, frames=self._frames) for row in rows)


class CsvRecords:
    """`predictions.csv`: one person a row. growing: as `JsonRecords`. Raises FileProblem."""

    def __init__(self, path: Path, joints: Sequence[str], *, growing: bool = False) -> None:
        self._file = _PartFile(path, growing=growing)
        self._file.write(csv_head_line(joints).encode())
        self.path = path

    def write(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Append records."""
        self._file.write(csv_rows(rows).encode())

    def close(self) -> None:
        """Put the file in its place."""
        self._file.close()

    def abandon(self) -> None:
        """Remove what was written, where it does not stand in its place already."""
        self._file.abandon()


class FrameVideo:
    """A video of frames as they come, each written once.

    With `timed` (a camera, whose frames come when they come) each is shown at its own time; else
    they follow each other at `fps`. The file is begun with the first frame; a frame of another
    size begins the next file (`result-2.mp4`). growing: see `VideoWriter`.
    """

    def __init__(self, path: Path, fps: float, *, timed: bool, growing: bool = False) -> None:
        self._path = path
        self._fps = fps or DEFAULT_FPS
        self._timed = timed
        self._growing = growing
        self._writer: VideoWriter | None = None
        self._start = 0.0
        self.paths: list[Path] = []

    @property
    def current(self) -> tuple[Path, int] | None:
        """The file in hand and how many frames it has."""
        return None if self._writer is None else (self._writer.path, self._writer.frames)

    def write(self, frame: Frame, time: float) -> None:
        """Append (H, W, 3) uint8 BGR shown at `time` seconds. Raises FileProblem."""
        size = (frame.shape[1], frame.shape[0])
        writer = self._writer
        if writer is None or writer.size != size:
            self.close()
            number = len(self.paths) + 1
            name = (
                self._path if number == 1 else self._path.with_stem(f"{self._path.stem}-{number}")
            )
            writer = self._writer = VideoWriter(name, self._fps, size, growing=self._growing)
            self._start = time
        writer.write(frame, time - self._start if self._timed else None)

    def close(self) -> None:
        """Finish the file in hand and put it in its place."""
        if self._writer is not None:
            self._writer.close()
            self.paths.append(self._writer.path)
            self._writer = None

    def abandon(self) -> None:
        """Remove the file in hand; a growing one stays as far as it can be played."""
        if self._writer is not None:
            self._writer.abandon()
            if self._growing:
                self.paths.append(self._writer.path)
            self._writer = None


class Recording:
    """Everything that a run records, closed or abandoned together."""

    def __init__(self) -> None:
        self._parts: list[JsonRecords | CsvRecords | FrameVideo] = []

    def add(self, part: Any) -> Any:
        """Take a part along and give it back."""
        self._parts.append(part)
        return part

    def write_records(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Append records to every record file."""
        for part in self._parts:
            if not isinstance(part, FrameVideo):
                part.write(rows)

    def close(self) -> None:
        """Put every file in its place."""
        parts, self._parts = self._parts, []
        try:
            for part in parts:
                part.close()
        except StudioError:
            for part in parts:
                part.abandon()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *details: object) -> None:
        if kind is None:
            self.close()
            return
        for part in self._parts:
            part.abandon()
        self._parts = []
