"""What a FastPose training can be told. The guide's own spellings are aliases."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.core.options import N_, Choice, Rule, option
from studio.ml.course import (
    CourseOptions,
    batch_option,
    epochs_option,
    lr_option,
    milestones_option,
    schedule_option,
)

FAMILY = "fastpose"
CELL = 4
STRIDE = 32

_DATA, _MODEL, _PICTURES = N_("Data"), N_("Model"), N_("Augmentation")

BACKBONES = (
    "resnet50", "resnet101", "resnet152", "resnet34", "resnet18", "resnet10t",
    "mobilenetv3_large_100", "mobilenetv3_small_100", "mobilenetv4_conv_small",
    "convnext_tiny", "convnext_atto", "test_resnet",
)  # fmt: skip
HEADS = (Choice("heatmap", N_("Heatmaps")), Choice("simcc", N_("Rows of bins (SimCC)")))


def known_backbones() -> tuple[Choice, ...]:
    """A few of timm's networks, the original's first."""
    return tuple(Choice(name, name) for name in BACKBONES)


@dataclass(frozen=True)
class TrainOptions(CourseOptions):
    """Options of one training; defaults are the original's (140 epochs, then 60 with jitter)."""

    rules = (
        *CourseOptions.rules,
        Rule(
            "try_load",
            "Give either --pretrained (all weights) or --try-load (those that match), not both.",
            lambda o: not (o.pretrained and o.try_load),
        ),
        Rule(
            "imgsz",
            "--imgsz is height,width, each a multiple of 32.",
            lambda o: len(o.imgsz) == 2 and all(s >= STRIDE and s % STRIDE == 0 for s in o.imgsz),
        ),
    )

    data: Path | None = option(
        None,
        title=N_("Dataset"),
        help=N_("A dataset's folder, its dataset.json, or a COCO keypoint file."),
        kind="dataset",
        group=_DATA,
        aliases=("--dataset-root",),
    )
    val_data: Path | None = option(
        None,
        title=N_("Validation dataset"),
        help=N_("Where the pictures to judge on stand, if not in the dataset's own val side."),
        kind="dataset",
        group=_DATA,
        advanced=True,
    )
    skeleton: str = option(
        "",
        title=N_("Skeleton"),
        help=N_("A skeleton's name or file, where the dataset does not carry its own."),
        kind="skeleton",
        group=_DATA,
        advanced=True,
    )
    cfg: Path | None = option(
        None,
        title=N_("AlphaPose file"),
        help=N_("An AlphaPose YAML: what it names is taken where nothing else is given."),
        kind="file",
        group=_DATA,
        advanced=True,
    )
    backbone: str = option(
        "resnet50",
        title=N_("Backbone"),
        help=N_("A network of timm by name; resnet18 and mobilenetv3_small_100 suit a laptop."),
        offers=known_backbones,
        group=_MODEL,
    )
    head: str = option(
        "heatmap",
        title=N_("Network head"),
        help=N_("Heatmaps are the original's; rows of bins are smaller and bear 8 bits well."),
        choices=HEADS,
        group=_MODEL,
    )
    imgsz: tuple[int, ...] = option(
        (256, 192),
        title=N_("Input size"),
        help=N_("Height,width of a person's crop, multiples of 32."),
        unit="px",
        group=_MODEL,
        aliases=("--image-size",),
    )
    pretrained: str = option(
        "",
        title=N_("Go on from"),
        help=N_("Weights of the same network, ours or AlphaPose's; every tensor must fit."),
        kind="model",
        group=_MODEL,
        aliases=("--weights",),
    )
    try_load: str = option(
        "",
        title=N_("Transfer from"),
        help=N_("Weights of which only the matching tensors are taken; the log says which."),
        kind="model",
        group=_MODEL,
    )
    backbone_weights: Path | None = option(
        None,
        title=N_("Backbone's weights"),
        help=N_("A local file of timm or torchvision; nothing is downloaded."),
        kind="file",
        group=_MODEL,
        advanced=True,
    )
    epochs: int = epochs_option(200, "--end-epoch")
    batch: int = batch_option(32)
    lr: float = lr_option(1e-3)
    schedule: str = schedule_option("steps")
    milestones: tuple[int, ...] = milestones_option((90, 120))
    sigma: float = option(
        2.0,
        title=N_("Sigma"),
        help=N_("Width of the Gaussian around a joint, in cells of 4 input pixels."),
        minimum=0.25,
        maximum=20,
        group=_MODEL,
        advanced=True,
    )
    box_scale: float = option(
        1.25,
        title=N_("Room around the box"),
        help=N_("The crop is so many times the person's box, after it was grown to the aspect."),
        minimum=1,
        maximum=4,
        group=_PICTURES,
        advanced=True,
    )
    flip: float = option(
        0.5,
        title=N_("Mirror"),
        help=N_("Share of pictures that are mirrored, left and right joints with them."),
        minimum=0,
        maximum=1,
        group=_PICTURES,
        advanced=True,
    )
    rotate: float = option(
        40.0,
        title=N_("Rotation"),
        help=N_("Standard deviation of the angle; at most twice as much is turned."),
        unit="°",
        minimum=0,
        maximum=90,
        group=_PICTURES,
        advanced=True,
    )
    rotate_share: float = option(
        0.6,
        title=N_("Share that is turned"),
        minimum=0,
        maximum=1,
        group=_PICTURES,
        advanced=True,
    )
    scale: float = option(
        0.3,
        title=N_("Scaling"),
        help=N_("Standard deviation of the crop's size as a share; at most once as much."),
        minimum=0,
        maximum=0.9,
        group=_PICTURES,
        advanced=True,
    )
    half_body: float = option(
        0.0,
        title=N_("Half bodies"),
        help=N_("Share of people with many joints of whom only the upper or lower half is shown."),
        minimum=0,
        maximum=1,
        group=_PICTURES,
        advanced=True,
    )
    color: float = option(
        0.0,
        title=N_("Colour jitter"),
        help=N_("Brightness, contrast and saturation change by up to this share."),
        minimum=0,
        maximum=1,
        group=_PICTURES,
        advanced=True,
    )
    jitter_from: int = option(
        140,
        title=N_("Boxes jitter after"),
        help=N_("From the epoch after this on boxes are as inexact as a detector's; 0: never."),
        unit=N_("epochs"),
        minimum=0,
        group=_PICTURES,
        advanced=True,
    )
    jitter: float = option(
        0.06,
        title=N_("Box jitter"),
        help=N_("Standard deviation of each edge of the box, as a share of its side."),
        minimum=0,
        maximum=0.5,
        group=_PICTURES,
        advanced=True,
    )
    flip_test: bool = option(
        True,
        title=N_("Judge with the mirrored look"),
        help=N_("Every crop is also looked at mirrored and both answers are averaged."),
        group=_PICTURES,
        advanced=True,
    )
