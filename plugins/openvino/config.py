"""What an OpenVINO export can be told."""

from __future__ import annotations

from dataclasses import dataclass

from studio.core.options import N_, Options, option


@dataclass(frozen=True)
class ExportOptions(Options):
    """Precision and input size of the artefact."""

    half: bool = option(
        False,
        title=N_("Half precision"),
        help=N_("Weights as 16-bit numbers: half the size, the same result within a hair."),
    )
    imgsz: tuple[int, ...] | None = option(
        None,
        title=N_("Picture size"),
        help=N_("One side, or height,width; the training's own if empty."),
        unit="px",
    )
    fixed: bool = option(
        False,
        title=N_("Fixed size"),
        help=N_("Only this size can go in, as some devices need it; open sizes otherwise."),
        advanced=True,
    )
