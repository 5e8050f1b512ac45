"""What every training is asked, whichever family it is; the family's own options come besides."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.core.names import is_usable_name
from studio.core.options import N_, Rule, option
from studio.core.requests.cluster import PLACE_RULE, ClusterOptions


@dataclass(frozen=True)
class TrainRequest(ClusterOptions):
    """The run's place and what becomes of an earlier one."""

    rules = (
        Rule(
            "name",
            "This name cannot be a folder's on every system (CON, NUL, a dot at its end, \\ / : ...).",
            lambda o: not o.name or is_usable_name(o.name),
        ),
        PLACE_RULE,
    )

    family: str = option(title=N_("Model family"), help=N_("The kind of model to train."))
    name: str = option(
        "",
        title=N_("Run name"),
        help=N_("The run's folder; a free name is chosen where none is given."),
    )
    output: Path | None = option(
        None,
        title=N_("Runs folder"),
        help=N_("Where runs are kept; the project's own runs folder where nothing is given."),
        kind="folder",
        advanced=True,
        aliases=("--project",),
    )
    run_dir: Path | None = option(
        None,
        title=N_("Run's folder"),
        help=N_("The very folder of this run, wherever it is; also for one that is resumed."),
        kind="folder",
        advanced=True,
        aliases=("--out-dir", "--output-dir"),
    )
    resume: Path | None = option(
        None,
        title=N_("Resume"),
        help=N_("A run folder or its last weights: go on after its last whole epoch."),
        kind="model",
        aliases=("--snapshot",),
        advanced=True,
    )
    exist_ok: bool = option(
        False,
        title=N_("Replace a run of the same name"),
        help=N_("Otherwise a number is added to the name."),
        advanced=True,
    )
    download: bool = option(
        False,
        title=N_("Download the weights"),
        help=N_(
            "Fetch published weights by their name where they are not there; never done unasked. "
            "Tested against a server on the same machine only."
        ),
        advanced=True,
    )
    check_only: bool = option(
        False,
        title=N_("Check only"),
        help=N_("Check the dataset and the options, and train nothing."),
        advanced=True,
    )
    preview: bool = option(
        False,
        title=N_("Preview only"),
        help=N_("Draw the first batch as the training would see it, and train nothing."),
        advanced=True,
    )
