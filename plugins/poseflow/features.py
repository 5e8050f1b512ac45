"""ORB features of a frame, and which of them are the same on the next one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Features:
    """points: (N, 2) float64 x, y in pixels. codes: (N, 32) uint8, their ORB descriptors."""

    points: FloatArray
    codes: npt.NDArray[np.uint8]


def features_of(frame: Picture, orb: Any) -> Features:
    """One run of `orb` (a `cv2.ORB`) over (H, W, 3) uint8 BGR."""
    import cv2

    found, codes = orb.detectAndCompute(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), None)
    if codes is None:
        return Features(np.zeros((0, 2)), np.zeros((0, 32), np.uint8))
    # OpenCV counts from the middle of the first pixel, the studio from its corner.
    points = np.array([f.pt for f in found], np.float64).reshape(-1, 2) + 0.5
    return Features(points, np.asarray(codes, np.uint8))


def same_features(before: Features, after: Features) -> tuple[FloatArray, FloatArray]:
    """(M, 2) and (M, 2): points of the one and the other frame that are each other's nearest by
    Hamming distance, compared with all.
    """
    nothing = np.zeros((0, 2))
    if not len(before.points) or not len(after.points):
        return nothing, nothing
    import cv2

    matches = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(before.codes, after.codes)
    first = np.array([m.queryIdx for m in matches], np.intp)
    second = np.array([m.trainIdx for m in matches], np.intp)
    return before.points[first], after.points[second]
