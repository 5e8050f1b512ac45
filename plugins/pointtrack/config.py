"""What the tracker by a point tracker's network can be told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.core.options import N_, Options, option
from studio.core.requests.shared import device_option
from studio.core.requests.tracking import (
    every_option,
    least_option,
    lost_option,
    new_score_option,
)


@dataclass(frozen=True)
class PointTrackOptions(Options):
    """Which network follows the joints, how often people are looked for, what it sees at once."""

    weights: Path = option(
        title=N_("Network"),
        help=N_(
            "A point tracker's file, .torchscript or .onnx, that takes frames and queries as the "
            "help on trackers says. None comes with the studio, and none is fetched."
        ),
        kind="file",
    )
    every: int = every_option()
    grid_size: int = option(
        0,
        title=N_("Grid"),
        help=N_(
            "Accepted from the KPNet guide and without effect: joints are followed where they are, "
            "not from the nearest point of a grid."
        ),
        minimum=0,
        maximum=10_000,
        advanced=True,
    )
    window: int = option(
        8,
        title=N_("Frames at once"),
        help=N_("How many frames the network sees at most; more need more memory and time."),
        minimum=2,
        maximum=1000,
    )
    side: int = option(
        512,
        title=N_("Longest side"),
        help=N_("Frames are made smaller for the network; 0 leaves them as they are."),
        unit="px",
        minimum=0,
        maximum=10_000,
    )
    visible: float = option(
        0.5,
        title=N_("Least visibility"),
        help=N_("A joint that the network sees less surely is taken for hidden: its score is 0."),
        minimum=0.01,
        maximum=1.0,
    )
    least: float = least_option(advanced=True)
    new_score: float = new_score_option()
    lost: int = lost_option()
    device: str = device_option()
