"""What an exported artefact is worth: it is run beside the weights that it was made from.

`certificate.json`: {"v": 1, "target", "family", "task", "weights", "artifact", "precision",
"input", "output", "pictures" {count, source, labelled, calibrated}, "parity" {people, shift_px,
shift_input_px, joints, scores; of heads turn_deg}, "computed_in" (what parity was computed in),
"own_precision" {precision, device, shift_px or turn_deg} or null where it is the same, "ap", "pck"
and "geodesic" {weights, artifact, difference} or null, "bytes", "files" {name: bytes},
"weights_bytes", "load_ms", "latency_ms" {median, device, precision, picture}, "memory_bytes",
"calibration" or null, "limits", "checks" [{title, value, limit, passed, kind}], "device" (what its
tools say), "not_run" (what was never run here, "" where the artefact itself was), "worst" [{file,
shift, unit}], "passed" (null: nothing is proved)}. `certificate.html` shows the same.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.dataset import Sample
from studio.core.errors import MissingTool, StudioError
from studio.core.job import JobContext
from studio.core.options import N_
from studio.core.prediction import Prediction
from studio.io.files import write_json
from studio.jobs.certificate_page import Compared, write_certificate_page
from studio.jobs.certificate_values import (
    CERTIFICATE,
    NO_ENGINE,
    WORST,
    Certifying,
    can_run,
    common_values,
    device_checks,
    limit_check,
    lost,
    memory,
    never_run,
    timed,
    verdict,
)
from studio.jobs.judging_pictures import JudgingPictures
from studio.jobs.looking import Looker, check_comparable, open_looker
from studio.metrics.agreement import Agreement, Shift
from studio.metrics.evaluation import Evaluation, Judging
from studio.runtime.topdown import is_topdown

Picture = npt.NDArray[np.uint8]
People = tuple[Prediction, ...]

CONF = 0.25
# AP is counted over people down to this score, as COCO's judges do.
AP_CONF = 0.001
PARITY = "f32"


@dataclass(eq=False)
class _Seen:
    """What one side said of every picture, down to `AP_CONF`. scales: pixels of its input for each
    pixel of the picture.
    """

    people: list[People]
    scales: list[float]
    load_ms: float
    precision: str
    device: str


def certify(
    weights: ModelArtifact,
    artifact: ModelArtifact,
    pictures: JudgingPictures,
    asked: Certifying,
    context: JobContext,
) -> dict[str, Any]:
    """Hold `artifact` against `weights` on `pictures`.

    Both compute in f32 for the parity; the shift at the device's own precision stands beside it,
    and the time is at that. Writes certificate.json and certificate.html beside the artefact.
    """
    values = common_values(weights, artifact, asked)
    worst: Sequence[Compared] = ()
    if not can_run(artifact):
        values = never_run(values, asked, NO_ENGINE)
    else:
        check_comparable(artifact)
        pictures = _readable(pictures.limited(asked.pictures, asked.calibrated), context)
        try:
            more, worst = _run(_framed(weights, artifact), artifact, pictures, asked, context)
            values |= more
        except MissingTool as error:
            values = never_run(values, asked, f"The artefact was never run: {error}")
    folder = artifact.weights.parent
    values["worst"] = write_certificate_page(folder, values, worst, artifact.skeleton)
    write_json(folder / CERTIFICATE, values)
    return values


def _framed(weights: ModelArtifact, artifact: ModelArtifact) -> ModelArtifact:
    """The same frame around every picture: an artefact of one size fills it up with grey."""
    spec = dataclasses.replace(
        weights.input, size=artifact.input.size, dynamic=artifact.input.dynamic
    )
    return dataclasses.replace(weights, input=spec)


def _readable(pictures: JudgingPictures, context: JobContext) -> JudgingPictures:
    """Without those that cannot be read, which are told."""
    good: list[Sample] = []
    for sample in pictures.samples:
        context.check()
        try:
            pictures.read(sample)
        except StudioError as error:
            context.log(str(error), "warning")
        else:
            good.append(sample)
    return dataclasses.replace(pictures, samples=tuple(good))


def _run(
    weights: ModelArtifact,
    artifact: ModelArtifact,
    pictures: JudgingPictures,
    asked: Certifying,
    context: JobContext,
) -> tuple[dict[str, Any], Sequence[Compared]]:
    there = _see(artifact, pictures, context, "certify")
    here = _see(weights, pictures, context, "certify weights")
    agreement = _agreement(artifact, here, there.people)
    latency, own = _as_it_is(artifact, pictures, here, there, context)
    judged = _judged(pictures, asked, (here, there))
    summary = _parity(agreement)
    ap = lost(*(None if j is None else _known(j.metrics["AP"]) for j in judged))
    pck = lost(*(None if j is None else _pck(j) for j in judged))
    # Drawn people are labelled, but nothing was trained to find them.
    ap = None if pictures.drawn else ap
    checks = _checks(summary, ap, pck, asked) + device_checks(asked.report)
    more = {
        "pictures": {
            "count": len(pictures.samples),
            "source": pictures.source,
            "labelled": pictures.labels is not None and not pictures.drawn,
            "calibrated": pictures.calibrated,
        },
        "parity": summary,
        "computed_in": PARITY,
        "own_precision": own,
        "ap": ap,
        "pck": pck,
        "load_ms": there.load_ms,
        "latency_ms": latency,
        "memory_bytes": memory(artifact, context),
        "checks": checks,
        "passed": verdict(checks),
    }
    order = sorted(range(len(pictures.samples)), key=lambda i: -agreement.pictures[i].badness)
    shown = [
        (
            pictures.read(pictures.samples[i]),
            _sure(artifact, here.people[i]),
            _sure(artifact, there.people[i]),
            agreement.pictures[i].worst,
        )
        for i in order[:WORST]
    ]
    return more, shown


def _see(side: ModelArtifact, pictures: JudgingPictures, context: JobContext, stage: str) -> _Seen:
    started = time.perf_counter()
    size = side.input.size
    with open_looker(side, conf=AP_CONF, imgsz=size, precision=PARITY) as looker:
        loaded = (time.perf_counter() - started) * 1000
        people = _look(looker, pictures, context, stage)
        scales = [looker.scale(sample) for sample in pictures.samples]
        return _Seen(people, scales, loaded, looker.engine.precision, looker.engine.device)


def _look(
    looker: Looker, pictures: JudgingPictures, context: JobContext, stage: str
) -> list[People]:
    found: list[People] = []
    for number, sample in enumerate(pictures.samples, 1):
        context.check()
        found.append(looker.look(pictures.read(sample), sample))
        context.progress(stage, number, len(pictures.samples))
    return found


def _sure(artifact: ModelArtifact, people: People) -> People:
    """Those that would be shown; in labelled boxes that is everybody."""
    return people if is_topdown(artifact) else tuple(p for p in people if p.score >= CONF)


def _agreement(artifact: ModelArtifact, here: _Seen, there: Sequence[People]) -> Agreement:
    agreement = Agreement(artifact.skeleton.keypoints)
    for scale, first, second in zip(here.scales, here.people, there, strict=True):
        agreement.add(_sure(artifact, first), _sure(artifact, second), scale)
    return agreement


def _as_it_is(
    artifact: ModelArtifact,
    pictures: JudgingPictures,
    here: _Seen,
    there: _Seen,
    context: JobContext,
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The time of one picture at the device's own precision, the whole way, and how far joints
    move there; None where it is the one that parity was computed in.
    """
    if not pictures.samples:
        return None, None
    sample = pictures.samples[0]
    picture = pictures.read(sample)
    size = artifact.input.size
    with open_looker(artifact, conf=CONF, imgsz=size) as looker:
        latency = {
            "median": timed(lambda: looker.look(picture, sample), context),
            "device": looker.engine.device,
            "precision": looker.engine.precision,
            "picture": [picture.shape[1], picture.shape[0]],
        }
        if looker.engine.precision == there.precision:
            return latency, None
        looker.forget()
        people = _look(looker, pictures, context, f"certify {looker.engine.precision}")
        agreement = _agreement(artifact, here, people)
        own = {
            "precision": looker.engine.precision,
            "device": looker.engine.device,
            "shift_px": _shift(agreement.shift(visible=True)),
        }
    return latency, own


def _judged(
    pictures: JudgingPictures, asked: Certifying, sides: Sequence[_Seen]
) -> list[Evaluation | None]:
    """Both held against the labels, where there are some."""
    nobody = not any(s.instances for s in pictures.samples)
    if pictures.labels is None or nobody or (pictures.drawn and asked.limits.pck is None):
        return [None, None]
    found: list[Evaluation | None] = []
    for side in sides:
        judging = Judging(pictures.labels, show_conf=CONF)
        for sample, people in zip(pictures.samples, side.people, strict=True):
            judging.add(sample, people)
        found.append(judging.result())
    return found


def _known(value: float) -> float | None:
    """COCO says -1 where there is nothing to judge."""
    return value if value >= 0 else None


def _pck(judged: Evaluation) -> float | None:
    """The share of labelled joints within a tenth of the person's size, missed people's too."""
    rows = [row for row in judged.joints.table() if row.count]
    hits = sum(row.pck * row.count for row in rows)
    missed = sum(
        int((pair.truth.keypoints[:, 2] > 0).sum())
        for picture in judged.pictures
        for pair in picture.pairs
        if pair.truth is not None and pair.predicted is None
    )
    total = sum(row.count for row in rows) + missed
    return hits / total if total else None


def _checks(
    summary: dict[str, Any],
    ap: dict[str, float] | None,
    pck: dict[str, float] | None,
    asked: Certifying,
) -> list[dict[str, Any]]:
    limits = asked.limits
    checks: list[dict[str, Any]] = []
    if limits.shift_px is not None:
        mean = summary["shift_px"]["mean"]
        checks.append(limit_check(N_("Mean shift of sure joints"), mean, limits.shift_px, "px"))
    if ap is not None:
        checks.append(limit_check(N_("Loss of OKS AP"), _loss(ap), limits.ap))
    if limits.pck is not None:
        checks.append(limit_check(N_("Loss of PCK@0.1"), _loss(pck), limits.pck))
    return checks


def _loss(figure: dict[str, float] | None) -> float | None:
    """None where the weights find nothing either: then nothing could be lost, nothing is proved."""
    if figure is None or not figure["weights"]:
        return None
    return 0.0 - figure["difference"]


def _parity(agreement: Agreement) -> dict[str, Any]:
    """Over the joints that the weights are sure of; null where nobody was found."""
    return {
        "people": agreement.people(),
        "shift_px": _shift(agreement.shift(visible=True)),
        "shift_input_px": _shift(agreement.shift(visible=True, input_pixels=True)),
        "joints": {name: _shift(shift) for name, shift in agreement.by_joint().items()},
        "scores": agreement.scores(),
    }


def _shift(shift: Shift) -> dict[str, Any]:
    values = dataclasses.asdict(shift)
    return values if shift.count else {**values, "mean": None, "p95": None, "max": None}
