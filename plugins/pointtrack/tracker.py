"""Detection every K frames, and a point tracker's network between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.prediction import Prediction
from studio.core.skeleton import Skeleton
from studio.vision.bridging import BridgingTracker

from .following import Sight, WindowFollower
from .network import PointNetwork, open_network

FloatArray = npt.NDArray[np.float64]


class PointTracker(BridgingTracker):
    """See `studio.registry.interfaces.Tracker`."""

    def __init__(self) -> None:
        self._opened: tuple[Any, PointNetwork] | None = None

    def start(self, options: Any, skeleton: Skeleton, fps: float) -> None:
        """Begin a video. Raises ModelError, FileProblem, DeviceError, MissingTool."""
        super().start(options, skeleton, fps)
        asked = (options.weights, options.device)
        # The next video comes with the same file: it stays open.
        if self._opened is None or self._opened[0] != asked:
            self._opened = asked, open_network(*asked)

    def follower(
        self, frame: npt.NDArray[np.uint8], points: FloatArray, people: Sequence[Prediction]
    ) -> WindowFollower:
        """Queries stand at the joints themselves."""
        del people
        assert self._opened is not None
        options = self.options
        sight = Sight(options.window, options.side, options.visible)
        return WindowFollower(self._opened[1], frame, points, sight)
