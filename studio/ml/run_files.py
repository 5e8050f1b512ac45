"""What every training leaves in its run folder, and where."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit

from studio.io.files import atomic_write_text

CONFIG = "config.toml"
WEIGHTS = "weights"
LAST, BEST = "last.pt", "best.pt"


def last_of(run_dir: Path) -> Path:
    """The checkpoint that a run goes on from."""
    return run_dir / WEIGHTS / LAST


def best_of(run_dir: Path) -> Path:
    """The best weights so far."""
    return run_dir / WEIGHTS / BEST


def write_config(run_dir: Path, family: str, options: Mapping[str, Any]) -> None:
    """`config.toml`: every option as it was used (plain values). Raises FileProblem."""
    document = tomlkit.document()
    document.add("family", tomlkit.item(family))
    document.add("options", tomlkit.item(dict(options)))
    atomic_write_text(run_dir / CONFIG, tomlkit.dumps(document))


def read_config(run_dir: Path) -> dict[str, Any]:
    """The options of an earlier run; none where it left no `config.toml`."""
    path = run_dir / CONFIG
    if not path.is_file():
        return {}
    return dict(tomlkit.parse(path.read_text(encoding="utf-8")).unwrap().get("options", {}))
