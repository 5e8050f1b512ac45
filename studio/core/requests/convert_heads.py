"""What a conversion into a head-pose set is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.core.options import N_, Choice, Options, Rule, option
from studio.core.requests.motion_table import ANGLES, MotionTable

_CROP = N_("Crop")
HEADPOSE, NAMES = "headpose", "filenames"
# What `convert` is asked for where it is this conversion that is meant.
TARGETS = (HEADPOSE, NAMES)
SOURCES = (
    Choice("auto", N_("Find out")),
    Choice("300w-lp", "300W-LP"),
    Choice("aflw2000", "AFLW2000-3D"),
    Choice("biwi", "BIWI"),
    Choice("motion", N_("Motion folders")),
    Choice("labelme", N_("Annotated pictures with head rotations")),
    Choice("headpose", N_("Head-pose set of the studio")),
)


@dataclass(frozen=True)
class _HeadSource(Options):
    """Where the heads come from, and how their crops are made."""

    input: tuple[Path, ...] = option(
        title=N_("Folders"),
        help=N_("The set's folder; several are put together."),
        kind="folder",
        aliases=("--root-dir", "--aisin-root"),
    )
    output: Path = option(
        title=N_("Output folder"),
        help=N_("The dataset's folder, or the folder of datasets where a name is given."),
        kind="folder",
        aliases=("--output-dir",),
    )
    name: str = option(
        "",
        title=N_("Dataset name"),
        help=N_("A folder of this name is made in the output folder."),
    )
    to: tuple[str, ...] = option(
        (HEADPOSE,),
        title=N_("Formats"),
        help=N_(
            "headpose: cropped pictures, files.txt and poses.csv. filenames: files.txt alone, for "
            "a set that is trained on as it is."
        ),
    )
    from_: str = option(
        "auto",
        title=N_("Input format"),
        help=N_(
            "300w-lp, aflw2000, biwi, motion, labelme, or auto. BIWI and motion folders were "
            "tested on made samples only, never on the real sets."
        ),
        offers=lambda: SOURCES,
    )
    ratio: float | None = option(
        None,
        title=N_("Share for training"),
        help=N_("Left empty: BIWI 0.7 of the films, AFLW2000 none, others 0.8."),
        minimum=0,
        maximum=1,
    )
    test_ratio: float = option(
        0.0,
        title=N_("Share for test"),
        help=N_("Taken from the share for validation; 0 writes no test side."),
        minimum=0,
        maximum=1,
    )
    seed: int = option(
        0,
        title=N_("Seed"),
        help=N_("Another seed gives another choice of pictures for validation."),
        minimum=0,
        maximum=2**31 - 1,
        advanced=True,
    )
    filename_list: Path | None = option(
        None,
        title=N_("Filename list"),
        help=N_("Take only the pictures of this list."),
        kind="file",
        advanced=True,
    )
    skeleton: str = option(
        "",
        title=N_("Skeleton"),
        help=N_("Of annotated pictures: which joints are the face's. The project's own if empty."),
        kind="skeleton",
        advanced=True,
    )
    face_detect_method: str = option(
        "auto",
        title=N_("How heads are found"),
        help=N_(
            "By a face detector, or by the joints that the set brings; auto takes what the set "
            "has, and OpenCV's YuNet before InsightFace."
        ),
        choices=(
            Choice("auto", N_("Automatic")),
            Choice("yunet", "YuNet"),
            Choice("insightface", "InsightFace"),
            Choice("keypoint", N_("Joints")),
        ),
        group=_CROP,
    )
    face_model: Path | None = option(
        None,
        title=N_("Face detector's file"),
        help=N_(
            "A YuNet .onnx; nothing is downloaded. Left empty: face_detection_yunet_2023mar.onnx "
            "in the folder of weights."
        ),
        kind="file",
        group=_CROP,
    )
    crop_margin: float | None = option(
        None,
        title=N_("Crop margin"),
        help=N_(
            "How much of the box's side is added at each side of it. Left empty: BIWI 0.4, "
            "others 0.6."
        ),
        minimum=0,
        maximum=10,
        group=_CROP,
    )
    img_size: int | None = option(
        None,
        title=N_("Size of the crops"),
        help=N_(
            "Width and height; 0 leaves each as large as it is. Left empty: motion folders 64, "
            "BIWI 256, others as large as they are."
        ),
        unit="px",
        minimum=0,
        maximum=4096,
        group=_CROP,
        aliases=("--crop-size",),
    )
    on_no_face: str = option(
        "skip",
        title=N_("Where no head is found"),
        help=N_(
            "Leave the picture out, take its middle, end with an error, or take the place of the "
            "picture before in the same scene."
        ),
        choices=(
            Choice("skip", N_("Leave out")),
            Choice("center", N_("Take the middle")),
            Choice("error", N_("End with an error")),
            Choice("previous", N_("As in the picture before")),
        ),
        group=_CROP,
    )
    det_size: int = option(
        640,
        title=N_("Size for the detector"),
        help=N_("The longer side of a picture as the face detector sees it."),
        unit="px",
        minimum=64,
        maximum=8192,
        group=_CROP,
        advanced=True,
    )
    landmark_k: float = option(
        0.2,
        title=N_("Room around landmarks"),
        help=N_(
            "Of 300W-LP and AFLW2000; 0.2 is the usual test crop. A training on the folder itself "
            "draws it between 0.2 and 0.4 each time."
        ),
        minimum=0,
        maximum=2,
        group=_CROP,
        advanced=True,
    )
    quality: int = option(
        95,
        title=N_("JPEG quality"),
        help=N_("Of the written crops."),
        minimum=1,
        maximum=100,
        group=_CROP,
        advanced=True,
    )


@dataclass(frozen=True)
class ConvertHeadsOptions(MotionTable, _HeadSource):
    """From a published set, a motion capture or annotated pictures to a head-pose set."""

    rules = (
        Rule("input", N_("Name at least one folder."), lambda o: bool(o.input)),
        Rule(
            "to",
            N_("Formats are headpose and filenames; name one."),
            lambda o: len(o.to) == 1 and o.to[0] in TARGETS,
        ),
        Rule(
            "name",
            N_("A name must not contain / or \\ or begin with a dot."),
            lambda o: "/" not in o.name and "\\" not in o.name and not o.name.startswith("."),
        ),
        Rule(
            "invert_angles",
            N_("Angles of the other sign are yaw, pitch and roll."),
            lambda o: all(a in ANGLES for a in o.invert_angles),
        ),
        Rule(
            "test_ratio",
            N_("The shares for training and test together are at most 1."),
            lambda o: (o.ratio or 0.0) + o.test_ratio <= 1 + 1e-9,
        ),
    )
