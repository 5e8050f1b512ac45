"""Export weights to a target, run what came out, and write down how well it does.

The result is {"model": folder, "certificate": path or None, "commands": [{"title", "command"}]}.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from studio.core.artifact import MODEL_JSON, ModelArtifact
from studio.core.errors import Cancelled, Problem, UsageError
from studio.core.job import JobContext
from studio.core.requests.export import ExportRequest
from studio.io.files import atomic_folder
from studio.jobs.certificate import CERTIFICATE, certify
from studio.jobs.certificate_heads import TASK as HEADS
from studio.jobs.certificate_heads import certify_heads
from studio.jobs.certificate_page import PAGE
from studio.jobs.tools import ensure_tools
from studio.registry import find
from studio.registry.jobs import PluginRequest
from studio.runtime.artifacts import load_artifact, save_artifact
from studio.runtime.topdown import is_topdown

EXPORTS = "exports"


def place(_request: PluginRequest, _project: Path | None) -> Path | None:
    """The job's own folder: the export's is made whole or not at all."""
    return None


def run(request: PluginRequest, context: JobContext) -> dict[str, Any]:
    """See the module. Raises ModelError, UsageError, FileProblem, MissingTool."""
    job: ExportRequest = request.job
    artifact = load_artifact(job.weights)
    contribution = find("target", request.plugin)
    target = contribution.load()
    problems: list[Problem] = list(target.problems(artifact, request.options))
    for problem in problems:
        raise UsageError(problem.message, where=problem.where or None, hint=problem.hint)
    ensure_tools(contribution, job.install_tools, context)
    out = output_folder(job, request.plugin, artifact, request.options, context.project)
    certificate: dict[str, Any] | None = None
    with atomic_folder(out, overwrite=job.exist_ok) as part:
        made: ModelArtifact = target.export(artifact, request.options, part, context)
        context.check()
        save_artifact(made, part)
        if job.certify:
            judge = certify_heads if artifact.task == HEADS else certify
            certificate = judge(artifact, made, job.data, context)
        if context.control.cancel_requested:
            raise Cancelled
    context.artifact("model", out / MODEL_JSON)
    if certificate is not None:
        context.artifact("certificate", out / CERTIFICATE)
        context.artifact("page", out / PAGE)
        context.log(certificate_line(certificate))
    return {
        "model": str(out),
        "certificate": str(out / CERTIFICATE) if certificate is not None else None,
        "commands": _commands(out, artifact),
    }


def output_folder(
    job: ExportRequest,
    target: str,
    artifact: ModelArtifact,
    options: Any,
    project: Path | None,
) -> Path:
    """`--out`, else a free `exports/<run>-<target>-<precision>`."""
    if job.out is not None:
        return job.out.expanduser().absolute()
    weights = artifact.weights
    of_run = weights.stem in ("best", "last") and weights.parent.name == "weights"
    run = weights.parent.parent.name if of_run else weights.stem
    half = "-fp16" if getattr(options, "half", False) else ""
    folder = (project or Path.cwd()).absolute() / EXPORTS / f"{run}-{target}{half}"
    number, base = 2, folder.name
    while folder.exists() and not job.exist_ok:
        folder = folder.with_name(f"{base}-{number}")
        number += 1
    return folder


def certificate_line(certificate: dict[str, Any]) -> str:
    """The certificate in one line for the log."""
    turn = certificate["parity"].get("turn_deg")
    if turn is not None:
        return (
            f"The artefact was run on {certificate['pictures']['count']} heads: they differ by "
            f"{turn['mean']:.3f}° on average and {turn['max']:.3f}° at most."
        )
    shift = certificate["parity"]["shift_px"]
    if shift["mean"] is None:
        return "The artefact was run; nobody was found in the test pictures."
    return (
        f"The artefact was run on {certificate['pictures']['count']} pictures: joints differ by "
        f"{shift['mean']:.3f} px on average and {shift['max']:.3f} px at most."
    )


def _commands(out: Path, made: ModelArtifact) -> list[dict[str, str]]:
    quoted = f'"{out}"' if " " in str(out) else str(out)
    if made.task == HEADS:
        command = f"pose-studio evaluate --model {quoted} --data SET"
        return [{"title": "Judge", "command": command}]
    if is_topdown(made):
        quoted += " --detector PEOPLE_MODEL"
    return [
        {"title": "Predict", "command": f"pose-studio predict --model {quoted} --source FILE"},
        {"title": "Live", "command": f"pose-studio predict --model {quoted} --source 0 --show"},
    ]
