"""What an OpenVINO export can be told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from studio.core.options import N_, Options, Rule, option
from studio.exporting.options import CalibrationOptions, imgsz_option


@dataclass(frozen=True)
class _Precision(Options):
    half: bool = option(
        False,
        title=N_("Half precision"),
        help=N_("Weights as 16-bit numbers: half the size, the same result within a hair."),
    )
    int8: bool = option(
        False,
        title=N_("Whole numbers (int8)"),
        help=N_("A quarter of the size and faster; what needs it stays in float."),
    )
    imgsz: tuple[int, ...] | None = imgsz_option()
    fixed: bool = option(
        False,
        title=N_("Fixed size"),
        help=N_("Only this size can go in, as some devices need it; open sizes otherwise."),
        advanced=True,
    )


@dataclass(frozen=True)
class _Accuracy(Options):
    max_drop: float | None = option(
        None,
        title=N_("AP may fall by"),
        help=N_(
            "Layers go back to float until the AP on the judged pictures falls by no more than "
            "this; takes minutes. Empty: not looked at."
        ),
        minimum=0.0001,
        maximum=0.5,
        advanced=True,
        group=N_("Accuracy control"),
    )
    accuracy_data: Path | None = option(
        None,
        title=N_("Judged pictures"),
        help=N_("A labelled dataset; its validation side is judged."),
        kind="dataset",
        advanced=True,
        group=N_("Accuracy control"),
    )


@dataclass(frozen=True)
class ExportOptions(_Accuracy, CalibrationOptions, _Precision):
    """Precision and input size of the artefact, and what whole numbers are set by."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "int8",
            "--half and --int8 exclude each other.",
            lambda o: not (o.half and o.int8),
        ),
        Rule(
            "max_drop",
            "--max-drop is for --int8 only.",
            lambda o: o.max_drop is None or o.int8,
        ),
        Rule(
            "accuracy_data",
            "--max-drop needs --accuracy-data.",
            lambda o: o.max_drop is None or o.accuracy_data is not None,
        ),
    )
