"""What a tracking of joints through the frames of a clip is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.core.options import N_, Choice, Options, option


@dataclass(frozen=True)
class TrackPointsOptions(Options):
    """Whose joints are followed, from where, which way and how far."""

    picture: Path = option(
        title=N_("First picture"),
        help=N_("An annotated frame of a clip; the frames beside it are followed."),
        kind="file",
    )
    people: tuple[int, ...] = option(
        (), title=N_("People"), help=N_("The group ids to follow; all of the picture if empty.")
    )
    direction: str = option(
        "forward",
        title=N_("Direction"),
        choices=(Choice("forward", N_("Forward")), Choice("backward", N_("Backward"))),
    )
    frames: int = option(
        30, title=N_("Frames at most"), minimum=1, maximum=100_000, aliases=("--limit",)
    )
    max_error: float = option(
        3.0,
        title=N_("Return error"),
        help=N_("A point that does not come back to where it started, followed backward, is lost."),
        unit="px",
        minimum=0.1,
        maximum=50.0,
        advanced=True,
    )
    min_confidence: float = option(
        0.1,
        title=N_("Lowest confidence"),
        help=N_("A point below it is lost and stays unset."),
        minimum=0.0,
        maximum=1.0,
        advanced=True,
    )
    write: bool = option(
        True,
        title=N_("Write annotation files"),
        help=N_("Without it the tracks stand in tracks.jsonl alone."),
        advanced=True,
    )
