"""Videos, frame by frame, and writing them so that an unfinished file never stands in place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from studio.core.errors import FileProblem, FormatError
from studio.io.files import part_path, problem_of, replace

Frame = npt.NDArray[np.uint8]

VIDEO_SUFFIXES = frozenset(
    {".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".ts", ".mts"}
)


class VideoReader:
    """A video file; iterating gives (index from 0, seconds from the start, frame).

    Frames are (H, W, 3) uint8 BGR, upright by the file's rotation tag. `frame_count` is what the
    file's header says and may be off by a few. Raises FileProblem, or FormatError where the file
    is no video.
    """

    def __init__(self, path: Path | str) -> None:
        import cv2

        self.path = Path(path)
        if not self.path.is_file():
            raise FileProblem("There is no such video.", where=path, hint="Check the path.")
        self._capture: Any = cv2.VideoCapture(str(path))
        first = self._capture.read()[1] if self._capture.isOpened() else None
        if first is None:
            self._capture.release()
            raise FormatError(
                "This is no video that can be read, or it is damaged.",
                where=path,
                hint="Convert it to MP4 (H.264) and try again.",
            )
        self._first: Frame | None = first
        height, width = first.shape[:2]
        self.size: tuple[int, int] = (width, height)
        fps = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.fps: float = fps if 0 < fps < 1000 else 25.0
        self.frame_count: int = max(0, int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        self._time_property = cv2.CAP_PROP_POS_MSEC

    def __iter__(self) -> Iterator[tuple[int, float, Frame]]:
        index = 0
        last = -1.0
        while (found := self._next()) is not None:
            seconds, frame = found
            if seconds <= last:
                seconds = index / self.fps
            last = seconds
            yield index, seconds, frame
            index += 1

    def _next(self) -> tuple[float, Frame] | None:
        if self._first is not None:
            frame, self._first = self._first, None
            return 0.0, frame
        good, frame = self._capture.read()
        return (float(self._capture.get(self._time_property)) / 1000.0, frame) if good else None

    def close(self) -> None:
        """Let the file go; iterating afterwards gives nothing."""
        self._first = None
        self._capture.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()


class VideoWriter:
    """An MP4 (or AVI) file that stands in its place only once `close` was called.

    `size` is (width, height); every frame must be (height, width, 3) uint8 BGR. As a context
    manager it removes the unfinished file when the block fails. Raises FileProblem.
    """

    def __init__(self, path: Path | str, fps: float, size: tuple[int, int]) -> None:
        import cv2

        self.path = Path(path)
        self.size = size
        self.frames = 0
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise problem_of(error, self.path, "write") from error
        self._part = part_path(self.path, self.path.suffix)
        code = "MJPG" if self.path.suffix.lower() == ".avi" else "mp4v"
        fourcc = cv2.VideoWriter.fourcc(*code)
        self._writer: Any = cv2.VideoWriter(str(self._part), fourcc, fps, size)
        if not self._writer.isOpened():
            self._part.unlink(missing_ok=True)
            raise FileProblem(
                "A video cannot be written here.",
                where=path,
                hint="Use the ending .mp4 or .avi, and a folder that may be written to.",
            )

    def write(self, frame: Frame) -> None:
        """Append one frame. Raises FormatError where its size is another one."""
        height, width = frame.shape[:2]
        if (width, height) != self.size:
            raise FormatError(
                f"A frame of {width} x {height} does not fit a video of "
                f"{self.size[0]} x {self.size[1]}.",
                where=self.path,
            )
        self._writer.write(np.ascontiguousarray(frame))
        self.frames += 1

    def close(self) -> None:
        """Finish the file and put it in its place; a second call does nothing."""
        if self._writer is None:
            return
        self._writer.release()
        self._writer = None
        try:
            with self._part.open("rb+") as stream:
                os.fsync(stream.fileno())
            replace(self._part, self.path)
        except OSError as error:
            self._part.unlink(missing_ok=True)
            raise problem_of(error, self.path, "write") from error

    def abandon(self) -> None:
        """Remove what was written so far."""
        if self._writer is not None:
            self._writer.release()
            self._writer = None
        self._part.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abandon()
