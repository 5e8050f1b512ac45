"""How far two artefacts of one model agree: who was found by both, and how far each joint moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from studio.core.prediction import Prediction
from studio.vision.nms import overlaps

FloatArray = npt.NDArray[np.float64]

# Two boxes below this overlap are of different people.
SAME_PERSON = 0.5
# Joints that the first artefact scores at least so are the ones that matter.
VISIBLE = 0.5


@dataclass(frozen=True)
class Shift:
    """Distances in pixels: how many, their mean, 95th percentile and maximum (0 where none)."""

    count: int
    mean: float
    p95: float
    max: float

    @classmethod
    def of(cls, distances: FloatArray) -> Shift:
        """Of (N,) distances."""
        if not len(distances):
            return cls(0, 0.0, 0.0, 0.0)
        return cls(
            len(distances),
            float(distances.mean()),
            float(np.percentile(distances, 95)),
            float(distances.max()),
        )


@dataclass(frozen=True, eq=False)
class PictureShift:
    """One picture: the pairs (first, second), who only one of them found, and the largest shift of
    a visible joint in pixels of the picture.
    """

    pairs: tuple[tuple[Prediction, Prediction], ...]
    only_first: tuple[Prediction, ...]
    only_second: tuple[Prediction, ...]
    worst: float

    @property
    def badness(self) -> float:
        """For sorting: a person that only one found weighs more than any shift."""
        return 1e6 * (len(self.only_first) + len(self.only_second)) + self.worst


@dataclass(eq=False)
class Agreement:
    """Gathers pictures. `scales` turn picture pixels into pixels of the network's input."""

    joints: Sequence[str]
    pictures: list[PictureShift] = field(default_factory=list[PictureShift])
    _shifts: list[FloatArray] = field(default_factory=list[FloatArray])
    _visible: list[npt.NDArray[np.bool_]] = field(default_factory=list[npt.NDArray[np.bool_]])
    _scales: list[float] = field(default_factory=list[float])
    _scores: list[float] = field(default_factory=list[float])
    _joint_scores: list[float] = field(default_factory=list[float])

    def add(
        self, first: Sequence[Prediction], second: Sequence[Prediction], scale: float
    ) -> PictureShift:
        """One picture's people by both; `scale`: input pixels per picture pixel."""
        matched = match_people(first, second)
        worst = 0.0
        for i, j in matched:
            a, b = first[i], second[j]
            shift = np.hypot(*(a.keypoints[:, :2] - b.keypoints[:, :2]).astype(np.float64).T)
            visible = a.keypoints[:, 2] >= VISIBLE
            self._shifts.append(shift)
            self._visible.append(visible)
            self._scales.append(scale)
            self._scores.append(abs(a.score - b.score))
            if len(shift):
                self._joint_scores.append(float(np.abs(a.keypoints - b.keypoints)[:, 2].max()))
            worst = max(worst, float(shift[visible].max(initial=0.0)))
        of_first, of_second = {i for i, _ in matched}, {j for _, j in matched}
        picture = PictureShift(
            pairs=tuple((first[i], second[j]) for i, j in matched),
            only_first=tuple(p for i, p in enumerate(first) if i not in of_first),
            only_second=tuple(p for j, p in enumerate(second) if j not in of_second),
            worst=worst,
        )
        self.pictures.append(picture)
        return picture

    def shift(self, *, visible: bool, input_pixels: bool = False) -> Shift:
        """Over all joints of all pairs, or those that the first artefact sees."""
        if not self._shifts:
            return Shift.of(np.empty(0))
        scales = np.array(self._scales)[:, None] if input_pixels else 1.0
        distances = np.stack(self._shifts) * scales
        return Shift.of(distances[np.stack(self._visible)] if visible else distances.ravel())

    def by_joint(self) -> dict[str, Shift]:
        """Each joint's shift in picture pixels, where the first artefact sees it."""
        if not self._shifts:
            return {name: Shift.of(np.empty(0)) for name in self.joints}
        distances, visible = np.stack(self._shifts), np.stack(self._visible)
        return {name: Shift.of(distances[visible[:, k], k]) for k, name in enumerate(self.joints)}

    def people(self) -> dict[str, int]:
        """{"both", "only_a", "only_b"}: how many people were found by whom."""
        return {
            "both": len(self._shifts),
            "only_a": sum(len(p.only_first) for p in self.pictures),
            "only_b": sum(len(p.only_second) for p in self.pictures),
        }

    def scores(self) -> dict[str, float]:
        """Largest difference of a person's and of a joint's score."""
        return {
            "person_max": max(self._scores, default=0.0),
            "joint_max": max(self._joint_scores, default=0.0),
        }


def match_people(
    first: Sequence[Prediction], second: Sequence[Prediction]
) -> list[tuple[int, int]]:
    """Pairs of indices whose boxes overlap by at least a half, best sum of overlaps."""
    from scipy.optimize import linear_sum_assignment

    if not first or not second:
        return []
    overlap = overlaps(np.stack([p.box for p in first]), np.stack([p.box for p in second]))
    rows, columns = linear_sum_assignment(-overlap)
    return [
        (int(i), int(j)) for i, j in zip(rows, columns, strict=True) if overlap[i, j] >= SAME_PERSON
    ]
