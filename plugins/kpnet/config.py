"""What a KPNet training can be told. The guide's own spellings are aliases."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.core.options import N_, Choice, Rule, option
from studio.ml.course import (
    KEEPING,
    MACHINE,
    CourseOptions,
    batch_option,
    epochs_option,
    lr_option,
    optimizer_option,
    schedule_option,
    weight_decay_option,
)

FAMILY = "kpnet"
USUAL_SIDE = 384
USUAL_CHANNELS = 6

_DATA, _MODEL, _LOSSES, _PICTURES = N_("Data"), N_("Model"), N_("Losses"), N_("Augmentation")

BACKBONES = (
    "convnext_tiny", "convnext_atto", "convnext_femto", "convnext_pico", "convnext_nano",
    "convnext_small", "convnext_base", "convnext_large",
)  # fmt: skip
# The figure that chooses the best weights, by the name it is asked for: (metric, higher is better).
JUDGED_BY = {
    "hota": ("HOTA-KP", True),
    "error": ("joint-error", False),
    "pck": ("PCK", True),
}
# What stage 2 (fine-tuning) changes where nothing else is said.
_STAGE_WEIGHTS = {1: (0.2, 0.15), 2: (0.05, 0.0)}


def known_backbones() -> tuple[Choice, ...]:
    """Timm's ConvNeXts, the smallest ones for laptops among them."""
    return tuple(Choice(name, name) for name in BACKBONES)


def _sides_are_good(sides: tuple[int, ...]) -> bool:
    return len(sides) <= 2 and all(side >= 32 for side in sides)


def _weight(default: float | None, title: str, help_text: str, *aliases: str) -> Any:
    return option(
        default, title=title, help=help_text, minimum=0, maximum=1000, group=_LOSSES,
        aliases=aliases,
    )  # fmt: skip


@dataclass(frozen=True)
class TrainOptions(CourseOptions):
    """Options of one training; defaults are the guide's first stage."""

    rules = (
        *CourseOptions.rules,
        Rule(
            "image_size",
            "--image-size is one side, or height,width, each at least 32.",
            lambda o: _sides_are_good(o.image_size),
        ),
        Rule(
            "heatmap_size",
            "--heatmap-size is one side, or height,width, each at least 8.",
            lambda o: len(o.heatmap_size) <= 2 and all(s >= 8 for s in o.heatmap_size),
        ),
        Rule(
            "best",
            "--best hota needs --val-hota.",
            lambda o: o.best != "hota" or o.val_hota,
        ),
        Rule(
            "init",
            "Give either --init (weights only) or --backbone-weights, not both.",
            lambda o: not (o.init and o.backbone_weights),
        ),
    )

    data: Path | None = option(
        None,
        title=N_("Dataset"),
        help=N_("A video keypoint set: a folder with train/ and val/, or a converted dataset."),
        kind="dataset",
        group=_DATA,
        aliases=("--data-root",),
    )
    masks: Path | None = option(
        None,
        title=N_("Region masks"),
        help=N_(
            "A folder of class-number pictures, <video>/*.png, classes.txt beside them; the "
            "dataset's own masks where nothing is given."
        ),
        kind="folder",
        group=_DATA,
        aliases=("--pseudo6-root",),
    )
    motion_gap: int = option(
        1,
        title=N_("Frames apart"),
        help=N_("How far back the frame before may lie; 1 is the very next one of the video."),
        unit=N_("frames"),
        minimum=1,
        maximum=1000,
        group=_DATA,
        advanced=True,
    )
    flow_cache: Path | None = option(
        None,
        title=N_("Motion store"),
        help=N_("A folder that keeps the motion of every frame, so that it is computed once."),
        kind="folder",
        group=_DATA,
        advanced=True,
    )
    backbone: str = option(
        "convnext_tiny",
        title=N_("Backbone"),
        help=N_("A ConvNeXt of timm by name; convnext_atto suits a laptop."),
        offers=known_backbones,
        group=_MODEL,
    )
    init: str = option(
        "",
        title=N_("Start from"),
        help=N_("KPNet weights whose matching tensors are taken; the log says which."),
        kind="model",
        group=_MODEL,
        aliases=("--pretrained", "--weights"),
    )
    backbone_weights: Path | None = option(
        None,
        title=N_("Backbone's weights"),
        help=N_("A local file of timm; nothing is downloaded."),
        kind="file",
        group=_MODEL,
        advanced=True,
    )
    image_size: tuple[int, ...] = option(
        (),
        title=N_("Frame size"),
        help=N_(
            "One side, or height,width: every frame is brought to it. Where nothing is given it "
            "is that of the weights to start from, else 384."
        ),
        unit="px",
        group=_MODEL,
        aliases=("--imgsz",),
    )
    heatmap_size: tuple[int, ...] = option(
        (),
        title=N_("Heatmap size"),
        help=N_("One side, or height,width; a quarter of the frame where nothing is given."),
        group=_MODEL,
    )
    in_chans: int | None = option(
        None,
        title=N_("Channels"),
        help=N_("3: colours alone; 6: with motion, which is usual."),
        choices=(3, 6),
        group=_MODEL,
    )
    motion: str = option(
        "dis",
        title=N_("Optical flow"),
        help=N_("How motion is found; DIS is twenty times as fast."),
        choices=(Choice("dis", "DIS"), Choice("farneback", "Farneback")),
        group=_MODEL,
        advanced=True,
    )
    width: int = option(
        256,
        title=N_("Decoder's width"),
        help=N_("Channels between backbone and heads; 48 to 96 for a small machine."),
        minimum=16,
        maximum=1024,
        group=_MODEL,
        advanced=True,
    )
    sigma: float = option(
        2.0,
        title=N_("Sigma"),
        help=N_("Width of the Gaussian around a joint, in cells of the heatmap."),
        minimum=0.25,
        maximum=20,
        group=_MODEL,
        advanced=True,
    )
    epochs: int = epochs_option(60)
    batch: int = batch_option(8)
    lr: float = lr_option(1e-4)
    schedule: str = schedule_option("constant")
    optimizer: str = optimizer_option("adamw")
    weight_decay: float = weight_decay_option(1e-4)
    amp: bool = option(
        True,
        title=N_("Mixed precision"),
        help=N_("Half precision where it is safe: faster on a GPU, and half the memory."),
        group=MACHINE,
    )
    validate_every: int = option(
        1,
        title=N_("Judge every"),
        help=N_("Epochs from one judgement on the validation pictures to the next."),
        unit=N_("epochs"),
        minimum=1,
        group=KEEPING,
        advanced=True,
        aliases=("--val-hota-interval",),
    )
    stage: int = option(
        1,
        title=N_("Stage"),
        help=N_(
            "1 learns with regions; 2 refines: small coordinate weight, no regions, 20 epochs."
        ),
        choices=(Choice(1, N_("1, learning")), Choice(2, N_("2, refining"))),
        group=_LOSSES,
    )
    hm_pos_weight: float = option(
        80.0,
        title=N_("Weight of what is there"),
        help=N_("A heatmap is nearly empty: so much more its peak counts than its background."),
        minimum=1,
        maximum=100_000,
        group=_LOSSES,
    )
    vis_loss_weight: float = _weight(
        0.1, N_("Visibility loss"), N_("Absent, hidden or visible, for each joint.")
    )
    coord_loss_weight: float | None = _weight(
        None, N_("Coordinate loss"), N_("Distance of the heatmap's mean place; .2, in stage 2 .05.")
    )
    seg_loss_weight: float | None = _weight(
        None, N_("Region loss"), N_("Dice and focal loss of the masks; .15, in stage 2 none.")
    )
    hm_consist_weight: float = _weight(
        0.05, N_("Steady heatmaps"), N_("Heatmaps move as the optical flow says.")
    )
    coord_consist_weight: float = _weight(
        0.05, N_("Steady coordinates"), N_("Coordinates move as the optical flow says.")
    )
    val_hota: bool = option(
        False,
        title=N_("Judge by HOTA-KP"),
        help=N_("Also count HOTA-KP on the validation clips; it needs trackeval."),
        group=KEEPING,
    )
    best: str = option(
        "auto",
        title=N_("Best by"),
        help=N_("Which figure chooses the best weights; automatic: HOTA-KP where it is counted."),
        choices=(
            Choice("auto", N_("Automatic")),
            Choice("hota", "HOTA-KP"),
            Choice("error", N_("Mean distance")),
            Choice("pck", "PCK"),
        ),
        group=KEEPING,
    )
    aug_rotate_deg: float = option(
        0.0,
        title=N_("Rotation"),
        help=N_("Turned at random by up to this, either way: frame, joints, masks and motion."),
        unit="°",
        minimum=0,
        maximum=180,
        group=_PICTURES,
    )
    resize_only: bool = option(
        False,
        title=N_("Only resize"),
        help=N_("No mirroring, shift, scaling or colours, whatever stands there; turning stays."),
        group=_PICTURES,
    )
    flip: float = option(
        0.0,
        title=N_("Mirror"),
        help=N_("Share of pictures that are mirrored, left and right joints with them."),
        minimum=0,
        maximum=1,
        group=_PICTURES,
        advanced=True,
    )
    scale: float = option(
        0.0,
        title=N_("Scaling"),
        help=N_("Made larger or smaller at random by up to this share."),
        minimum=0,
        maximum=0.9,
        group=_PICTURES,
        advanced=True,
    )
    shift: float = option(
        0.0,
        title=N_("Shift"),
        help=N_("Moved at random by up to this share of the picture."),
        minimum=0,
        maximum=0.9,
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
    cache: bool = option(
        True,
        title=N_("Keep pictures in memory"),
        help=N_("Shrunk frames are kept, up to 2 GB, so that each is read once."),
        group=MACHINE,
        advanced=True,
    )
    dump_seg_val: bool = option(
        False,
        title=N_("Draw the regions"),
        help=N_("At each judgement, draw the regions found on validation frames into report/seg."),
        group=KEEPING,
        advanced=True,
    )
    dump_seg_interval: int = option(
        1,
        title=N_("Draw regions every"),
        unit=N_("epochs"),
        minimum=1,
        group=KEEPING,
        advanced=True,
    )
    dump_seg_limit: int = option(
        100,
        title=N_("Region pictures at most"),
        minimum=1,
        maximum=1_000_000,
        group=KEEPING,
        advanced=True,
    )
    dump_seg_alpha: float = option(
        0.5,
        title=N_("Strength of the colour"),
        help=N_("0 shows the frame alone, 1 the regions alone."),
        minimum=0,
        maximum=1,
        group=KEEPING,
        advanced=True,
    )

    @property
    def coordinate_weight(self) -> float:
        """The coordinate loss's weight, by the stage where none is given."""
        given = self.coord_loss_weight
        return _STAGE_WEIGHTS[self.stage][0] if given is None else given

    @property
    def region_weight(self) -> float:
        """The region loss's weight, by the stage where none is given."""
        given = self.seg_loss_weight
        return _STAGE_WEIGHTS[self.stage][1] if given is None else given

    @property
    def consistent(self) -> bool:
        """Whether the frame before is looked at too."""
        return self.hm_consist_weight > 0 or self.coord_consist_weight > 0

    @property
    def judged_by(self) -> tuple[str, bool]:
        """The metric that chooses the best weights, and whether more of it is better."""
        name = self.best if self.best != "auto" else ("hota" if self.val_hota else "error")
        return JUDGED_BY[name]


def both_sides(sides: tuple[int, ...]) -> tuple[int, int]:
    """(height, width) of one side or two."""
    return sides[0], sides[-1]
