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


def least_option(default: float = 0.2, *, advanced: bool = False) -> Any:
    """Float 0..1: the OKS from which on two poses may be one person's."""
    return option(
        default,
        title=N_("Least likeness"),
        help=N_("OKS of a pose with where a person was expected; below it somebody else is meant."),
        minimum=0.01,
        maximum=0.99,
        advanced=advanced,
    )


def every_option(default: int = 10) -> Any:
    """int: frames from one detection to the next."""
    return option(
        default,
        title=N_("Frames between detections"),
        help=N_("What was found on each such frame is taken; between, joints are followed."),
        minimum=1,
        maximum=10_000,
        aliases=("--k",),
    )


def track_options_option() -> Any:
    """tuple[str, ...]: what a tracker that is named beside a model is told, "name=value" each."""
    return option(
        (),
        title=N_("Tracker's options"),
        help=N_("Each name=value, such as lost=60; `track --tracker NAME --help` lists them."),
        advanced=True,
    )
