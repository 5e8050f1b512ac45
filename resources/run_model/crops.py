"""The joints of people whose boxes are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from studio.vision.affine import box_matrix, inverse, moved, warp
from studio.vision.heatmaps import decode_maps, decode_simcc

from .base import BATCH, MODEL, SIZE, Picture, Row
from .drawing import draw_joints

SCALE = float(MODEL.get("box_scale", 1.25))  # how much larger than the box a crop is
SIGMA = float(MODEL.get("sigma", 2.0))
# Cell i of a heatmap lies on input pixel i * stride, or between pixels.
ON_PIXELS = bool(MODEL.get("cells_on_pixels", False))


def joints_of(outputs: list[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    """(N, K, 3) x, y in pixels of the crops and a score."""
    height, width = SIZE
    if MODEL["output"] == "simcc":
        across, down = outputs[:2]
        found = decode_simcc(across, down, SIGMA)
        found[..., :2] *= np.array([width / across.shape[-1], height / down.shape[-1]], np.float32)
    else:
        maps, off = outputs[0], 0.5 if ON_PIXELS else 0.0
        found = decode_maps(maps, SIGMA)
        for axis, stride in enumerate((width / maps.shape[-1], height / maps.shape[-2])):
            found[..., axis] = (found[..., axis] - off) * stride + off
    found[..., 2] = np.clip(found[..., 2], 0.0, 1.0)
    return found


class Looker:
    """One person a box; the whole picture is one where none is given."""

    def __init__(self, network: Any, conf: float) -> None:
        self.network, self.conf = network, conf

    def look(self, frame: Picture, boxes: list[list[float]]) -> list[Row]:
        """One row a box x, y, width, height."""
        rows: list[Row] = []
        for x, y, w, h in boxes or [[0, 0, frame.shape[1], frame.shape[0]]]:
            matrix = box_matrix([x, y, x + w, y + h], SIZE, SCALE)
            crop = warp(frame, matrix, SIZE)
            joints = joints_of(self.network(np.repeat(crop[None], BATCH, axis=0)))[0]
            placed = moved(joints[:, :2], inverse(matrix))
            row = np.concatenate([placed, joints[:, 2:]], axis=1)
            score = float(joints[:, 2].mean())
            keypoints = [float(v) for v in row.ravel()]
            rows.append(
                {"category_id": 0, "bbox": [x, y, w, h], "score": score, "keypoints": keypoints}
            )
        return [row for row in rows if row["score"] >= self.conf]

    draw = staticmethod(draw_joints)
