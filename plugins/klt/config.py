"""What the tracker by looks can be told."""

from __future__ import annotations

from dataclasses import dataclass

from studio.core.options import N_, Options, option
from studio.core.requests.tracking import every_option, least_option, lost_option, new_score_option


@dataclass(frozen=True)
class KltOptions(Options):
    """How often people are looked for, and how strictly joints are followed between."""

    every: int = every_option()
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
    least: float = least_option(advanced=True)
    new_score: float = new_score_option()
    lost: int = lost_option()
