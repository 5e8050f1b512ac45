"""Rotations that tremble from picture to picture made calm, on the sphere of rotations itself.

The One-Euro filter (G. Casiez, N. Roussel and D. Vogel, CHI 2012) with the angle between two
rotations in place of a difference: each step goes a part of the shortest way (a slerp), so that
there is no angle at which anything jumps. Rotations are (3, 3) float64.
"""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import numpy.typing as npt

from studio.vision.one_euro import part_of_step

Matrix = npt.NDArray[np.float64]

# From hardly any smoothing to the calmest: what passes where a head is still, in Hz, and how much
# more for each degree a second that it turns.
_STILL = (8.0, 0.25)
_TURNING = (0.05, 0.01)
# What passes of that speed itself, in Hz.
_SPEED_CUTOFF = 1.0
# After so many seconds unseen a head has another rotation than any that could be continued.
FORGOTTEN = 1.0


class SmoothRotation:
    """One head's rotation over time. strength: 0 (nothing is changed) to 1 (calmest)."""

    def __init__(self) -> None:
        self._value: Matrix | None = None
        self._speed = np.zeros(3)

    def __call__(self, rotation: Matrix, seconds: float, strength: float) -> Matrix:
        """The calmed rotation; `seconds` since the one before. A head that is still keeps its
        rotation exactly; after a long gap, or without time between, it begins anew.
        """
        if self._value is None or strength <= 0 or not 0 < seconds <= FORGOTTEN:
            self._value, self._speed = rotation.copy(), np.zeros(3)
            return rotation.copy()
        step = rotation_vector(rotation @ self._value.T)
        speed = np.degrees(step) / seconds
        self._speed = self._speed + part_of_step(_SPEED_CUTOFF, seconds) * (speed - self._speed)
        more = _between(_TURNING, strength) * float(np.linalg.norm(self._speed))
        cutoff = _between(_STILL, strength) + more
        part = float(part_of_step(cutoff, seconds))
        self._value = rotation_about(part * step) @ self._value
        return self._value.copy()


class SmoothRotations:
    """Those of many heads by whatever tells them apart; forgets who is gone."""

    def __init__(self) -> None:
        self._known: dict[Hashable, tuple[SmoothRotation, float]] = {}

    def __call__(self, key: Hashable, rotation: Matrix, time: float, strength: float) -> Matrix:
        """As `SmoothRotation`; `time` in seconds, any clock. Going back in time begins anew."""
        smooth, before = self._known.get(key, (SmoothRotation(), time))
        self._known[key] = smooth, time
        return smooth(rotation, time - before, strength)

    def forget(self, time: float) -> None:
        """Let go of all that were last seen long before `time`, or after it."""
        self._known = {
            key: known for key, known in self._known.items() if 0 <= time - known[1] <= FORGOTTEN
        }


def _between(ends: tuple[float, float], strength: float) -> float:
    return ends[0] * (ends[1] / ends[0]) ** min(strength, 1.0)


def rotation_vector(rotation: Matrix) -> Matrix:
    """(3,) the axis of a rotation times its angle in radians, 0..pi."""
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.from_matrix(rotation).as_rotvec(), np.float64)


def rotation_about(vector: Matrix) -> Matrix:
    """The inverse of `rotation_vector`."""
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.from_rotvec(vector).as_matrix(), np.float64)
