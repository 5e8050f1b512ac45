"""Videos written so that they can be played whatever happens: in fragments of half a second, each
readable by itself, and with an ordinary index once they are closed.
"""

from __future__ import annotations

import contextlib
import os
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from studio.core.errors import FileProblem, FormatError
from studio.io.files import part_path, problem_of, replace

Frame = npt.NDArray[np.uint8]

# Divides by every usual rate; MPEG-4 knows no finer one.
_TICKS = 60_000
_FRAGMENT_SECONDS = 0.5
_KEY_SECONDS = 2.0
_MP4 = {
    "movflags": "hybrid_fragmented+default_base_moof",
    "frag_duration": str(int(_FRAGMENT_SECONDS * 1e6)),
    "flush_packets": "1",
}
_MKV = {"cluster_time_limit": str(int(_FRAGMENT_SECONDS * 1e3)), "flush_packets": "1"}
_CONTAINERS = {".mp4": _MP4, ".m4v": _MP4, ".mov": _MP4, ".mkv": _MKV, ".avi": {}}


class VideoWriter:
    """An MP4 (or MOV, MKV: H.264; or AVI: Motion JPEG) file that grows frame by frame.

    It stands in its place only once `close` was called; with `growing` from the first frame on, and
    then what was written up to half a second before a crash can be played (MP4, MKV).
    `size` is (width, height); every frame must be (height, width, 3) uint8 BGR. Of an odd width or
    height the last column or row is left out. As a context manager it removes the unfinished file
    when the block fails. Raises FileProblem.
    """

    def __init__(
        self, path: Path | str, fps: float, size: tuple[int, int], *, growing: bool = False
    ) -> None:
        self.path = Path(path)
        self.size = size
        self.frames = 0
        self._fps = fps
        self._growing = growing
        self._last = -1
        self._part = self.path if growing else part_path(self.path, self.path.suffix)
        self._file: Any = None
        container = _CONTAINERS.get(self.path.suffix.lower())
        if container is None or min(size) < 2:
            raise FileProblem(
                "A video cannot be written here.",
                where=path,
                hint="Use the ending .mp4, .mkv or .avi, and a picture of two pixels or more.",
            )
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._open(container)
        except OSError as error:
            raise problem_of(error, self.path, "write") from error

    def _open(self, container: dict[str, str]) -> None:
        import av

        jpeg = self.path.suffix.lower() == ".avi"
        h264 = "libx264" in av.codecs_available
        codec = "mjpeg" if jpeg else "libx264" if h264 else "mpeg4"
        # One quantiser for all: choosing it frame by frame costs a quarter of the encoding.
        options = {"preset": "ultrafast", "qp": "24", "tune": "zerolatency"} if h264 else {}
        rate = Fraction(self._fps).limit_denominator(1001)
        self._file = av.open(str(self._part), "w", options=container)
        # AVI counts frames; the others have times.
        self._tick = 1 / rate if jpeg else Fraction(1, _TICKS)
        stream: Any = self._file.add_stream(codec, rate=rate, options={} if jpeg else options)
        stream.width, stream.height = (side - side % 2 for side in self.size)
        stream.pix_fmt = "yuvj420p" if jpeg else "yuv420p"
        context = stream.codec_context
        context.time_base = self._tick
        context.gop_size = max(1, round(self._fps * _KEY_SECONDS))
        context.thread_count = 1
        if jpeg:
            context.qmin = context.qmax = 3
        elif not h264:
            context.bit_rate = int(self.size[0] * self.size[1] * self._fps * 0.3)
        # BT.601, 16 to 235, as OpenCV turns colours.
        context.colorspace = 6
        context.color_range = 2 if jpeg else 1
        self._stream = stream
        self._picture = _full_range if jpeg else _limited_range

    def write(self, frame: Frame, time: float | None = None) -> None:
        """Append one frame, shown at `time` seconds of the video, or one after the other at the
        video's rate. Raises FormatError where its size is another one, FileProblem.
        """
        height, width = frame.shape[:2]
        if (width, height) != self.size:
            raise FormatError(
                f"A frame of {width} x {height} does not fit a video of "
                f"{self.size[0]} x {self.size[1]}.",
                where=self.path,
            )
        if self._file is None:
            raise FileProblem("This video is closed.", where=self.path)
        picture = self._picture(frame)
        seconds = self.frames / self._fps if time is None else time
        self._last = max(self._last + 1, round(Fraction(seconds) / self._tick))
        picture.pts, picture.time_base = self._last, self._tick
        self._mux(picture)
        self.frames += 1

    def close(self) -> None:
        """Finish the file and put it in its place; a second call does nothing."""
        if self._file is None:
            return
        try:
            self._mux(None)
            self._let_go()
            with self._part.open("rb+") as stream:
                os.fsync(stream.fileno())
            if not self._growing:
                replace(self._part, self.path)
        except (OSError, FileProblem) as error:
            self.abandon()
            if isinstance(error, FileProblem):
                raise
            raise problem_of(error, self.path, "write") from error

    def abandon(self) -> None:
        """Remove what was written so far; what grew in its place stays, as far as it can be
        played.
        """
        with contextlib.suppress(OSError):
            self._let_go()
        if not self._growing:
            self._part.unlink(missing_ok=True)

    def _mux(self, picture: Any) -> None:
        from av.error import FFmpegError

        try:
            for packet in self._stream.encode(picture):
                self._file.mux(packet)
        except OSError as error:
            raise problem_of(error, self.path, "write") from error
        except FFmpegError as error:
            # The encoder's own no: H.264 ends at 16,384 pixels a side.
            raise FileProblem("A video cannot be written here.", where=self.path) from error

    def _let_go(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()

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


def _limited_range(frame: Frame) -> Any:
    import av
    import cv2

    even = _even(frame)
    planes: Any = cv2.cvtColor(even, cv2.COLOR_BGR2YUV_I420)
    return av.VideoFrame.from_ndarray(planes, format="yuv420p")


def _full_range(frame: Frame) -> Any:
    import av

    return av.VideoFrame.from_ndarray(_even(frame), format="bgr24").reformat(
        format="yuvj420p", dst_color_range=2
    )


def _even(frame: Frame) -> Frame:
    height, width = frame.shape[:2]
    return np.ascontiguousarray(frame[: height - height % 2, : width - width % 2])
