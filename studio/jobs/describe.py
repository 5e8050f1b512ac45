"""Say what a weights file is, and which targets take it: in a process of its own, for families and
targets may open the network for it.

The result is {"artifact": the content of a model.json, "folder": where the weights stand,
"targets": {target: why the model cannot go there, "" where it can}, "devices": [[name, full name]]
of what the model's engine finds here}.
"""

from __future__ import annotations

import importlib
from typing import Any

from studio.core.artifact import ModelArtifact
from studio.core.errors import MissingTool, StudioError
from studio.core.job import JobContext
from studio.core.requests.describe import DescribeOptions
from studio.registry import Contribution, contributions
from studio.runtime.artifacts import load_artifact


def run(options: DescribeOptions, context: JobContext) -> dict[str, Any]:
    """See the module. Raises ModelError, FileProblem."""
    artifact = load_artifact(options.model)
    targets: dict[str, str] = {}
    for target in contributions("target"):
        context.check()
        if target.enabled:
            targets[target.id] = misfit(target, artifact)
    return {
        "artifact": artifact.to_mapping(),
        "folder": str(artifact.weights.parent),
        "targets": targets,
        "devices": [list(device) for device in devices_of(artifact)],
    }


def devices_of(artifact: ModelArtifact) -> tuple[tuple[str, str], ...]:
    """What the artefact's engine can compute on here: (as the options name it, full name) each.
    Engines that have no choice are on the processor; one whose library is not installed computes
    nowhere.
    """
    module = importlib.import_module(f"studio.runtime.engines.{artifact.engine}")
    listed = getattr(module, "devices", None)
    try:
        return (("cpu", "CPU"),) if listed is None else listed()
    except (ImportError, MissingTool):
        return ()


def misfit(target: Contribution, artifact: ModelArtifact) -> str:
    """Why this model cannot go there; "" where it can, if need be with other options than the
    defaults.
    """
    try:
        options = target.options_class()()
        named = {field.name for field in options.fields()}
        for problem in target.load().problems(artifact, options):
            if problem.severity != "warning" and problem.where not in named:
                return problem.message
    except StudioError as error:
        return error.message
    return ""
