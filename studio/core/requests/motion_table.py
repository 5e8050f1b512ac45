"""How a table of a motion capture is read: which columns, in which units, signs and order."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from studio.core.options import N_, Choice, Options, option

_TABLE = N_("Table of angles")
ANGLES = ("yaw", "pitch", "roll")
ORDERS = ("zyx", "zxy", "yzx", "yxz", "xzy", "xyz")


def _order_title(order: str) -> str:
    names = {"z": "Rz(roll)", "y": "Ry(yaw)", "x": "Rx(pitch)"}
    return " · ".join(names[axis] for axis in order)


@dataclass(frozen=True)
class MotionTable(Options):
    """One table of angles, a row for each frame or moment. `motion.toml` keeps it as a preset."""

    mapping: Path | None = option(
        None,
        title=N_("Table preset"),
        help=N_("A motion.toml that a conversion wrote; what is given here besides wins."),
        kind="file",
        group=_TABLE,
        advanced=True,
    )
    motion_match: str = option(
        "auto",
        title=N_("Rows belong to pictures"),
        help=N_(
            "By a column with the number in the picture's name, by a column of times, or one "
            "after the other; auto goes by the columns."
        ),
        choices=(
            Choice("auto", N_("Find out")),
            Choice("frame", N_("By frame number")),
            Choice("time", N_("By time")),
            Choice("order", N_("In order")),
        ),
        group=_TABLE,
        advanced=True,
    )
    motion_key: str = option(
        "",
        title=N_("Column of frame or time"),
        help=N_("Left empty: the column called frame, or time."),
        group=_TABLE,
        advanced=True,
    )
    yaw_column: str = option("", title=N_("Column of yaw"), group=_TABLE, advanced=True)
    pitch_column: str = option("", title=N_("Column of pitch"), group=_TABLE, advanced=True)
    roll_column: str = option("", title=N_("Column of roll"), group=_TABLE, advanced=True)
    angle_unit: str = option(
        "deg",
        title=N_("Unit of the angles"),
        choices=(Choice("deg", N_("Degrees")), Choice("rad", N_("Radians"))),
        group=_TABLE,
        advanced=True,
    )
    invert_angles: tuple[str, ...] = option(
        (),
        title=N_("Angles of the other sign"),
        help=N_(
            "Of yaw, pitch and roll those that count the other way than here: a head that turns "
            "to the picture's left has a positive yaw, that looks up a positive pitch, whose top "
            "tilts to the picture's right a positive roll."
        ),
        group=_TABLE,
        advanced=True,
    )
    rotation_order: str = option(
        "zyx",
        title=N_("Order of the rotation"),
        help=N_("In which order the three turns make the rotation; the left one comes last."),
        choices=tuple(Choice(order, _order_title(order)) for order in ORDERS),
        group=_TABLE,
        advanced=True,
    )
    motion_time_unit: str = option(
        "s",
        title=N_("Unit of time"),
        choices=(Choice("s", N_("Seconds")), Choice("ms", N_("Milliseconds"))),
        group=_TABLE,
        advanced=True,
    )
    motion_fps: float = option(
        30.0,
        title=N_("Pictures a second"),
        help=N_("Of the scenes' pictures, where rows are found by time."),
        minimum=0.001,
        maximum=100_000,
        group=_TABLE,
        advanced=True,
    )
    motion_offset: float = option(
        0.0,
        title=N_("Shift"),
        help=N_("Added to a picture's number, or to its time in seconds, to find its row."),
        minimum=-1e9,
        maximum=1e9,
        group=_TABLE,
        advanced=True,
    )
    motion_skip_rows: int = option(
        0,
        title=N_("Lines before the table"),
        help=N_("Left out at the beginning of each file, before the line with the columns' names."),
        minimum=0,
        maximum=100_000,
        group=_TABLE,
        advanced=True,
    )

    def table_values(self) -> dict[str, object]:
        """What `motion.toml` keeps."""
        own = {f.name for f in fields(MotionTable)} - {"mapping"}
        return {name: value for name, value in self.to_mapping().items() if name in own}
