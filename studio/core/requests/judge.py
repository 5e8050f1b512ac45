"""What a judgement of stored predictions is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.core.options import N_, Choice, Options, option

# The side of a split dataset that is meant when none is named: nobody judges on what was learnt.
AUTO = "auto"
TRACKS = N_("Tracks")


@dataclass(frozen=True)
class JudgeOptions(Options):
    """Which stored predictions are held against which labels."""

    gt: Path = option(
        title=N_("Labels"),
        help=N_(
            "A COCO file, a dataset's folder, a folder of annotated pictures; for tracks a video "
            "keypoint set or a folder of rows, a file a video."
        ),
        kind="dataset",
        aliases=("--gt-folder", "--GT_FOLDER"),
    )
    pred: Path = option(
        title=N_("Predictions"),
        help=N_(
            "predictions.json, COCO results or alphapose-results.json, or the folder it stands in; "
            "for tracks rows of a video, or their folder."
        ),
        kind="file",
        aliases=("--TRACKERS_FOLDER",),
    )
    out: Path | None = option(
        None,
        title=N_("Report"),
        help=N_("Where report.json goes; report.html and its pictures stand beside it."),
        kind="file",
        aliases=("--OUTPUT_FOLDER",),
    )
    vis: Path | None = option(
        None,
        title=N_("Drawn pictures"),
        help=N_("A folder for pictures of labels and predictions joined by lines, worst first."),
        kind="folder",
    )
    limit: int | None = option(
        None,
        title=N_("Most drawn pictures"),
        help=N_("No more than so many are drawn; all where nothing is given."),
        minimum=1,
        maximum=1_000_000,
    )
    split: str = option(
        AUTO,
        title=N_("Split"),
        help=N_(
            "Which pictures of the dataset; auto takes the validation side where there is one."
        ),
        choices=(
            Choice(AUTO, N_("Automatic")),
            Choice("val", N_("Validation side")),
            Choice("train", N_("Training side")),
            Choice("test", N_("Test side")),
            Choice("all", N_("All")),
        ),
    )
    show_conf: float = option(
        0.25,
        title=N_("Confidence in pictures"),
        help=N_("From this score on a person counts as found in the pictures and joint errors."),
        minimum=0.0,
        maximum=100.0,
        advanced=True,
    )
    pictures: int = option(
        200,
        title=N_("Pictures in the report"),
        help=N_("The worst ones first."),
        minimum=0,
        maximum=100_000,
        advanced=True,
    )
    skeleton: str = option(
        "",
        title=N_("Skeleton"),
        help=N_("A skeleton's name or file, where the dataset does not carry its own."),
        kind="skeleton",
        advanced=True,
    )
    trackers: tuple[str, ...] = option(
        (),
        title=N_("Trackers"),
        help=N_("Folders inside of the predictions' one, each judged by itself."),
        group=TRACKS,
        advanced=True,
        aliases=("--TRACKERS_TO_EVAL",),
    )
    videos: tuple[str, ...] = option(
        (),
        title=N_("Videos"),
        help=N_("Only these; every labelled one where nothing is given."),
        group=TRACKS,
        advanced=True,
        aliases=("--video",),
    )
    frames: Path | None = option(
        None,
        title=N_("Frames"),
        help=N_("Where the videos' pictures stand; they are only needed to draw."),
        kind="folder",
        group=TRACKS,
        advanced=True,
        aliases=("--data-root",),
    )
    labelled_only: bool = option(
        False,
        title=N_("Labelled frames only"),
        help=N_("Predictions on frames without any label are left out, as sparse labels need it."),
        group=TRACKS,
        advanced=True,
    )
    class_names: tuple[str, ...] = option(
        (),
        title=N_("Class names"),
        help=N_("Of the classes in the order of their numbers, where the labels do not say them."),
        group=TRACKS,
        advanced=True,
    )
