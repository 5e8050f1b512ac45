"""What a YOLO pose training can be told. Names follow ultralytics and the guides."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.core.options import N_, Choice, Options, Rule, option
from studio.ml.devices import AUTO, device_choices

_DATA, _MODEL, _COURSE, _PICTURES, _MACHINE = (
    N_("Data"),
    N_("Model"),
    N_("Course of training"),
    N_("Augmentation"),
    N_("Machine"),
)

MODELS = tuple(
    f"{version}{size}-pose.{ending}"
    for version in ("yolo11", "yolov8", "yolo26")
    for size in "nsmlx"
    for ending in ("pt", "yaml")
)


def known_models() -> tuple[Choice, ...]:
    """Names that ultralytics knows: weights to start from, and descriptions to start from nothing."""
    return tuple(Choice(name, name) for name in MODELS)


@dataclass(frozen=True)
class TrainOptions(Options):
    """Options of one training, basic ones first."""

    rules = (
        Rule(
            "data",
            "Give either --data or --dataset-root, not both.",
            lambda o: not (o.data and o.dataset_root),
        ),
        Rule(
            "warmup_epochs",
            "--warmup-epochs cannot be more than --epochs.",
            lambda o: o.warmup_epochs <= max(o.epochs, 3),
        ),
        Rule("batch", "--batch 0 is not a size; -1 finds one by itself.", lambda o: o.batch != 0),
    )

    data: Path | None = option(
        None,
        title=N_("Dataset"),
        help=N_("A converted dataset's folder, its dataset.json, or a YOLO data file (.yaml)."),
        kind="dataset",
        group=_DATA,
    )
    dataset_root: Path | None = option(
        None,
        title=N_("Dataset folder"),
        help=N_(
            "A folder with images/ and labels/; pose.yaml is written there where it is missing."
        ),
        kind="folder",
        group=_DATA,
        advanced=True,
    )
    pretrained: str = option(
        "yolo11n-pose.pt",
        title=N_("Start from"),
        help=N_(
            "Weights (.pt) to go on from, or a model description (.yaml) to start from nothing."
        ),
        kind="model",
        offers=known_models,
        group=_MODEL,
        aliases=("--weights", "--model"),
    )
    epochs: int = option(
        100,
        title=N_("Epochs"),
        help=N_("How often every picture is seen."),
        minimum=1,
        maximum=100_000,
        group=_COURSE,
    )
    imgsz: int = option(
        640,
        title=N_("Picture size"),
        help=N_("The longer side is brought to this; a multiple of 32."),
        unit="px",
        minimum=32,
        maximum=4096,
        multiple_of=32,
        group=_COURSE,
        aliases=("--img-size",),
    )
    batch: int = option(
        16,
        title=N_("Batch"),
        help=N_("Pictures per step; -1 fills the GPU's memory to 60 %."),
        minimum=-1,
        maximum=4096,
        group=_COURSE,
        aliases=("--batch-size",),
    )
    device: str = option(
        AUTO,
        title=N_("Device"),
        help=N_("cpu, or a GPU's number; auto takes the first GPU where there is one."),
        choices=device_choices,
        group=_MACHINE,
    )
    lr0: float | None = option(
        None,
        title=N_("Learning rate"),
        help=N_("At the start. Where nothing is given, optimiser and rate are chosen together."),
        minimum=1e-8,
        maximum=10,
        group=_COURSE,
        aliases=("--lr",),
    )
    patience: int = option(
        100,
        title=N_("Patience"),
        help=N_("Stop after so many epochs without a better result; 0 never stops early."),
        unit=N_("epochs"),
        minimum=0,
        group=_COURSE,
    )
    seed: int = option(
        0,
        title=N_("Seed"),
        help=N_("The same seed gives the same run on the same machine."),
        minimum=0,
        maximum=2**31 - 1,
        group=_COURSE,
    )
    keypoints: int | None = option(
        None,
        title=N_("Number of keypoints"),
        help=N_("How many joints the labels hold, where no data file says so."),
        minimum=1,
        maximum=1000,
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
    workers: int = option(
        8,
        title=N_("Loader processes"),
        help=N_("Processes that read pictures for a GPU; on the CPU pictures are read in line."),
        minimum=0,
        maximum=64,
        group=_MACHINE,
        advanced=True,
    )
    amp: bool = option(
        True,
        title=N_("Mixed precision"),
        help=N_("Half precision where it is safe: faster and smaller on a GPU."),
        group=_MACHINE,
        advanced=True,
    )
    bf16: bool = option(
        False,
        title=N_("16-bit arithmetic on the processor"),
        help=N_(
            "bf16 for a training without a GPU: a quarter faster on a processor that has it "
            "(AVX512-BF16, AMX), slower on others."
        ),
        group=_MACHINE,
        advanced=True,
    )
    cache: bool = option(
        False,
        title=N_("Keep pictures in memory"),
        help=N_("Reads each picture once; needs the memory for all of them."),
        group=_MACHINE,
        advanced=True,
    )
    optimizer: str = option(
        "auto",
        title=N_("Optimiser"),
        help=N_("auto takes AdamW for short trainings and MuSGD for long ones."),
        choices=("auto", "SGD", "MuSGD", "Adam", "Adamax", "AdamW", "NAdam", "RAdam", "RMSprop"),
        group=_COURSE,
        advanced=True,
    )
    lrf: float = option(
        0.01,
        title=N_("Final learning rate"),
        help=N_("As a share of the rate at the start."),
        minimum=0,
        maximum=1,
        group=_COURSE,
        advanced=True,
    )
    cos_lr: bool = option(
        False,
        title=N_("Cosine schedule"),
        help=N_("The rate falls along a cosine instead of a line."),
        group=_COURSE,
        advanced=True,
    )
    warmup_epochs: float = option(
        3.0,
        title=N_("Warm-up"),
        help=N_("The rate rises from nothing over so many epochs."),
        unit=N_("epochs"),
        minimum=0,
        maximum=100,
        group=_COURSE,
        advanced=True,
    )
    weight_decay: float = option(
        0.0005,
        title=N_("Weight decay"),
        help=N_("How strongly large weights are pulled down."),
        minimum=0,
        maximum=1,
        group=_COURSE,
        advanced=True,
    )
    nbs: int = option(
        64,
        title=N_("Nominal batch"),
        help=N_("Gradients gather until so many pictures were seen; a short training wants less."),
        minimum=1,
        maximum=4096,
        group=_COURSE,
        advanced=True,
    )
    freeze: int = option(
        0,
        title=N_("Frozen layers"),
        help=N_("The first layers that keep their weights; 10 is about the backbone."),
        minimum=0,
        maximum=100,
        group=_MODEL,
        advanced=True,
    )
    pose: float = option(
        12.0,
        title=N_("Weight of the keypoint loss"),
        help=N_("Against the box loss, which weighs 7.5."),
        minimum=0,
        maximum=1000,
        group=_COURSE,
        advanced=True,
    )
    kobj: float = option(
        1.0,
        title=N_("Weight of the visibility loss"),
        help=N_("Whether a keypoint is there at all."),
        minimum=0,
        maximum=1000,
        group=_COURSE,
        advanced=True,
    )
    save_period: int = option(
        0,
        title=N_("Keep every Nth epoch"),
        help=N_("Besides the best and the last weights; 0 keeps none."),
        unit=N_("epochs"),
        minimum=0,
        group=_COURSE,
        advanced=True,
    )
    fliplr: float = option(
        0.5,
        title=N_("Mirror"),
        help=N_("Share of pictures that are mirrored, left and right joints with them."),
        minimum=0,
        maximum=1,
        group=_PICTURES,
        advanced=True,
    )
    degrees: float = option(
        0.0,
        title=N_("Rotation"),
        help=N_("Turned at random by up to this, either way."),
        unit="°",
        minimum=0,
        maximum=180,
        group=_PICTURES,
        advanced=True,
    )
    translate: float = option(
        0.1,
        title=N_("Shift"),
        help=N_("Moved at random by up to this share of the picture."),
        minimum=0,
        maximum=1,
        group=_PICTURES,
        advanced=True,
    )
    scale: float = option(
        0.5,
        title=N_("Scaling"),
        help=N_("Made larger or smaller at random by up to this share."),
        minimum=0,
        maximum=0.95,
        group=_PICTURES,
        advanced=True,
    )
    mosaic: float = option(
        1.0,
        title=N_("Mosaic"),
        help=N_("Share of steps in which four pictures are put together."),
        minimum=0,
        maximum=1,
        group=_PICTURES,
        advanced=True,
    )
    close_mosaic: int = option(
        10,
        title=N_("Last epochs without mosaic"),
        help=N_("The end of the training sees whole pictures only."),
        unit=N_("epochs"),
        minimum=0,
        group=_PICTURES,
        advanced=True,
    )
    mixup: float = option(
        0.0,
        title=N_("Mix-up"),
        help=N_("Share of pictures that are blended with another one."),
        minimum=0,
        maximum=1,
        group=_PICTURES,
        advanced=True,
    )
    hsv_h: float = option(
        0.015, title=N_("Hue"), help=N_("Changed at random by up to this share."),
        minimum=0, maximum=1, group=_PICTURES, advanced=True,
    )  # fmt: skip
    hsv_s: float = option(
        0.7, title=N_("Saturation"), help=N_("Changed at random by up to this share."),
        minimum=0, maximum=1, group=_PICTURES, advanced=True,
    )  # fmt: skip
    hsv_v: float = option(
        0.4, title=N_("Brightness"), help=N_("Changed at random by up to this share."),
        minimum=0, maximum=1, group=_PICTURES, advanced=True,
    )  # fmt: skip

    def __post_init__(self) -> None:
        # The guides write --device "" for this.
        if self.device == "":
            object.__setattr__(self, "device", AUTO)
