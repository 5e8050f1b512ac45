"""What a judgement of a model on a dataset is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.core.options import N_, Choice, Options, Rule, option
from studio.core.requests.shared import (
    cfg_option,
    conf_option,
    device_option,
    imgsz_option,
    iou_option,
    model_option,
    precision_option,
    report_option,
)

GT, DETECTOR = "gt", "detector"
TOP_DOWN = N_("Joints in boxes")


def _box_choices() -> tuple[Choice, ...]:
    return (Choice(GT, N_("The labels' own")), Choice(DETECTOR, N_("Of a detector")))


@dataclass(frozen=True)
class EvaluateOptions(Options):
    """Which model is held against which labels."""

    rules = (
        Rule(
            "detector",
            "--boxes detector needs --detector: a model that finds people.",
            lambda o: o.boxes != DETECTOR or o.detector is not None,
        ),
    )

    model: Path = model_option("--ckpt", "--checkpoint")
    data: Path = option(
        title=N_("Dataset"),
        help=N_(
            "A converted dataset, a COCO or YOLO dataset, or a folder of annotated pictures; a "
            "video keypoint set or a head-pose set for models of those."
        ),
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
    boxes: str = option(
        GT,
        title=N_("Boxes"),
        help=N_(
            "Where a model that looks into boxes gets them: the labels' own, a detector's, or a "
            "file of COCO detections. Other models find people themselves."
        ),
        offers=_box_choices,
        group=TOP_DOWN,
    )
    detector: Path | None = option(
        None,
        title=N_("Detector"),
        help=N_("The pose model whose boxes are taken."),
        kind="model",
        group=TOP_DOWN,
    )
    detector_conf: float = option(
        0.05,
        title=N_("Detector's confidence"),
        help=N_("Boxes of the detector, or of the file, below this score are left out."),
        minimum=0.0,
        maximum=1.0,
        group=TOP_DOWN,
        advanced=True,
    )
    flip_test: bool = option(
        True,
        title=N_("Flip test"),
        help=N_("Look at each box mirrored, too, and take the mean: better, and twice the time."),
        group=TOP_DOWN,
        advanced=True,
    )
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
    cfg: Path | None = cfg_option()
    precision: str = precision_option()
    device: str = device_option()
    skeleton: str = option(
        "",
        title=N_("Skeleton"),
        help=N_("A skeleton's name or file, where the dataset does not carry its own."),
        kind="skeleton",
        advanced=True,
    )
