"""What an Ascend export can be told."""

from __future__ import annotations

from dataclasses import dataclass

from studio.core.options import N_, Choice, Options, option
from studio.exporting.options import imgsz_option

AUTO, ON, OFF = "auto", "on", "off"
BGR, RGB = "bgr", "rgb"

# As `--soc_version` of atc knows them; there are more, and each year new ones.
SOC_VERSIONS = (
    "Ascend310", "Ascend310P1", "Ascend310P3", "Ascend310B1", "Ascend310B4",
    "Ascend910A", "Ascend910B1", "Ascend910B4",
)  # fmt: skip


def known_chips() -> tuple[Choice, ...]:
    """The chips that are offered; any other name may be written."""
    return tuple(Choice(name, name) for name in SOC_VERSIONS)


@dataclass(frozen=True)
class ExportOptions(Options):
    """The chip, the size, and who prepares the pictures."""

    soc_version: str = option(
        "Ascend310",
        title=N_("Chip"),
        help=N_("atc's --soc_version; on the device npu-smi info names the chip."),
        offers=known_chips,
        aliases=("--soc_version",),
    )
    imgsz: tuple[int, ...] | None = imgsz_option()
    aipp: str = option(
        AUTO,
        title=N_("Prepared by the chip (AIPP)"),
        help=N_("The chip turns bytes into the network's numbers; networks of 3 channels only."),
        choices=(
            Choice(AUTO, N_("Where it can")),
            Choice(ON, N_("Always")),
            Choice(OFF, N_("Never: the program does it")),
        ),
    )
    source: str = option(
        BGR,
        title=N_("Pictures come as"),
        help=N_("The order of the bytes that the program on the device gives; OpenCV's is BGR."),
        choices=(Choice(BGR, "BGR"), Choice(RGB, "RGB")),
    )
