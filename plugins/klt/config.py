"""What the tracker by looks can be told."""

from __future__ import annotations

from dataclasses import dataclass

from studio.core.options import N_, Options, option
from studio.core.requests.tracking import lost_option, new_score_option


@dataclass(frozen=True)
class KltOptions(Options):
    """How often people are looked for, and how strictly joints are followed between."""

    every: int = option(
        10,
        title=N_("Frames between detections"),
        help=N_("What was found on each such frame is taken; between, joints are followed."),
        minimum=1,
        maximum=10_000,
        aliases=("--k",),
    )
    max_error: float = option(
        1.0,
        title=N_("Farthest return"),
        help=N_("A joint that does not come back this near when it is followed backward is lost."),
        unit="px",
        minimum=0.01,
        maximum=100.0,
        advanced=True,
    )
    window: int = option(
        0,
        title=N_("Window"),
        help=N_("The side of the patch that a joint is known by; 0 chooses by the people's size."),
        unit="px",
        minimum=0,
        maximum=201,
        advanced=True,
    )
    least: float = option(
        0.2,
        title=N_("Least likeness"),
        help=N_("OKS of a pose with where a person was expected; below it somebody else is meant."),
        minimum=0.01,
        maximum=0.99,
        advanced=True,
    )
    new_score: float = new_score_option()
    lost: int = lost_option()
