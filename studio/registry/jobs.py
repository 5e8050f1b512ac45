"""The catalogue of jobs: what each is called, what it takes and where its code stands.

Both the window and the command line read it; neither imports a job to do so.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.core.errors import UsageError
from studio.core.job import JobContext, JobSpec
from studio.core.options import N_, Options
from studio.registry.plugins import find

RunJob = Callable[[Any, JobContext], Mapping[str, Any]]


@dataclass(frozen=True)
class JobEntry:
    """One job. `plugin_kind` and `plugin_key`: the option that names a plugin whose own options
    join the job's (the family of a training, the target of an export, the tracker of a video).
    """

    name: str
    title: str
    options: str
    run: str
    plugin_kind: str = ""
    plugin_key: str = ""

    def options_class(self) -> type[Options]:
        """The job's own declared options."""
        return _resolve(self.options)

    def load(self) -> RunJob:
        """The job's code; call it only in a process that may import anything."""
        return _resolve(self.run)


@dataclass(frozen=True)
class PluginRequest:
    """A request that a plugin serves: the job's own options and the plugin's."""

    plugin: str
    job: Any
    options: Any


def _entry(name: str, title: str, options: str, kind: str = "", key: str = "") -> JobEntry:
    module = name.replace("-", "_")
    return JobEntry(
        name=name,
        title=title,
        options=f"studio.core.requests.{module}:{options}",
        run=f"studio.jobs.{module}:run",
        plugin_kind=kind,
        plugin_key=key,
    )


JOBS: dict[str, JobEntry] = {
    entry.name: entry
    for entry in (
        _entry("convert", N_("Convert"), "ConvertOptions"),
        _entry("convert-heads", N_("Convert head poses"), "ConvertHeadsOptions"),
        _entry("train", N_("Train"), "TrainRequest", "family", "family"),
        _entry("search", N_("Search"), "SearchRequest", "family", "family"),
        _entry("evaluate", N_("Evaluate"), "EvaluateOptions"),
        _entry("judge", N_("Judge predictions"), "JudgeOptions"),
        _entry("predict", N_("Predict"), "PredictOptions"),
        _entry("track", N_("Track"), "TrackRequest", "tracker", "tracker"),
        _entry("frames", N_("Take frames of a video"), "FramesOptions"),
        _entry("prelabel", N_("Pre-label"), "PrelabelOptions"),
        _entry("track-points", N_("Track joints"), "TrackPointsOptions"),
        _entry("quality", N_("Check the annotations"), "QualityOptions"),
        _entry("export", N_("Export"), "ExportRequest", "target", "target"),
        _entry("tools", N_("Tools of a target"), "ToolsOptions"),
        _entry("describe", N_("Look at a model"), "DescribeOptions"),
        _entry("compare", N_("Compare"), "CompareOptions"),
        _entry("benchmark", N_("Benchmark"), "BenchmarkOptions"),
        _entry("sample", N_("Make the sample project"), "SampleOptions"),
        _entry("demo", N_("Demonstration"), "DemoOptions"),
        _entry("live", N_("Live"), "LiveOptions"),
    )
}


def job_entry(name: str) -> JobEntry:
    """Raises UsageError for an unknown job."""
    if name not in JOBS:
        raise UsageError(f"There is no job called {name!r}.", hint=f"Known are: {', '.join(JOBS)}.")
    return JOBS[name]


def options_for(spec: JobSpec) -> Any:
    """The spec's options, read and checked: an `Options`, or a `PluginRequest` for a job whose
    plugin declares options of its own. Raises UsageError or PluginError.
    """
    entry = job_entry(spec.job)
    own = entry.options_class()
    if not entry.plugin_kind:
        return own.from_mapping(spec.options).validated()
    names = {f.name for f in own.fields()}
    mine = {k: v for k, v in spec.options.items() if k in names}
    theirs = {k: v for k, v in spec.options.items() if k not in names}
    job_options = own.from_mapping(mine).validated()
    contribution = find(entry.plugin_kind, getattr(job_options, entry.plugin_key))
    options = contribution.options_class().from_mapping(theirs).validated()
    return PluginRequest(contribution.id, job_options, options)


def job_command(spec_file: Path) -> list[str]:
    """The command line that runs a job as this process's own: it ends, saved, with it."""
    # A frozen program is its own command line; it has no `-m`.
    program = (
        [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "studio"]
    )
    return [*program, "job", str(spec_file), "--owner-pid", str(os.getpid())]


def _resolve(spec: str) -> Any:
    module, _, name = spec.partition(":")
    return getattr(importlib.import_module(module), name)
