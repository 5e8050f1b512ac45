"""`python -m studio` and `pose-studio`."""

from __future__ import annotations

import multiprocessing
import sys


def main() -> int:
    """Run the command line; the exit status."""
    from studio.cli import main as run

    return run(sys.argv[1:])


if __name__ == "__main__":
    # A helper process of a frozen program starts here too, and goes its own way.
    multiprocessing.freeze_support()
    sys.exit(main())
