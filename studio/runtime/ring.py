"""Frames from the live job to the window through shared memory.

One writer, any readers. The block starts with a header (magic, slots, bytes a slot); each slot
has a header of its own with a sequence number: odd while the frame is being written, even when it
is whole. A reader looks at the number before and after it copies, so a torn frame is never seen.
Imports numpy alone: the window uses it too.
"""

from __future__ import annotations

import itertools
import os
import re
import struct
import sys
import threading
from multiprocessing import resource_tracker, shared_memory
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.errors import FileProblem, FormatError

Frame = npt.NDArray[np.uint8]

_MAGIC = 0x50534652  # "PSFR"
_HEADER = struct.Struct("<IIQ")  # magic, slots, bytes a slot
_SLOT = struct.Struct("<QIII4x")  # sequence, height, width, channels
_ALIGN = 64
_PREFIX = "pose-studio-ring"
_NAME = re.compile(rf"^{_PREFIX}-(\d+)-\d+$")

_numbers = itertools.count(1)
_attach_lock = threading.Lock()


class FrameRing:
    """`slots` frames of at most `max_bytes` bytes each in shared memory called `name`.

    The one who made it writes and, on `close`, removes it; the others attach and read.
    """

    def __init__(self, memory: shared_memory.SharedMemory, *, owner: bool) -> None:
        self._memory = memory
        self._owner = owner
        self._closed = False
        magic, self.slots, self.max_bytes = _HEADER.unpack_from(_buffer(memory), 0)
        if magic != _MAGIC:
            memory.close()
            raise FormatError("This shared memory holds no frames of ours.", where=memory.name)
        self.name: str = memory.name
        self._next = 0
        self._sequence = 0

    @classmethod
    def create(cls, slots: int, max_bytes: int) -> FrameRing:
        """A new ring. Raises FileProblem where there is not enough shared memory."""
        remove_orphans()
        stride = _stride(max_bytes)
        size = _ALIGN + slots * stride
        name = f"{_PREFIX}-{os.getpid()}-{next(_numbers)}"
        try:
            memory = shared_memory.SharedMemory(name, create=True, size=size)
        except OSError as error:
            raise FileProblem(
                f"There is not enough shared memory for {size >> 20} MB of frames: {error}.",
                hint="Choose a smaller picture size, or give the machine more /dev/shm.",
            ) from error
        _HEADER.pack_into(_buffer(memory), 0, _MAGIC, slots, max_bytes)
        return cls(memory, owner=True)

    @classmethod
    def attach(cls, name: str) -> FrameRing:
        """The ring that another process made. Raises FileProblem where it is gone."""
        try:
            return cls(_open(name), owner=False)
        except (OSError, ValueError, struct.error) as error:
            raise FileProblem(
                "The live job's frames are gone.", where=name, hint="Start Live again."
            ) from error

    def write(self, frame: Frame) -> tuple[int, int]:
        """Put (H, W, C) uint8 into the next slot and return (slot, sequence number).

        Raises FormatError where the frame is larger than a slot.
        """
        if frame.nbytes > self.max_bytes or frame.ndim != 3 or frame.dtype != np.uint8:
            raise FormatError(
                f"A frame of shape {frame.shape} does not fit a slot of {self.max_bytes} bytes."
            )
        slot, self._next = self._next, (self._next + 1) % self.slots
        self._sequence += 2
        buffer, place = _buffer(self._memory), self._place(slot)
        height, width, channels = frame.shape
        _SLOT.pack_into(buffer, place, self._sequence - 1, height, width, channels)
        target = np.frombuffer(buffer, np.uint8, frame.size, place + _ALIGN).reshape(frame.shape)
        np.copyto(target, frame)
        _SLOT.pack_into(buffer, place, self._sequence, height, width, channels)
        return slot, self._sequence

    def read(self, slot: int, seq: int) -> Frame | None:
        """A copy of the frame `seq` in `slot`; None where it was overwritten or the ring is
        closed.
        """
        if self._closed or not 0 <= slot < self.slots:
            return None
        buffer, place = _buffer(self._memory), self._place(slot)
        found, height, width, channels = _SLOT.unpack_from(buffer, place)
        size = height * width * channels
        if found != seq or not 0 < size <= self.max_bytes:
            return None
        frame = np.frombuffer(buffer, np.uint8, size, place + _ALIGN).copy()
        if _SLOT.unpack_from(buffer, place)[0] != seq:
            return None
        return frame.reshape(height, width, channels)

    def close(self) -> None:
        """Let the memory go; the maker also removes it. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self._memory.close()
        if self._owner:
            self._memory.unlink()

    def __enter__(self) -> FrameRing:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def _place(self, slot: int) -> int:
        return _ALIGN + slot * _stride(self.max_bytes)


def remove_orphans() -> tuple[str, ...]:
    """Remove rings whose makers were killed; their names say who made them. Linux only: Windows
    removes a mapping with its last user.
    """
    folder = Path("/dev/shm")  # noqa: S108 - where Linux keeps shared memory
    if os.name == "nt" or not folder.is_dir():
        return ()
    import psutil

    removed: list[str] = []
    for entry in folder.iterdir():
        match = _NAME.match(entry.name)
        if match and not psutil.pid_exists(int(match[1])):
            entry.unlink(missing_ok=True)
            removed.append(entry.name)
    return tuple(removed)


def _stride(max_bytes: int) -> int:
    return _ALIGN + -(-max_bytes // _ALIGN) * _ALIGN


def _buffer(memory: shared_memory.SharedMemory) -> memoryview:
    buffer = memory.buf
    if buffer is None:
        raise FormatError("The frames are closed.", where=memory.name)
    return buffer


def _open(name: str) -> shared_memory.SharedMemory:
    """Attach without becoming responsible: before Python 3.13 whoever attaches is also noted to
    remove the memory at its end, which would take it from its maker.
    """
    if sys.version_info >= (3, 13):
        return shared_memory.SharedMemory(name, track=False)
    with _attach_lock:
        register: Any = resource_tracker.register
        resource_tracker.register = _leave_alone
        try:
            return shared_memory.SharedMemory(name)
        finally:
            resource_tracker.register = register


def _leave_alone(name: str, rtype: str) -> None:
    """Stands in for the tracker's `register` while a ring is attached."""
