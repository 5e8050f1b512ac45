"""How good a network is on the validation clips: distances, PCK and HOTA-KP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from studio.core.annotation import box_around
from studio.core.prediction import Prediction
from studio.core.skeleton import Skeleton
from studio.io.images import write_image
from studio.io.video_keypoints import Part, frame_name
from studio.metrics.hota_kp import HotaKpJudging, Tracked, usual_groups
from studio.metrics.joints import PCK_AT

from .frames import Frame

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Judged:
    """One validation frame. predictions: what was found; everyone: the same with what was held to
    be absent, for the distances. size: the picture's (height, width). shown: the frame as the
    network saw it, `scale` (x, y) its pixels a picture's. regions: (h, w) class numbers, or None.
    """

    frame: Frame
    predictions: Sequence[Prediction]
    everyone: Sequence[Prediction]
    size: tuple[int, int]
    shown: Picture
    scale: tuple[float, float]
    regions: Picture | None


class Judging:
    """Gathers frames in their order."""

    def __init__(self, parts: Sequence[Part], skeleton: Skeleton, *, hota: bool) -> None:
        self._parts = parts
        self._skeleton = skeleton
        self._hota = hota
        self._distances: list[npt.NDArray[np.float64]] = []
        self._shares: list[npt.NDArray[np.float64]] = []
        self._clips: dict[str, list[Judged]] = {}

    def add(self, judged: Judged) -> None:
        """One more frame."""
        truth = judged.frame.points
        found = np.zeros((len(truth), 2))
        for person in judged.everyone:
            places = list(self._parts[person.category_id].places)
            found[places] = person.keypoints[places, :2]
        distance = np.hypot(*(found - truth[:, :2]).T)
        distance[truth[:, 2] == 0] = np.nan
        self._distances.append(distance)
        self._shares.append(distance / self._extents(truth))
        if self._hota:
            self._clips.setdefault(judged.frame.video, []).append(judged)

    def metrics(self) -> dict[str, float]:
        """Plain figures: "joint-error", the mean distance in pixels over labelled joints,
        "joint-error/<joint>" of each, "PCK", and HOTA-KP's where they are counted; what nothing is
        labelled for is left out.
        """
        distances, shares = np.array(self._distances), np.array(self._shares)
        known = ~np.isnan(distances)
        values = {
            "joint-error": _mean(distances[known]),
            "PCK": _mean(shares[np.isfinite(shares)] <= PCK_AT),
        }
        if self._hota:
            values |= self._hota_metrics()
        for number, name in enumerate(self._skeleton.keypoints):
            values[f"joint-error/{name}"] = _mean(distances[known[:, number], number])
        return {name: value for name, value in values.items() if not np.isnan(value)}

    def _extents(self, truth: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """(K,) the longer side of the box around each instance's labelled joints; NaN where that is
        a point.
        """
        extents = np.full(len(truth), np.nan)
        for part in self._parts:
            places = list(part.places)
            known = truth[places][truth[places, 2] > 0, :2].astype(np.float64)
            side = float(box_around(known)[2:].max()) if len(known) else 0.0
            extents[places] = side if side > 0 else np.nan
        return extents

    def _hota_metrics(self) -> dict[str, float]:
        judging = HotaKpJudging(usual_groups([part.name for part in self._parts]))
        for video, frames in self._clips.items():
            for number, part in enumerate(self._parts):
                truth = [_labelled(j.frame, part) for j in frames]
                found = [_found(j, part, number) for j in frames]
                judging.add(video, part.name, truth, found)
        return judging.result().metrics()


def _labelled(frame: Frame, part: Part) -> Tracked:
    points = frame.points[list(part.places)].astype(np.float64)
    if not (points[:, 2] > 0).any():
        return Tracked.empty(len(points))
    return Tracked(np.array([part.category], np.int64), points[None])


def _found(judged: Judged, part: Part, number: int) -> Tracked:
    for person in judged.predictions:
        if person.category_id == number:
            points = person.keypoints[list(part.places)].astype(np.float64)
            return Tracked(np.array([number], np.int64), points[None])
    return Tracked.empty(len(part.joints))


def _mean(values: npt.NDArray[np.floating] | npt.NDArray[np.bool_]) -> float:
    return float(values.mean()) if values.size else float("nan")


def draw_regions(folder: Path, judged: Judged, alpha: float) -> None:
    """The regions found, in colours over the frame, as a picture in `folder`."""
    import cv2

    if judged.regions is None:
        return
    height, width = judged.shown.shape[:2]
    whole = cv2.resize(judged.regions, (width, height), interpolation=cv2.INTER_NEAREST)
    regions = np.asarray(whole, np.uint8)
    # As many hues as there may be classes; the background stays dark.
    hues = np.zeros((256, 1, 3), np.uint8)
    hues[1:, 0] = [(37 * i % 180, 220, 255) for i in range(1, 256)]
    colours = np.asarray(cv2.cvtColor(hues, cv2.COLOR_HSV2BGR))[:, 0]
    drawn = cv2.addWeighted(judged.shown, 1 - alpha, colours[regions], alpha, 0)
    name = frame_name(judged.frame.video, judged.frame.number)
    write_image(folder / f"{name}.png", np.asarray(drawn, np.uint8))
