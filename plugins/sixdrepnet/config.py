"""What a 6DRepNet training can be told. The guide's own spellings are aliases."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.core.options import N_, Choice, Rule, option
from studio.ml.course import (
    COURSE,
    CourseOptions,
    batch_option,
    epochs_option,
    gamma_option,
    lr_option,
    milestones_option,
    schedule_option,
)

FAMILY = "sixdrepnet"
ORIGINAL = "repvgg_b1g2"
ORIGINAL_WEIGHTS = "RepVGG-B1g2-train.pth"
AUTO, NOTHING = "auto", "none"
STRIDE = 32
METRICS = ("geodesic", "MAE", "official-MAE")

_DATA, _MODEL, _PICTURES = N_("Data"), N_("Model"), N_("Augmentation")

BACKBONES = (
    ORIGINAL, "repvgg_a0", "repvgg_a1", "repvgg_b0", "resnet18", "resnet10t", "mobileone_s0",
    "mobilenetv3_large_100", "mobilenetv3_small_100", "mobilenetv4_conv_small", "regnetx_002",
)  # fmt: skip
SETS = (
    Choice(AUTO, N_("Find out")),
    Choice("headpose", N_("Head-pose set of the studio")),
    Choice("300w-lp", "300W-LP"),
    Choice("aflw2000", "AFLW2000-3D"),
)
# The guide's names of a set that its own conversion wrote.
_CONVERTED = frozenset({"aisin", "motion", "biwi", "head-pose"})


def known_backbones() -> tuple[Choice, ...]:
    """The original's, and a few of timm's."""
    return tuple(Choice(name, name) for name in BACKBONES)


@dataclass(frozen=True)
class TrainOptions(CourseOptions):
    """Options of one training; the defaults are the guide's."""

    rules = (
        *CourseOptions.rules,
        Rule(
            "crop_scale",
            "--crop-scale is a share above 0 and at most 1.",
            lambda o: 0 < o.crop_scale <= 1,
        ),
    )

    data: Path | None = option(
        None,
        title=N_("Dataset"),
        help=N_("A head-pose set, or a folder of 300W-LP or AFLW2000."),
        kind="dataset",
        group=_DATA,
        aliases=("--data-dir",),
    )
    dataset: str = option(
        AUTO,
        title=N_("Kind of the dataset"),
        help=N_("headpose, 300w-lp or aflw2000; auto finds out by what stands in the folder."),
        offers=lambda: SETS,
        group=_DATA,
        advanced=True,
    )
    filename_list: Path | None = option(
        None,
        title=N_("Filename list"),
        help=N_("Train on the heads of this list alone, such as files.txt."),
        kind="file",
        group=_DATA,
        advanced=True,
    )
    val_data: Path | None = option(
        None,
        title=N_("Validation dataset"),
        help=N_("Where the heads to judge on stand, if not on the dataset's own val side."),
        kind="dataset",
        group=_DATA,
        aliases=("--val-data-dir",),
    )
    val_dataset: str = option(
        AUTO,
        title=N_("Kind of the validation dataset"),
        offers=lambda: SETS,
        group=_DATA,
        advanced=True,
    )
    val_filename_list: Path | None = option(
        None,
        title=N_("Filename list for validation"),
        help=N_("Judge on the heads of this list alone."),
        kind="file",
        group=_DATA,
        advanced=True,
    )
    backbone: str = option(
        ORIGINAL,
        title=N_("Backbone"),
        help=N_("The original's, or a network's name in timm; small ones train on a laptop."),
        offers=known_backbones,
        group=_MODEL,
    )
    pretrained: str = option(
        AUTO,
        title=N_("Start from"),
        help=N_(
            "Weights of the backbone, of the original or of an earlier training; what matches is "
            "taken over and told. auto takes RepVGG-B1g2-train.pth where it is in this folder or "
            "the folder of weights; none starts from nothing. Nothing is downloaded."
        ),
        kind="model",
        offers=lambda: (Choice(AUTO, N_("Automatic")), Choice(NOTHING, N_("Nothing"))),
        group=_MODEL,
        aliases=("--weights",),
    )
    imgsz: int = option(
        224,
        title=N_("Picture size"),
        help=N_("Width and height that heads are brought to; a multiple of 32."),
        unit="px",
        minimum=32,
        maximum=1024,
        multiple_of=STRIDE,
        group=_MODEL,
        aliases=("--img-size",),
    )
    epochs: int = epochs_option(30, "--num-epochs")
    batch: int = batch_option(64)
    lr: float = lr_option(1e-4)
    schedule: str = schedule_option("constant")
    scheduler: bool = option(
        False,
        title=N_("Steps at the milestones"),
        help=N_("The guide's switch for the schedule steps."),
        group=COURSE,
        advanced=True,
    )
    milestones: tuple[int, ...] = milestones_option((10, 20))
    gamma: float = gamma_option(0.5)
    best: str = option(
        "geodesic",
        title=N_("Best weights by"),
        help=N_("The validation figure that chooses them; less is better."),
        choices=METRICS,
        group=COURSE,
        advanced=True,
    )
    flip: float = option(
        0.5,
        title=N_("Mirror"),
        help=N_("Share of heads that are mirrored, their rotation with them."),
        minimum=0,
        maximum=1,
        group=_PICTURES,
        advanced=True,
    )
    degrees: float = option(
        0.0,
        title=N_("Rotation"),
        help=N_("Standard deviation of a turn in the picture, never more than twice that."),
        unit="°",
        minimum=0,
        maximum=90,
        group=_PICTURES,
        advanced=True,
    )
    crop_scale: float = option(
        0.8,
        title=N_("Smallest crop"),
        help=N_("A random part of the head's crop is seen, at least this share of its area."),
        minimum=0,
        maximum=1,
        group=_PICTURES,
        advanced=True,
    )
    stretch: float = option(
        4 / 3,
        title=N_("Stretching"),
        help=N_("The crop's sides change their ratio by a factor up to this; 1 leaves it."),
        minimum=1,
        maximum=2,
        group=_PICTURES,
        advanced=True,
    )
    blur: float = option(
        0.05,
        title=N_("Blur"),
        help=N_("Share of heads that are seen out of focus."),
        minimum=0,
        maximum=1,
        group=_PICTURES,
        advanced=True,
    )
    colours: float = option(
        0.0,
        title=N_("Colours"),
        help=N_("Brightness, contrast and saturation change by up to this share."),
        minimum=0,
        maximum=0.9,
        group=_PICTURES,
        advanced=True,
    )

    def __post_init__(self) -> None:
        if self.scheduler and self.schedule == "constant":
            object.__setattr__(self, "schedule", "steps")
        for name in ("dataset", "val_dataset"):
            if getattr(self, name).lower() in _CONVERTED:
                object.__setattr__(self, name, "headpose")
