"""What an export to the Grove Vision AI V2 can be told."""

from __future__ import annotations

from dataclasses import dataclass

from studio.core.options import Options
from studio.exporting.options import CalibrationOptions, imgsz_option


@dataclass(frozen=True)
class _Size(Options):
    imgsz: tuple[int, ...] | None = imgsz_option()


@dataclass(frozen=True)
class ExportOptions(CalibrationOptions, _Size):
    """Input size of the artefact, and what its whole numbers are set by."""
