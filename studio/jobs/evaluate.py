"""Judge a model on a dataset: the artefact itself is run, as it would be on a user's pictures.

What is judged how follows from the artefact's task: people in pictures and joints in boxes by OKS
(`evaluate_people`), keypoints of fixed classes through videos by HOTA-KP (`evaluate_clips`), heads
by their angles (`evaluate_heads`). Writes `report.json` (fields as `report_values` says) and
`report.html` with drawn pictures. The result is {"report", "html", "metrics", "pictures",
"people", "problems"}.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.core.artifact import ModelArtifact
from studio.core.errors import DataError, Problem
from studio.core.job import JobContext
from studio.core.requests.evaluate import EvaluateOptions
from studio.io.files import write_json
from studio.jobs.evaluate_page import Drawn, write_page
from studio.jobs.report_values import known
from studio.runtime.artifacts import configured_artifact, load_artifact

REPORT = "report.json"


@dataclass(frozen=True, eq=False)
class Judged:
    """What a way of judging gives: the whole report and what its page draws, worst first."""

    values: dict[str, Any]
    drawn: Sequence[Drawn]
    problems: Sequence[Problem] = ()


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
    if options.cfg is not None:
        artifact = configured_artifact(artifact, options.cfg)
    context.progress("read", 0, 0)
    judged = _judge(artifact, options, context)
    for problem in judged.problems:
        context.log(str(problem), "warning")
    return write_report(report_path(options.out, context), judged, context)


def _judge(artifact: ModelArtifact, options: EvaluateOptions, context: JobContext) -> Judged:
    """By the artefact's task; each way imports what it needs."""
    if artifact.task == "head-pose":
        from studio.jobs.evaluate_heads import judge_heads

        return judge_heads(artifact, options, context)
    if artifact.task == "keypoints" and artifact.extra.get("frame"):
        from studio.jobs.evaluate_clips import judge_clips

        return judge_clips(artifact, options, context)
    if artifact.task in ("pose", "keypoints"):
        from studio.jobs.evaluate_people import judge_people

        return judge_people(artifact, options, context)
    raise DataError(f"A {artifact.task} model cannot be judged here.", where=artifact.weights)


def write_report(target: Path, judged: Judged, context: JobContext) -> dict[str, Any]:
    """Write `report.json` and its page, tell them, and give the job's result."""
    values = judged.values
    html = write_page(target, values, judged.drawn, context.check)
    write_json(target, values)
    numbers = {n: float("nan") if v is None else v for n, v in values["metrics"].items()}
    # Epoch 0: these figures belong to no training.
    context.metrics(epoch=0, step=0, split="val", values=known(numbers))
    context.artifact("report", target)
    context.artifact("page", html)
    return {
        "report": str(target),
        "html": str(html),
        "metrics": values["metrics"],
        "pictures": values["dataset"]["pictures"],
        "people": values["dataset"]["people"],
        "problems": len(judged.problems),
    }


def report_path(out: Path | None, context: JobContext) -> Path:
    """Where `report.json` goes: as asked (a file, or a folder for it), else the job's folder."""
    if out is None:
        return (context.run_dir or Path.cwd()) / REPORT
    out = out.absolute()
    return out if out.suffix.lower() == ".json" else out / REPORT


def model_of(artifact: ModelArtifact) -> dict[str, Any]:
    """The report's "model"."""
    return {
        "path": str(artifact.weights),
        "family": artifact.family,
        "precision": artifact.precision,
    }
