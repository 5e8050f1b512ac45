"""What a model says of a frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class HeadPose:
    """A head's rotation, (3, 3) float64, R = Rz(roll) Ry(yaw) Rx(pitch); angles in degrees.

    box: (4,) float32 x1, y1, x2, y2 in pixels of the frame, the part that the model looked at.
    """

    rotation: npt.NDArray[np.float64]
    yaw: float
    pitch: float
    roll: float
    box: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class Prediction:
    """One person found in a frame.

    box: (4,) float32 x1, y1, x2, y2 in pixels of the frame. score: 0..1.
    keypoints: (K, 3) float32 of x, y in pixels and the joint's own score 0..1 (K may be 0).
    box_score: the detector's own, where another model found the joints.
    """

    box: FloatArray
    score: float
    keypoints: FloatArray
    category_id: int = 0
    track_id: int | None = None
    head: HeadPose | None = None
    box_score: float | None = None


@dataclass(frozen=True, eq=False)
class FrameResult:
    """Everything known of one frame. `time` is seconds from the source's start; `size` is
    (width, height); `timings` are milliseconds by stage (capture, preprocess, infer, decode,
    track, draw); `source` is the file's name, or the camera's or stream's.
    """

    source: str
    index: int
    time: float
    size: tuple[int, int]
    predictions: tuple[Prediction, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict[str, float])
