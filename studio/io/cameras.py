"""Which cameras this machine has, by the names and picture sizes that the system tells.

Linux tells them (Video4Linux); elsewhere the tuple is empty and a camera is taken by its number.
No camera is started by looking.
"""

from __future__ import annotations

import os
import re
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# linux/videodev2.h
_CAPTURE = 0x0000_0001
_DEVICE_CAPS = 0x8000_0000
_BUFFER_TYPE = 1
_DISCRETE = 1
_WRITE, _READ = 1, 2
_CAPABILITY = struct.Struct("<16s32s32sIII12x")
_FORMAT = struct.Struct("<III32sII12x")
_SIZE = struct.Struct("<III6I8x")
_RATE = struct.Struct("<IIIII6I8x")
# A driver that never says that its list has ended.
_MOST = 256

Ioctl = Callable[[int, int, bytearray], None]


@dataclass(frozen=True, order=True)
class Mode:
    """A picture size that a camera gives, and its rates in frames a second, quickest first (none
    where the driver does not tell).
    """

    width: int
    height: int
    rates: tuple[float, ...] = ()


@dataclass(frozen=True)
class Camera:
    """A camera: `index` is the number that opens it, `modes` begin with the largest."""

    index: int
    name: str
    path: str
    modes: tuple[Mode, ...] = ()


def list_cameras(
    classes: Path = Path("/sys/class/video4linux"),
    devices: Path = Path("/dev"),
    ioctl: Ioctl | None = None,
) -> tuple[Camera, ...]:
    """The cameras by their numbers; empty where the system tells of none."""
    ask = ioctl or _system_ioctl()
    if ask is None or not classes.is_dir():
        return ()
    found: list[Camera] = []
    for entry in classes.iterdir():
        match = re.fullmatch(r"video(\d+)", entry.name)
        if match is None:
            continue
        with suppress(OSError):
            camera = _camera(int(match[1]), entry, devices / entry.name, ask)
            if camera is not None:
                found.append(camera)
    return tuple(sorted(found, key=lambda c: c.index))


def camera_called(name: str, cameras: tuple[Camera, ...]) -> Camera | None:
    """The camera of that name, or of a name that begins so, whatever its number is now."""
    wanted = name.strip().casefold()
    for fits in (str.__eq__, str.startswith):
        for camera in cameras:
            if fits(camera.name.casefold(), wanted):
                return camera
    return None


def _camera(index: int, entry: Path, device: Path, ask: Ioctl) -> Camera | None:
    """None for what gives no pictures: a camera's second device tells of its settings alone.
    Raises OSError where the device is gone or may not be opened.
    """
    file = os.open(device, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        data = bytearray(_CAPABILITY.size)
        ask(file, _request(_READ, 0, _CAPABILITY.size), data)
        _, card, _, _, all_caps, device_caps = _CAPABILITY.unpack(data)
        caps = device_caps if all_caps & _DEVICE_CAPS else all_caps
        if not caps & _CAPTURE:
            return None
        modes = _modes(file, ask)
    finally:
        os.close(file)
    name = card.split(b"\0")[0].decode("utf-8", "replace").strip()
    with suppress(OSError):
        name = (entry / "name").read_text("utf-8", "replace").strip() or name
    return Camera(index, name or device.name, str(device), modes)


def _modes(file: int, ask: Ioctl) -> tuple[Mode, ...]:
    rates: dict[tuple[int, int], set[float]] = {}
    for pixels in _formats(file, ask):
        for size in _sizes(file, ask, pixels):
            rates.setdefault(size, set()).update(_rates(file, ask, pixels, size))
    modes = (Mode(w, h, tuple(sorted(r, reverse=True))) for (w, h), r in rates.items())
    return tuple(sorted(modes, key=lambda m: (m.width * m.height, m.width), reverse=True))


def _formats(file: int, ask: Ioctl) -> Iterator[int]:
    for number in range(_MOST):
        data = bytearray(_FORMAT.pack(number, _BUFFER_TYPE, 0, b"", 0, 0))
        if not _told(file, ask, 2, data):
            return
        yield _FORMAT.unpack(data)[4]


def _sizes(file: int, ask: Ioctl, pixels: int) -> Iterator[tuple[int, int]]:
    for number in range(_MOST):
        data = bytearray(_SIZE.pack(number, pixels, 0, *[0] * 6))
        if not _told(file, ask, 74, data):
            return
        _, _, kind, *values = _SIZE.unpack(data)
        if kind == _DISCRETE:
            yield values[0], values[1]
            continue
        # From a smallest to a largest: the two stand for all between.
        yield values[1], values[4]
        yield values[0], values[3]
        return


def _rates(file: int, ask: Ioctl, pixels: int, size: tuple[int, int]) -> Iterator[float]:
    for number in range(_MOST):
        data = bytearray(_RATE.pack(number, pixels, *size, 0, *[0] * 6))
        if not _told(file, ask, 75, data):
            return
        kind, *values = _RATE.unpack(data)[4:]
        pairs = [values[:2]] if kind == _DISCRETE else [values[:2], values[2:4]]
        yield from (round(below / above, 3) for above, below in pairs if above and below)
        if kind != _DISCRETE:
            return


def _told(file: int, ask: Ioctl, number: int, data: bytearray) -> bool:
    """Whether the driver answered; it refuses a number beyond the end of its list."""
    try:
        ask(file, _request(_READ | _WRITE, number, len(data)), data)
    except OSError:
        return False
    return True


def _request(direction: int, number: int, size: int) -> int:
    return direction << 30 | size << 16 | ord("V") << 8 | number


def _system_ioctl() -> Ioctl | None:
    if sys.platform != "linux":
        return None
    import fcntl

    def ask(file: int, request: int, data: bytearray) -> None:
        fcntl.ioctl(file, request, data)

    return ask
