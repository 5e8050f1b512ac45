"""What a comparison of two artefacts is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.core.options import N_, Options, option
from studio.core.requests.shared import (
    conf_option,
    device_option,
    imgsz_option,
    iou_option,
    precision_option,
    report_option,
)


@dataclass(frozen=True)
class CompareOptions(Options):
    """Which two artefacts of one model look at which pictures."""

    a: Path = option(
        title=N_("First model"),
        help=N_("What is held to be right: most often the trained weights."),
        kind="model",
    )
    b: Path = option(
        title=N_("Second model"), help=N_("Most often the exported artefact."), kind="model"
    )
    data: Path = option(
        title=N_("Dataset"),
        help=N_("A dataset, or a folder of pictures; without labels there is no AP."),
        kind="dataset",
    )
    split: str = option(
        "all", title=N_("Split"), help=N_("train, val, test or all."), advanced=True
    )
    limit: int = option(
        0,
        title=N_("Pictures at most"),
        help=N_("0 takes all of them."),
        minimum=0,
        advanced=True,
    )
    out: Path | None = report_option()
    precision: str = precision_option("f32", advanced=False)
    imgsz: tuple[int, ...] | None = imgsz_option()
    conf: float = conf_option(
        help=N_("People from this score on are compared; AP takes all of them."), advanced=True
    )
    iou: float = iou_option()
    device: str = device_option()
