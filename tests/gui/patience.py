"""A robot that waits as long as a busy machine may take; each wait still ends as soon as it can."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytestqt.qtbot import QtBot

PATIENCE = 60_000
"""Milliseconds. What is waited for here takes some; a test that times out has found a fault."""


class PatientBot(QtBot):
    """pytest-qt's robot; a shorter `timeout` is lengthened to `PATIENCE`."""

    def waitUntil(  # noqa: N802 - Qt's spelling
        self, callback: Callable[[], bool | None], *, timeout: int = PATIENCE
    ) -> None:
        super().waitUntil(callback, timeout=max(timeout, PATIENCE))

    def waitSignal(self, signal: Any, *, timeout: int = PATIENCE, **rest: Any) -> Any:  # noqa: N802
        return super().waitSignal(signal, timeout=max(timeout, PATIENCE), **rest)
