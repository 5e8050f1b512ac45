"""What the demonstration is asked: where to, and how long to train."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.core.options import N_, Options, option


@dataclass(frozen=True)
class DemoOptions(Options):
    """The whole way from pictures to people found in a clip, with a report at its end."""

    out: Path = option(
        Path("demo"),
        title=N_("Folder"),
        help=N_("Everything that the demonstration makes; an earlier one is replaced."),
        kind="folder",
    )
    pictures: int = option(
        96,
        title=N_("Pictures"),
        help=N_("Drawn pictures to train and judge with."),
        minimum=8,
        maximum=100_000,
    )
    epochs: int = option(
        2, title=N_("Epochs"), help=N_("How often every picture is seen."), minimum=1, maximum=1000
    )
    imgsz: int = option(
        256,
        title=N_("Picture size"),
        help=N_("Of training, judging and finding; a multiple of 32."),
        unit="px",
        minimum=96,
        maximum=1280,
        multiple_of=32,
        advanced=True,
    )
    seed: int = option(
        0,
        title=N_("Seed"),
        help=N_("The same seed gives the same pictures."),
        minimum=0,
        maximum=2**31 - 1,
        advanced=True,
    )
