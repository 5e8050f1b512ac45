"""HOTA-KP: how well keypoints are found and kept apart through a clip (Luiten et al., HOTA,
IJCV 2021), with trackeval's counting and a similarity of keypoints in place of box overlap.

Two instances are alike by exp(-d² / (2 · 10²)), d the mean distance in pixels over the joints
that are visible (v = 2) in the truth. A constant shift of 5 px therefore scores .8947, of 10 px
.6316, of 15 px .3158, of 20 px .1053 and of 25 px 0.

Each class is judged by itself, with its identities numbered anew, its videos gathered as trackeval
gathers sequences; the figure is the mean over the classes. A class that is neither labelled nor
found anywhere does not count; one that is found though never labelled counts 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from studio.core.errors import DataError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SIGMA_PX = 10.0
VISIBLE = 2
CURVES = ("HOTA", "DetA", "AssA", "DetRe", "DetPr", "AssRe", "AssPr", "LocA")
# Similarity at which a prediction on an instance that is not judged is left out, too: the lowest
# threshold that a match is ever counted at.
_LOWEST = 0.05


@dataclass(frozen=True, eq=False)
class Tracked:
    """The instances of one class on one frame.

    ids: (n,) the track of each; any numbers, unique on a frame. points: (n, K, 3) x, y in pixels
    and v (labels: 0 absent, 1 hidden, 2 visible; predictions: anything, it is not looked at).
    """

    ids: IntArray
    points: FloatArray

    @classmethod
    def empty(cls, joints: int) -> Tracked:
        """A frame with nobody on it."""
        return cls(np.zeros(0, np.int64), np.zeros((0, joints, 3)))


@dataclass(frozen=True, eq=False)
class Hota:
    """The figures of one class, or of several: for each of trackeval's names in `CURVES` a curve
    (19,) over `alphas` (.05 to .95).
    """

    alphas: FloatArray
    curves: Mapping[str, FloatArray]

    def mean(self, name: str = "HOTA") -> float:
        """The mean over alpha, which is what is quoted."""
        return float(self.curves[name].mean())


@dataclass(frozen=True, eq=False)
class HotaKp:
    """The whole judgement: the mean over the classes, each class, each group of classes."""

    all: Hota
    classes: Mapping[str, Hota]
    groups: Mapping[str, Hota]

    def metrics(self) -> dict[str, float]:
        """Plain figures: "HOTA-KP" and its parts, then "HOTA-KP/<group>"."""
        names = {"HOTA-KP": "HOTA", "DetA": "DetA", "AssA": "AssA", "LocA": "LocA"}
        found = {shown: self.all.mean(name) for shown, name in names.items()}
        return found | {f"HOTA-KP/{g}": h.mean() for g, h in self.groups.items()}


class HotaKpJudging:
    """Gathers clips class by class.

    groups: names of classes that are also averaged by themselves, as hands and tools are; see
    `usual_groups`.
    """

    def __init__(self, groups: Mapping[str, Sequence[str]] | None = None) -> None:
        self._groups = {g: tuple(names) for g, names in (groups or {}).items()}
        self._metric = _trackeval()
        self._classes: dict[str, dict[str, Any]] = {}

    def add(
        self, video: str, category: str, truth: Sequence[Tracked], found: Sequence[Tracked]
    ) -> None:
        """One class of one video: its frames in order, as many of each. Raises DataError where
        the frames or joints do not fit or an identity stands twice on a frame.
        """
        if len(truth) != len(found):
            raise DataError(
                f"{len(truth)} frames are labelled and {len(found)} judged.", where=video
            )
        clips = self._classes.setdefault(category, {})
        if video in clips:
            raise DataError(f"The class {category} of this video came twice.", where=video)
        clips[video] = self._metric.eval_sequence(sequence_of(truth, found, f"{video}, {category}"))

    def result(self) -> HotaKp:
        """The judgement. Raises DataError where nothing came."""
        if not self._classes:
            raise DataError("There is no clip to judge.", hint="Check the labels' folder.")
        combined = {c: self._metric.combine_sequences(v) for c, v in self._classes.items()}
        groups = {
            name: {c: combined[c] for c in classes if c in combined}
            for name, classes in self._groups.items()
        }
        return HotaKp(
            self._mean(combined),
            {c: self._hota(values) for c, values in combined.items()},
            {name: self._mean(some) for name, some in groups.items() if some},
        )

    def _mean(self, classes: Mapping[str, Any]) -> Hota:
        if not any(_counted(values) for values in classes.values()):
            return self._hota({name: np.zeros(len(self._metric.array_labels)) for name in CURVES})
        mean = self._metric.combine_classes_class_averaged(classes, ignore_empty_classes=True)
        return self._hota(mean)

    def _hota(self, values: Mapping[str, Any]) -> Hota:
        curves = {name: np.asarray(values[name], np.float64) for name in CURVES}
        return Hota(np.asarray(self._metric.array_labels, np.float64), curves)


def usual_groups(categories: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Hands and tools apart: what is called a hand, and the rest; none where one side is empty."""
    hands = tuple(c for c in categories if "hand" in c.lower())
    tools = tuple(c for c in categories if c not in hands)
    return {"hands": hands, "tools": tools} if hands and tools else {}


def similarity(truth: FloatArray, found: FloatArray, least: int = VISIBLE) -> FloatArray:
    """(n, m) of (n, K, 3) labels and (m, K, 3) predictions; 0 where no joint has v >= `least` or
    a predicted coordinate is not a number.
    """
    distance = mean_distance(truth, found, least)
    return np.exp(-np.square(np.where(np.isfinite(distance), distance, np.inf)) / (2 * SIGMA_PX**2))


def mean_distance(truth: FloatArray, found: FloatArray, least: int = VISIBLE) -> FloatArray:
    """(n, m) mean pixels over the joints with v >= `least`; infinite where there is none."""
    if not len(truth) or not len(found):
        return np.full((len(truth), len(found)), np.inf)
    seen = truth[:, :, 2] >= least
    offset = truth[:, None, :, :2] - found[None, :, :, :2]
    distance = np.where(seen[:, None, :], np.hypot(offset[..., 0], offset[..., 1]), 0.0)
    count = seen.sum(axis=1)[:, None]
    return np.where(count > 0, distance.sum(axis=2) / np.maximum(count, 1), np.inf)


def sequence_of(
    truth: Sequence[Tracked], found: Sequence[Tracked], where: str = ""
) -> dict[str, Any]:
    """What trackeval's metrics take of one class of one video.

    A labelled instance without any visible joint cannot be judged: it is left out, and so is the
    prediction on it (over its hidden joints, no nearer to an instance that is judged).
    """
    pairs = [_judged(t, f, where) for t, f in zip(truth, found, strict=True)]
    gt, told = [t for t, _ in pairs], [f for _, f in pairs]
    gt_ids, gt_count = _relabelled(gt, where)
    told_ids, told_count = _relabelled(told, where)
    return {
        "gt_ids": gt_ids,
        "tracker_ids": told_ids,
        "num_gt_ids": gt_count,
        "num_tracker_ids": told_count,
        "num_gt_dets": sum(map(len, gt_ids)),
        "num_tracker_dets": sum(map(len, told_ids)),
        "num_timesteps": len(pairs),
        "similarity_scores": [similarity(t.points, f.points) for t, f in pairs],
    }


def _judged(truth: Tracked, found: Tracked, where: str) -> tuple[Tracked, Tracked]:
    if len(truth.ids) and len(found.ids) and truth.points.shape[1:] != found.points.shape[1:]:
        raise DataError(
            f"The labels have {truth.points.shape[1]} joints, the predictions "
            f"{found.points.shape[1]}.",
            where=where,
            hint="Judge predictions of a model with the labels' skeleton.",
        )
    asked = (truth.points[:, :, 2] >= VISIBLE).any(axis=1)
    if asked.all():
        return truth, found
    kept = Tracked(truth.ids[asked], truth.points[asked])
    if not len(found.ids):
        return kept, found
    covered = similarity(truth.points[~asked], found.points, least=1).max(axis=0)
    better = similarity(kept.points, found.points).max(axis=0, initial=0.0)
    stays = (covered < _LOWEST) | (better >= covered)
    return kept, Tracked(found.ids[stays], found.points[stays])


def _relabelled(frames: Sequence[Tracked], where: str) -> tuple[list[IntArray], int]:
    """The identities as 0, 1, 2, ... in order, and how many."""
    for number, frame in enumerate(frames):
        if len(np.unique(frame.ids)) < len(frame.ids):
            raise DataError(
                f"A track stands twice on frame {number}.",
                where=where,
                hint="On a frame each identity of a class may stand once.",
            )
    everything = [np.asarray(f.ids, np.int64) for f in frames]
    known = np.unique(np.concatenate([np.zeros(0, np.int64), *everything]))
    return [np.searchsorted(known, ids).astype(np.int64) for ids in everything], len(known)


def _counted(values: Mapping[str, Any]) -> bool:
    return bool((values["HOTA_TP"] + values["HOTA_FN"] + values["HOTA_FP"] > 0).any())


def _trackeval() -> Any:
    """The metric of trackeval; what it draws and prints is never called."""
    try:
        from trackeval.metrics.hota import HOTA
    except ImportError as error:
        raise DataError(
            "HOTA-KP is counted by the package trackeval, which is not installed.",
            hint='Install it: pip install "pose-studio[tracks]".',
        ) from error
    return cast("Callable[[], Any]", HOTA)()
