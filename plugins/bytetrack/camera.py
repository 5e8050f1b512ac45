"""BoT-SORT's camera motion (N. Aharon et al., 2022): what moves as the background does is the camera."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from studio.core.prediction import Prediction
from studio.core.skeleton import Skeleton

from .config import ByteTrackOptions
from .tracker import ByteTracker

FloatArray = npt.NDArray[np.float64]
Picture = npt.NDArray[np.uint8]

# Corners are looked for in a picture of this longest side.
_SIDE = 640
_CORNERS = 400
_FEWEST = 12


class BotSort(ByteTracker):
    """See `studio.registry.interfaces.Tracker`."""

    needs_frames = True

    def start(self, options: ByteTrackOptions, skeleton: Skeleton, fps: float) -> None:
        """Begin a video."""
        super().start(options, skeleton, fps)
        self._before: Picture | None = None
        self._corners: npt.NDArray[np.float32] | None = None

    def camera(self, frame: Picture | None, people: Sequence[Prediction]) -> FloatArray | None:
        """From corners of the background, outside of the people's boxes."""
        if frame is None:
            self._before = None
            return None
        import cv2

        scale = min(1.0, _SIDE / max(frame.shape[:2]))
        grey = np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), np.uint8)
        if scale < 1:
            small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            grey = np.asarray(small, np.uint8)
        motion = self._motion(grey, scale)
        mask = np.full(grey.shape, 255, np.uint8)
        for person in people:
            x1, y1, x2, y2 = np.clip(person.box * scale, 0, None).astype(int)
            mask[y1:y2, x1:x2] = 0
        found = cv2.goodFeaturesToTrack(grey, _CORNERS, 0.01, 4, mask=mask)
        self._corners = None if found is None else np.asarray(found, np.float32)
        self._before = grey
        return motion

    def _motion(self, grey: Picture, scale: float) -> FloatArray | None:
        before, corners = self._before, self._corners
        if before is None or before.shape != grey.shape or corners is None:
            return None
        import cv2

        there, good, _ = cv2.calcOpticalFlowPyrLK(before, grey, corners, np.empty(0))
        kept = good.ravel() > 0
        if kept.sum() < _FEWEST:
            return None
        motion, inliers = cv2.estimateAffinePartial2D(
            corners[kept].reshape(-1, 2), there[kept].reshape(-1, 2)
        )
        if motion is None or inliers.sum() < _FEWEST:
            return None
        motion = np.asarray(motion, np.float64)
        motion[:, 2] /= scale
        return motion
