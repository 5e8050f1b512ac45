"""Joints that tremble from frame to frame made calm, person by person (One-Euro)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from studio.core.prediction import Prediction
from studio.vision.one_euro import OneEuro

# Hz that pass where a joint is still, from the least calm to the calmest.
_LIVELY, _CALM = 8.0, 0.3
# Hz more for each body size that a joint moves in a second: quick joints are followed closely.
_BETA = 10.0
# Who was out of sight for longer may be anywhere.
_FORGOTTEN_SECONDS = 1.0


class CalmJoints:
    """Joints of people with an identity; the others are left as they are."""

    def __init__(self) -> None:
        self._strength = 0.0
        self._known: dict[int, tuple[OneEuro, float]] = {}

    def told(
        self, people: Sequence[Prediction], time: float, strength: float
    ) -> tuple[Prediction, ...]:
        """The people of the frame at `time` seconds. strength: 0 (nothing is changed) to 1."""
        if strength != self._strength:
            self._strength = strength
            self._known.clear()
        if strength <= 0:
            return tuple(people)
        self._known = {
            i: k for i, k in self._known.items() if 0 <= time - k[1] <= _FORGOTTEN_SECONDS
        }
        return tuple(self._calmed(person, time) for person in people)

    def _calmed(self, person: Prediction, time: float) -> Prediction:
        if person.track_id is None or not len(person.keypoints):
            return person
        least = _LIVELY * (_CALM / _LIVELY) ** min(self._strength, 1.0)
        euro, before = self._known.get(person.track_id, (OneEuro(least, _BETA), time))
        self._known[person.track_id] = euro, time
        width, height = np.maximum(person.box[2:] - person.box[:2], 1.0)
        points = person.keypoints.copy()
        points[:, :2] = euro(points[:, :2], time - before, float(np.sqrt(width * height)))
        return replace(person, keypoints=points)
