"""How a search was asked: checked at its start, and kept when it goes on."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import psutil

from studio.core.errors import FileProblem, UsageError
from studio.core.job import JobContext
from studio.core.options import Options
from studio.core.requests.search import SearchRequest
from studio.core.search_space import clashes, parse_space, space_text
from studio.io.files import read_json, write_json
from studio.jobs.search_table import Asked
from studio.registry import find
from studio.registry.jobs import PluginRequest

LOCK = "running.json"
_PATHS = ("dataset", "folder", "file", "model", "skeleton")
_LOSSES = ("loss", "error", "mae", "mse", "nme", "geodesic")


def new_search(request: PluginRequest, context: JobContext) -> Asked:
    """A new search, checked. Raises UsageError."""
    wanted: SearchRequest = request.job
    contribution = find("family", request.plugin)
    space = parse_space(wanted.space, contribution.options_class())
    fixed = _rooted(_given(request, context), contribution.options_class())
    both = clashes(space, fixed)
    if both:
        raise UsageError(
            f"{', '.join(both)}: searched over and given a value too.",
            where="space",
            hint="Take it out of one of the two.",
        )
    metric = wanted.metric or str(contribution.extra.get("metric", ""))
    if not metric:
        raise UsageError(
            "This family does not say which value its trainings are judged by.",
            where="metric",
            hint="Name one of those that it reports after an epoch with --metric.",
        )
    return Asked(
        request.plugin, space_text(space), metric, _higher(wanted, metric, contribution.extra),
        fixed, wanted.sampler, wanted.pruner, wanted.search_seed,
    )  # fmt: skip


def _rooted(values: Mapping[str, Any], declared: type[Options]) -> dict[str, Any]:
    """Paths that do not depend on where the search is started from again."""
    paths = {f.name for f in declared.fields() if f.plain_type is Path or f.kind in _PATHS}
    rooted = dict(values)
    for name in paths & set(values):
        path = Path(str(values[name])).expanduser()
        if path.exists():
            rooted[name] = str(path.absolute())
    return rooted


def _higher(wanted: SearchRequest, metric: str, extra: Mapping[str, Any]) -> bool:
    if wanted.direction != "auto":
        return wanted.direction == "more"
    if metric == extra.get("metric"):
        return not extra.get("lower_is_better", False)
    words = metric.lower().replace("-", "_").split("_")
    return not any(word in _LOSSES for word in words)


def _given(request: PluginRequest, context: JobContext) -> dict[str, Any]:
    """The family's options that were asked for, as against those left at their default."""
    values = request.options.to_mapping()
    spec = context.run_dir / "spec.json" if context.run_dir is not None else None
    if spec is None or not spec.is_file():
        plain = type(request.options)().to_mapping()
        return {k: v for k, v in values.items() if plain.get(k) != v}
    asked = read_json(spec).get("options", {})
    return {k: v for k, v in values.items() if k in asked}


def check_same(asked: Asked, request: PluginRequest, context: JobContext) -> None:
    """A search that goes on keeps what its trials have in common. Raises UsageError."""
    wanted: SearchRequest = request.job
    if asked.family != request.plugin:
        raise UsageError(
            f"This search is one of {asked.family}, not of {request.plugin}.", where="resume"
        )
    if wanted.resume is None:
        return
    given = _given(request, context)
    other = [k for k, v in given.items() if asked.fixed.get(k) != v]
    if wanted.space.strip():
        space = parse_space(wanted.space, type(request.options))
        other += ["space"] if space_text(space) != asked.space else []
    if wanted.metric and wanted.metric != asked.metric:
        other.append("metric")
    if other:
        raise UsageError(
            f"A search that goes on keeps its own {', '.join(other)}.",
            where=other[0],
            hint="Leave that out, or start a new search.",
        )


@contextlib.contextmanager
def alone(folder: Path) -> Generator[None]:
    """Two processes on one study would both make the same trials. Raises FileProblem."""
    lock = folder / LOCK
    mine = {"pid": psutil.Process().pid, "started": psutil.Process().create_time()}
    if lock.is_file() and _alive(read_json(lock)):
        raise FileProblem(
            "This search is running already.", where=folder, hint="Wait for it, or cancel it."
        )
    write_json(lock, mine)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _alive(said: Mapping[str, Any]) -> bool:
    try:
        process = psutil.Process(int(said["pid"]))
        return abs(process.create_time() - float(said["started"])) < 1
    except (psutil.Error, KeyError, TypeError, ValueError):
        return False
