"""What an export target says of an artefact that it made, besides what running it shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Limits:
    """How far an artefact may differ from its weights before its certificate says "not passed".

    shift_px: mean shift of sure joints in picture pixels, None for no such limit. ap: how much
    OKS AP may be lost, where there are labels. pck: how much PCK@0.1 may be lost, or None.
    turn_deg: mean turn between both, for heads. error_deg: how much the mean geodesic error may
    grow. An artefact that does better than its weights is not held against it.
    """

    shift_px: float | None = 0.5
    ap: float = 0.005
    pck: float | None = None
    turn_deg: float = 0.5
    error_deg: float = 1.0


@dataclass(frozen=True)
class DeviceCheck:
    """One thing that the device's own tools or the file itself say: `value` is shown, `passed` is
    None where it is only told.
    """

    title: str
    value: str
    passed: bool | None = None


@dataclass(frozen=True)
class NextStep:
    """A command to flash or run what was made; `title` is translatable."""

    title: str
    command: str


@dataclass(frozen=True)
class DeviceReport:
    """What stands in the certificate besides what running the artefact here shows.

    checks: operator coverage, memory, estimated time, ... in the order they are shown.
    not_run: what was never run here and where it has to be, "" where the artefact itself ran.
    values: the same for programs, as JSON.
    """

    checks: tuple[DeviceCheck, ...] = ()
    not_run: str = ""
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def passed(self) -> bool:
        """Whether nothing that is checked failed."""
        return all(check.passed is not False for check in self.checks)
