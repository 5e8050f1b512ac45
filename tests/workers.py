"""Worker environments in tests: used where a person installed them, never installed by a test."""

from __future__ import annotations

import pytest

from studio.io.toolchains import READY, find_worker


def needs_worker(name: str) -> pytest.MarkDecorator:
    """Skips, saying so, where the environment is not there."""
    state = find_worker(name).state()
    return pytest.mark.skipif(
        state != READY,
        reason=f"the worker environment {name!r} is {state}: pose-studio tools {name}",
    )
