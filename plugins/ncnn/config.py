"""What an ncnn export can be told."""

from __future__ import annotations

from dataclasses import dataclass

from studio.core.options import N_, Options, option
from studio.exporting.options import imgsz_option


@dataclass(frozen=True)
class ExportOptions(Options):
    """How the weights are stored, and the size of the input."""

    half: bool = option(
        False,
        title=N_("Half precision"),
        help=N_("Weights as 16-bit numbers: half the size, the same result within a hair."),
    )
    imgsz: tuple[int, ...] | None = imgsz_option()
