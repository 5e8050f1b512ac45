"""A camera at this machine, by its number or its name."""

from __future__ import annotations

import contextlib
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studio.core.errors import DeviceError
from studio.io.cameras import Camera, camera_called, list_cameras
from studio.runtime.sources import CAMERA, CAMERA_PREFIX, CameraWish, Picture, SourceFrame

# OpenCV takes a C int.
_LARGEST = 2**31 - 1


class CameraSource:
    """A camera. Iterating ends when no frame comes any more; whether to open it again is the
    caller's choice. `text` is its number, its device, or `camera:` and its name, which is looked
    up anew each time: a camera that was unplugged may come back under another number.

    Raises DeviceError where it is not there or gives nothing.
    """

    kind: str = CAMERA
    live: bool = True
    count: int = 0

    def __init__(self, text: str, wish: CameraWish) -> None:
        import cv2

        number, self.name = _number_of(text)
        if number > _LARGEST:
            raise _problem(text)
        self._capture: Any = _open_capture(number, wish)
        first: Any = self._capture.read()[1] if self._capture.isOpened() else None
        if first is None:
            self._capture.release()
            raise _problem(text)
        self._first: Picture | None = first
        self.size = (int(first.shape[1]), int(first.shape[0]))
        fps = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.fps = fps if 0 < fps < 1000 else 0.0

    def __iter__(self) -> Iterator[SourceFrame]:
        started = time.monotonic()
        index = 0
        while True:
            if self._first is not None:
                picture, self._first = self._first, None
            else:
                good, picture = self._capture.read()
                if not good:
                    return
            yield SourceFrame(index, time.monotonic() - started, self.name, picture)
            index += 1

    def close(self) -> None:
        """Let the camera go."""
        self._capture.release()


def _number_of(text: str) -> tuple[int, str]:
    """The number that opens the camera, and what it is called."""
    if not text.startswith(CAMERA_PREFIX):
        number = int(re.sub(r"\D", "", text))
        return number, f"camera {number}"
    wanted = text.removeprefix(CAMERA_PREFIX).strip()
    if wanted.isdigit():
        return int(wanted), f"camera {wanted}"
    cameras = list_cameras()
    camera = camera_called(wanted, cameras)
    if camera is None:
        raise DeviceError(f"There is no camera called {wanted}.", hint=_known(cameras))
    return camera.index, camera.name


def _known(cameras: tuple[Camera, ...]) -> str:
    if cameras:
        return f"Plug it in. Present are {', '.join(c.name for c in cameras)}."
    if sys.platform == "linux":
        return "Plug it in."
    return "This system does not tell its cameras' names; give a number, such as 0."


def _open_capture(number: int, wish: CameraWish) -> Any:
    import cv2

    # What a driver says of a camera that is not there is said by us, in one line.
    with contextlib.suppress(AttributeError):
        cv2.setLogLevel(0)  # pyright: ignore[reportAttributeAccessIssue]
    capture = cv2.VideoCapture(number)
    # Over USB the larger sizes are quick as JPEG only; a camera without it keeps what it has.
    jpeg = cv2.VideoWriter.fourcc(*"MJPG") if wish.width or wish.fps else 0
    for prop, value in (
        (cv2.CAP_PROP_FOURCC, jpeg),
        (cv2.CAP_PROP_FRAME_WIDTH, wish.width),
        (cv2.CAP_PROP_FRAME_HEIGHT, wish.height),
        (cv2.CAP_PROP_FPS, wish.fps),
        (cv2.CAP_PROP_BUFFERSIZE, 1),
    ):
        if value:
            capture.set(prop, value)
    return capture


def _problem(text: str) -> DeviceError:
    present = sorted(p.name for p in Path("/dev").glob("video*"))
    known = f" Present are {', '.join(present)}." if present else ""
    return DeviceError(
        f"Camera {text} is not there, or another program holds it.",
        hint=f"Plug it in, close what uses it, or try another number.{known}",
    )
