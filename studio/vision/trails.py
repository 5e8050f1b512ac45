"""Where people with an identity have been: lines that fade behind them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from studio.core.prediction import Prediction
from studio.vision.drawing import line_thickness_for, person_color

Picture = npt.NDArray[np.uint8]

LONGEST = 1000
# A trail is drawn in so many pieces, each thinner than the next.
_PIECES = 4
_DARK = (24, 24, 24)


class Trails:
    """The middles of boxes by identity, in pixels of the frame, over the last frames."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._spots: dict[int, deque[tuple[int, float, float]]] = {}
        self._newest = -1

    def take(self, index: int, people: Sequence[Prediction]) -> None:
        """The people of the frame `index`; a frame before the newest one begins anew."""
        if index <= self._newest:
            self._spots.clear()
        self._newest = index
        for person in people:
            if person.track_id is None:
                continue
            x1, y1, x2, y2 = (float(v) for v in person.box)
            spots = self._spots.setdefault(person.track_id, deque(maxlen=self._longest))
            spots.append((index, (x1 + x2) / 2, (y1 + y2) / 2))
        for gone in [i for i, s in self._spots.items() if s[-1][0] < index - self._longest]:
            del self._spots[gone]

    def of(self, identity: int, length: int) -> list[tuple[float, float]]:
        """Where one was in the last `length` frames, oldest first."""
        oldest = self._newest - length
        return [(x, y) for index, x, y in self._spots.get(identity, ()) if index >= oldest]

    def draw(self, frame: Picture, length: int) -> None:
        """Draw all of them, `length` frames long, in place on (H, W, 3) uint8 BGR."""
        import cv2

        thickness = line_thickness_for(frame)
        for identity in self._spots:
            spots = np.array(self.of(identity, length), np.float64).reshape(-1, 2)
            if len(spots) < 2:
                continue
            points = np.round(spots).astype(np.int32)
            pieces = np.array_split(np.arange(len(points)), min(_PIECES, len(points) - 1))
            for ink, wider in ((_DARK, 2), (person_color(identity), 0)):
                for number, piece in enumerate(pieces, 1):
                    # Each piece ends where the next one begins.
                    line = points[piece[0] : piece[-1] + 2]
                    width = max(1, thickness * number // len(pieces)) + wider
                    cv2.polylines(frame, [line], False, ink, width, cv2.LINE_AA)
