"""What the tracking of stored predictions is asked; the tracker's own options come besides."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.core.options import N_, Options, option
from studio.core.requests.shared import kp_conf_option, kp_radius_option, line_thickness_option

TRACKER = "oks"


@dataclass(frozen=True)
class TrackRequest(Options):
    """Whose people get identities, and what becomes of them."""

    source: str = option(
        title=N_("Source"),
        help=N_("The video, or the folder of its pictures, that the predictions were made on."),
        aliases=("--imgdir", "--video", "--data-root"),
    )
    pred: Path = option(
        title=N_("Predictions"),
        help=N_(
            "predictions.json, COCO results or alphapose-results.json, or the folder it stands in."
        ),
        kind="file",
        aliases=("--in-json",),
    )
    tracker: str = option(
        TRACKER, title=N_("Tracker"), help=N_("How people are told apart; `plugins` lists them.")
    )
    out: Path | None = option(
        None,
        title=N_("Output folder"),
        help=N_(
            "Where predictions.json, predictions.csv and the rows go (or the name of the .json); "
            "the next free runs/track/<n> where nothing is given."
        ),
        kind="folder",
        aliases=("--out-json", "--out-dir", "--outdir"),
    )
    vis: Path | None = option(
        None,
        title=N_("Drawn pictures"),
        help=N_("A folder for the drawn video or pictures, each person in one colour."),
        kind="folder",
        aliases=("--visdir",),
    )
    model: Path | None = option(
        None,
        title=N_("Model"),
        help=N_("The one that found the people, for the names of its joints and its classes."),
        kind="model",
        advanced=True,
    )
    skeleton: str = option(
        "",
        title=N_("Skeleton"),
        help=N_("A skeleton's name or file; by the number of joints where nothing is given."),
        kind="skeleton",
        advanced=True,
    )
    kp_conf: float = kp_conf_option(aliases=("--vis-th",))
    kp_radius: int = kp_radius_option()
    line_thickness: int = line_thickness_option()
