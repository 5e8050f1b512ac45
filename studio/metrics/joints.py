"""Who was found, and how far each joint is off: pairs, pixel errors, PCK."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studio.core.prediction import Prediction
from studio.vision.oks import oks_matrix

FloatArray = npt.NDArray[np.float64]

# Below this similarity a prediction is of somebody else.
MIN_OKS = 0.1
THRESHOLDS = np.round(np.linspace(0.0, 0.5, 51), 2)
# The threshold whose share is shown beside each joint.
PCK_AT = 0.1


@dataclass(frozen=True, eq=False)
class Truth:
    """One labelled person: keypoints (K, 3) x, y, v; area in square pixels; box x, y, w, h.

    ignored: a crowd, or nobody's joint is labelled: neither found nor missed counts.
    """

    keypoints: FloatArray
    area: float
    box: FloatArray
    ignored: bool = False


@dataclass(frozen=True, eq=False)
class Pair:
    """A labelled person and what was predicted for it; either may be missing."""

    truth: Truth | None
    predicted: Prediction | None
    oks: float | None


@dataclass(frozen=True)
class JointError:
    """One joint over all pairs: how many, mean distance in pixels, the same over the square root
    of the person's area, and the share within `PCK_AT` of that root. NaN where there is none.
    """

    name: str
    count: int
    error_px: float
    error_rel: float
    pck: float


def pair_people(
    truths: Sequence[Truth], predictions: Sequence[Prediction], sigmas: FloatArray
) -> list[Pair]:
    """Each labelled person with at most one prediction, so that the sum of OKS is largest.

    Missed people and false predictions follow as pairs with one side. A prediction on an ignored
    person (twice its box, as COCO has it) is left out, and so is the ignored person.
    """
    from scipy.optimize import linear_sum_assignment

    asked = [t for t in truths if not t.ignored]
    ignored = [t for t in truths if t.ignored]
    similar = _similarity(asked, predictions, sigmas)
    pairs: list[Pair] = []
    taken: set[int] = set()
    found: set[int] = set()
    rows, columns = linear_sum_assignment(-similar) if similar.size else ((), ())
    for i, j in zip(rows, columns, strict=True):
        if similar[i, j] >= MIN_OKS:
            pairs.append(Pair(asked[i], predictions[j], float(similar[i, j])))
            found.add(int(i))
            taken.add(int(j))
    pairs += [Pair(t, None, None) for i, t in enumerate(asked) if i not in found]
    spare = [p for j, p in enumerate(predictions) if j not in taken]
    covered = _similarity(ignored, spare, sigmas)
    pairs += [
        Pair(None, p, None)
        for j, p in enumerate(spare)
        if not (covered.size and covered[:, j].max() >= MIN_OKS)
    ]
    return pairs


def _similarity(
    truths: Sequence[Truth], predictions: Sequence[Prediction], sigmas: FloatArray
) -> FloatArray:
    if not truths or not predictions:
        return np.zeros((len(truths), len(predictions)))
    return oks_matrix(
        np.stack([t.keypoints for t in truths]),
        np.array([t.area for t in truths]),
        np.stack([p.keypoints for p in predictions]).astype(np.float64),
        sigmas,
        np.stack([t.box for t in truths]),
    )


class JointErrors:
    """Gathers distances picture by picture. least: the v from which on a label counts."""

    def __init__(self, names: Sequence[str], *, least: int = 1) -> None:
        self.names = tuple(names)
        self._least = least
        self._pixels: list[list[float]] = [[] for _ in names]
        self._relative: list[list[float]] = [[] for _ in names]

    def add(self, pairs: Sequence[Pair]) -> None:
        """Take in the labelled joints of every complete pair."""
        for pair in pairs:
            if pair.truth is None or pair.predicted is None:
                continue
            offset = pair.predicted.keypoints[:, :2] - pair.truth.keypoints[:, :2]
            distance = np.hypot(offset[:, 0], offset[:, 1])
            root = max(pair.truth.area, 1.0) ** 0.5
            for joint in np.flatnonzero(pair.truth.keypoints[:, 2] >= self._least):
                self._pixels[joint].append(float(distance[joint]))
                self._relative[joint].append(float(distance[joint]) / root)

    def table(self) -> list[JointError]:
        """One row for each joint."""
        rows: list[JointError] = []
        for name, pixels, relative in zip(self.names, self._pixels, self._relative, strict=True):
            values = np.array(relative)
            rows.append(
                JointError(
                    name=name,
                    count=len(pixels),
                    error_px=float(np.mean(pixels)) if pixels else float("nan"),
                    error_rel=float(values.mean()) if pixels else float("nan"),
                    pck=float((values <= PCK_AT).mean()) if pixels else float("nan"),
                )
            )
        return rows

    def curves(self) -> tuple[FloatArray, FloatArray, dict[str, FloatArray]]:
        """Thresholds (T,), the share of all joints within each, and the same for each joint."""
        everything = np.array([v for values in self._relative for v in values])
        joints = {
            name: _shares(np.array(values))
            for name, values in zip(self.names, self._relative, strict=True)
        }
        return THRESHOLDS, _shares(everything), joints


def _shares(values: FloatArray) -> FloatArray:
    if not len(values):
        return np.full(len(THRESHOLDS), np.nan)
    return (values[None, :] <= THRESHOLDS[:, None]).mean(axis=1)
