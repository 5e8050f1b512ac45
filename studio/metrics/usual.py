"""What is usual in a skeleton's people: lengths of limbs and angles between them, robustly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.annotation import Instance
from studio.core.skeleton import Skeleton

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Limits:
    """deviations: robust standard deviations. factor: a limb against what is usual. degrees: an
    angle against what is usual. margin: part of the person's size. alike: OKS or box IoU.
    """

    deviations: float = 5.0
    factor: float = 1.6
    degrees: float = 60.0
    margin: float = 0.05
    alike: float = 0.8
    samples: int = 20
    unsure: float = 0.4


@dataclass(frozen=True, eq=False)
class Usual:
    """What is usual in the data: for each limb (E,) the median and spread of its log length
    relative to the person's size, for each pair of limbs at a joint (A,) those of the angle in
    degrees. NaN where too few people show it.
    """

    length: FloatArray
    length_spread: FloatArray
    angle: FloatArray
    angle_spread: FloatArray

    def to_mapping(self) -> dict[str, list[float | None]]:
        """Plain values for JSON."""
        return {name: [_plain(v) for v in getattr(self, name)] for name in _USUAL}

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> Usual:
        """The inverse of `to_mapping`."""
        return cls(*(np.array([np.nan if v is None else v for v in data[n]]) for n in _USUAL))


_USUAL = ("length", "length_spread", "angle", "angle_spread")


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 5)


@lru_cache(maxsize=64)
def corners_of(skeleton: Skeleton) -> tuple[tuple[int, int, int], ...]:
    """(end, joint, end) of every two limbs that meet."""
    found: list[tuple[int, int, int]] = []
    for (a, b), (c, d) in combinations(skeleton.edges, 2):
        shared = {a, b} & {c, d}
        if len(shared) == 1:
            (middle,) = shared
            first, second = ({a, b} - shared).pop(), ({c, d} - shared).pop()
            found.append((first, middle, second))
    return tuple(found)


def measures_of(person: Instance, skeleton: Skeleton) -> tuple[FloatArray, FloatArray]:
    """(E,) log lengths of the limbs in pixels and (A,) angles in degrees; NaN where a joint is
    not set or two lie on one spot.
    """
    points = np.where(person.keypoints[:, 2:] > 0, person.keypoints[:, :2], np.nan)
    ends = np.asarray(skeleton.edges, dtype=np.intp).reshape(-1, 2)
    length = np.linalg.norm(points[ends[:, 0]] - points[ends[:, 1]], axis=1)
    length = np.where(length > 0, length, np.nan)
    corners = np.asarray(corners_of(skeleton), dtype=np.intp).reshape(-1, 3)
    one = points[corners[:, 0]] - points[corners[:, 1]]
    other = points[corners[:, 2]] - points[corners[:, 1]]
    norms = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    cosine = (one * other).sum(axis=1) / np.where(norms > 0, norms, np.nan)
    return np.log(length), np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def usual_of(
    measures: Sequence[tuple[FloatArray, FloatArray]],
    skeleton: Skeleton,
    limits: Limits | None = None,
) -> Usual:
    """What is usual over the measures of many people."""
    limits = limits or Limits()
    edges, corners = len(skeleton.edges), len(corners_of(skeleton))
    if not measures:
        return Usual(*(np.full(n, np.nan) for n in (edges, edges, corners, corners)))
    lengths = np.stack([m[0] for m in measures]).reshape(-1, edges)
    angles = np.stack([m[1] for m in measures]).reshape(-1, corners)
    # Each person's size is the median of its limbs against what is usual for them; twice round,
    # since what is usual depends on the sizes.
    middle = _median(lengths)
    for _ in range(2):
        sizes = _median((lengths - middle).T)
        middle = _median(lengths - sizes[:, None])
    sizes = _median((lengths - middle).T)
    apart = lengths - sizes[:, None]
    length, spread = _robust(apart, limits.samples, 0.05)
    angle, angle_spread = _robust(angles, limits.samples, 3.0)
    return Usual(length, spread, angle, angle_spread)


def _median(values: FloatArray) -> FloatArray:
    """Of each column, NaN left out; NaN for a column without any."""
    if len(values) == 0:
        return np.full(values.shape[1], np.nan)
    empty = np.asarray(np.isnan(values).all(axis=0))
    middle = np.nanmedian(np.where(empty, 0.0, values), axis=0)
    return np.where(empty, np.nan, middle)


def _robust(values: FloatArray, samples: int, least: float) -> tuple[FloatArray, FloatArray]:
    middle = _median(values)
    spread = np.maximum(1.4826 * _median(np.abs(values - middle)), least)
    few = (~np.isnan(values)).sum(axis=0) < samples
    return np.where(few, np.nan, middle), np.where(few, np.nan, spread)
