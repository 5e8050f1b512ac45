"""A box that moves on, and how sure one is of where: a Kalman filter at constant speed.

The state is the box's centre, width and height and their speeds, in pixels and frames; noise goes
with the box's size, as N. Wojke et al. (ICIP 2017) chose it and ByteTrack took over, here with the
width itself in place of the aspect, as N. Aharon et al. (BoT-SORT, 2022) found to be better.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_POSITION = 1 / 20
_SPEED = 1 / 160
_STEP = np.block([[np.eye(4), np.eye(4)], [np.zeros((4, 4)), np.eye(4)]])


class BoxFilter:
    """One box through time; boxes are (4,) x1, y1, x2, y2 in pixels."""

    def __init__(self, box: npt.NDArray[np.floating]) -> None:
        self._mean = np.concatenate([_middle(box), np.zeros(4)])
        size = np.tile(np.maximum(self._mean[2:4], 1.0), 2)
        deviation = np.concatenate([2 * _POSITION * size, 10 * _SPEED * size])
        self._covariance = np.diag(deviation**2)

    @property
    def box(self) -> FloatArray:
        """Where the box is now."""
        x, y, width, height = self._mean[:4]
        width, height = max(width, 1.0), max(height, 1.0)
        return np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2])

    def predict(self, *, seen: bool = True) -> None:
        """One frame on. Who was not seen on the frame before keeps the size it had."""
        if not seen:
            self._mean[6:8] = 0.0
        size = np.tile(np.maximum(self._mean[2:4], 1.0), 2)
        noise = np.concatenate([_POSITION * size, _SPEED * size])
        self._mean = _STEP @ self._mean
        self._covariance = _STEP @ self._covariance @ _STEP.T + np.diag(noise**2)

    def update(self, box: npt.NDArray[np.floating]) -> None:
        """The box was found here."""
        size = np.tile(np.maximum(self._mean[2:4], 1.0), 2)
        seen = self._covariance[:4, :4] + np.diag((_POSITION * size) ** 2)
        gain = np.linalg.solve(seen, self._covariance[:4]).T
        self._mean = self._mean + gain @ (_middle(box) - self._mean[:4])
        self._covariance = self._covariance - gain @ seen @ gain.T

    def move(self, motion: FloatArray) -> None:
        """The camera moved: (2, 3), how a point of the picture before lies in this one."""
        turn = np.kron(np.eye(4), motion[:, :2])
        # Width and height are turned as vectors are; only their lengths mean something.
        self._mean = turn @ self._mean
        self._mean[2:4] = np.abs(self._mean[2:4])
        self._mean[:2] += motion[:, 2]
        self._covariance = turn @ self._covariance @ turn.T


def _middle(box: npt.NDArray[np.floating]) -> FloatArray:
    x1, y1, x2, y2 = np.asarray(box, np.float64)
    return np.array([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1])
