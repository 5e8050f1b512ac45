"""What an exported head-pose model is worth: it is run beside the weights that it was made from.

The values are those of `studio.jobs.certificate`.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.dataset import VAL
from studio.core.errors import MissingTool, Problem, StudioError
from studio.core.job import JobContext
from studio.core.options import N_
from studio.exporting.run_data import judging_place
from studio.io.datasets import bare_pictures
from studio.io.files import write_json
from studio.io.headpose_set import HeadSample, load_heads
from studio.io.images import read_image
from studio.jobs.certificate import PARITY
from studio.jobs.certificate_page import Turned, write_heads_page
from studio.jobs.certificate_values import (
    CERTIFICATE,
    NO_ENGINE,
    WORST,
    Certifying,
    can_run,
    common_values,
    device_checks,
    limit_check,
    memory,
    never_run,
    timed,
    verdict,
)
from studio.metrics.head import geodesic, head_errors
from studio.runtime.head_pose import HeadPoser
from studio.vision.head_crop import crop_of, cropped

Picture = npt.NDArray[np.uint8]
Rotations = npt.NDArray[np.float64]

TASK = "head-pose"
DRAWN = "drawn heads"
DRAWN_HEADS = 16
_TILE = 256


@dataclass(frozen=True, eq=False)
class JudgingHeads:
    """Heads to judge on: their pictures, or drawn ones. Without a rotation they are not labelled.

    sides, calibrated: as for `studio.jobs.judging_pictures.JudgingPictures`.
    """

    source: str
    samples: tuple[HeadSample, ...] = ()
    pictures: tuple[Path, ...] = ()
    sides: bool = False
    calibrated: bool = False

    @property
    def drawn(self) -> bool:
        """Whether no camera has seen them."""
        return not self.samples and not self.pictures

    def __len__(self) -> int:
        return DRAWN_HEADS if self.drawn else len(self.samples) + len(self.pictures)

    def limited(self, most: int, calibrated: Iterable[str] = ()) -> JudgingHeads:
        """See `JudgingPictures.limited`."""
        known = set(calibrated)
        samples = tuple(s for s in self.samples if str(s.picture) not in known)
        pictures = tuple(p for p in self.pictures if str(p) not in known)
        if not samples and not pictures:
            samples, pictures = self.samples, self.pictures
            flattered = bool(known) and not self.drawn
        else:
            flattered = False
        return dataclasses.replace(
            self, samples=samples[:most], pictures=pictures[:most], calibrated=flattered
        )


def heads_to_judge_on(
    artifact: ModelArtifact, data: Path | None, context: JobContext
) -> JudgingHeads:
    """All that there are; `data` is what somebody named. Raises DataError, FileProblem,
    FormatError where that cannot be used.
    """
    if data is not None:
        return heads_in(data.expanduser().absolute(), context)
    place = judging_place(artifact, context)
    if place is not None:
        try:
            side = "all" if place.apart else VAL
            return heads_in(place.path, context, side=side, kind=place.kind, listed=place.listed)
        except StudioError as error:
            context.log(
                f"The pictures that the model was judged on cannot be used: {error}", "warning"
            )
    return JudgingHeads(DRAWN)


def certify_heads(
    weights: ModelArtifact,
    artifact: ModelArtifact,
    heads: JudgingHeads,
    asked: Certifying,
    context: JobContext,
) -> dict[str, Any]:
    """Hold `artifact` against `weights` on `heads`.

    Both compute in f32 for the parity; the turn at the device's own precision stands beside it,
    and the time is at that. Writes certificate.json and certificate.html beside the artefact.
    """
    values = common_values(weights, artifact, asked)
    worst: Sequence[Turned] = ()
    if not can_run(artifact):
        values = never_run(values, asked, NO_ENGINE)
    else:
        heads = heads.limited(asked.pictures, asked.calibrated)
        try:
            more, worst = _run(weights, artifact, heads, asked, context)
            values |= more
        except MissingTool as error:
            values = never_run(values, asked, f"The artefact was never run: {error}")
    folder = artifact.weights.parent
    values["worst"] = write_heads_page(folder, values, worst)
    write_json(folder / CERTIFICATE, values)
    return values


def heads_in(
    place: Path,
    context: JobContext,
    *,
    side: str = VAL,
    kind: str = "",
    listed: Path | None = None,
) -> JudgingHeads:
    """The heads of one side of a set, all where it has no such side; or a folder's pictures, a head
    each. Raises DataError, FileProblem, FormatError.
    """
    bare = bare_pictures(place)
    if bare and kind in ("", "auto"):
        return JudgingHeads(str(place), pictures=bare)

    def told(problem: Problem) -> None:
        context.log(str(problem), "warning")

    found = load_heads(place, kind, listed, told)
    sides = {s.split for s in found.samples}
    samples = found.side(side) if side in sides else found.samples
    return JudgingHeads(str(place), samples=samples, sides=side in sides and len(sides) > 1)


def crops_of(heads: JudgingHeads, context: JobContext) -> tuple[list[Picture], list[HeadSample]]:
    """The crops, and their labels where they came from a set; what cannot be read is told."""
    if heads.drawn:
        from studio.vision.synthetic.head import make_head

        return [make_head(seed, _TILE).image for seed in range(DRAWN_HEADS)], []
    crops: list[Picture] = []
    samples: list[HeadSample] = []
    for sample in heads.samples:
        context.check()
        try:
            crops.append(_crop(sample))
        except StudioError as error:
            context.log(str(error), "warning")
        else:
            samples.append(sample)
    return crops + [read_image(path) for path in heads.pictures], samples


def _crop(sample: HeadSample) -> Picture:
    picture = read_image(sample.picture)
    if sample.box is None:
        return picture
    return cropped(picture, crop_of(sample.box), (_TILE, _TILE))


def _run(
    weights: ModelArtifact,
    artifact: ModelArtifact,
    heads: JudgingHeads,
    asked: Certifying,
    context: JobContext,
) -> tuple[dict[str, Any], Sequence[Turned]]:
    crops, samples = crops_of(heads, context)
    started = time.perf_counter()
    with HeadPoser(artifact, precision=PARITY) as made:
        load_ms = (time.perf_counter() - started) * 1000
        there = _turned(made, crops, context, "certify")
        computed = made.engine.precision
    with HeadPoser(weights, precision=PARITY) as original:
        here = _turned(original, crops, context, "certify weights")
    latency, own = _as_it_is(artifact, crops, here, computed, context)
    turns = geodesic(here, there)
    errors = geodesic_errors(here, there, samples)
    turn = turn_spread(turns)
    checks = [limit_check(N_("Mean turn between both"), turn["mean"], asked.limits.turn_deg, "°")]
    if errors is not None:
        loss = errors["difference"]
        limit = asked.limits.error_deg
        checks.append(limit_check(N_("Growth of the mean error"), loss, limit, "°"))
    checks += device_checks(asked.report)
    more = {
        "pictures": {
            "count": len(crops),
            "source": heads.source,
            "labelled": bool(samples),
            "calibrated": heads.calibrated,
        },
        "parity": {"turn_deg": turn},
        "computed_in": PARITY,
        "own_precision": own,
        "geodesic": errors,
        "load_ms": load_ms,
        "latency_ms": latency,
        "memory_bytes": memory(artifact, context),
        "checks": checks,
        "passed": verdict(checks),
    }
    order = np.argsort(-turns)[:WORST]
    return more, [(crops[i], here[i], there[i], float(turns[i])) for i in order]


def _turned(
    poser: HeadPoser, crops: Sequence[Picture], context: JobContext, stage: str
) -> Rotations:
    found: list[Rotations] = []
    for number, crop in enumerate(crops, 1):
        context.check()
        found.append(poser.rotations([crop]))
        context.progress(stage, number, len(crops))
    return np.concatenate(found) if found else np.zeros((0, 3, 3))


def _as_it_is(
    artifact: ModelArtifact,
    crops: Sequence[Picture],
    here: Rotations,
    computed: str,
    context: JobContext,
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The time of one head at the device's own precision, the whole way, and how far heads turn
    there; None where it is the one that parity was computed in.
    """
    if not crops:
        return None, None
    with HeadPoser(artifact) as poser:
        latency = {
            "median": timed(lambda: poser.rotations([crops[0]]), context),
            "device": poser.engine.device,
            "precision": poser.engine.precision,
            "picture": [crops[0].shape[1], crops[0].shape[0]],
        }
        precision = poser.engine.precision
        if precision == computed:
            return latency, None
        found = _turned(poser, crops, context, f"certify {precision}")
        turn = turn_spread(geodesic(here, found))
    return latency, {"precision": precision, "device": latency["device"], "turn_deg": turn}


def turn_spread(turns: npt.NDArray[np.float64]) -> dict[str, Any]:
    if not len(turns):
        return {"count": 0, "mean": None, "p95": None, "max": None}
    return {
        "count": len(turns),
        "mean": float(turns.mean()),
        "p95": float(np.percentile(turns, 95)),
        "max": float(turns.max()),
    }


def geodesic_errors(
    here: Rotations, there: Rotations, samples: Sequence[HeadSample]
) -> dict[str, float] | None:
    """The mean geodesic error of both in degrees, where there are labels."""
    if not samples:
        return None
    truth = np.stack([s.rotation for s in samples])
    first, second = (float(head_errors(r, truth).geodesic.mean()) for r in (here, there))
    return {"weights": first, "artifact": second, "difference": second - first}
