"""What is asked of the tool-chains that stand in environments of their own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.core.options import N_, Options, Rule, option


@dataclass(frozen=True)
class ToolsOptions(Options):
    """Which tools are installed, or removed again."""

    rules = (
        Rule(
            "wheels",
            "--wheels is for installing, --remove takes away.",
            lambda o: not (o.remove and o.wheels is not None),
        ),
    )

    name: str = option(
        title=N_("Tools"),
        help=N_("Which tools, as --list names them: a target says what it needs."),
    )
    wheels: Path | None = option(
        None,
        title=N_("Folder of wheels"),
        help=N_("Install from the wheels in this folder, without any network."),
        kind="folder",
    )
    remove: bool = option(
        False, title=N_("Remove"), help=N_("Take these tools away and give their room back.")
    )
