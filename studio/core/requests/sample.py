"""What the sample project is asked: how many pictures and clips of people that never were."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.core.options import N_, Options, option


@dataclass(frozen=True)
class SampleOptions(Options):
    """A project folder with pictures, annotations and clips, ready to convert and train."""

    out: Path = option(
        title=N_("Project folder"),
        help=N_("Made anew; it must not hold anything yet."),
        kind="folder",
    )
    pictures: int = option(
        60,
        title=N_("Pictures"),
        help=N_("Drawn pictures of people, each with its annotation."),
        minimum=0,
        maximum=100_000,
    )
    people: int = option(
        0,
        title=N_("People in a picture, at most"),
        help=N_("0 draws one to seven."),
        minimum=0,
        maximum=20,
        advanced=True,
    )
    clips: int = option(
        1, title=N_("Clips"), help=N_("Short films of people who move."), minimum=0, maximum=1000
    )
    size: int = option(
        512,
        title=N_("Picture size"),
        help=N_("Width and height of a drawn picture."),
        unit="px",
        minimum=96,
        maximum=2048,
    )
    seed: int = option(
        0,
        title=N_("Seed"),
        help=N_("The same seed gives the same project."),
        minimum=0,
        maximum=2**31 - 1,
    )
    frames: int = option(
        150,
        title=N_("Frames in a clip"),
        help=N_("25 of them are a second; some are also annotated pictures."),
        minimum=1,
        maximum=100_000,
        advanced=True,
    )
    clip_every: int = option(
        10,
        title=N_("Every how many frames"),
        help=N_("Every so many frames of a clip one is also an annotated picture."),
        minimum=1,
        maximum=100_000,
        advanced=True,
    )
    clip_people: int = option(
        3,
        title=N_("People in a clip"),
        minimum=1,
        maximum=20,
        advanced=True,
    )
    heads: int = option(
        0,
        title=N_("Heads"),
        help=N_("Drawn heads with their rotation, as a head-pose set in datasets/heads."),
        minimum=0,
        maximum=100_000,
        advanced=True,
    )
    head_size: int = option(
        96,
        title=N_("Size of the heads"),
        help=N_("Width and height of a head's picture."),
        unit="px",
        minimum=32,
        maximum=1024,
        advanced=True,
    )
    photos: bool = option(
        True,
        title=N_("Photographs"),
        help=N_("The two of the installed ultralytics package, with annotations of ours."),
        advanced=True,
    )
