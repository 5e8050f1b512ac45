"""Joints and limbs on a picture."""

from __future__ import annotations

import cv2
import numpy as np

from .base import JOINTS, MODEL, Picture, Row

SURE = 0.5


def draw_joints(frame: Picture, rows: list[Row]) -> None:
    """Boxes, limbs and joints, in place; joints that the model is not sure of are left out."""
    width = max(2, round(sum(frame.shape[:2]) / 2 * 0.003))
    for row in rows:
        x, y, w, h = (round(v) for v in row["bbox"])
        cv2.rectangle(frame, (x, y), (x + w, y + h), (255, 155, 47), 1)
        points = np.array(row["keypoints"]).reshape(-1, 3)
        spots = {
            name: p[:2].round().astype(int).tolist() for name, p in zip(JOINTS, points, strict=True)
        }
        seen = {name for name, p in zip(JOINTS, points, strict=True) if p[2] >= SURE}
        for a, b in MODEL["skeleton"].get("edges", ()):
            if a in seen and b in seen:
                cv2.line(frame, spots[a], spots[b], (24, 24, 24), width + 2, cv2.LINE_AA)
                cv2.line(frame, spots[a], spots[b], (151, 220, 61), width, cv2.LINE_AA)
        for name in seen:
            cv2.circle(frame, spots[name], width + 2, (24, 24, 24), -1, cv2.LINE_AA)
            cv2.circle(frame, spots[name], width, (53, 107, 255), -1, cv2.LINE_AA)
