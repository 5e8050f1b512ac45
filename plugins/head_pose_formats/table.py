"""The table of a motion capture: a CSV file with a row for each frame or moment."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from studio.core.errors import FormatError
from studio.core.requests.motion_table import ANGLES, MotionTable
from studio.io.files import read_bytes

Matrix = npt.NDArray[np.float64]

_AXES = {"z": "roll", "y": "yaw", "x": "pitch"}
_KEYS: Mapping[str, tuple[str, ...]] = {
    "frame": (
        "frame",
        "frame_id",
        "frame_no",
        "frameno",
        "frame number",
        "フレーム",
        "フレーム番号",
    ),
    "time": ("time", "timestamp", "time_s", "time[s]", "time (s)", "sec", "時間", "時刻"),
    "yaw": ("yaw", "ヨー", "ヨー角"),
    "pitch": ("pitch", "ピッチ", "ピッチ角"),
    "roll": ("roll", "ロール", "ロール角"),
}
# Between two moments further apart than this nothing is known, in seconds.
GAP = 0.5
_MEND = "Name the columns in the form, or in a preset."


@dataclass(frozen=True, eq=False)
class Motion:
    """The rows of one table. keys: (n,) frame numbers, seconds, or 0, 1, 2, ...; ascending.
    rotations: (n, 3, 3). kind: "frame", "time" or "order".
    """

    kind: str
    keys: npt.NDArray[np.float64]
    rotations: Matrix

    def at(self, key: float) -> Matrix | None:
        """The rotation of a frame, or at a moment between two rows; None where there is none."""
        if self.kind != "time":
            place = int(np.searchsorted(self.keys, key))
            found = place < len(self.keys) and abs(self.keys[place] - key) < 1e-6
            return self.rotations[place] if found else None
        after = int(np.searchsorted(self.keys, key))
        if after < len(self.keys) and abs(self.keys[after] - key) < 1e-9:
            return self.rotations[after]
        if not 0 < after < len(self.keys) or self.keys[after] - self.keys[after - 1] > GAP:
            return None
        from scipy.spatial.transform import Rotation, Slerp

        ends = slice(after - 1, after + 1)
        between = Slerp(self.keys[ends], Rotation.from_matrix(self.rotations[ends]))
        return between([key]).as_matrix()[0]


def read_motion(path: Path, table: MotionTable) -> Motion:
    """One file. Raises FileProblem, FormatError."""
    names, rows = _rows(path, table.motion_skip_rows)
    columns = {
        angle: _column(path, names, getattr(table, f"{angle}_column"), angle) for angle in ANGLES
    }
    kind, key = _key(path, names, table)
    found: list[tuple[float, float, float, float]] = []
    for number, row in enumerate(rows):
        try:
            angles = [float(row[columns[angle]]) for angle in ANGLES]
            moment = float(number) if key is None else float(row[key])
        except (ValueError, IndexError):
            # A row without numbers: a line of units, a lost frame, a blank at the end.
            continue
        if all(map(math.isfinite, (*angles, moment))):
            found.append((moment, angles[0], angles[1], angles[2]))
    if not found:
        raise FormatError("No row of this table holds three angles.", where=path, hint=_MEND)
    values = np.array(sorted(found))
    keys = values[:, 0] / (1000.0 if kind == "time" and table.motion_time_unit == "ms" else 1.0)
    return Motion(kind, keys, rotations_of(values[:, 1:], table))


def rotations_of(angles: npt.ArrayLike, table: MotionTable) -> Matrix:
    """(n, 3, 3) R of (n, 3) yaw, pitch, roll as the table has them: its units, signs and order."""
    from scipy.spatial.transform import Rotation

    values = np.asarray(angles, np.float64).reshape(-1, 3).copy()
    for place, angle in enumerate(ANGLES):
        if angle in table.invert_angles:
            values[:, place] *= -1
    ordered = values[:, [ANGLES.index(_AXES[axis]) for axis in table.rotation_order]]
    # Upper case: each turn about the axes as the ones before have left them, a product in order.
    made = Rotation.from_euler(
        table.rotation_order.upper(), ordered, degrees=table.angle_unit == "deg"
    )
    return made.as_matrix()


def read_joints(path: Path) -> dict[str, tuple[float, float]]:
    """x, y by name of a keypoint file with AnnoName, CentorX and CentorY; empty where there is no
    file. Raises FormatError where it has other columns.
    """
    if not path.is_file():
        return {}
    names, rows = _rows(path, 0)
    plain = [n.strip().lower() for n in names]
    try:
        name, x, y = (plain.index(c) for c in ("annoname", "centorx", "centory"))
    except ValueError as error:
        raise FormatError(
            "The columns AnnoName, CentorX and CentorY are needed.",
            where=path,
            hint=f"It has {', '.join(names)}.",
        ) from error
    found: dict[str, tuple[float, float]] = {}
    for row in rows:
        try:
            spot = float(row[x]), float(row[y])
        except (ValueError, IndexError):
            continue
        if all(map(math.isfinite, spot)):
            found[row[name].strip()] = spot
    return found


def _rows(path: Path, skip: int) -> tuple[list[str], list[list[str]]]:
    """The names of the columns and the rows; text in UTF-8, UTF-16 or, as Japanese tools write,
    cp932.
    """
    data = read_bytes(path)
    marked = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "cp932"):
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise FormatError("This is neither UTF-8 nor Shift-JIS text.", where=path)
    lines = text.splitlines(keepends=True)[skip:]
    first = lines[0] if lines else ""
    comma = max(",;\t", key=first.count)
    rows = [row for row in csv.reader(io.StringIO("".join(lines)), delimiter=comma) if row]
    if len(rows) < 2:
        raise FormatError("This table has no rows.", where=path)
    return [name.strip() for name in rows[0]], rows[1:]


def _column(path: Path, names: Sequence[str], asked: str, usual: str) -> int:
    place = _find(names, (asked,) if asked else _KEYS[usual])
    if place is None and not asked:
        # "Head_Yaw_deg": a name that holds the word, where only one does.
        holding = [i for i, n in enumerate(names) if usual in n.lower()]
        place = holding[0] if len(holding) == 1 else None
    if place is None:
        what = f"called {asked!r}" if asked else f"of the {usual}"
        raise FormatError(
            f"There is no column {what}; there are {', '.join(names)}.", where=path, hint=_MEND
        )
    return place


def _find(names: Sequence[str], wanted: Sequence[str]) -> int | None:
    plain = [n.lower() for n in names]
    return next((plain.index(w.lower()) for w in wanted if w.lower() in plain), None)


def _key(path: Path, names: Sequence[str], table: MotionTable) -> tuple[str, int | None]:
    """What rows are found by, and its column."""
    match = table.motion_match
    if match == "order":
        return "order", None
    if table.motion_key:
        kind = match
        if match == "auto":
            kind = "time" if "time" in table.motion_key.lower() else "frame"
        return kind, _column(path, names, table.motion_key, kind)
    for kind in ("frame", "time") if match == "auto" else (match,):
        place = _find(names, _KEYS[kind])
        if place is not None:
            return kind, place
    if match != "auto":
        raise FormatError(
            f"There is no column of the {match}; there are {', '.join(names)}.",
            where=path,
            hint=_MEND,
        )
    return "order", None
