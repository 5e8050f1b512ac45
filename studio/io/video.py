"""Videos, frame by frame; they are written by `VideoWriter`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from studio.core.errors import FileProblem, FormatError
from studio.io.buffers import Buffers
from studio.io.video_writing import VideoWriter

Frame = npt.NDArray[np.uint8]

__all__ = ["VIDEO_SUFFIXES", "VideoReader", "VideoWriter"]

VIDEO_SUFFIXES = frozenset(
    {".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".ts", ".mts"}
)


class VideoReader:
    """A video file; iterating gives (index from 0, seconds from the start, frame).

    Frames are (H, W, 3) uint8 BGR, upright by the file's rotation tag. `frame_count` is what the
    file's header says and may be off by a few. A frame's memory is used again once nobody holds
    the frame. Raises FileProblem, or FormatError where the file is no video.
    """

    def __init__(self, path: Path | str) -> None:
        import cv2

        self.path = Path(path)
        if not self.path.is_file():
            raise FileProblem("There is no such video.", where=path, hint="Check the path.")
        self._capture: Any = _opened(str(path))
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
        self._buffers = Buffers()

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
        good, frame = self._capture.read(self._buffers.take((self.size[1], self.size[0], 3)))
        return (float(self._capture.get(self._time_property)) / 1000.0, frame) if good else None

    def close(self) -> None:
        """Let the file go; iterating afterwards gives nothing."""
        self._first = None
        self._capture.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()


def _opened(path: str) -> Any:
    """The capture. FFmpeg's threads cost more than they give where others need the cores, too: half
    of them are enough.
    """
    import cv2

    threads = max(1, (os.cpu_count() or 1) // 2)
    capture = cv2.VideoCapture(path, cv2.CAP_ANY, [cv2.CAP_PROP_N_THREADS, threads])
    # Not every backend knows the wish.
    return capture if capture.isOpened() else cv2.VideoCapture(path)
