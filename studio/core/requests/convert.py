"""What a conversion is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.core.options import N_, Choice, Options, Rule, option

FORMATS = ("coco", "yolo", "labelme", "video-keypoints")
SOURCES = (
    Choice("auto", N_("Find out")),
    Choice("labelme", "labelme, X-AnyLabeling"),
    Choice("coco", "COCO"),
    Choice("yolo", "YOLO"),
    Choice("crowdpose", "CrowdPose"),
    Choice("posetrack18", "PoseTrack18"),
    Choice("mpii", "MPII"),
    Choice("aic", "AI Challenger"),
    Choice("ochuman", "OCHuman"),
)


@dataclass(frozen=True)
class ConvertOptions(Options):
    """From annotated pictures (or another dataset) to a dataset in one or several formats."""

    input: tuple[Path, ...] = option(
        title=N_("Pictures"),
        help=N_("Folders of annotated pictures, or datasets to convert."),
        kind="folder",
    )
    output: Path = option(
        title=N_("Output folder"),
        help=N_("The dataset's folder, or the folder of datasets where a name is given."),
        kind="folder",
    )
    name: str = option(
        "",
        title=N_("Dataset name"),
        help=N_("A folder of this name is made in the output folder."),
    )
    to: tuple[str, ...] = option(
        ("coco", "yolo"),
        title=N_("Formats"),
        help=N_("All are written in one pass: coco, yolo, labelme, video-keypoints (for KPNet)."),
    )
    from_: str = option(
        "auto",
        title=N_("Input format"),
        help=N_("auto finds out; or the name of a format, those of plugins included."),
        offers=lambda: SOURCES,
        advanced=True,
    )
    ratio: float = option(
        0.8,
        title=N_("Share for training"),
        help=N_("The rest is for validation. Pictures that have a side already keep it."),
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
    skeleton: str = option(
        "",
        title=N_("Skeleton"),
        help=N_("A name, or the path of a TOML file. Left empty: the dataset's own."),
        kind="skeleton",
    )
    categories: tuple[str, ...] = option(
        (),
        title=N_("Further skeletons"),
        help=N_(
            "Names or TOML files: what else is annotated on the frames of a video, a category "
            "each, for video-keypoints."
        ),
        advanced=True,
    )
    images: str = option(
        "link",
        title=N_("Picture files"),
        help=N_("Links take no space; copies stay when the originals go."),
        choices=(Choice("link", N_("Link")), Choice("copy", N_("Copy"))),
        advanced=True,
    )

    rules = (
        Rule(
            "test_ratio",
            N_("The shares for training and test together are at most 1."),
            lambda o: o.ratio + o.test_ratio <= 1 + 1e-9,
        ),
        Rule("input", N_("Name at least one folder."), lambda o: bool(o.input)),
        Rule(
            "to",
            N_("Formats are coco, yolo, labelme and video-keypoints; name at least one."),
            lambda o: bool(o.to) and all(t in FORMATS for t in o.to),
        ),
        Rule(
            "name",
            N_("A name must not contain / or \\ or begin with a dot."),
            lambda o: "/" not in o.name and "\\" not in o.name and not o.name.startswith("."),
        ),
    )
