"""`python -m studio` and `pose-studio`."""

from __future__ import annotations

import multiprocessing
import os
import sys


def main() -> int:
    """Run the command line; the exit status."""
    # What numpy multiplies here is small, and its OpenBLAS has been seen to wait for ever for
    # helper threads that had ended. It reads this when it is first imported; torch has its own.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from studio.cli import main as run

    return run(sys.argv[1:])


if __name__ == "__main__":
    # A helper process of a frozen program starts here too, and goes its own way.
    multiprocessing.freeze_support()
    sys.exit(main())
