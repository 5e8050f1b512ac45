"""What a LiteRT export can be told."""

from __future__ import annotations

from dataclasses import dataclass

from studio.core.options import N_, Options, option
from studio.exporting.options import CalibrationOptions, imgsz_option


@dataclass(frozen=True)
class _Precision(Options):
    int8: bool = option(
        False,
        title=N_("Whole numbers (int8)"),
        help=N_("A quarter of the size and faster; what needs it stays in float."),
    )
    imgsz: tuple[int, ...] | None = imgsz_option()


@dataclass(frozen=True)
class ExportOptions(CalibrationOptions, _Precision):
    """Precision and input size of the artefact, and what whole numbers are set by."""
