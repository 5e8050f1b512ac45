"""What a judgement of a model on a dataset is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.core.options import N_, Choice, Options, option
from studio.core.requests.shared import (
    conf_option,
    device_option,
    imgsz_option,
    iou_option,
    model_option,
    precision_option,
    report_option,
)


@dataclass(frozen=True)
class EvaluateOptions(Options):
    """Which model is held against which labels."""

    model: Path = model_option()
    data: Path = option(
        title=N_("Dataset"),
        help=N_("A converted dataset, a COCO or YOLO dataset, or a folder of annotated pictures."),
        kind="dataset",
    )
    split: str = option(
        "val",
        title=N_("Split"),
        help=N_("Which pictures of the dataset; all takes every one."),
        choices=(
            Choice("val", N_("Validation side")),
            Choice("train", N_("Training side")),
            Choice("test", N_("Test side")),
            Choice("all", N_("All")),
        ),
    )
    out: Path | None = report_option()
    imgsz: tuple[int, ...] | None = imgsz_option()
    conf: float = conf_option(
        0.001,
        help=N_("People below this score are left out; a low one is usual for a judgement."),
        advanced=True,
    )
    iou: float = iou_option()
    show_conf: float = option(
        0.25,
        title=N_("Confidence in pictures"),
        help=N_("From this score on a person counts as found in the pictures and joint errors."),
        minimum=0.0,
        maximum=1.0,
        advanced=True,
    )
    pictures: int = option(
        200,
        title=N_("Pictures in the report"),
        help=N_("The worst ones first."),
        minimum=0,
        maximum=100_000,
        advanced=True,
    )
    precision: str = precision_option()
    device: str = device_option()
    skeleton: str = option(
        "",
        title=N_("Skeleton"),
        help=N_("A skeleton's name or file, where the dataset does not carry its own."),
        kind="skeleton",
        advanced=True,
    )
