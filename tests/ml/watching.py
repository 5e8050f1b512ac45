"""What is asked of a training's events."""

from __future__ import annotations

from studio.core.job import LOG, METRICS
from tests.training_runs import Remote


def losses(remote: Remote) -> dict[int, float]:
    return {e["step"]: e["values"]["loss"] for e in remote.named(METRICS, split="train")}


def warnings_of(remote: Remote) -> list[str]:
    return [
        e["message"]
        for e in remote.named(LOG, level="warning")
        if "waits" not in e["message"]  # a toy is loaded no slower than it is learnt
    ]
