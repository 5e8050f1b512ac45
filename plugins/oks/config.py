"""What the tracker by poses can be told."""

from __future__ import annotations

from dataclasses import dataclass

from studio.core.options import N_, Options, option
from studio.core.requests.tracking import least_option, lost_option, new_score_option


@dataclass(frozen=True)
class OksOptions(Options):
    """When poses belong together, and how calm joints are."""

    least: float = least_option()
    new_score: float = new_score_option()
    lost: int = lost_option(60)
    smooth: bool = option(
        True,
        title=N_("Smooth joints"),
        help=N_("Take the trembling out of joints that stay where they are (One-Euro filter)."),
    )
    min_cutoff: float = option(
        2.0,
        title=N_("Calm"),
        help=N_("Lower is calmer: what changes faster is smoothed where a joint hardly moves."),
        unit="Hz",
        minimum=0.01,
        maximum=1000.0,
        advanced=True,
    )
    beta: float = option(
        10.0,
        title=N_("Quickness"),
        help=N_(
            "Higher follows quick joints more closely: Hz more for each body size that a joint "
            "moves in a second."
        ),
        minimum=0.0,
        maximum=1000.0,
        advanced=True,
    )
