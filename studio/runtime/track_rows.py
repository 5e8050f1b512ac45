"""`<video>_pred.txt`: what was found on the frames of videos, as MOT rows with keypoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from studio.core.annotation import HIDDEN, VISIBLE
from studio.core.artifact import ModelArtifact
from studio.core.prediction import Prediction
from studio.io.files import atomic_write_text
from studio.io.keypoint_rows import Row, rows_text


class TrackRows:
    """Gathers rows and writes a file a video at the end.

    A row's class is the one that the model's labels had, or the category's number (also without
    a model); a prediction that nobody tracked has the track -1. v is 2 for a joint whose score is `kp_conf` or more, else 1.
    """

    def __init__(self, folder: Path, artifact: ModelArtifact | None, kp_conf: float) -> None:
        self._folder = folder
        self._kp_conf = kp_conf
        self._parts = _parts(artifact) if artifact is not None else []
        self._rows: dict[str, list[Row]] = {}

    def add(self, video: str, frame: int, found: tuple[Prediction, ...]) -> None:
        """The instances of one frame."""
        rows = self._rows.setdefault(video, [])
        for one in found:
            category, points = one.category_id, one.keypoints.astype(np.float64)
            if self._parts:
                category, joints = self._parts[one.category_id]
                points = points[joints]
            points[:, 2] = np.where(points[:, 2] >= self._kp_conf, VISIBLE, HIDDEN)
            track = -1 if one.track_id is None else one.track_id
            rows.append(Row(frame, track, category, points))

    def write(self) -> list[Path]:
        """Put the files in their place; their paths. Raises FileProblem."""
        paths: list[Path] = []
        for video, rows in self._rows.items():
            path = self._folder / f"{video}_pred.txt"
            atomic_write_text(path, rows_text(rows))
            paths.append(path)
        return paths


def _parts(artifact: ModelArtifact) -> list[tuple[int, list[int]]]:
    """For each of the model's categories its class in rows and its joints."""
    every = list(range(len(artifact.skeleton)))
    alike: list[Mapping[str, Any]] = [{"joints": every}] * len(artifact.categories)
    parts: Sequence[Mapping[str, Any]] = artifact.extra.get("parts") or alike
    return [(int(p.get("class", n)), list(p["joints"])) for n, p in enumerate(parts)]
