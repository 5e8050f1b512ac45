"""Figures, not tests: `python -m tests.benchmarks [NAME ...] [--out FILE]`.

Each `bench_*.py` here has `run(report: Report) -> None`. A figure stands beside its target and,
where there is one, beside a peer measured in the same run: the machines are shared and noisy, so
ratios say more than seconds.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"


@dataclass(frozen=True)
class Figure:
    """One measured value; `target` is text such as "<= 1.0 s"; `holds` None where it only tells."""

    name: str
    value: float
    unit: str
    target: str = ""
    holds: bool | None = None
    peer: str = ""
    note: str = ""


@dataclass
class Report:
    """Collects figures and says each as soon as it is there."""

    say: Callable[[str], None]
    figures: list[Figure] = field(default_factory=list)

    def add(
        self,
        name: str,
        value: float,
        unit: str,
        *,
        at_most: float | None = None,
        at_least: float | None = None,
        peer: str = "",
        note: str = "",
    ) -> None:
        """Add a figure with its target, if it has one."""
        target, holds = "", None
        if at_most is not None:
            target, holds = f"<= {at_most:g} {unit}", value <= at_most
        elif at_least is not None:
            target, holds = f">= {at_least:g} {unit}", value >= at_least
        figure = Figure(name, value, unit, target, holds, peer, note)
        self.figures.append(figure)
        verdict = {True: "holds", False: "FALLS SHORT", None: ""}[holds]
        parts = [f"{name}: {value:.4g} {unit}", target, verdict, peer, note]
        self.say("  ".join(part for part in parts if part))


def median_seconds(action: Callable[[], object], runs: int = 5) -> float:
    """The median wall time of `runs` calls."""
    times: list[float] = []
    for _ in range(runs):
        begin = time.perf_counter()
        action()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def percentile(values: Sequence[float], share: float) -> float:
    """The value under which `share` (0..1) of `values` lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]
