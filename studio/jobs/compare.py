"""Compare: two artefacts of one model on the same pictures.

Writes `report.json` and `report.html` with the pictures that differ most. Both hold, as does the
result: {"a", "b": {path, engine, device, precision, stored (the artefact's own), size_mb,
load_ms, ms_per_picture, ap: {AP, ...}
or None}, "pictures", "people": {both, only_a, only_b}, "shift_px" (visible joints, picture pixels),
"shift_input_px" (the same in pixels of the network's input), "shift_all_px" (every joint):
{count, mean, p95, max}, "joints": {name: shift}, "scores": {person_max, joint_max}, "ap": {a, b,
difference} or None, "problems"}. The result names "report" and "html" besides. Head-pose models:
see `studio.jobs.compare_heads`.
"""

from __future__ import annotations

import dataclasses
import html
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.dataset import Sample
from studio.core.errors import DataError, FileProblem, ModelError, Problem, StudioError
from studio.core.job import JobContext
from studio.core.prediction import Prediction
from studio.core.requests.compare import CompareOptions
from studio.core.skeleton import Skeleton
from studio.io.datasets import load_dataset
from studio.io.files import atomic_folder, atomic_write_text, list_images, write_json
from studio.io.images import image_size, read_image, write_image
from studio.jobs.certificate_heads import TASK as HEADS
from studio.jobs.compare_heads import compare_heads
from studio.jobs.evaluate_page import STYLE
from studio.jobs.looking import bytes_on_disk, check_comparable, named, open_looker
from studio.metrics.agreement import Agreement, PictureShift
from studio.metrics.evaluation import evaluate
from studio.runtime.artifacts import load_artifact
from studio.runtime.topdown import is_topdown

Picture = npt.NDArray[np.uint8]

# AP is counted over people down to this score, as COCO's judges do.
_AP_CONF = 0.001
_SHOWN = 12
_LONG_SIDE = 900
_FIRST, _SECOND = (151, 220, 61), (53, 107, 255)


def place(options: CompareOptions, project: Path | None) -> Path | None:
    """Without `--out` the next free `runs/compare/<n>`."""
    if options.out is not None:
        return None
    root = (project or Path.cwd()) / "runs" / "compare"
    number = 1
    while (root / str(number)).exists():
        number += 1
    return root / str(number)


def run(options: CompareOptions, context: JobContext) -> dict[str, Any]:
    """See the module. Raises ModelError, DataError, FileProblem, UsageError."""
    artifacts = load_artifact(options.a), load_artifact(options.b)
    _check_same(*artifacts)
    report = options.out or (context.run_dir or Path.cwd()) / "report.json"
    report = report.absolute() if report.suffix.lower() == ".json" else report / "report.json"
    if artifacts[0].task == HEADS:
        return compare_heads(artifacts, options, report, context)
    problems: list[Problem] = []
    samples, skeleton = _samples(options, artifacts[0], problems)
    sides = [
        _look(artifact, options, samples, skeleton, context, stage)
        for artifact, stage in zip(artifacts, ("a", "b"), strict=True)
    ]
    problems += sides[0].problems
    for problem in problems:
        context.log(str(problem), "warning")
    agreement = _agree(sides, options, artifacts[0].skeleton)
    values = _values(options, sides, agreement, [str(p) for p in problems])
    worst = sorted(
        zip(sides[0].read, agreement.pictures, strict=True), key=lambda kp: -kp[1].badness
    )
    values["worst"] = [
        {"image": str(s.image.absolute()), "shift_px": p.worst, "only_a": len(p.only_first),
         "only_b": len(p.only_second)}
        for s, p in worst[:_SHOWN]
    ]  # fmt: skip
    page = _write_page(report, values, worst[:_SHOWN], artifacts[0].skeleton, context)
    write_json(report, values)
    context.artifact("report", report)
    context.artifact("page", page)
    return values | {"report": str(report), "html": str(page)}


@dataclasses.dataclass(eq=False)
class _Side:
    """What one artefact said of every picture that could be read."""

    values: dict[str, Any]
    people: list[tuple[Prediction, ...]]
    scales: list[float]
    problems: list[Problem]
    read: list[Sample]


def _check_same(first: ModelArtifact, second: ModelArtifact) -> None:
    if first.task != HEADS:
        check_comparable(first)
    if first.task != second.task:
        said = f"one is a {first.task} model, the other a {second.task} model"
    elif len(first.skeleton) != len(second.skeleton):
        said = f"{len(first.skeleton)} and {len(second.skeleton)} joints"
    else:
        return
    raise ModelError(
        f"These are not two artefacts of one model: {said}.",
        where=second.weights,
        hint="Compare an export with the weights that it was made from.",
    )


def _samples(
    options: CompareOptions, artifact: ModelArtifact, problems: list[Problem]
) -> tuple[list[Sample], Skeleton | None]:
    """The pictures, and the labels' skeleton where there are labels."""
    data = options.data
    if data.is_dir() and not any(p.suffix in (".json", ".yaml", ".yml") for p in data.rglob("*")):
        samples = [
            Sample(path, image_size(path), (), number)
            for number, path in enumerate(list_images(data, recursive=True), 1)
        ]
        if not samples:
            raise FileProblem("There are no pictures in this folder.", where=data)
        _check_needs_no_labels(artifact, data)
        return samples[: options.limit or None], None
    dataset = load_dataset(data, report=problems.append)
    samples = list(dataset.split(options.split))[: options.limit or None]
    if not any(s.instances for s in samples):
        _check_needs_no_labels(artifact, data)
        return samples, None
    if len(dataset.skeleton) != len(artifact.skeleton):
        raise DataError(
            f"The models find {len(artifact.skeleton)} joints, the dataset's skeleton "
            f"{dataset.skeleton.name} has {len(dataset.skeleton)}.",
            where=data,
            hint="Choose a dataset with the skeleton that the model was trained on.",
        )
    return samples, dataset.skeleton


def _check_needs_no_labels(artifact: ModelArtifact, data: Path) -> None:
    if is_topdown(artifact):
        raise DataError(
            "A model that looks at people in boxes is compared on labelled pictures.",
            where=data,
            hint="Give --data a dataset with people.",
        )


def _look(
    artifact: ModelArtifact,
    options: CompareOptions,
    samples: Sequence[Sample],
    skeleton: Skeleton | None,
    context: JobContext,
    stage: str,
) -> _Side:
    started = time.perf_counter()
    with open_looker(
        artifact,
        conf=min(_AP_CONF, options.conf),
        iou=options.iou,
        imgsz=options.imgsz,
        device=options.device,
        precision=options.precision,
    ) as looker:
        loaded = (time.perf_counter() - started) * 1000
        people: list[tuple[Prediction, ...]] = []

        def find(picture: Picture, sample: Sample) -> tuple[Prediction, ...]:
            people.append(looker.look(picture, sample))
            return people[-1]

        def progress(done: int, total: int) -> None:
            context.check()
            context.progress(stage, done, total)

        ap, problems, read = _judge(samples, skeleton, find, progress)
        values = {
            "path": str(artifact.weights),
            "engine": looker.engine.name,
            "device": looker.engine.device,
            "precision": looker.engine.precision,
            "stored": artifact.precision,
            "size_mb": round(bytes_on_disk(artifact) / 1e6, 3),
            "load_ms": round(loaded, 1),
            "ms_per_picture": round(float(np.median(looker.milliseconds)), 3),
            "ap": ap,
        }
        scales = [looker.scale(sample) for sample in read]
        return _Side(values, people, scales, problems, read)


def _judge(
    samples: Sequence[Sample],
    skeleton: Skeleton | None,
    find: Callable[[Picture, Sample], Sequence[Prediction]],
    progress: Callable[[int, int], None],
) -> tuple[dict[str, float] | None, list[Problem], list[Sample]]:
    """AP where there are labels; what could not be read; what was, in order."""
    if skeleton is not None:
        judged = evaluate(samples, skeleton, find, progress=progress)
        bad = {p.where for p in judged.problems}
        return judged.metrics, judged.problems, [s for s in samples if str(s.image) not in bad]
    problems: list[Problem] = []
    read: list[Sample] = []
    for number, sample in enumerate(samples, 1):
        progress(number - 1, len(samples))
        try:
            picture = read_image(sample.image)
        except StudioError as error:
            problems.append(Problem(error.message, where=str(sample.image), hint=error.hint))
            continue
        find(picture, sample)
        read.append(sample)
    if not read:
        raise DataError("No picture of the dataset can be read.", hint="Check its folder.")
    return None, problems, read


def _agree(sides: Sequence[_Side], options: CompareOptions, skeleton: Skeleton) -> Agreement:
    agreement = Agreement(skeleton.keypoints)
    first, second = sides
    for scale, a, b in zip(first.scales, first.people, second.people, strict=True):
        agreement.add(
            [p for p in a if p.score >= options.conf],
            [p for p in b if p.score >= options.conf],
            scale,
        )
    return agreement


def _values(
    options: CompareOptions, sides: Sequence[_Side], agreement: Agreement, problems: list[str]
) -> dict[str, Any]:
    first, second = (side.values for side in sides)
    ap = None
    if first["ap"] is not None and second["ap"] is not None:
        ap = {"a": first["ap"]["AP"], "b": second["ap"]["AP"]}
        ap["difference"] = ap["b"] - ap["a"]
    plain = dataclasses.asdict
    return {
        "v": 1,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "a": first,
        "b": second,
        "data": str(options.data.absolute()),
        "pictures": len(agreement.pictures),
        "people": agreement.people(),
        "shift_px": plain(agreement.shift(visible=True)),
        "shift_input_px": plain(agreement.shift(visible=True, input_pixels=True)),
        "shift_all_px": plain(agreement.shift(visible=False)),
        "joints": {name: plain(shift) for name, shift in agreement.by_joint().items()},
        "scores": agreement.scores(),
        "ap": ap,
        "problems": problems,
    }


def _write_page(
    report: Path,
    values: dict[str, Any],
    worst: Sequence[tuple[Sample, PictureShift]],
    skeleton: Skeleton,
    context: JobContext,
) -> Path:
    page = report.with_suffix(".html")
    folder = report.with_name(f"{report.stem}_files")
    shown: list[str] = []
    with atomic_folder(folder, overwrite=True) as part:
        for number, (sample, shift) in enumerate(worst, 1):
            context.check()
            name = f"{number:02d}.jpg"
            write_image(part / name, draw_shift(read_image(sample.image), shift, skeleton))
            shown.append(
                f"<figure><img src='{folder.name}/{name}' alt=''><figcaption>"
                f"{html.escape(sample.image.name)} · {shift.worst:.2f} px · only first "
                f"{len(shift.only_first)}, only second {len(shift.only_second)}</figcaption></figure>"
            )
    atomic_write_text(page, _page(values, shown))
    return page


def draw_shift(frame: Picture, shift: PictureShift, skeleton: Skeleton) -> Picture:
    """The picture (longer side at most 900) with the first artefact's people green and the
    second's orange; BGR.
    """
    import cv2

    scale = min(1.0, _LONG_SIDE / max(frame.shape[:2]))
    out = np.asarray(cv2.resize(frame, None, fx=scale, fy=scale), np.uint8)
    width = max(1, round(max(out.shape[:2]) / 450))
    first = [a for a, _ in shift.pairs] + list(shift.only_first)
    second = [b for _, b in shift.pairs] + list(shift.only_second)
    for people, color, thick in ((first, _FIRST, width + 2), (second, _SECOND, width)):
        for person in people:
            points = np.rint(person.keypoints[:, :2] * scale).astype(int).tolist()
            seen = person.keypoints[:, 2] >= 0.5
            for a, b in skeleton.edges:
                if seen[a] and seen[b]:
                    cv2.line(out, points[a], points[b], color, thick, cv2.LINE_AA)
            for joint in np.flatnonzero(seen):
                cv2.circle(out, points[joint], thick, color, cv2.FILLED, cv2.LINE_AA)
    return out


_STYLE = STYLE + ".a{color:#2e9e5b}.b{color:#d9541e}"


def _share(first: Any, second: Any) -> str:
    """How many times the first the second is."""
    numbers = isinstance(first, float | int) and isinstance(second, float | int) and first
    return f"{100 * second / first:.0f} %" if numbers else ""


def _page(values: dict[str, Any], shown: Sequence[str]) -> str:
    rows = [
        ("engine", "engine"),
        ("device", "device"),
        ("stored in", "stored"),
        ("computed in", "precision"),
    ]
    rows += [("size, MB", "size_mb"), ("load, ms", "load_ms"), ("picture, ms", "ms_per_picture")]
    a, b = values["a"], values["b"]
    sides = "".join(
        f"<tr><td>{title}<td>{html.escape(str(a[key]))}<td>{html.escape(str(b[key]))}"
        f"<td>{_share(a[key], b[key])}"
        for title, key in rows
    )
    if values["ap"] is not None:
        ap = values["ap"]
        sides += f"<tr><td>AP<td>{ap['a']:.4f}<td>{ap['b']:.4f}<td>{ap['difference']:+.4f}"
    spans = [("visible joints, picture px", values["shift_px"])]
    spans += [("visible joints, input px", values["shift_input_px"])]
    spans += [("all joints, picture px", values["shift_all_px"])]
    spans += list(values["joints"].items())
    shifts = "".join(
        f"<tr><td>{html.escape(name)}<td>{s['count']}<td>{s['mean']:.3f}<td>{s['p95']:.3f}"
        f"<td>{s['max']:.3f}"
        for name, s in spans
    )
    people = values["people"]
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Comparison</title>"
        f"<style>{_STYLE}</style><h1><span class=a>{html.escape(named(values['a']['path']))}"
        f"</span> and <span class=b>{html.escape(named(values['b']['path']))}</span></h1>"
        f"<p>{values['pictures']} pictures of {html.escape(values['data'])}; {people['both']} people "
        f"found by both, {people['only_a']} by the first alone, {people['only_b']} by the second "
        f"alone.</p><table><tr><th><th>first<th>second<th>second to first{sides}</table>"
        "<h2>Shift of the joints</h2><table><tr><th>joint<th>count<th>mean<th>p95<th>max"
        f"{shifts}</table><h2>Pictures that differ most</h2>"
        f"<div class=grid>{''.join(shown)}</div></html>"
    )
