"""`results.json`: how each head is turned, for runs of a head-pose model alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from studio.runtime.recording import JsonRecords

_KEPT = ("image", "frame", "time", "bbox", "score", "track_id")


class HeadRecords(JsonRecords):
    """One record a head: its picture, frame, time, box x, y, width, height and score, then "yaw",
    "pitch", "roll" in degrees and "rotation", 3 x 3.
    """

    def write(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Append the heads of records."""
        super().write(head_record(row) for row in rows if row.get("head"))


def head_record(row: Mapping[str, Any]) -> dict[str, Any]:
    """A record with a head as `results.json` has it."""
    kept = {key: row[key] for key in _KEPT if key in row}
    head = row["head"]
    return kept | {key: head[key] for key in ("yaw", "pitch", "roll", "rotation")}
