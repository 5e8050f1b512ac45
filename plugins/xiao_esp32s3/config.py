"""What a XIAO ESP32S3 export can be told."""

from __future__ import annotations

from dataclasses import dataclass

from studio.core.options import N_, Choice, Options, option
from studio.exporting.options import CalibrationOptions, imgsz_option

ESPDL, TFLITE = "espdl", "tflite"


@dataclass(frozen=True)
class _File(Options):
    format: str = option(
        ESPDL,
        title=N_("File"),
        help=N_("What the firmware reads; ESP-DL uses the chip's vector instructions."),
        choices=(
            Choice(ESPDL, N_("ESP-DL (.espdl)")),
            Choice(TFLITE, N_("LiteRT (.tflite), YOLOv8 only")),
        ),
    )
    imgsz: tuple[int, ...] | None = imgsz_option()
    head_bits: int = option(
        16,
        title=N_("Bits of the last layers"),
        help=N_("In 8 bits joints move by a pixel or more; an ESP-DL file may have 16 there."),
        choices=(Choice(16, "16"), Choice(8, "8")),
        advanced=True,
    )
    ranges: str = option(
        "percentile",
        title=N_("Ranges by"),
        help=N_("How the calibration pictures' values set the ranges of an ESP-DL file."),
        choices=(
            Choice("percentile", N_("All but the rarest values")),
            Choice("minmax", N_("Smallest and largest value")),
            Choice("kl", N_("Least loss of information (KL)")),
        ),
        advanced=True,
    )


@dataclass(frozen=True)
class ExportOptions(CalibrationOptions, _File):
    """The kind of file, the size, and the pictures that set its ranges."""
