"""What the quality desk is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from studio.core.options import N_, Options, Rule, option


@dataclass(frozen=True)
class QualityOptions(Options):
    """Which annotations are looked through."""

    source: Path | None = option(
        None,
        title=N_("Pictures"),
        help=N_("A folder of annotated pictures; the whole project if empty."),
        kind="folder",
    )
    filter: str = option(
        "",
        title=N_("Filter"),
        help=N_("Only the project's pictures that this filter leaves, such as state:empty."),
    )
    skeleton: str = option(
        "",
        title=N_("Skeleton"),
        help=N_("The project's own if empty."),
        kind="skeleton",
        advanced=True,
    )

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "filter",
            "A filter picks from the project's own pictures: give --filter or --source, not both.",
            lambda o: not (o.filter and o.source),
        ),
    )
