"""Keypoints of fixed classes judged through videos: HOTA-KP, each joint, each frame.

Truth and predictions are rows of (frame, track, class, keypoints), as a video keypoint set and
stored tracks hold them. Pictures, joint errors and PCK take the joints of all classes in a row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from studio.core.dataset import Sample
from studio.core.errors import DataError, Problem
from studio.core.prediction import Prediction
from studio.core.skeleton import Skeleton
from studio.metrics.evaluation import JudgedPicture
from studio.metrics.hota_kp import VISIBLE, HotaKp, HotaKpJudging, Tracked, similarity
from studio.metrics.joints import JointErrors, Pair, Truth

FloatArray = npt.NDArray[np.float64]

# A prediction further from every label than this counts as of something else.
_SAME = 0.05


class TrackRow(Protocol):
    """One instance on one frame. keypoints: (K, 3) x, y in pixels and v."""

    @property
    def frame(self) -> int: ...
    @property
    def track(self) -> int: ...
    @property
    def category(self) -> int: ...
    @property
    def keypoints(self) -> FloatArray: ...


@dataclass(frozen=True)
class Part:
    """One class: its number in the rows, its name, and how many joints it has."""

    category: int
    name: str
    joints: int


@dataclass(eq=False)
class ClipEvaluation:
    """The whole judgement. frames: worst first; in each the similarity stands as `oks`.

    instances: labelled ones. problems: what could not be read. milliseconds: the median time of
    one frame, 0 where none was taken.
    """

    hota: HotaKp
    joints: JointErrors
    frames: list[JudgedPicture]
    instances: int
    videos: tuple[str, ...]
    problems: list[Problem] = field(default_factory=list[Problem])
    milliseconds: float = 0.0

    @property
    def metrics(self) -> dict[str, float]:
        """HOTA-KP with its parts, the mean joint error in pixels, and the PCK."""
        rows = [r for r in self.joints.table() if r.count]
        total = sum(r.count for r in rows)
        found = self.hota.metrics()
        if total:
            found["PCK"] = sum(r.pck * r.count for r in rows) / total
            found["joint-error"] = sum(r.error_px * r.count for r in rows) / total
        return found


class ClipJudging:
    """Gathers videos. `skeleton`: the joints of all parts in a row, in the order of `parts`."""

    def __init__(
        self,
        parts: Sequence[Part],
        skeleton: Skeleton,
        groups: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        if sum(p.joints for p in parts) != len(skeleton):
            raise DataError(
                f"The classes have {sum(p.joints for p in parts)} joints together, the skeleton "
                f"{len(skeleton)}."
            )
        self._parts = tuple(parts)
        starts = np.cumsum([0, *(p.joints for p in parts)])
        self._place = {p.category: int(s) for p, s in zip(parts, starts, strict=False)}
        self._count = len(skeleton)
        self._hota = HotaKpJudging(groups)
        self._joints = JointErrors(skeleton.keypoints, least=VISIBLE)
        self._judged: list[JudgedPicture] = []
        self._videos: list[str] = []
        self._instances = 0

    def add(
        self,
        video: str,
        truth: Sequence[TrackRow],
        found: Sequence[TrackRow],
        frames: Iterable[int],
        pictures: Mapping[int, Path] | None = None,
    ) -> None:
        """One video: what is judged are its `frames`, in this order. `pictures` of them, where
        they are here. Raises DataError where a row is of an unknown class or has other joints.
        """
        order = list(frames)
        place = {number: i for i, number in enumerate(order)}
        told = [_by_frame(rows, place, self._parts, video) for rows in (truth, found)]
        for part in self._parts:
            gt, ours = (_tracked(rows, len(order), part) for rows in told)
            self._hota.add(video, part.name, gt, ours)
        for number in order:
            i = place[number]
            picture = (pictures or {}).get(number, Path(f"{video}_{number}"))
            self._frame(picture, {c: r[i] for c, r in told[0].items() if i in r},
                        {c: r[i] for c, r in told[1].items() if i in r})  # fmt: skip
        self._videos.append(video)

    def result(self, problems: Sequence[Problem] = (), milliseconds: float = 0.0) -> ClipEvaluation:
        """The judgement. Raises DataError where no frame came."""
        if not self._judged:
            raise DataError("There is no frame to judge.", hint="Check the labels' folder.")
        return ClipEvaluation(
            hota=self._hota.result(),
            joints=self._joints,
            frames=sorted(self._judged, key=lambda p: -p.badness),
            instances=self._instances,
            videos=tuple(self._videos),
            problems=list(problems),
            milliseconds=milliseconds,
        )

    def _frame(
        self,
        picture: Path,
        truth: Mapping[int, Sequence[TrackRow]],
        found: Mapping[int, Sequence[TrackRow]],
    ) -> None:
        pairs: list[Pair] = []
        for part in self._parts:
            pairs += self._pairs(part, truth.get(part.category, ()), found.get(part.category, ()))
        self._joints.add(pairs)
        asked = [p for p in pairs if p.truth is not None]
        self._instances += len(asked)
        self._judged.append(
            JudgedPicture(
                sample=Sample(picture, (0, 0), (), len(self._judged) + 1),
                pairs=pairs,
                oks=sum(p.oks or 0.0 for p in asked) / len(asked) if asked else float("nan"),
                missed=sum(p.predicted is None for p in asked),
                false=sum(p.truth is None for p in pairs),
            )
        )

    def _pairs(
        self, part: Part, truth: Sequence[TrackRow], found: Sequence[TrackRow]
    ) -> list[Pair]:
        """Each label with at most one prediction; labels without a visible joint are not asked."""
        from scipy.optimize import linear_sum_assignment

        asked = [t for t in truth if (t.keypoints[:, 2] >= VISIBLE).any()]
        spared = [t for t in truth if not (t.keypoints[:, 2] >= VISIBLE).any()]
        alike = similarity(_stack(asked, part), _stack(found, part))
        pairs: list[Pair] = []
        left_t, left_f = set(range(len(asked))), set(range(len(found)))
        for i, j in zip(*linear_sum_assignment(-alike), strict=True):
            if alike[i, j] >= _SAME:
                pairs.append(Pair(self._truth(asked[i]), self._found(found[j]), float(alike[i, j])))
                left_t.discard(int(i))
                left_f.discard(int(j))
        pairs += [Pair(self._truth(asked[i]), None, None) for i in sorted(left_t)]
        over = similarity(_stack(spared, part), _stack(found, part), least=1).max(axis=0, initial=0)
        pairs += [
            Pair(None, self._found(found[j]), None) for j in sorted(left_f) if over[j] < _SAME
        ]
        return pairs

    def _truth(self, row: TrackRow) -> Truth:
        box = _box(row.keypoints)
        side = max(box[2], box[3], 1.0)
        return Truth(self._whole(row), side * side, box)

    def _found(self, row: TrackRow) -> Prediction:
        x, y, w, h = _box(row.keypoints)
        return Prediction(
            box=np.array([x, y, x + w, y + h], np.float32),
            score=float(np.clip(row.keypoints[:, 2], 0, 1).mean()),
            keypoints=self._whole(row).astype(np.float32),
            category_id=row.category,
            track_id=row.track,
        )

    def _whole(self, row: TrackRow) -> FloatArray:
        """(all joints, 3): the row's own in their place, the others absent."""
        out = np.zeros((self._count, 3))
        start = self._place[row.category]
        out[start : start + len(row.keypoints)] = row.keypoints
        return out


def _by_frame(
    rows: Sequence[TrackRow], place: Mapping[int, int], parts: Sequence[Part], video: str
) -> dict[int, dict[int, list[TrackRow]]]:
    """Class to place of the frame to its rows."""
    joints = {p.category: p for p in parts}
    out: dict[int, dict[int, list[TrackRow]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        part = joints.get(row.category)
        if part is None:
            raise DataError(
                f"Class {row.category} stands in a row and not among the classes "
                f"({', '.join(f'{p.category} {p.name}' for p in parts)}).",
                where=video,
            )
        if len(row.keypoints) != part.joints:
            raise DataError(
                f"Frame {row.frame} has {len(row.keypoints)} joints for {part.name}, which has "
                f"{part.joints}.",
                where=video,
                hint="Judge predictions of a model with the labels' joints.",
            )
        if row.frame in place:
            out[row.category][place[row.frame]].append(row)
    return out


def _tracked(
    rows: Mapping[int, Mapping[int, Sequence[TrackRow]]], frames: int, part: Part
) -> list[Tracked]:
    mine = rows.get(part.category, {})
    return [
        Tracked(np.array([r.track for r in mine[i]], np.int64), _stack(mine[i], part))
        if i in mine
        else Tracked.empty(part.joints)
        for i in range(frames)
    ]


def _stack(rows: Sequence[TrackRow], part: Part) -> FloatArray:
    return np.stack([r.keypoints for r in rows]) if rows else np.zeros((0, part.joints, 3))


def _box(points: FloatArray) -> FloatArray:
    """(4,) x, y, w, h around the joints that are there."""
    there = points[(points[:, 2] > 0) & np.isfinite(points[:, :2]).all(axis=1), :2]
    if not len(there):
        return np.zeros(4)
    low, high = there.min(axis=0), there.max(axis=0)
    return np.concatenate([low, high - low])
