"""What is asked about a weights file before anything is made of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.core.options import Options
from studio.core.requests.shared import model_option


@dataclass(frozen=True)
class DescribeOptions(Options):
    """Which model is looked at."""

    model: Path = model_option()
