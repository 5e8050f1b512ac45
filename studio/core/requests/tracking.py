"""Options that several trackers ask alike; each call gives a dataclass field."""

from __future__ import annotations

from typing import Any

from studio.core.options import N_, option


def lost_option(default: int = 30) -> Any:
    """int: frames that a person may be out of sight."""
    return option(
        default,
        title=N_("Frames out of sight"),
        help=N_("Who comes back later than this many frames is taken for somebody new."),
        minimum=0,
        maximum=100_000,
    )


def new_score_option(default: float = 0.3) -> Any:
    """Float 0..1: the score that a person who was not there before has to have."""
    return option(
        default,
        title=N_("Score of somebody new"),
        help=N_("Below it a person only carries on who was there before."),
        minimum=0.0,
        maximum=1.0,
    )
