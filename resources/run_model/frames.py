"""One instance of each category in the whole frames of a clip, with the motion since the frame
before.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from studio.runtime.clips import History, shrunk
from studio.vision.heatmaps import decode_maps
from studio.vision.motion import motion_channels

from .base import BATCH, MODEL, SIZE, Picture, Row
from .drawing import draw_joints

MOTION = str(MODEL.get("motion", "none"))
SIGMA = float(MODEL.get("sigma", 2.0))


class Looker:
    """Frames are shown in their order."""

    def __init__(self, network: Any, conf: float) -> None:
        self.network, self.conf = network, conf
        self.history = History(int(MODEL.get("motion_gap", 1)))
        self.number = 0

    def look(self, frame: Picture, boxes: list[list[float]]) -> list[Row]:
        """One row a category; `boxes` mean nothing to a model of whole frames."""
        del boxes
        shown = shrunk(frame, SIZE)
        if MOTION != "none":
            before = self.history.before(("", self.number), shown)
            shown = np.concatenate([shown, motion_channels(shown, before, MOTION)], axis=2)
        self.number += 1
        maps, seen = (o[0] for o in self.network(np.repeat(shown[None], BATCH, axis=0))[:2])
        points = decode_maps(maps, SIGMA)
        points[:, 0] *= frame.shape[1] / maps.shape[2]
        points[:, 1] *= frame.shape[0] / maps.shape[1]
        there = 1 - seen[:, 0]
        points[:, 2] *= there
        rows: list[Row] = []
        for category, part in enumerate(MODEL["parts"]):
            mine = list(part["joints"])
            score = float(there[mine].mean())
            if score < self.conf:
                continue
            joints = np.zeros_like(points)
            joints[mine] = points[mine]
            spots = points[[j for j in mine if there[j] >= 0.5] or mine, :2]
            low, high = spots.min(axis=0), spots.max(axis=0)
            box, flat = [*low, *(high - low)], joints.ravel()
            rows.append({
                "category_id": category, "bbox": [float(v) for v in box], "score": score,
                "keypoints": [float(v) for v in flat],
            })  # fmt: skip
        return rows

    draw = staticmethod(draw_joints)
