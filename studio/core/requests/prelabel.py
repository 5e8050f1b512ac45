"""What a pre-labelling is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from studio.core.options import N_, Options, Rule, option
from studio.core.requests.shared import (
    conf_option,
    detector_option,
    device_option,
    flip_test_option,
    imgsz_option,
    iou_option,
    kp_conf_option,
    model_option,
    precision_option,
)


@dataclass(frozen=True)
class PrelabelOptions(Options):
    """Which model proposes people on which pictures."""

    model: Path = model_option()
    source: str = option(
        "",
        title=N_("Pictures"),
        help=N_(
            "A picture, a folder, a pattern such as a/*.jpg or a list file (.txt); the whole "
            "project if empty."
        ),
    )
    filter: str = option(
        "",
        title=N_("Filter"),
        help=N_("Only the project's pictures that this filter leaves, such as state:empty."),
    )
    only_empty: bool = option(
        True,
        title=N_("Only pictures without people"),
        help=N_("Pictures that have accepted people are left alone."),
    )
    conf: float = conf_option()
    kp_conf: float = kp_conf_option(help=N_("Joints below this score stay unset."), advanced=False)
    overlap: float = option(
        0.5,
        title=N_("Same person from"),
        help=N_("A person that overlaps an accepted one more than this is left out."),
        minimum=0.0,
        maximum=1.0,
        advanced=True,
    )
    detector: Path | None = detector_option(advanced=True)
    flip_test: bool = flip_test_option()
    iou: float = iou_option()
    imgsz: tuple[int, ...] | None = imgsz_option()
    skeleton: str = option(
        "",
        title=N_("Skeleton"),
        help=N_("The project's own if empty."),
        kind="skeleton",
        advanced=True,
    )
    precision: str = precision_option()
    device: str = device_option()
    write: bool = option(
        True,
        title=N_("Write annotation files"),
        help=N_("Without it the proposals stand in proposals.jsonl alone."),
        advanced=True,
    )

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "filter",
            "A filter picks from the project's own pictures: give --filter or --source, not both.",
            lambda o: not (o.filter and o.source),
        ),
    )
