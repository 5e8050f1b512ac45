"""The One-Euro filter: calm where nothing moves, quick where something does (G. Casiez, N. Roussel
and D. Vogel, CHI 2012).
"""

from __future__ import annotations

from math import pi

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


class OneEuro:
    """Smooths an array of values, each by itself.

    min_cutoff: Hz that pass where nothing moves; lower is calmer. beta: Hz more for each unit a
    second. derivative_cutoff: Hz, for the speed itself.
    """

    def __init__(
        self, min_cutoff: float = 1.0, beta: float = 0.0, derivative_cutoff: float = 1.0
    ) -> None:
        self._min_cutoff = min_cutoff
        self._beta = beta
        self._derivative_cutoff = derivative_cutoff
        self._value: FloatArray | None = None
        self._speed: FloatArray | None = None

    def __call__(
        self, value: npt.NDArray[np.floating], seconds: float, unit: float = 1.0
    ) -> FloatArray:
        """The smoothed values; `seconds` since the values before. unit: what one unit of `beta`
        is in the values' own, such as a person's size in pixels.
        """
        value = np.asarray(value, np.float64)
        if self._value is None or self._speed is None or seconds <= 0:
            self._value, self._speed = value.copy(), np.zeros_like(value)
            return value.copy()
        speed = (value - self._value) / seconds
        self._speed += part_of_step(self._derivative_cutoff, seconds) * (speed - self._speed)
        cutoff = self._min_cutoff + self._beta * np.abs(self._speed) / max(unit, 1e-9)
        self._value = self._value + part_of_step(cutoff, seconds) * (value - self._value)
        return self._value.copy()


def part_of_step(cutoff: float | FloatArray, seconds: float) -> FloatArray:
    """0..1: how far a low pass of `cutoff` Hz goes towards a value that comes after `seconds`."""
    constant = 1.0 / (2 * pi * np.asarray(cutoff, np.float64))
    return 1.0 / (1.0 + constant / seconds)
