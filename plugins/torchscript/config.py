"""What a TorchScript export can be told."""

from __future__ import annotations

from dataclasses import dataclass

from studio.core.options import Options
from studio.exporting.options import fixed_option, imgsz_option


@dataclass(frozen=True)
class ExportOptions(Options):
    """The size of the input."""

    imgsz: tuple[int, ...] | None = imgsz_option()
    fixed: bool = fixed_option()
