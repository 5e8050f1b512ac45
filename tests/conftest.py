"""For every test: what the program sets before anything else is imported."""

from __future__ import annotations

import os

# As `studio.__main__` does.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
