"""What a live session is asked. Those in `CHANGEABLE` may be changed while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.core.options import N_, Choice, Options, Rule, option
from studio.core.requests.shared import (
    conf_option,
    detector_option,
    device_option,
    draw_fps_option,
    face_model_option,
    flip_test_option,
    head_boxes_option,
    head_draw_option,
    head_margin_option,
    head_model_option,
    head_size_option,
    head_smoothing_option,
    imgsz_option,
    iou_option,
    kp_conf_option,
    kp_radius_option,
    line_thickness_option,
    max_people_option,
    model_option,
    precision_option,
)
from studio.core.requests.tracking import track_options_option

CHANGEABLE = frozenset(
    {
        "conf", "iou", "max_people", "kp_conf", "kp_radius", "line_thickness", "record",
        "record_as", "keep_doubtful", "doubt_low", "doubt_high", "draw_fps", "serve", "smoothing",
        "trail", "head_draw", "head_size", "head_smoothing",
    }
)  # fmt: skip

# What a recorded video shows.
DRAWN, RAW, BOTH = "drawn", "raw", "both"


@dataclass(frozen=True)
class LiveOptions(Options):
    """Which model looks at which source, live."""

    rules = (
        Rule(
            "doubt_high",
            N_("The upper bound of doubt must be above the lower one."),
            lambda o: o.doubt_low < o.doubt_high,
        ),
        Rule(
            "serve",
            N_("An address is written as tcp://127.0.0.1:8765."),
            lambda o: not o.serve or "://" in o.serve,
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
    track: str = option(
        "oks",
        title=N_("Tracker"),
        help=N_("Gives people identities from frame to frame; empty for none."),
    )
    track_options: tuple[str, ...] = track_options_option()
    smoothing: float = option(
        0.0,
        title=N_("Calm joints"),
        help=N_(
            "Besides what the tracker does: 0 leaves joints where they were found, 1 is calmest."
        ),
        minimum=0.0,
        maximum=1.0,
        advanced=True,
    )
    head_model: Path | None = head_model_option()
    head_boxes: str = head_boxes_option()
    face_model: Path | None = face_model_option()
    head_margin: float | None = head_margin_option()
    head_smoothing: float = head_smoothing_option(0.5)
    head_draw: str = head_draw_option()
    head_size: int = head_size_option()
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
        help=N_("Write the video and its predictions as JSON and CSV."),
    )
    record_as: str = option(
        DRAWN,
        title=N_("Record as"),
        help=N_("The video with what was found drawn in, as it came, or two videos."),
        choices=(
            Choice(DRAWN, N_("Drawn")),
            Choice(RAW, N_("As it came")),
            Choice(BOTH, N_("Both")),
        ),
        advanced=True,
    )
    trail: int = option(
        0,
        title=N_("Trail"),
        help=N_("Draw where people were for so many frames, in recordings and snapshots too."),
        minimum=0,
        maximum=1000,
        advanced=True,
    )
    serve: str = option(
        "",
        title=N_("Send results to"),
        help=N_(
            "Each frame's results as a JSON object a line for other programs: tcp://127.0.0.1:8765, "
            "ws://127.0.0.1:8765, or a plugin's address such as mqtt://HOST/TOPIC."
        ),
        advanced=True,
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
    check_only: bool = option(
        False,
        title=N_("Check only"),
        help=N_("Open the source, take one frame and tell its size and rate; no model is needed."),
        advanced=True,
    )
