"""What the trackers by boxes can be told."""

from __future__ import annotations

from dataclasses import dataclass

from studio.core.options import N_, Options, option
from studio.core.requests.tracking import lost_option


@dataclass(frozen=True)
class ByteTrackOptions(Options):
    """ByteTrack's thresholds, under its own names."""

    track_thresh: float = option(
        0.5,
        title=N_("Score of a sure box"),
        help=N_("Boxes from this score on come first; the others only carry on who was there."),
        minimum=0.0,
        maximum=1.0,
        aliases=("--track-high-thresh",),
    )
    low_thresh: float = option(
        0.1,
        title=N_("Score of a doubtful box"),
        help=N_("Boxes below it are not looked at."),
        minimum=0.0,
        maximum=1.0,
        aliases=("--track-low-thresh",),
        advanced=True,
    )
    new_thresh: float = option(
        0.6,
        title=N_("Score of somebody new"),
        help=N_("Below it a person only carries on who was there before."),
        minimum=0.0,
        maximum=1.0,
        aliases=("--new-track-thresh",),
    )
    match_thresh: float = option(
        0.8,
        title=N_("Farthest match"),
        help=N_("1 - IoU x score up to which a sure box belongs to a person."),
        minimum=0.0,
        maximum=1.0,
        advanced=True,
    )
    lost: int = lost_option()
