"""What a live session is asked. Those in `CHANGEABLE` may be changed while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.core.options import N_, Options, Rule, option
from studio.core.requests.shared import (
    conf_option,
    detector_option,
    device_option,
    draw_fps_option,
    flip_test_option,
    imgsz_option,
    iou_option,
    kp_conf_option,
    kp_radius_option,
    line_thickness_option,
    max_people_option,
    model_option,
    precision_option,
)

CHANGEABLE = frozenset(
    {
        "conf", "iou", "max_people", "kp_conf", "kp_radius", "line_thickness", "record",
        "keep_doubtful", "doubt_low", "doubt_high", "draw_fps",
    }
)  # fmt: skip


@dataclass(frozen=True)
class LiveOptions(Options):
    """Which model looks at which source, live."""

    rules = (
        Rule(
            "doubt_high",
            N_("The upper bound of doubt must be above the lower one."),
            lambda o: o.doubt_low < o.doubt_high,
        ),
    )

    model: Path = model_option()
    source: str = option(
        "0",
        title=N_("Source"),
        help=N_("A camera's number, a video, a folder, a stream's address, or synthetic:"),
    )
    conf: float = conf_option()
    width: int = option(
        0,
        title=N_("Camera width"),
        help=N_("0 leaves it to the camera."),
        unit="px",
        minimum=0,
        maximum=16_384,
        advanced=True,
    )
    height: int = option(
        0,
        title=N_("Camera height"),
        help=N_("0 leaves it to the camera."),
        unit="px",
        minimum=0,
        maximum=16_384,
        advanced=True,
    )
    fps: float = option(
        0.0,
        title=N_("Frames per second"),
        help=N_("0 leaves it to the camera or the video."),
        minimum=0.0,
        maximum=1000.0,
        advanced=True,
    )
    loop: bool = option(
        False, title=N_("Repeat"), help=N_("Begin a video or a folder again at its end.")
    )
    save_dir: Path | None = option(
        None,
        title=N_("Output folder"),
        help=N_("Where recordings and snapshots go; runs/live where nothing is given."),
        kind="folder",
    )
    record: bool = option(
        False,
        title=N_("Record"),
        help=N_("Write the drawn video and its predictions as JSON and CSV."),
    )
    keep_doubtful: bool = option(
        False,
        title=N_("Keep doubtful frames"),
        help=N_("Keep pictures with a person whose score is doubtful, to annotate them."),
    )
    doubt_low: float = option(0.25, title=N_("Doubt from"), minimum=0.0, maximum=1.0, advanced=True)
    doubt_high: float = option(
        0.5, title=N_("Doubt up to"), minimum=0.0, maximum=1.0, advanced=True
    )
    detector: Path | None = detector_option(advanced=True)
    flip_test: bool = flip_test_option()
    iou: float = iou_option()
    max_people: int = max_people_option()
    imgsz: tuple[int, ...] | None = imgsz_option()
    kp_conf: float = kp_conf_option()
    kp_radius: int = kp_radius_option()
    line_thickness: int = line_thickness_option()
    draw_fps: bool = draw_fps_option()
    precision: str = precision_option()
    device: str = device_option()
