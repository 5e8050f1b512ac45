"""How far head rotations are off: degrees of yaw, pitch and roll, and the turn between them.

Rotations are R = Rz(roll) Ry(yaw) Rx(pitch). Three figures are kept apart:

- MAE: the mean absolute difference of each angle the short way round.
- official MAE: as 6DRepNet's published figures are counted, which take for each angle the least of
  the differences as it stands and moved by ±360 and by ±180. The last lets a head that is turned
  round pass for a right one; it is there to compare with published tables.
- geodesic: the angle of the one rotation that turns the prediction into the truth; it has neither
  trouble and is the figure to choose weights by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studio.core.errors import DataError

FloatArray = npt.NDArray[np.float64]

ANGLES = ("yaw", "pitch", "roll")
# 15° to each side of looking straight, up to what the training sets keep (99°).
EDGES: tuple[float, ...] = tuple(float(v) for v in range(-105, 106, 15))


@dataclass(frozen=True, eq=False)
class AngleBins:
    """The error of one angle against the true angle.

    edges: (B + 1,) degrees. count: (B,). error: (B,) mean absolute error of this angle, geodesic:
    (B,) mean geodesic error; NaN where no head is.
    """

    name: str
    edges: FloatArray
    count: npt.NDArray[np.int64]
    error: FloatArray
    geodesic: FloatArray

    @property
    def middles(self) -> FloatArray:
        """(B,) degrees."""
        return (self.edges[:-1] + self.edges[1:]) / 2


@dataclass(frozen=True, eq=False)
class HeadErrors:
    """Errors of n heads, in degrees.

    absolute, official: (n, 3) of yaw, pitch, roll, counted as the module says. geodesic: (n,).
    true: (n, 3) the true angles.
    """

    absolute: FloatArray
    official: FloatArray
    geodesic: FloatArray
    true: FloatArray

    def metrics(self) -> dict[str, float]:
        """Means: "geodesic", "MAE", "MAE-yaw", ..., and the same after "official-"."""
        found = {"geodesic": float(self.geodesic.mean())}
        for prefix, errors in (("", self.absolute), ("official-", self.official)):
            found[f"{prefix}MAE"] = float(errors.mean())
            found |= {f"{prefix}MAE-{a}": float(errors[:, i].mean()) for i, a in enumerate(ANGLES)}
        return found

    def bins(self, edges: Sequence[float] = EDGES) -> dict[str, AngleBins]:
        """The error against each true angle."""
        return {a: self._bin(i, np.asarray(edges, np.float64)) for i, a in enumerate(ANGLES)}

    def _bin(self, axis: int, edges: FloatArray) -> AngleBins:
        place = np.digitize(self.true[:, axis], edges) - 1
        count = np.array([(place == b).sum() for b in range(len(edges) - 1)], np.int64)

        def means(values: FloatArray) -> FloatArray:
            sums = np.array([values[place == b].sum() for b in range(len(edges) - 1)])
            return np.where(count > 0, sums / np.maximum(count, 1), np.nan)

        return AngleBins(
            ANGLES[axis], edges, count, means(self.absolute[:, axis]), means(self.geodesic)
        )


def head_errors(
    predicted: npt.ArrayLike, true: npt.ArrayLike, true_angles: npt.ArrayLike | None = None
) -> HeadErrors:
    """Errors of (n, 3, 3) rotations against (n, 3, 3).

    true_angles: (n, 3) yaw, pitch, roll in degrees where the data state them; else they are worked
    out of `true`. Raises DataError where shapes do not fit, nothing came, or a number is not finite.
    """
    found, truth = np.asarray(predicted, np.float64), np.asarray(true, np.float64)
    if found.shape != truth.shape or truth.ndim != 3 or truth.shape[1:] != (3, 3):
        raise DataError(f"Rotations of the shapes {found.shape} and {truth.shape} do not fit.")
    if not len(truth):
        raise DataError("There is no head to judge.")
    if not (np.isfinite(found).all() and np.isfinite(truth).all()):
        raise DataError("A rotation holds a number that is not finite.")
    angles = angles_of(truth) if true_angles is None else np.asarray(true_angles, np.float64)
    return HeadErrors(
        absolute=_least(angles_of(found) - angles, (0, 360)),
        official=_least(_plain_angles(found) - angles, (0, 360, 180)),
        geodesic=geodesic(found, truth),
        true=angles,
    )


def geodesic(first: FloatArray, second: FloatArray) -> FloatArray:
    """(n,) degrees between (n, 3, 3) and (n, 3, 3): of acos((tr(A Bᵀ) - 1) / 2), worked out by
    atan2 so that small angles keep their digits.
    """
    turn = first @ np.swapaxes(second, -1, -2)
    skew = turn - np.swapaxes(turn, -1, -2)
    sine = np.sqrt(skew[..., 2, 1] ** 2 + skew[..., 0, 2] ** 2 + skew[..., 1, 0] ** 2) / 2
    cosine = (np.trace(turn, axis1=-2, axis2=-1) - 1) / 2
    return np.degrees(np.arctan2(sine, cosine))


def angles_of(rotations: FloatArray) -> FloatArray:
    """(n, 3) yaw, pitch, roll in degrees of (n, 3, 3): `studio.core.head.angles_of` of many."""
    plain = _plain_angles(rotations)
    other = _half_turned(plain)
    less = np.abs(other[:, 1:]).sum(axis=1) < np.abs(plain[:, 1:]).sum(axis=1)
    return np.where(less[:, None], other, plain)


def _plain_angles(rotations: FloatArray) -> FloatArray:
    """With the yaw within ±90°, as the original works them out."""
    r = rotations
    yaw = np.arcsin(np.clip(-r[:, 2, 0], -1, 1))
    pitch = np.arctan2(r[:, 2, 1], r[:, 2, 2])
    roll = np.arctan2(r[:, 1, 0], r[:, 0, 0])
    # Looking along the shoulders pitch and roll turn about the same line.
    locked = np.abs(r[:, 2, 0]) > 1 - 1e-9
    pitch = np.where(locked, np.arctan2(-r[:, 1, 2], r[:, 1, 1]), pitch)
    return np.degrees(np.stack([yaw, pitch, np.where(locked, 0.0, roll)], axis=1))


def _half_turned(angles: FloatArray) -> FloatArray:
    """The other way to say the same rotation."""
    turned = angles * (-1, 1, 1) + 180.0
    return np.where(turned > 180, turned - 360, turned)


def _least(difference: FloatArray, shifts: Sequence[float]) -> FloatArray:
    moved = [np.abs(difference + sign * s) for s in shifts for sign in (1, -1)]
    return np.min(moved, axis=0)


def bins_mapping(bins: Mapping[str, AngleBins]) -> dict[str, dict[str, list[float | None]]]:
    """As a report holds them: NaN is null."""
    return {
        name: {
            "edges": b.edges.tolist(),
            "count": b.count.tolist(),
            "error": [None if np.isnan(v) else float(v) for v in b.error],
            "geodesic": [None if np.isnan(v) else float(v) for v in b.geodesic],
        }
        for name, b in bins.items()
    }
