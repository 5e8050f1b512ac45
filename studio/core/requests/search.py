"""What a search for the best options of a training is asked; the family's own options, which
stay as they are in every trial, come besides.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.core.names import is_usable_name
from studio.core.options import N_, Choice, Rule, option
from studio.core.requests.cluster import PLACE_RULE, ClusterOptions

_SEARCH, _KEEPING = N_("Search"), N_("Keeping")
BEST, ALL, NONE = "best", "all", "none"


@dataclass(frozen=True)
class SearchRequest(ClusterOptions):
    """Which options are varied, how often, and by which value a training is judged."""

    rules = (
        Rule(
            "name",
            "This name cannot be a folder's on every system (CON, NUL, a dot at its end, \\ / : ...).",
            lambda o: not o.name or is_usable_name(o.name),
        ),
        Rule(
            "space",
            N_("Say what to search over, for instance lr0=1e-5..1e-2:log,batch=4|8."),
            lambda o: bool(o.space.strip()) or o.resume is not None,
        ),
        PLACE_RULE,
    )

    family: str = option(title=N_("Model family"), help=N_("The kind of model to train."))
    space: str = option(
        "",
        title=N_("Search space"),
        help=N_(
            "Options and their values: a range (low..high, :log or :step behind it) or choices "
            "(a|b|c), with commas between."
        ),
        group=_SEARCH,
    )
    trials: int = option(
        20,
        title=N_("Trials"),
        help=N_("Trainings in all; of a search that goes on, those it has made count too."),
        minimum=1,
        maximum=100_000,
        group=_SEARCH,
    )
    metric: str = option(
        "",
        title=N_("Judged by"),
        help=N_(
            "A value that the training reports after each epoch; what chooses its best weights "
            "where nothing is given."
        ),
        group=_SEARCH,
    )
    direction: str = option(
        "auto",
        title=N_("Better is"),
        help=N_("auto takes less for losses and errors, and more for all else."),
        choices=(
            Choice("auto", N_("Automatic")),
            Choice("more", N_("Higher values")),
            Choice("less", N_("Lower values")),
        ),
        group=_SEARCH,
        advanced=True,
    )
    pruner: str = option(
        "median",
        title=N_("Break off"),
        help=N_(
            "Trials that look hopeless: median ends those below the middle of the earlier ones, "
            "halving keeps the better half again and again, none lets every trial end."
        ),
        choices=(
            Choice("median", N_("Below the median")),
            Choice("halving", N_("Successive halving")),
            Choice("none", N_("Never")),
        ),
        group=_SEARCH,
    )
    sampler: str = option(
        "tpe",
        title=N_("How values are chosen"),
        help=N_("tpe learns from the trials so far; random does not."),
        choices=(Choice("tpe", "TPE"), Choice("random", N_("At random"))),
        group=_SEARCH,
        advanced=True,
    )
    parallel: int = option(
        1,
        title=N_("At a time"),
        help=N_("Trials that run beside each other; each takes its own memory."),
        minimum=1,
        maximum=1000,
        group=_SEARCH,
    )
    search_seed: int = option(
        0,
        title=N_("Seed of the search"),
        help=N_("The same seed tries the same values, as long as one trial runs at a time."),
        minimum=0,
        maximum=2**31 - 1,
        group=_SEARCH,
        advanced=True,
    )
    search_minutes: float = option(
        0.0,
        title=N_("Longest time"),
        help=N_("No trial begins after so long; 0 sets no limit."),
        unit=N_("minutes"),
        minimum=0,
        group=_SEARCH,
        advanced=True,
    )
    keep: str = option(
        BEST,
        title=N_("Kept weights"),
        help=N_("Weights take room: those of the best trial, of all, or of none are kept."),
        choices=(
            Choice(BEST, N_("Of the best trial")),
            Choice(ALL, N_("Of all trials")),
            Choice(NONE, N_("None")),
        ),
        group=_KEEPING,
        advanced=True,
    )
    name: str = option(
        "",
        title=N_("Search name"),
        help=N_("The search's folder; a free name is chosen where none is given."),
        group=_KEEPING,
    )
    output: Path | None = option(
        None,
        title=N_("Searches folder"),
        help=N_(
            "Where searches are kept; the project's own searches folder where nothing is given."
        ),
        kind="folder",
        group=_KEEPING,
        advanced=True,
    )
    resume: Path | None = option(
        None,
        title=N_("Resume"),
        help=N_("A search's folder or name: go on with its trials, up to the number given."),
        kind="folder",
        group=_KEEPING,
        advanced=True,
    )
