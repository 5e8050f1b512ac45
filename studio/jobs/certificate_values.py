"""What every certificate states, whatever the model's kind, and the checks that decide on it."""

from __future__ import annotations

import dataclasses
import math
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from studio.core.artifact import ENGINES, ModelArtifact
from studio.core.device_report import DeviceReport, Limits
from studio.core.job import JobContext
from studio.core.options import N_
from studio.jobs.memory_use import memory_bytes

CERTIFICATE = "certificate.json"
NO_ENGINE = N_("No engine of this studio runs such a file: the artefact was never run.")
# Where AP is asked for as well, more pictures only take longer.
MAX_PICTURES = 50
WORST = 6
# Of the timed runs: so many are counted, after so many that are not.
_TIMED, _WARM_UP = 10, 2

Checks = list[dict[str, Any]]


@dataclass(frozen=True)
class Certifying:
    """What a certificate is made of besides both models.

    data: what somebody named to judge on. pictures: how many at most. files: what the target wrote,
    by name, in bytes. calibration: `CalibrationSet.facts`, None where nothing was calibrated.
    """

    target: str
    data: Path | None = None
    pictures: int = MAX_PICTURES
    limits: Limits = field(default_factory=Limits)
    report: DeviceReport = field(default_factory=DeviceReport)
    files: Mapping[str, int] = field(default_factory=dict[str, int])
    calibration: Mapping[str, Any] | None = None

    @property
    def calibrated(self) -> Sequence[str]:
        """The paths of the pictures that the artefact was calibrated on."""
        return self.calibration["pictures"] if self.calibration else ()


def can_run(artifact: ModelArtifact) -> bool:
    """Whether an engine of this studio opens such a file."""
    return artifact.weights.suffix.lower() in ENGINES and artifact.weights.is_file()


def common_values(
    weights: ModelArtifact, artifact: ModelArtifact, asked: Certifying
) -> dict[str, Any]:
    """The part that is known before anything is run."""
    files = dict(asked.files) or {artifact.weights.name: artifact.weights.stat().st_size}
    calibration = dict(asked.calibration) if asked.calibration else None
    return {
        "v": 1,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "target": asked.target,
        "family": artifact.family,
        "task": artifact.task,
        "weights": str(weights.weights.resolve()),
        "artifact": artifact.weights.name,
        "precision": artifact.precision,
        "input": artifact.input.to_mapping(),
        "output": artifact.output,
        "bytes": sum(files.values()),
        "files": files,
        "weights_bytes": weights.weights.stat().st_size,
        "calibration": calibration,
        "machine": platform.processor() or platform.machine(),
        "limits": dataclasses.asdict(asked.limits),
        "not_run": asked.report.not_run,
        "device": dict(asked.report.values),
    }


def never_run(values: Mapping[str, Any], asked: Certifying, why: str) -> dict[str, Any]:
    """The certificate of an artefact that cannot be run here: it proves nothing and says so."""
    return {
        **values,
        "pictures": {"count": 0, "source": ""},
        "parity": {},
        "ap": None,
        "load_ms": None,
        "latency_ms": None,
        "memory_bytes": None,
        "computed_in": None,
        "own_precision": None,
        "not_run": asked.report.not_run or why,
        "checks": device_checks(asked.report),
        "worst": [],
        "passed": False if not asked.report.passed else None,
    }


def limit_check(title: str, value: float | None, limit: float, unit: str = "") -> dict[str, Any]:
    """One figure against what it may be at most; None where it is not known."""
    space = "" if unit in ("", "°") else " "
    digits = 3 if unit else 4
    return {
        "title": title,
        "value": "–" if value is None else f"{value:.{digits}f}{space}{unit}",
        "limit": f"{limit:g}{space}{unit}",
        "passed": None if value is None else value <= limit,
        "kind": "limit",
    }


def device_checks(report: DeviceReport) -> Checks:
    """What the device's own tools say."""
    return [
        {"title": c.title, "value": c.value, "limit": "", "passed": c.passed, "kind": "device"}
        for c in report.checks
    ]


def verdict(checks: Sequence[Mapping[str, Any]]) -> bool | None:
    """False where anything failed; None where no limit was measured: then nothing is proved."""
    if any(check["passed"] is False for check in checks):
        return False
    return True if any(c["passed"] for c in checks if c["kind"] == "limit") else None


def failed(values: Mapping[str, Any]) -> list[str]:
    """What did not pass, in words."""
    return [
        f"{c['title']}: {c['value']}" + (f" (limit {c['limit']})" if c["limit"] else "")
        for c in values["checks"]
        if c["passed"] is False
    ]


def lost(before: float | None, after: float | None) -> dict[str, float] | None:
    """A figure of both, larger is better, with its difference; None where it is not known."""
    if before is None or after is None or not (math.isfinite(before) and math.isfinite(after)):
        return None
    return {"weights": before, "artifact": after, "difference": after - before}


def timed(work: Callable[[], object], context: JobContext) -> float:
    """Median milliseconds of ten runs, one after the other as Live does it, after two."""
    times: list[float] = []
    for number in range(_WARM_UP + _TIMED):
        context.check()
        started = time.perf_counter()
        work()
        if number >= _WARM_UP:
            times.append((time.perf_counter() - started) * 1000)
    return median(times)


def memory(artifact: ModelArtifact, context: JobContext) -> int | None:
    """See `studio.jobs.memory_use`."""
    context.progress("certify memory", 0, 1)
    used = memory_bytes(artifact, context)
    context.progress("certify memory", 1, 1)
    return used
