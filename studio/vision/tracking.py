"""Points followed from frame to frame: pyramidal Lucas-Kanade, checked by following them back.

B. Lucas and T. Kanade, 1981; J.-Y. Bouguet's pyramids as OpenCV has them; the check forward and
backward after Z. Kalal et al., 2010. A point that does not come back to where it started, that
leaves the picture or whose surroundings look different is lost and stays so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Frame = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class TrackSettings:
    """window: side of the patch in pixels. max_error: pixels that a point may come back beside
    where it started. min_likeness: correlation of its patch with the one before, 0..1.
    min_confidence: a point is lost below it; each step multiplies what went before. The tracking
    stops where fewer than `min_points` of the points are left, or where the whole picture
    changes (`cut`: mean difference of the small grey pictures, 0..255).
    """

    window: int = 31
    levels: int = 4
    max_error: float = 3.0
    min_likeness: float = 0.5
    min_confidence: float = 0.1
    min_points: float = 0.35
    cut: float = 45.0


@dataclass(frozen=True, eq=False)
class Tracked:
    """One frame's points: (N, 2) float64 x, y in pixels, NaN where lost; (N,) confidence 0..1,
    0 where lost.
    """

    points: FloatArray
    confidence: FloatArray

    @property
    def kept(self) -> npt.NDArray[np.bool_]:
        """Which points are still followed."""
        return self.confidence > 0


class Tracker:
    """Follows points through frames; `stopped` says why it ended, "" while it goes on."""

    def __init__(
        self, frame: Frame, points: FloatArray, settings: TrackSettings | None = None
    ) -> None:
        self.settings = settings or TrackSettings()
        self.stopped = ""
        self._grey, self._small = _prepared(frame)
        self._points = np.asarray(points, dtype=np.float64).reshape(-1, 2).copy()
        self._confidence = np.ones(len(self._points))

    def next(self, frame: Frame) -> Tracked | None:
        """The points on the following (H, W, 3) uint8 BGR frame; None where the tracking stops.

        The picture's size must stay the same, else it stops.
        """
        grey, small = _prepared(frame)
        if grey.shape != self._grey.shape:
            return self._stop("size")
        if float(np.abs(small.astype(np.int16) - self._small).mean()) > self.settings.cut:
            return self._stop("cut")
        alive = self._confidence > 0
        moved, confidence = _follow(self._grey, grey, self._points[alive], self.settings)
        points = np.full_like(self._points, np.nan)
        # A chain is as sure as its links: each step multiplies.
        total = np.zeros(len(points))
        total[alive] = np.where(confidence > 0, self._confidence[alive] * confidence, 0.0)
        total[total < self.settings.min_confidence] = 0.0
        points[alive] = np.where(total[alive, None] > 0, moved, np.nan)
        if (total > 0).sum() < self.settings.min_points * len(points) or not (total > 0).any():
            return self._stop("lost")
        self._grey, self._small = grey, small
        self._points, self._confidence = points, total
        return Tracked(points, total)

    def _stop(self, reason: str) -> None:
        self.stopped = reason


def track(
    frames: Iterable[Frame], points: FloatArray, settings: TrackSettings | None = None
) -> Iterator[Tracked]:
    """The points on each frame after the first, until the tracking stops or the frames end."""
    tracker: Tracker | None = None
    for frame in frames:
        if tracker is None:
            tracker = Tracker(frame, points, settings)
            continue
        found = tracker.next(frame)
        if found is None:
            return
        yield found


def _prepared(frame: Frame) -> tuple[Frame, Frame]:
    import cv2

    grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY) if frame.ndim == 3 else frame
    small = cv2.resize(grey, (48, 32), interpolation=cv2.INTER_AREA)
    return np.asarray(grey, np.uint8), np.asarray(small, np.uint8)


def _follow(
    before: Frame, after: Frame, points: FloatArray, settings: TrackSettings
) -> tuple[FloatArray, FloatArray]:
    """Where (N, 2) points went, and (N,) how sure each step is; 0 where it was lost."""
    import cv2

    if len(points) == 0:
        return points, np.zeros(0)
    # OpenCV counts from the middle of the first pixel, the studio from its corner.
    start = (points - 0.5).astype(np.float32).reshape(-1, 1, 2)
    window = (settings.window, settings.window)
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        before, after, start, np.empty(0), winSize=window, maxLevel=settings.levels
    )
    back, returned, _ = cv2.calcOpticalFlowPyrLK(
        after, before, there, np.empty(0), winSize=window, maxLevel=settings.levels
    )
    error = np.linalg.norm((back - start).reshape(-1, 2), axis=1)
    height, width = after.shape[:2]
    moved = there.reshape(-1, 2).astype(np.float64) + 0.5
    inside = (moved >= 0).all(axis=1) & (moved[:, 0] <= width) & (moved[:, 1] <= height)
    good = inside & (found.ravel() > 0) & (returned.ravel() > 0) & (error <= settings.max_error)
    likeness = np.array(
        [
            _likeness(before, after, p, q, settings.window) if ok else 0.0
            for p, q, ok in zip(start.reshape(-1, 2), there.reshape(-1, 2), good, strict=True)
        ]
    )
    good &= likeness >= settings.min_likeness
    sure = np.exp(-error / max(settings.max_error, 1e-6)) * 0.5 + 0.5
    return moved, np.where(good, np.clip(sure * likeness, 0.0, 1.0), 0.0)


def _likeness(
    before: Frame, after: Frame, p: npt.NDArray[Any], q: npt.NDArray[Any], window: int
) -> float:
    """Correlation of the two patches, 0..1; a patch without any texture tells nothing: 1 where
    both are flat and as bright.
    """
    import cv2

    size = (window, window)
    a = cv2.getRectSubPix(before, size, (float(p[0]), float(p[1]))).astype(np.float64)
    b = cv2.getRectSubPix(after, size, (float(q[0]), float(q[1]))).astype(np.float64)
    da, db = a - a.mean(), b - b.mean()
    power = float(np.sqrt((da**2).sum() * (db**2).sum()))
    if power < 1e-6:
        return 1.0 if abs(float(a.mean() - b.mean())) < 8 else 0.0
    return max(0.0, float((da * db).sum()) / power)
