"""One frame as the window has it, and how fast frames come."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QImage

from studio.core.prediction import Prediction
from studio.core.skeleton import Skeleton

FPS_WINDOW = 30


@dataclass(frozen=True)
class StreamInfo:
    """What the job says of its source and its model when frames begin to come."""

    source: str
    kind: str
    engine: str
    device: str
    precision: str
    skeleton: Skeleton
    categories: tuple[str, ...]
    size: tuple[int, int]


@dataclass(frozen=True, eq=False)
class LiveFrame:
    """One frame to show. `timings` in milliseconds, `fps` by stage; `taken` is the moment
    (perf_counter, which all processes share) of its capture, 0 where it is not told.
    """

    image: QImage
    people: tuple[Prediction, ...] = ()
    index: int = 0
    time: float = 0.0
    timings: Mapping[str, float] = field(default_factory=dict)
    fps: Mapping[str, float] = field(default_factory=dict)
    dropped: int = 0
    recording: bool = False
    taken: float = 0.0


def to_image(frame: npt.NDArray[np.uint8]) -> QImage:
    """(H, W, 3) uint8 BGR as a picture of its own. 32 bits a pixel: Qt scales those eight times
    as fast, and the conversion is the copy out of the shared memory.
    """
    height, width = frame.shape[:2]
    seen = QImage(frame.data, width, height, frame.strides[0], QImage.Format.Format_BGR888)
    return seen.convertToFormat(QImage.Format.Format_RGB32)


class FrameRate:
    """Frames in a second over the last ones."""

    def __init__(self, window: int = FPS_WINDOW) -> None:
        self._times: deque[float] = deque(maxlen=window)

    def tick(self, now: float | None = None) -> None:
        """One frame was shown."""
        self._times.append(time.perf_counter() if now is None else now)

    def value(self) -> float:
        """0 until there are two frames."""
        if len(self._times) < 2 or self._times[-1] <= self._times[0]:
            return 0.0
        return (len(self._times) - 1) / (self._times[-1] - self._times[0])

    def reset(self) -> None:
        """Start over."""
        self._times.clear()
