"""A network stream (RTSP, HTTP with Motion JPEG or a video, RTMP, SRT, UDP): every wait bounded."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from studio.core.errors import DeviceError
from studio.runtime.sources import STREAM, Picture, SourceFrame

# Whoever is silent for so long while it is opened or read is taken to be gone.
SILENT_SECONDS = 8.0
# Over UDP lost packets would show as torn pictures.
_OPTIONS = {"rtsp_transport": "tcp"}


class StreamSource:
    """A stream. Iterating ends when nothing came for `SILENT_SECONDS` or the stream broke off;
    whether to open it again is the caller's choice. A frame may be of another size than the one
    before it; what is damaged on the way is left out.

    Raises DeviceError where it does not answer.
    """

    kind: str = STREAM
    live: bool = True
    count: int = 0

    def __init__(self, url: str) -> None:
        import av
        from av.error import FFmpegError

        self.name = without_password(url)
        self._file: Any = None
        try:
            wait = (SILENT_SECONDS, SILENT_SECONDS)
            self._file = av.open(url, timeout=wait, options=_OPTIONS)
            video = self._file.streams.video[0]
            # Decoding several frames at once would hold each back by as many.
            video.thread_type = "SLICE"
            self._frames = _decoded(self._file, video)
            first = next(self._frames, None)
        except (FFmpegError, OSError, IndexError) as error:
            self.close()
            # FFmpeg's own words hold the address, password and all.
            why = DeviceError(getattr(error, "strerror", "") or type(error).__name__)
            raise _problem(self.name) from why
        if first is None:
            self.close()
            raise _problem(self.name)
        self._first: Picture | None = first
        self.size = (int(first.shape[1]), int(first.shape[0]))
        fps = float(video.average_rate or video.guessed_rate or 0)
        self.fps = fps if 0 < fps < 1000 else 0.0

    def __iter__(self) -> Iterator[SourceFrame]:
        started = time.monotonic()
        index = 0
        while True:
            if self._first is not None:
                picture, self._first = self._first, None
            else:
                picture = next(self._frames, None)
                if picture is None:
                    return
            yield SourceFrame(index, time.monotonic() - started, self.name, picture)
            index += 1

    def close(self) -> None:
        """Let the connection go."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                file.close()


def without_password(url: str) -> str:
    """The address as it may be shown. Of several @ the last ends the password, as FFmpeg reads it."""
    return re.sub(r"://[^/?#]*@", "://", url)


def _decoded(file: Any, video: Any) -> Iterator[Picture]:
    """(H, W, 3) uint8 BGR until the stream ends, breaks off or is silent."""
    from av.error import FFmpegError, InvalidDataError

    packets = file.demux(video)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, FFmpegError, OSError):
            return
        try:
            frames = packet.decode()
        except InvalidDataError:
            continue
        except (FFmpegError, OSError):
            return
        for frame in frames:
            yield frame.to_ndarray(format="bgr24")


def _problem(name: str) -> DeviceError:
    return DeviceError(
        "The stream does not answer.",
        where=name,
        hint="Check the address, the network and the password, and that it plays elsewhere.",
    )
