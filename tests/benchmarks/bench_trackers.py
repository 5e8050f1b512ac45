"""Trackers on drawn clips with exact identities: crossings, people behind each other, people who
leave and come back.

`oks` was made better on the seeds of `TUNED` and is judged on those of `JUDGED` as well. What is
found comes from the labels, with noise: the figures are the trackers', no model's. klt and
pointtrack look for people on every tenth frame alone. pointtrack runs with the tests' stand-in
network, which follows by correlation, on two clips of each kind.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.prediction import Prediction
from studio.io.video import VideoReader
from studio.registry.plugins import find
from studio.vision.synthetic.scene import SyntheticPicture, coco17
from tests.benchmarks import SHARED, Report
from tests.tracking import FPS, Judged, clip, found_in, judged, tracked

TUNED = tuple(range(21, 29))
JUDGED = tuple(range(41, 49))
TRACKERS = ("oks", "bytetrack", "botsort", "poseflow", "klt", "pointtrack")
# The stand-in network looks at every place by itself.
_FEW = {"pointtrack": 2}
_LARGE = (1280, 720)
_VIDEO = SHARED / "video" / "faces_1280x720.mp4"
_FRAMES = 60


@dataclass(frozen=True)
class Kind:
    """frames and people of a clip, and how a model sees it (see `tests.tracking.found_in`)."""

    frames: int
    people: int
    seen: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def clip(self, seed: int) -> Sequence[SyntheticPicture]:
        """The pictures."""
        return clip(seed, self.frames, self.people)


KINDS = {
    "crossing": Kind(100, 4),
    "behind each other": Kind(100, 6, {"missed": 0.1, "sight": 6, "noise": 2.0}),
    "leaving": Kind(250, 4),
}


def run(report: Report) -> None:
    """HOTA-KP and its parts by kind of clip and tracker, then PoseFlow's speed."""
    found: dict[tuple[str, str, str], float] = {}
    with tempfile.TemporaryDirectory() as text:
        values = {"pointtrack": {"weights": str(_network(Path(text))), "device": "cpu"}}
        for title, seeds in (("tuned on", TUNED), ("judged on", JUDGED)):
            for kind, what in KINDS.items():
                for name in TRACKERS:
                    clips = seeds[: _FEW.get(name)]
                    all_of = [_one(name, what, seed, values.get(name, {})) for seed in clips]
                    found[title, kind, name] = _tell(report, f"{title}, {kind}: {name}", all_of)
    for title, kind in {(t, k) for t, k, _ in found}:
        ahead = found[title, kind, "oks"] - found[title, kind, "bytetrack"]
        report.add(f"{title}, {kind}: oks above bytetrack", ahead, "HOTA", at_least=0.0)
    _speed(report)


def _one(name: str, kind: Kind, seed: int, values: Mapping[str, Any]) -> Judged:
    pictures = kind.clip(seed)
    return judged(pictures, tracked(name, pictures, seed=7, **kind.seen, **values))


def _tell(report: Report, title: str, found: Sequence[Judged]) -> float:
    hota = fmean(j.hota for j in found)
    parts = f"DetA {fmean(j.detection for j in found):.3f}, AssA {fmean(j.association for j in found):.3f}"
    switches, least = sum(j.switches for j in found), min(j.hota for j in found)
    note = f"{parts}, IDSW {switches}, the worst of {len(found)} clips {least:.3f}"
    report.add(title, hota, "HOTA", note=note)
    return hota


def _network(folder: Path) -> Path:
    from tests.plugins.point_network import write_network

    return write_network(folder / "follows.torchscript")


def _speed(report: Report) -> None:
    """PoseFlow alone: five people, 500 ORB features a frame at 1280 x 720. The time is that of all
    processors together: others use them as well. Drawn pictures are grainy: ten times the corners
    of a camera's.
    """
    drawn = clip(7, _FRAMES, 5, _LARGE)
    rng = np.random.default_rng(0)
    people = [found_in(p, rng, missed=0.0) for p in drawn]
    pictures: dict[str, tuple[list[Any], float | None]] = {
        "drawn": ([p.image for p in drawn], None)
    }
    if _VIDEO.is_file():
        filmed = islice(VideoReader(_VIDEO), _FRAMES)
        pictures["filmed"] = ([p.copy() for _, _, p in filmed], 60)
    for title, (images, at_least) in pictures.items():
        seconds, wall = min(_seconds(images, people) for _ in range(3))
        note = f"{len(images) / wall:.0f} by the clock; the guide's log: 22.98 s a frame"
        rate = len(images) / seconds
        name = f"poseflow, 5 people, 1280 x 720, {title}"
        report.add(name, rate, "frames/s", at_least=at_least, note=note)


def _seconds(
    pictures: Sequence[npt.NDArray[np.uint8]], people: Sequence[Sequence[Prediction]]
) -> tuple[float, float]:
    """Seconds of the processors, and by the clock."""
    contribution = find("tracker", "poseflow")
    tracker = contribution.load()
    tracker.start(contribution.options_class()(), coco17(), FPS)
    began, busy = time.perf_counter(), time.process_time()
    for index, (picture, found) in enumerate(zip(pictures, people, strict=False)):
        tracker.update(picture, found, index, index / FPS)
    return time.process_time() - busy, time.perf_counter() - began
