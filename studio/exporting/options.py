"""Options that several targets ask alike, declared once; each call gives a dataclass field."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.core.options import N_, Choice, Options, option


def imgsz_option() -> Any:
    """tuple[int, ...] | None: the side, or height and width, that the artefact is made for."""
    return option(
        None,
        title=N_("Picture size"),
        help=N_("One side, or height,width; the training's own if empty."),
        unit="px",
    )


def fixed_option() -> Any:
    """bool: height and width are fixed, and one picture goes in at a time."""
    return option(
        False,
        title=N_("Fixed size"),
        help=N_("Only this size can go in, as some devices need it; open sizes otherwise."),
        advanced=True,
    )


@dataclass(frozen=True)
class CalibrationOptions(Options):
    """Which pictures set the ranges of a model's whole numbers."""

    calibration: Path | None = option(
        None,
        title=N_("Calibration pictures"),
        help=N_(
            "A dataset, or a folder of pictures; the training pictures of the model's own run if "
            "empty."
        ),
        kind="dataset",
        group=N_("Calibration"),
    )
    calibration_count: int = option(
        100,
        title=N_("How many"),
        help=N_("Pictures that are looked at; more take longer and gain little."),
        minimum=10,
        maximum=5000,
        group=N_("Calibration"),
    )
    calibration_split: str = option(
        "train",
        title=N_("Side of the dataset"),
        help=N_("Judging on the pictures that were calibrated on flatters the artefact."),
        choices=(Choice("train"), Choice("val"), Choice("half"), Choice("all")),
        advanced=True,
        group=N_("Calibration"),
    )
    calibration_seed: int = option(
        0,
        title=N_("Choice of pictures"),
        help=N_("The same number chooses the same pictures."),
        minimum=0,
        advanced=True,
        group=N_("Calibration"),
    )
