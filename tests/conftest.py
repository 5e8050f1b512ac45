"""For every test: what the program sets before anything else is imported."""

from __future__ import annotations

import os
import sys

import pytest

# As `studio.__main__` does.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def pytest_collection_finish() -> None:
    """Imported past its guard, ultralytics changes Pillow and PyTorch for all tests after it."""
    if "ultralytics" in sys.modules:
        raise pytest.UsageError("A test module imports ultralytics while it is collected.")
