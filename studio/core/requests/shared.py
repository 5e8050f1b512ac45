"""Options that several jobs ask alike, declared once; each call gives a dataclass field."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from studio.core.options import N_, Choice, option

PRECISION_CHOICES = (
    Choice("auto", N_("Automatic")),
    Choice("f32", "f32"),
    Choice("bf16", "bf16"),
    Choice("f16", "f16"),
)


def model_option(*aliases: str) -> Any:
    """Path of the artefact that looks."""
    return option(
        title=N_("Model"),
        help=N_("A model's folder, or its file (.pt, .onnx, OpenVINO's .xml, ...)."),
        kind="model",
        aliases=aliases,
    )


def cfg_option() -> Any:
    """Path | None: what AlphaPose keeps of a model beside its weights."""
    return option(
        None,
        title=N_("AlphaPose file"),
        help=N_("The YAML of an AlphaPose model, where it has another input than 256 x 192."),
        kind="file",
        advanced=True,
    )


def detector_option(*, advanced: bool = False) -> Any:
    """Path | None: the model whose boxes a top-down model looks into."""
    return option(
        None,
        title=N_("Detector"),
        help=N_("The model that finds people, where --model looks at each person's box."),
        kind="model",
        advanced=advanced,
    )


def flip_test_option(default: bool = False) -> Any:
    """bool: whether a top-down model looks twice."""
    return option(
        default,
        title=N_("Flip test"),
        help=N_("Look at each box mirrored, too, and take the mean: better, and twice the time."),
        advanced=True,
    )


def conf_option(
    default: float = 0.25,
    *,
    help: str = N_("People below this score are left out."),  # noqa: A002 - as `option` calls it
    advanced: bool = False,
) -> Any:
    """Float 0..1: the score from which on a person counts."""
    return option(
        default, title=N_("Confidence"), help=help, minimum=0.0, maximum=1.0, advanced=advanced
    )


def iou_option() -> Any:
    """Float 0..1: the overlap of boxes above which NMS keeps one."""
    return option(
        0.7,
        title=N_("Overlap"),
        help=N_("Of two boxes that overlap more than this, the better one is kept."),
        minimum=0.0,
        maximum=1.0,
        advanced=True,
    )


def max_people_option() -> Any:
    """int: how many people a frame gives at most."""
    return option(
        300,
        title=N_("People at most"),
        minimum=1,
        maximum=10_000,
        advanced=True,
        aliases=("--max-det",),
    )


def imgsz_option(*aliases: str) -> Any:
    """tuple[int, ...] | None: the longest side, or height and width."""
    return option(
        None,
        title=N_("Picture size"),
        help=N_(
            "The longest side as the model sees it, or height,width; the model's own if empty."
        ),
        unit="px",
        advanced=True,
        aliases=aliases,
    )


def kp_conf_option(
    *,
    help: str = N_(  # noqa: A002 - as `option` calls it
        "Joints below this score are not drawn; they are written all the same."
    ),
    advanced: bool = True,
    aliases: Iterable[str] = (),
) -> Any:
    """Float 0..1: the score from which on a joint is drawn or set."""
    return option(
        0.5,
        title=N_("Joint confidence"),
        help=help,
        minimum=0.0,
        maximum=1.0,
        advanced=advanced,
        aliases=aliases,
    )


def kp_radius_option() -> Any:
    """int: pixels, 0 chooses."""
    return _pixels(N_("Joint radius"))


def line_thickness_option() -> Any:
    """int: pixels, 0 chooses."""
    return _pixels(N_("Line width"))


def _pixels(title: str) -> Any:
    return option(
        0,
        title=title,
        help=N_("0 chooses by the picture's size."),
        unit="px",
        minimum=0,
        maximum=100,
        advanced=True,
    )


def draw_fps_option() -> Any:
    """bool: the frame rate in the video's corner."""
    return option(
        False,
        title=N_("Draw the frame rate"),
        help=N_("Write the frames a second and the number of people into the video's corner."),
        advanced=True,
    )


def batch_option() -> Any:
    """int: pictures in one inference."""
    return option(
        1,
        title=N_("Batch size"),
        help=N_("Pictures in one inference."),
        minimum=1,
        maximum=1024,
        advanced=True,
    )


def precision_option(default: str = "auto", *, advanced: bool = True) -> Any:
    """str: what the engine computes in."""
    return option(
        default,
        title=N_("Precision"),
        help=N_("What the engine computes in; f32 for comparing, automatic for speed."),
        choices=PRECISION_CHOICES,
        advanced=advanced,
    )


def device_option(*aliases: str) -> Any:
    """str: where the engine runs."""
    return option(
        "auto",
        title=N_("Device"),
        help=N_("auto, cpu, gpu, cuda:0, ... as the model's engine knows it."),
        advanced=True,
        aliases=aliases,
    )


# What a head's box is found by, and how its rotation is drawn.
HEAD_AUTO, HEAD_POINTS, HEAD_FACES, HEAD_PICTURE = "auto", "points", "faces", "picture"
HEAD_CUBE, HEAD_AXIS, HEAD_NONE = "cube", "axis", "none"


def head_model_option(*, advanced: bool = False) -> Any:
    """Path | None: the model that tells how people's heads are turned."""
    return option(
        None,
        title=N_("Head-pose model"),
        help=N_("Tells how the head of everybody is turned; a folder, or its file."),
        kind="model",
        advanced=advanced,
    )


def head_boxes_option() -> Any:
    """str: how heads are found."""
    return option(
        HEAD_AUTO,
        title=N_("Heads by"),
        help=N_(
            "What tells where a head is. Automatic: the face's joints where the skeleton has some, "
            "else a face detector; pictures for a head-pose model alone are heads already."
        ),
        choices=(
            Choice(HEAD_AUTO, N_("Automatic")),
            Choice(HEAD_POINTS, N_("The face's joints")),
            Choice(HEAD_FACES, N_("Face detector")),
            Choice(HEAD_PICTURE, N_("The whole picture")),
        ),
        advanced=True,
    )


def face_model_option() -> Any:
    """Path | None: the face detector's file."""
    return option(
        None,
        title=N_("Face detector"),
        help=N_("YuNet's file; the one in the folder of weights where nothing is given."),
        kind="file",
        advanced=True,
    )


def head_margin_option() -> Any:
    """Float | None: how far a head's crop goes beyond its joints or face."""
    return option(
        None,
        title=N_("Head's margin"),
        help=N_(
            "Added to each side of the joints' or the face's box, in parts of it: what the model's "
            "training set was converted with. 0.6 around joints and 0.4 around faces if empty."
        ),
        minimum=0.0,
        maximum=5.0,
        advanced=True,
        aliases=("--crop-margin",),
    )


def head_smoothing_option(default: float) -> Any:
    """Float 0..1: how calm heads are over time."""
    return option(
        default,
        title=N_("Calm heads"),
        help=N_(
            "0 shows each frame's own rotation, 1 the calmest; quick turns are followed still."
        ),
        minimum=0.0,
        maximum=1.0,
        advanced=True,
    )


def head_draw_option() -> Any:
    """str: how a head's rotation is drawn."""
    return option(
        HEAD_CUBE,
        title=N_("Draw heads as"),
        choices=(
            Choice(HEAD_CUBE, N_("Cube")),
            Choice(HEAD_AXIS, N_("Axes")),
            Choice(HEAD_NONE, N_("Nothing")),
        ),
        advanced=True,
        aliases=("--viz", "--viz-mode"),
    )


def head_size_option() -> Any:
    """int: pixels, 0 chooses."""
    return option(
        0,
        title=N_("Cube's size"),
        help=N_("Of a head's cube or axes; 0 chooses by the head's size."),
        unit="px",
        minimum=0,
        maximum=10_000,
        advanced=True,
        aliases=("--viz-size",),
    )


def report_option() -> Any:
    """Path | None: where the report goes."""
    return option(
        None,
        title=N_("Report"),
        help=N_("Where report.json goes; report.html and its pictures stand beside it."),
        kind="file",
    )
