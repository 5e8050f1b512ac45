"""What a toy training can be told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.core.options import Options, Rule, option


@dataclass(frozen=True)
class ToyOptions(Options):
    """Its score is highest at lr 1e-3 and width 8."""

    rules = (
        Rule("width", "--width 3 does not go with --odd.", lambda o: o.width != 3 or not o.odd),
    )

    data: Path | None = option(None, title="Dataset", kind="dataset")
    epochs: int = option(3, title="Epochs", minimum=1, maximum=100)
    lr: float = option(1e-2, title="Rate", minimum=1e-6, maximum=1, aliases=("--lr0",))
    width: int = option(4, title="Width", minimum=1, maximum=64)
    size: int = option(64, title="Size", minimum=32, maximum=512, multiple_of=32)
    form: str = option("round", title="Form", choices=("round", "square"))
    steps: tuple[int, ...] = option((1, 2), title="Steps")
    odd: bool = option(False, title="Odd")
    seconds: float = option(0.0, title="Seconds an epoch", minimum=0)
    fail: str = option("", title="How to fail")
