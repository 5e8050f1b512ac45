"""The frozen program's first file: the window, or a job that the window starts of itself."""

from __future__ import annotations

import multiprocessing
import sys


def main() -> int:
    """Jobs are started as `PROGRAM -m studio job ...`; the frozen program has no `-m`."""
    multiprocessing.freeze_support()
    if sys.argv[1:3] == ["-m", "studio"]:
        del sys.argv[1:3]
    from studio.__main__ import main as studio_main

    return studio_main()


if __name__ == "__main__":
    sys.exit(main())
