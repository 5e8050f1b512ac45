"""How heads are turned."""

from __future__ import annotations

from typing import Any

import numpy as np

from studio.core.head import angles_of
from studio.runtime.head_outputs import nearest_rotations, rotations_of_six
from studio.vision.head_crop import judged_crop
from studio.vision.head_drawing import draw_cube

from .base import BATCH, MODEL, SIZE, Picture, Row


class Looker:
    """One head a box; the whole picture is one where none is given."""

    def __init__(self, network: Any, conf: float) -> None:
        del conf
        self.network = network

    def look(self, frame: Picture, boxes: list[list[float]]) -> list[Row]:
        """One row a box x, y, width, height, which the crops of the training are like."""
        rows: list[Row] = []
        for x, y, w, h in boxes or [[0, 0, frame.shape[1], frame.shape[0]]]:
            crop = judged_crop(frame, [x, y, x + w, y + h], SIZE)
            found = self.network(np.repeat(crop[None], BATCH, axis=0))[0][:1].astype(np.float64)
            if MODEL["output"] == "rot6d":
                rotation = rotations_of_six(found.reshape(-1, 6))[0]
            else:
                rotation = nearest_rotations(found.reshape(-1, 3, 3))[0]
            head = {"rotation": rotation.tolist(), **angles_of(rotation)._asdict()}
            rows.append({"category_id": 0, "bbox": [x, y, w, h], "head": head})
        return rows

    @staticmethod
    def draw(frame: Picture, rows: list[Row]) -> None:
        """A cube around each head, its face in orange, in place."""
        for row in rows:
            x, y, w, h = row["bbox"]
            rotation = np.array(row["head"]["rotation"])
            draw_cube(frame, rotation, (x + w / 2, y + h / 2), 0.6 * min(w, h))
