"""Whether this process is one of several that `torchrun` started; asked without importing torch."""

from __future__ import annotations

import os


def launched_rank() -> int | None:
    """This process's number among torchrun's (0 speaks for all), or None where it stands alone."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return None
    return int(os.environ.get("RANK", "0"))
