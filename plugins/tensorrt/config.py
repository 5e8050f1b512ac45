"""What an export for TensorRT can be told."""

from __future__ import annotations

from dataclasses import dataclass

from studio.core.options import N_, Options, option
from studio.exporting.options import imgsz_option


@dataclass(frozen=True)
class ExportOptions(Options):
    """What the engine computes in, and the size of its pictures."""

    half: bool = option(
        False,
        title=N_("Half precision"),
        help=N_("The engine is built in 16-bit floats where that is safe; the ONNX file stays."),
    )
    imgsz: tuple[int, ...] | None = imgsz_option()
