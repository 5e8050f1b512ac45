"""Detection every K frames and pyramidal Lucas-Kanade between, checked by following back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from studio.core.prediction import Prediction
from studio.vision.bridging import BridgingTracker, side_of
from studio.vision.tracking import Tracker as Points
from studio.vision.tracking import TrackSettings

FloatArray = npt.NDArray[np.float64]
Picture = npt.NDArray[np.uint8]

# Side of the patch around a joint, as a part of the person's.
_WINDOW = 0.12


class KltTracker(BridgingTracker):
    """See `studio.registry.interfaces.Tracker`."""

    def follower(self, frame: Picture, points: FloatArray, people: Sequence[Prediction]) -> Points:
        """Patches as wide as the people's size asks for, where nothing else is said."""
        window = self.options.window
        if not window:
            # A patch wider than a limb holds more of the background than of the limb.
            side = float(np.median([side_of(p) for p in people]))
            window = int(np.clip(side * _WINDOW, 9, 41)) | 1
        settings = TrackSettings(window=window, max_error=self.options.max_error, min_points=0.0)
        return Points(frame, points, settings)
