"""What PoseFlow can be told; the spellings are those of its own tracker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from studio.core.options import N_, Options, Rule, option


@dataclass(frozen=True)
class PoseFlowOptions(Options):
    """How far back people are linked, and what a match needs."""

    link: int = option(
        100,
        title=N_("Frames of the link"),
        help=N_("Who comes back later than this many frames is taken for somebody new."),
        minimum=1,
        maximum=100_000,
    )
    match: float = option(
        0.2,
        title=N_("Least match"),
        help=N_("The weighted sum of the terms that a match has to be above."),
        minimum=0.0,
        maximum=100.0,
    )
    weights: tuple[float, ...] = option(
        (1.0, 2.0, 1.0, 2.0),
        title=N_("Weights"),
        help=N_("Of features in the box, IoU of the boxes, features at joints, IoU of the joints."),
        advanced=True,
    )
    features: int = option(
        500,
        title=N_("Features a frame"),
        help=N_("ORB features that are looked for; more see more and take longer."),
        minimum=50,
        maximum=100_000,
        advanced=True,
        aliases=("--num-features",),
    )
    joint_box: float = option(
        0.1,
        title=N_("Size of a joint"),
        help=N_("The side of the square around a joint, as a part of the person's box."),
        minimum=0.01,
        maximum=1.0,
        advanced=True,
    )
    joints: int = option(
        7,
        title=N_("Joints that count"),
        help=N_("The terms of joints are the mean of so many joints, the best ones."),
        minimum=1,
        maximum=1000,
        advanced=True,
        aliases=("--num",),
    )

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("weights", "--weights needs four numbers.", lambda o: len(o.weights) == 4),
    )
