"""A head-pose model judged on cropped pictures with known rotations: errors, worst heads first."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from studio.core.errors import DataError, Problem, StudioError
from studio.core.head import seen
from studio.core.skeleton import Skeleton
from studio.io.images import read_image
from studio.metrics.head import HeadErrors, angles_of, head_errors

Picture = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float64]

BATCH = 16
# A head's own axes as joints, so that they are drawn and joined like any other.
AXES = Skeleton(
    "head-axes",
    ("middle", "left", "down", "forward"),
    edges=((0, 1), (0, 2), (0, 3)),
    category="head",
)
WITHIN = np.arange(0.0, 41.0)


class HeadSample(Protocol):
    """One head. rotation: (3, 3). angles: yaw, pitch, roll in degrees. box: (4,) x1, y1, x2, y2
    of its crop in the picture, None where the picture is the crop.
    """

    @property
    def picture(self) -> Path: ...
    @property
    def rotation(self) -> FloatArray: ...
    @property
    def angles(self) -> Sequence[float]: ...
    @property
    def box(self) -> npt.ArrayLike | None: ...


Turn = Callable[[Sequence[Picture], Sequence[HeadSample]], FloatArray]


@dataclass(frozen=True, eq=False)
class JudgedHead:
    """One head. truth, found: (3, 3). angles: (2, 3) true and found yaw, pitch, roll. geodesic:
    degrees. box: (4,) x1, y1, x2, y2 of the crop that was judged, in the picture.
    """

    picture: Path
    truth: FloatArray
    found: FloatArray
    angles: FloatArray
    geodesic: float
    box: FloatArray

    def axes(self, *, found: bool) -> FloatArray:
        """(4, 3): x, y, 2 of the drawn axes' middle and ends, the joints of `AXES`."""
        return drawn_axes(self.found if found else self.truth, self.box)


@dataclass(eq=False)
class HeadEvaluation:
    """The whole judgement. heads: worst first. problems: pictures that could not be read."""

    errors: HeadErrors
    heads: list[JudgedHead]
    problems: list[Problem] = field(default_factory=list[Problem])
    milliseconds: float = 0.0

    @property
    def metrics(self) -> dict[str, float]:
        """As `HeadErrors.metrics`."""
        return self.errors.metrics()

    def within(self) -> tuple[FloatArray, FloatArray]:
        """Degrees (T,), and the share of heads whose geodesic error is within each."""
        return WITHIN, (self.errors.geodesic[None, :] <= WITHIN[:, None]).mean(axis=1)


def evaluate_heads(
    samples: Sequence[HeadSample],
    turn: Turn,
    *,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> HeadEvaluation:
    """Judge `turn` (whole BGR pictures and their samples to (n, 3, 3) rotations) on `samples`.

    progress: called after each batch; it may raise to end. A picture that cannot be read is a
    problem and is left out. Raises DataError where none can be judged.
    """
    problems: list[Problem] = []
    kept: list[tuple[HeadSample, FloatArray]] = []
    found: list[FloatArray] = []
    times: list[float] = []
    for start in range(0, len(samples), BATCH):
        batch: list[Picture] = []
        mine: list[HeadSample] = []
        for sample in samples[start : start + BATCH]:
            try:
                picture = read_image(sample.picture)
            except StudioError as error:
                problems.append(Problem(error.message, where=str(sample.picture), hint=error.hint))
                continue
            batch.append(picture)
            mine.append(sample)
            height, width = picture.shape[:2]
            box = (0, 0, width, height) if sample.box is None else sample.box
            kept.append((sample, np.asarray(box, np.float64)))
        if batch:
            begun = time.perf_counter()
            found.append(np.asarray(turn(batch, mine), np.float64))
            times.append((time.perf_counter() - begun) * 1000 / len(batch))
        progress(min(start + BATCH, len(samples)), len(samples))
    if not kept:
        raise DataError("No picture of the set can be read.", hint="Check its folder.")
    rotations = np.concatenate(found)
    truth = np.stack([s.rotation for s, _ in kept])
    angles = np.array([s.angles for s, _ in kept], np.float64)
    errors = head_errors(rotations, truth, angles)
    told = angles_of(rotations)
    heads = [
        JudgedHead(s.picture, truth[i], rotations[i], np.stack([angles[i], told[i]]),
                   float(errors.geodesic[i]), box)
        for i, (s, box) in enumerate(kept)
    ]  # fmt: skip
    heads.sort(key=lambda h: (-h.geodesic, str(h.picture)))
    return HeadEvaluation(errors, heads, problems, statistics.median(times))


def drawn_axes(rotation: FloatArray, box: FloatArray) -> FloatArray:
    """(4, 3): x, y in pixels and 2 of a head's middle and its left, down and forward ends, drawn
    from the middle of `box` (4,) x1, y1, x2, y2.
    """
    middle = (box[:2] + box[2:]) / 2
    reach = 0.38 * float((box[2:] - box[:2]).min())
    ends = middle + reach * seen(np.asarray(rotation, np.float64))[:2].T
    return np.c_[np.vstack([middle, ends]), np.full(4, 2.0)]
