"""Points followed by a network that sees the last frames: memory and time have a bound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studio.vision.tracking import Tracked

from .network import Floats, Frames, PointNetwork

FloatArray = npt.NDArray[np.float64]
Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Sight:
    """window: frames that the network sees at most. side: their longest side in pixels, 0 as they
    are. visible: 0..1, below it a point is hidden.
    """

    window: int = 8
    side: int = 512
    visible: float = 0.5


class WindowFollower:
    """See `studio.vision.bridging.Follower`.

    Queries are the points themselves, on the frame they were found on, as long as that is among
    the frames seen. When these are full the older half goes, and each query moves to the first
    remaining frame that shows its point. A point that none of them shows is lost.
    """

    def __init__(
        self, network: PointNetwork, frame: Picture, points: FloatArray, sight: Sight
    ) -> None:
        self._network, self._sight = network, sight
        self._shape = frame.shape
        scale = min(1.0, sight.side / max(frame.shape[:2])) if sight.side else 1.0
        height, width = (max(1, round(n * scale)) for n in frame.shape[:2])
        self._size = (width, height)
        # Each side is a whole number of pixels: the two scales differ by a little.
        self._scale = np.array([width / frame.shape[1], height / frame.shape[0]])
        self._frames = [self._small(frame)]
        times = np.zeros((len(points), 1))
        self._queries = np.concatenate([times, points * self._scale], axis=1).astype(np.float32)
        self._alive = np.ones(len(points), bool)

    def next(self, frame: Picture) -> Tracked | None:
        """The points on the following frame, NaN where hidden; None where all are lost or the
        frame has another size. Raises ModelError.
        """
        if frame.shape != self._shape or not self._alive.any():
            return None
        self._frames.append(self._small(frame))
        seen: Frames = np.stack(self._frames)
        tracks, visible = self._network.follow(seen, self._queries[self._alive])
        points = np.full((len(self._alive), 2), np.nan)
        confidence = np.zeros(len(self._alive))
        now = tracks[-1].astype(np.float64) / self._scale
        inside = ((now >= 0) & (now <= [frame.shape[1], frame.shape[0]])).all(axis=1)
        shown = inside & (visible[-1] >= self._sight.visible)
        points[self._alive] = np.where(shown[:, None], now, np.nan)
        confidence[self._alive] = np.where(shown, np.clip(visible[-1], 0.0, 1.0), 0.0)
        if len(self._frames) >= self._sight.window:
            self._slide(tracks, visible)
        return Tracked(points, confidence)

    def _slide(self, tracks: Floats, visible: Floats) -> None:
        """Forget the older half of the frames."""
        gone = max(1, self._sight.window // 2)
        del self._frames[:gone]
        alive = np.flatnonzero(self._alive)
        queries = self._queries[alive]
        shown = visible[gone:] >= self._sight.visible
        first = shown.argmax(axis=0)
        moved = np.concatenate(
            [first[:, None], tracks[gone + first, np.arange(len(alive))]], axis=1
        ).astype(np.float32)
        later = queries[:, :1] >= gone
        kept = queries - np.array([gone, 0, 0], np.float32)
        self._queries[alive] = np.where(later, kept, moved)
        self._alive[alive] = later[:, 0] | shown.any(axis=0)

    def _small(self, frame: Picture) -> Picture:
        if frame.shape[1::-1] == self._size:
            return frame.copy()
        import cv2

        return np.asarray(cv2.resize(frame, self._size, interpolation=cv2.INTER_AREA), np.uint8)
