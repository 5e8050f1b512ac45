"""The stack on which this thread hears signals, kept where a library takes it away."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Iterator


class _Stack(ctypes.Structure):
    """`stack_t` of Linux's <signal.h>."""

    _fields_ = (
        ("start", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("size", ctypes.c_size_t),
    )


@contextlib.contextmanager
def signal_stack_kept() -> Iterator[None]:
    """What the thread had before, it has again afterwards.

    Every OpenVINO Core sets a stack of its own on Linux (for AMX) and unmaps it when it goes; of
    two that do not go in the order opposite to their coming, or of one that goes on another
    thread, an unmapped one stays in use. The next signal that Python handles, such as the end of
    a child where a DataLoader listens for it, then kills the process without a word.
    """
    if sys.platform != "linux":
        yield
        return
    system, before = ctypes.CDLL(None), _Stack()
    known = system.sigaltstack(None, ctypes.byref(before)) == 0
    try:
        yield
    finally:
        if known:
            system.sigaltstack(ctypes.byref(before), None)
