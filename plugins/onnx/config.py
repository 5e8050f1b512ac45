"""What an ONNX export can be told."""

from __future__ import annotations

from dataclasses import dataclass

from studio.core.options import N_, Options, option
from studio.exporting.options import CalibrationOptions, fixed_option, imgsz_option


@dataclass(frozen=True)
class _File(Options):
    int8: bool = option(
        False,
        title=N_("Whole numbers (int8)"),
        help=N_("Under half the size at some cost in AP: the certificate says how much."),
    )
    imgsz: tuple[int, ...] | None = imgsz_option()
    fixed: bool = fixed_option()
    opset: int = option(
        17,
        title=N_("Opset"),
        help=N_("The version of ONNX's operators; older device tools want an older one."),
        minimum=11,
        maximum=20,
        advanced=True,
    )


@dataclass(frozen=True)
class ExportOptions(CalibrationOptions, _File):
    """Precision, size and opset, and what whole numbers are set by."""
