"""What may go wrong inside a training, in words a person can act on."""

from __future__ import annotations

import errno

from studio.core.errors import DataError, DeviceError, StudioError
from studio.core.job import JobContext

_MEMORY = ("out of memory", "can't allocate memory", "ALLOC_FAILED", "not enough memory")
_WORKER = "DataLoader worker"


# How torch says that a batch holds too little for its statistics.
LONELY = "more than 1 value per channel"


def lonely_batch() -> DataError:
    """A batch of one example, in a network that takes its statistics over the batch."""
    return DataError(
        "A batch would hold a single picture, and this network needs two or more to learn from.",
        hint="Give a larger --batch, or more training pictures.",
    )


def explained(
    error: Exception, context: JobContext, *, batch: int, size: str = "", smaller: str = ""
) -> Exception:
    """`error` as a StudioError where its cause is known, else itself.

    Where the memory was not enough, a `suggest` event names the batch to try. size: of one
    picture, in words ("640 pixels"). smaller: the option that makes pictures smaller ("--imgsz").
    """
    text = str(error)
    if isinstance(error, StudioError):
        return error
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return error
    if isinstance(error, MemoryError) or any(words in text for words in _MEMORY):
        half = max(1, batch // 2)
        context.event("suggest", option="batch", value=half)
        at = f" at {size}" if size else ""
        return DeviceError(
            f"The memory is not enough for batch {batch}{at}.",
            hint=f"Try --batch {half}" + (f", or a smaller {smaller}." if smaller else "."),
        )
    if isinstance(error, RuntimeError) and _WORKER in text:
        return DeviceError(
            "A loader process ended on its own; most often the memory was not enough for it.",
            hint="Take fewer --workers, or a smaller --batch.",
        )
    if LONELY in text:
        return lonely_batch()
    if isinstance(error, ValueError | RuntimeError | AssertionError):
        first = text.splitlines()[0] if text else repr(error)
        return StudioError(f"The training cannot go on: {first}")
    return error
