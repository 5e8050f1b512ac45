"""The commands of the help pages "coming from …": the pages are the only place where they stand."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from studio import RESOURCES

HELP = RESOURCES / "help" / "en"
_BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Command:
    """One line of a page; `number` counts from 1 within it."""

    page: str
    number: int
    words: tuple[str, ...]

    @property
    def text(self) -> str:
        """As one types it."""
        return shlex.join(self.words)

    @property
    def key(self) -> str:
        """What it does: `train kpnet`, `convert`, …"""
        family = self.words[2] if self.words[1] in ("train", "search") else ""
        return f"{self.words[1]} {family}".strip()


def guide_pages() -> tuple[Path, ...]:
    """One page for each guide."""
    return tuple(sorted(HELP.glob("coming-from-*.md")))


def commands_of(page: Path) -> tuple[Command, ...]:
    """What a page says to type, ours alone, in order."""
    text = page.read_text(encoding="utf-8")
    lines = [
        line.strip()
        for block in _BLOCK.findall(text)
        for line in block.replace("\\\n", " ").splitlines()
        if line.strip().startswith("pose-studio ")
    ]
    return tuple(
        Command(page.stem, number, tuple(shlex.split(line)))
        for number, line in enumerate(lines, start=1)
    )
