"""What a measurement of an artefact's speed is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.core.options import N_, Options, option
from studio.core.requests.shared import (
    batch_option,
    device_option,
    imgsz_option,
    model_option,
    precision_option,
)


@dataclass(frozen=True)
class BenchmarkOptions(Options):
    """Which artefact is measured, on what, and for how long."""

    model: Path = model_option()
    source: str = option(
        "",
        title=N_("Source"),
        help=N_("Pictures or a video to measure with; drawn people where nothing is given."),
    )
    seconds: float = option(
        5.0,
        title=N_("Seconds"),
        help=N_("How long each of the measurements lasts."),
        unit="s",
        minimum=0.1,
        maximum=3600.0,
    )
    imgsz: tuple[int, ...] | None = imgsz_option()
    batch: int = batch_option()
    threads: int = option(
        0,
        title=N_("Threads"),
        help=N_("0 leaves it to the engine."),
        minimum=0,
        maximum=1024,
        advanced=True,
    )
    streams: int = option(
        0,
        title=N_("Streams"),
        help=N_("Pictures computed side by side for the throughput; 0 leaves it to the engine."),
        minimum=0,
        maximum=1024,
        advanced=True,
    )
    precision: str = precision_option()
    device: str = device_option()
    out: Path | None = option(
        None, title=N_("Report"), help=N_("Where benchmark.json goes."), kind="file", advanced=True
    )
