"""What a choice of frames from a video is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.core.options import N_, Choice, Options, Rule, option
from studio.core.requests.shared import device_option, imgsz_option, precision_option

CHOICES = ("every", "difference", "doubt")


@dataclass(frozen=True)
class FramesOptions(Options):
    """Frames of a video as pictures to annotate."""

    video: Path = option(title=N_("Video"), help=N_("A video file."), kind="file")
    output: Path = option(
        title=N_("Output folder"), help=N_("Where the pictures go."), kind="folder"
    )
    choose: str = option(
        "every",
        title=N_("Which frames"),
        choices=(
            Choice("every", N_("Every N-th")),
            Choice("difference", N_("Those that differ")),
            Choice("doubt", N_("Those a model doubts")),
        ),
    )
    every: int = option(
        30,
        title=N_("Every"),
        help=N_("One frame of so many is looked at; for doubt and difference too."),
        unit=N_("frames"),
        minimum=1,
        maximum=1_000_000,
    )
    limit: int = option(
        0,
        title=N_("At most"),
        help=N_("As many pictures; 0 for all, for doubt 50."),
        unit=N_("pictures"),
        minimum=0,
        maximum=1_000_000,
    )
    difference: float = option(
        4.0,
        title=N_("Difference"),
        help=N_("From the last frame taken, in percent of the brightness on average."),
        unit="%",
        minimum=0.0,
        maximum=100.0,
        advanced=True,
    )
    model: Path | None = option(
        None,
        title=N_("Model"),
        help=N_("For doubt: the model whose lowest scores and flickering people are taken."),
        kind="model",
    )
    apart: int = option(
        10,
        title=N_("Frames apart"),
        help=N_("For doubt: frames between two that are taken, at least."),
        unit=N_("frames"),
        minimum=0,
        maximum=1_000_000,
        advanced=True,
    )
    start: float = option(0.0, title=N_("From the time"), unit="s", minimum=0.0, advanced=True)
    end: float | None = option(None, title=N_("To the time"), unit="s", minimum=0.0, advanced=True)
    format: str = option(
        "jpg",
        title=N_("Picture format"),
        choices=(Choice("jpg", "JPEG"), Choice("png", "PNG")),
        advanced=True,
    )
    imgsz: tuple[int, ...] | None = imgsz_option()
    precision: str = precision_option()
    device: str = device_option()

    rules = (
        Rule(
            "model",
            N_("To go by doubt a model is needed."),
            lambda o: o.choose != "doubt" or o.model is not None,
        ),
        Rule(
            "end",
            N_("The end must come after the start."),
            lambda o: o.end is None or o.end > o.start,
        ),
    )
