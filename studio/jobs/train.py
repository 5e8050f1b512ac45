"""Training, whichever family it is: check, train, describe the result."""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.core.artifact import MODEL_JSON
from studio.core.errors import DataError, FileProblem, Problem, UsageError
from studio.core.job import JobContext, JobSpec
from studio.core.requests.train import TrainRequest
from studio.io.files import read_json
from studio.ml.launch import launched_rank
from studio.registry import find
from studio.registry.jobs import PluginRequest
from studio.runtime.artifacts import save_artifact

RUNS = "runs"
DEFAULT_NAME = "train"
# What an earlier run of the same name leaves, and a new one in its place must not mix with.
_OF_A_RUN = (
    "results.csv", "args.yaml", "data.yaml", "config.toml", MODEL_JSON, "weights", "tensorboard",
    "report",
)  # fmt: skip
_EVENTS = "events.jsonl"
_OF_A_CHECK = "pose-studio-check-"
_OF_A_REFUSED_START = frozenset({_EVENTS, "job.log", "spec.json"})


def place(request: PluginRequest, project: Path | None) -> Path:
    """Where the run stands: `runs/<family>/<name>`, the resumed run's own folder, or a temporary
    one for a mere check and for the processes of torchrun that do not speak. Raises FileProblem
    where a run to resume is not there.
    """
    job: TrainRequest = request.job
    if job.check_only or launched_rank():
        return Path(tempfile.mkdtemp(prefix=_OF_A_CHECK))
    if job.preview:
        # Safe to delete at any time, as all of .studio/ is; the next preview takes its place.
        return (project or Path.cwd()) / ".studio" / "preview" / request.plugin
    root = runs_root(request, project)
    if job.resume is not None:
        own = run_of(last_weights(job.resume, root))
        if job.run_dir is None or job.run_dir.absolute() == own:
            return own
    folder = job.run_dir or root / (job.name or DEFAULT_NAME)
    if job.exist_ok:
        return folder
    number = 2
    name = folder.name
    while not _free(folder):
        folder = folder.with_name(f"{name}{number}")
        number += 1
    return folder


def tidy(run_dir: Path) -> None:
    """A mere check leaves nothing."""
    if run_dir.name.startswith(_OF_A_CHECK):
        shutil.rmtree(run_dir, ignore_errors=True)


def run(request: PluginRequest, context: JobContext) -> dict[str, Any]:
    """Train, or only check; see `TrainRequest`."""
    job: TrainRequest = request.job
    if job.on and not job.preview:
        return _run_elsewhere(request, context)
    family = find("family", request.plugin).load()
    options, last = request.options, None
    if job.resume is not None:
        last = last_weights(job.resume, runs_root(request, context.project))
        options = _resumed(request, family, last, context)
    elif job.download:
        family.fetch(options, context)
    context.progress("check", 0, 0)
    problems = family.preflight(options, context, last)
    if job.check_only:
        return {"problems": [dataclasses.asdict(p) for p in problems]}
    _report(problems, context)
    if job.preview:
        return _preview(family, request, context)
    run_dir = context.run_dir
    if run_dir is not None and (last is None or run_of(last) != run_dir.absolute()):
        _clear(run_dir)
    artifact = family.train(options, context, last)
    if launched_rank():
        return {}
    assert context.run_dir is not None
    path = save_artifact(artifact, context.run_dir)
    context.artifact("model", path)
    return {
        "model": str(context.run_dir),
        "weights": str(artifact.weights),
        "best_epoch": artifact.extra.get("best_epoch"),
        "epochs": artifact.extra.get("epochs"),
        "metrics": dict(artifact.metrics),
    }


def _preview(family: Any, request: PluginRequest, context: JobContext) -> dict[str, Any]:
    """The first batch as the training would see it: {"pictures": paths}."""
    draw = getattr(family, "preview", None)
    if draw is None:
        raise UsageError(f"{request.plugin} cannot show its augmented pictures before the start.")
    if context.run_dir is not None:
        _clear(context.run_dir)
    context.progress("prepare", 0, 0)
    return {"pictures": [str(p) for p in draw(request.options, context)]}


def _run_elsewhere(request: PluginRequest, context: JobContext) -> dict[str, Any]:
    from studio.jobs.elsewhere import run_elsewhere

    job: TrainRequest = request.job
    asked = {**_given(request, context), "family": request.plugin}
    for name in ("resume", "check_only", "download"):
        value = getattr(job, name)
        asked |= {name: str(value) if isinstance(value, Path) else value} if value else {}

    def begun() -> None:
        if job.resume is None and not job.check_only and context.run_dir is not None:
            _clear(context.run_dir)

    spec = JobSpec("train", asked, context.run_dir, context.project)
    return dict(run_elsewhere(spec, job, context, begun))


def runs_root(request: PluginRequest, project: Path | None) -> Path:
    """The folder of all runs of the request's family."""
    return (request.job.output or (project or Path.cwd()) / RUNS) / request.plugin


def last_weights(path: Path, root: Path) -> Path:
    """The `last.pt` that a person means: the file itself, its run folder, or the run's name."""
    for base in (path.expanduser(), root / path):
        # Guides name <run>/last.pt, which stands one folder further down here.
        named = base.parent / "weights" / base.name
        for candidate in (base, base / "weights" / "last.pt", base / "last.pt", named):
            if candidate.is_file():
                return candidate.absolute()
    raise FileProblem(
        "There is no run to resume here.",
        where=path,
        hint="Give a run's folder or its weights/last.pt.",
    )


def run_of(last: Path) -> Path:
    """The run folder that a `last.pt` belongs to."""
    return last.parent.parent if last.parent.name == "weights" else last.parent


def _resumed(request: PluginRequest, family: Any, last: Path, context: JobContext) -> Any:
    given = _given(request, context)
    values = family.resumed_options(last, run_of(last), given)
    return type(request.options).from_mapping(values).validated()


def _given(request: PluginRequest, context: JobContext) -> Mapping[str, Any]:
    """The plugin's options that were really asked for, as against those left at their default."""
    values = request.options.to_mapping()
    spec = context.run_dir / "spec.json" if context.run_dir is not None else None
    if spec is not None and spec.is_file():
        asked = read_json(spec).get("options", {})
        return {k: v for k, v in values.items() if k in asked}
    plain = type(request.options)().to_mapping()
    return {k: v for k, v in values.items() if plain.get(k) != v}


def _report(problems: Sequence[Problem], context: JobContext) -> None:
    """Tell all problems; the first error ends the job."""
    errors = [p for p in problems if p.severity == "error"]
    for problem in problems:
        context.log(str(problem), "error" if problem.severity == "error" else "warning")
    if not errors:
        return
    first = errors[0]
    where = first.where + (f":{first.line}" if first.line is not None else "")
    more = f" ({len(errors) - 1} more problems in the log.)" if len(errors) > 1 else ""
    kind = UsageError if os.sep not in first.where else DataError
    raise kind(first.message + more, where=where or None, hint=first.hint)


def _free(folder: Path) -> bool:
    """Whether a new run may take this folder: nothing is there, or only a start that was refused."""
    left = {p.name for p in folder.iterdir()} if folder.is_dir() else set[str]()
    if not left:
        return not folder.exists() or folder.is_dir()
    if left - _OF_A_REFUSED_START:
        return False
    events = folder / _EVENTS
    lines = events.read_bytes().splitlines() if events.is_file() else []
    return bool(lines) and b'"event":"finished"' in lines[-1] and b'"failed"' in lines[-1]


def _clear(folder: Path) -> None:
    """Take an earlier run away, now that the new one can begin; its events too."""
    for name in _OF_A_RUN:
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    events = folder / _EVENTS
    if events.is_file():
        lines = events.read_bytes().splitlines(keepends=True)
        starts = [i for i, line in enumerate(lines) if b'"event":"started"' in line]
        # The host holds the file open for appending: it is shortened in place.
        with events.open("r+b") as stream:
            stream.truncate(0)
            stream.write(b"".join(lines[starts[-1] if starts else 0 :]))
