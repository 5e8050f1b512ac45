"""Which face is whose: a face detector's boxes given to people whom another model found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from studio.core.prediction import Prediction
from studio.core.skeleton import Skeleton
from studio.vision.assignment import best_pairs
from studio.vision.head_crop import joints_of_head

Box = npt.NDArray[np.float64]

# Part of a face that lies in its person's box at least; joints from this score on count.
_INSIDE, _SURE = 0.6, 0.5


def faces_of(
    people: Sequence[Prediction], faces: Sequence[Box], skeleton: Skeleton
) -> list[Box | None]:
    """(4,) x1, y1, x2, y2 for each person, each face at most once; None for who shows no face.

    A face is its person's where it lies in the person's box and around its face's joints; of
    somebody without such joints it is the one nearest to the middle of the box's upper edge.
    """
    alike = np.zeros((len(people), len(faces)))
    for row, person in enumerate(people):
        for column, face in enumerate(faces):
            alike[row, column] = _likeness(person, face, skeleton)
    chosen: list[Box | None] = [None] * len(people)
    for row, column in best_pairs(alike, 1e-6):
        chosen[row] = faces[column]
    return chosen


def _likeness(person: Prediction, face: Box, skeleton: Skeleton) -> float:
    """0 (cannot be) to 1."""
    box = np.asarray(person.box, np.float64)
    if _part_inside(face, box) < _INSIDE:
        return 0.0
    middle, side = (face[:2] + face[2:]) / 2, float((face[2:] - face[:2]).max())
    joints, _ = joints_of_head(person.keypoints, skeleton.keypoints, skeleton.face_points, _SURE)
    if joints:
        away = float(np.linalg.norm(np.mean(joints, axis=0) - middle)) / max(side, 1.0)
        return max(0.0, 1.0 - away)
    top = np.array([(box[0] + box[2]) / 2, box[1]])
    reach = max(float(np.linalg.norm(box[2:] - box[:2])), 1.0)
    # Less sure than any joint: it must not take a face from somebody who has some.
    return 0.3 * max(0.0, 1.0 - float(np.linalg.norm(top - middle)) / reach)


def _part_inside(face: Box, box: Box) -> float:
    low, high = np.maximum(face[:2], box[:2]), np.minimum(face[2:], box[2:])
    area = float(np.prod(face[2:] - face[:2]))
    return float(np.prod(np.maximum(high - low, 0.0))) / max(area, 1e-9)
