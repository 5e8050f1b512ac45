"""What an MNN export can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from studio.core.options import N_, Options, Rule, option
from studio.exporting.options import fixed_option, imgsz_option


@dataclass(frozen=True)
class ExportOptions(Options):
    """How the weights are stored, and the size of the input."""

    half: bool = option(
        False,
        title=N_("Half precision"),
        help=N_("Weights as 16-bit numbers: half the size, the same result within a hair."),
    )
    int8: bool = option(
        False,
        title=N_("Weights as whole numbers (int8)"),
        help=N_("A quarter of the size; it computes in float, so nothing is calibrated."),
    )
    imgsz: tuple[int, ...] | None = imgsz_option()
    fixed: bool = fixed_option()

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "int8",
            "--half and --int8 exclude each other.",
            lambda o: not (o.half and o.int8),
        ),
    )
