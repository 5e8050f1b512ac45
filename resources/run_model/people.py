"""People in whole pictures, found by the model itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from studio.runtime.decode import DECODED, END2END, PoseLayout, decode
from studio.vision.letterbox import apply, fit, restore

from .base import BATCH, INPUT, JOINTS, MODEL, SIZE, Picture, Row
from .drawing import draw_joints

OVERLAP, MOST = 0.7, 300


def layout_of(shape: tuple[int, ...]) -> PoseLayout:
    """What an output (N, a, b) of this model holds."""
    categories, joints = len(MODEL["categories"]), len(JOINTS)
    if MODEL["output"] == END2END:
        return PoseLayout(END2END, categories, joints, (shape[2] - 6) // joints)
    return PoseLayout(DECODED, categories, joints, (shape[1] - 4 - categories) // joints)


class Looker:
    """People, their boxes and joints."""

    def __init__(self, network: Any, conf: float) -> None:
        self.network, self.conf = network, conf

    def look(self, frame: Picture, boxes: list[list[float]]) -> list[Row]:
        """One row a person; `boxes` mean nothing to a model that finds people itself."""
        del boxes
        height, width = frame.shape[:2]
        box = fit((height, width), SIZE, stride=INPUT["stride"], rect=INPUT["dynamic"])
        output = self.answer(np.repeat(apply(frame, box)[None], BATCH, axis=0))
        found = decode(output[0], layout_of(output.shape), conf=self.conf, iou=OVERLAP, limit=MOST)
        corners = restore(found.boxes.reshape(-1, 2, 2), box).reshape(-1, 4)
        joints = found.keypoints.copy()
        joints[..., :2] = restore(joints[..., :2], box)
        return [
            {
                "category_id": int(found.categories[i]),
                "bbox": [float(v) for v in (*corners[i, :2], *(corners[i, 2:] - corners[i, :2]))],
                "score": float(found.scores[i]),
                "keypoints": [float(v) for v in joints[i].ravel()],
            }
            for i in range(len(corners))
        ]

    def answer(self, pictures: Picture) -> npt.NDArray[np.float32]:
        """The network's one output."""
        return self.network(pictures)[0]

    draw = staticmethod(draw_joints)
