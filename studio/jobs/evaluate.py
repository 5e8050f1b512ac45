"""Judge a model on a dataset: the artefact itself is run, as it would be on a user's pictures.

Writes `report.json` (fields as `report_values` says) and `report.html` with drawn pictures. The
result is {"report", "html", "metrics", "pictures", "people", "problems"}.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from studio.core.artifact import ModelArtifact
from studio.core.errors import DataError
from studio.core.job import JobContext
from studio.core.requests.evaluate import EvaluateOptions
from studio.core.skeleton import Skeleton
from studio.io.datasets import load_dataset
from studio.io.files import write_json
from studio.io.skeletons import load_skeleton
from studio.jobs.evaluate_page import write_page
from studio.metrics.evaluation import Evaluation, JudgedPicture, evaluate
from studio.metrics.joints import Pair
from studio.runtime.artifacts import load_artifact
from studio.runtime.predictor import predictor_for

REPORT = "report.json"


def place(options: EvaluateOptions, project: Path | None) -> Path | None:
    """Without `--out` the next free `runs/evaluate/<n>`."""
    return next_folder(options.out, project)


def next_folder(out: Path | None, project: Path | None) -> Path | None:
    """None where `out` says where the report goes, else the next free `runs/evaluate/<n>`."""
    if out is not None:
        return None
    root = (project or Path.cwd()) / "runs" / "evaluate"
    number = 1
    while (root / str(number)).exists():
        number += 1
    return root / str(number)


def run(options: EvaluateOptions, context: JobContext) -> dict[str, Any]:
    """See the module. Raises ModelError, DataError, FileProblem, UsageError."""
    artifact = load_artifact(options.model)
    if artifact.task != "pose":
        raise DataError(f"A {artifact.task} model cannot be judged here.", where=artifact.weights)
    context.progress("read", 0, 0)
    wanted = load_skeleton(options.skeleton, context.project) if options.skeleton else None
    dataset = load_dataset(options.data, wanted)
    samples = dataset.split(options.split)
    check_skeleton(artifact, dataset.skeleton, options.data)

    def progress(done: int, total: int) -> None:
        context.check()
        context.progress("judge", done, total)

    with predictor_for(options, artifact) as predictor:
        judged = evaluate(
            samples,
            dataset.skeleton,
            predictor.predict,
            show_conf=options.show_conf,
            progress=progress,
        )
        size = list(predictor.size)
    for problem in judged.problems:
        context.log(str(problem), "warning")
    values = report_values(
        judged,
        dataset.skeleton,
        model={
            "path": str(artifact.weights),
            "family": artifact.family,
            "precision": artifact.precision,
        },
        settings={
            "conf": options.conf,
            "iou": options.iou,
            "show_conf": options.show_conf,
            "precision": options.precision,
            "device": options.device,
            "imgsz": size,
        },
        pictures=options.pictures,
    )
    values["dataset"] = {
        "path": str(options.data.absolute()),
        "split": options.split,
        "pictures": len(judged.pictures),
        "people": judged.people,
        "content_hash": dataset.content_hash,
    }
    values["speed"] = {"ms_per_picture": judged.milliseconds}
    target = report_path(options.out, context)
    return write_report(target, judged, values, dataset.skeleton, context)


def write_report(
    target: Path,
    judged: Evaluation,
    values: dict[str, Any],
    skeleton: Skeleton,
    context: JobContext,
) -> dict[str, Any]:
    """Write `report.json` and its page, tell them, and give the job's result."""
    html = write_page(target, judged, values, skeleton, context.check)
    write_json(target, values)
    # Epoch 0: these figures belong to no training.
    context.metrics(epoch=0, step=0, split="val", values=_known(judged.metrics))
    context.artifact("report", target)
    context.artifact("page", html)
    return {
        "report": str(target),
        "html": str(html),
        "metrics": judged.metrics,
        "pictures": len(judged.pictures),
        "people": judged.people,
        "problems": len(judged.problems),
    }


def check_skeleton(artifact: ModelArtifact, skeleton: Skeleton, data: Path) -> None:
    """Raises DataError where model and labels do not have the same number of joints."""
    if len(artifact.skeleton) != len(skeleton):
        raise DataError(
            f"The model finds {len(artifact.skeleton)} joints, the dataset's skeleton "
            f"{skeleton.name} has {len(skeleton)}.",
            where=data,
            hint="Choose a dataset with the skeleton that the model was trained on.",
        )


def report_path(out: Path | None, context: JobContext) -> Path:
    """Where `report.json` goes: as asked (a file, or a folder for it), else the job's folder."""
    if out is None:
        return (context.run_dir or Path.cwd()) / REPORT
    out = out.absolute()
    return out if out.suffix.lower() == ".json" else out / REPORT


def report_values(
    judged: Evaluation,
    skeleton: Skeleton,
    *,
    model: Mapping[str, Any],
    settings: Mapping[str, Any],
    pictures: int,
) -> dict[str, Any]:
    """The report's content; NaN is null, -1 is COCO's "nothing to judge".

    pictures: worst first; in each, people with `truth` (keypoints x, y, v; box x, y, w, h) and
    `prediction` (keypoints x, y, score; box x1, y1, x2, y2), either of them null.
    """
    thresholds, everything, joints = judged.joints.curves()
    return {
        "v": 1,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": dict(model),
        "settings": dict(settings),
        "skeleton": skeleton.to_mapping(),
        "metrics": judged.metrics,
        "joints": [_plain(dataclasses.asdict(row)) for row in judged.joints.table()],
        "pck": {
            "thresholds": thresholds.tolist(),
            "all": _numbers(everything),
            "joints": {name: _numbers(curve) for name, curve in joints.items()},
        },
        "precision_recall": {
            "recall": judged.ap.recall.tolist(),
            **{name: curve.tolist() for name, curve in judged.ap.precision.items()},
        },
        "pictures": [picture_values(p) for p in judged.pictures[:pictures]],
    }


def picture_values(picture: JudgedPicture) -> dict[str, Any]:
    """One picture of the report."""
    return {
        "image": str(picture.sample.image.absolute()),
        "oks": _number(picture.oks),
        "missed": picture.missed,
        "false": picture.false,
        "people": [_person(pair) for pair in picture.pairs],
    }


def _person(pair: Pair) -> dict[str, Any]:
    truth, found = pair.truth, pair.predicted
    return {
        "oks": pair.oks,
        "truth": truth
        and {
            "keypoints": np.round(truth.keypoints, 2).tolist(),
            "box": np.round(truth.box, 2).tolist(),
        },
        "prediction": found
        and {
            "keypoints": np.round(found.keypoints.astype(np.float64), 3).tolist(),
            "box": np.round(found.box.astype(np.float64), 2).tolist(),
            "score": round(float(found.score), 4),
        },
    }


def _known(metrics: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if value >= 0}


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {k: _number(v) if isinstance(v, float) else v for k, v in row.items()}


def _numbers(values: Any) -> list[float | None]:
    return [_number(float(v)) for v in values]


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
