"""Export weights to a target, run what came out, and write down how well it does.

The result is {"model": folder, "certificate": path or None, "passed": as the certificate has it,
"commands": [{"title", "command"}], those of the device first}.
"""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

from studio.core.artifact import ENGINES, MODEL_JSON, ModelArtifact
from studio.core.device_report import NextStep
from studio.core.errors import Cancelled, FileProblem, Problem, StudioError, UsageError
from studio.core.job import JobContext
from studio.core.requests.export import ExportRequest
from studio.exporting.calibration import FACTS, with_data
from studio.exporting.companions import README, write_companions
from studio.exporting.making import BESIDE
from studio.io.files import atomic_folder
from studio.jobs.certificate import certify
from studio.jobs.certificate_heads import TASK as HEADS
from studio.jobs.certificate_heads import JudgingHeads, certify_heads, heads_to_judge_on
from studio.jobs.certificate_page import PAGE
from studio.jobs.certificate_values import CERTIFICATE, Certifying, failed
from studio.jobs.judging_pictures import JudgingPictures, pictures_to_judge_on
from studio.jobs.tools import ensure_tools
from studio.registry import find
from studio.registry.jobs import PluginRequest
from studio.runtime.artifacts import configured_artifact, load_artifact, save_artifact
from studio.runtime.topdown import is_topdown

EXPORTS = "exports"
# Less than this left on a disk where something could not be written: it is full.
_LEAST_FREE = 1_000_000


def place(_request: PluginRequest, _project: Path | None) -> Path | None:
    """The job's own folder: the export's is made whole or not at all."""
    return None


def run(request: PluginRequest, context: JobContext) -> dict[str, Any]:
    """See the module. Raises ModelError, UsageError, DataError, FileProblem, MissingTool, Cancelled;
    everything that can be refused before the start is, and no half export stays.
    """
    job: ExportRequest = request.job
    artifact = load_artifact(job.weights)
    if job.cfg is not None:
        artifact = configured_artifact(artifact, job.cfg)
    contribution = find("target", request.plugin)
    target = contribution.load()
    # From what is told at once to what takes long: options, pictures, tools to install, the place.
    options = with_data(request.options, job.data, unsplit=False)
    _refuse(target.problems(artifact, options), context)
    judged = _to_judge_on(artifact, job, context)
    unsplit = job.data is not None and judged is not None and not judged.sides
    options = with_data(request.options, job.data, unsplit)
    ensure_tools(contribution, job.install_tools, context, options)
    out = output_folder(job, request.plugin, artifact, options, context.project)
    certificate: dict[str, Any] | None = None
    with atomic_folder(out, overwrite=job.exist_ok) as part, _telling_a_full_disk(part, out):
        made: ModelArtifact = target.export(artifact, options, part, context)
        context.check()
        files = _files(part, made)
        made, calibration = _without_facts(made)
        save_artifact(made, part)
        steps = tuple(target.next_steps(made))
        write_companions(made, target.notes(made), steps, part)
        if judged is not None:
            asked = Certifying(
                target=contribution.id,
                pictures=job.pictures,
                limits=target.limits(artifact, options),
                report=target.report(made, context),
                files=files,
                calibration=calibration,
            )
            certificate = _certified(artifact, made, judged, asked, context)
        if context.control.cancel_requested:
            raise Cancelled
    context.artifact("model", out / MODEL_JSON)
    if certificate is not None:
        context.artifact("certificate", out / CERTIFICATE)
        context.artifact("page", out / PAGE)
        for level, line in certificate_lines(certificate):
            context.log(line, level)
    return {
        "model": str(out),
        "certificate": str(out / CERTIFICATE) if certificate is not None else None,
        "passed": certificate["passed"] if certificate is not None else None,
        "commands": [*_of_target(steps), *_commands(out, artifact)],
    }


def _to_judge_on(
    artifact: ModelArtifact, job: ExportRequest, context: JobContext
) -> JudgingPictures | JudgingHeads | None:
    """The certificate's pictures, found before anything is made: what is wrong with them is told at
    once. None where no certificate is wanted and no data named.
    """
    if not job.certify:
        return None
    way = heads_to_judge_on if artifact.task == HEADS else pictures_to_judge_on
    return way(artifact, job.data, context)


def _certified(
    weights: ModelArtifact,
    made: ModelArtifact,
    judged: JudgingPictures | JudgingHeads,
    asked: Certifying,
    context: JobContext,
) -> dict[str, Any]:
    if isinstance(judged, JudgingHeads):
        return certify_heads(weights, made, judged, asked, context)
    return certify(weights, made, judged, asked, context)


def _refuse(problems: Iterable[Problem], context: JobContext) -> None:
    """Raises UsageError for the first that forbids the export; warnings are told."""
    for problem in problems:
        if problem.severity == "error":
            raise UsageError(problem.message, where=problem.where or None, hint=problem.hint)
        context.log(str(problem), "warning")


@contextlib.contextmanager
def _telling_a_full_disk(part: Path, out: Path) -> Generator[None]:
    """Libraries that write by themselves say of a full disk what they like."""
    try:
        yield
    except (OSError, StudioError, Cancelled):
        raise
    except Exception as error:
        if shutil.disk_usage(part).free > _LEAST_FREE:
            raise
        raise FileProblem(
            f"The disk is full; nothing was exported ({str(error).splitlines()[0][:300]}).",
            where=out,
            hint="Free some space, or choose another folder, and try again.",
        ) from error


def _files(folder: Path, made: ModelArtifact) -> dict[str, int]:
    """What a target wrote of the model itself: name and bytes of each file."""
    left = {README, *made.extra.get(BESIDE, ())}
    found = sorted(p for p in folder.rglob("*") if p.is_file() and p.name not in left)
    return {p.relative_to(folder).as_posix(): p.stat().st_size for p in found}


def _without_facts(made: ModelArtifact) -> tuple[ModelArtifact, Any]:
    """What was calibrated on belongs into the certificate, not into model.json."""
    extra = dict(made.extra)
    facts = extra.pop(FACTS, None)
    return dataclasses.replace(made, extra=extra), facts


def output_folder(
    job: ExportRequest,
    target: str,
    artifact: ModelArtifact,
    options: Any,
    project: Path | None,
) -> Path:
    """`--out`, else a free `exports/<run>-<target>-<precision>`. A file that is asked for, as
    other programs write one, is a folder of its name.
    """
    if job.out is not None:
        out = job.out.expanduser().absolute()
        return out.with_suffix("") if out.suffix.lower() in ENGINES else out
    weights = artifact.weights
    of_run = weights.stem in ("best", "last") and weights.parent.name == "weights"
    run = weights.parent.parent.name if of_run else weights.stem
    half = "-fp16" if getattr(options, "half", False) else ""
    kind = "-int8" if getattr(options, "int8", False) else half
    folder = (project or Path.cwd()).absolute() / EXPORTS / f"{run}-{target}{kind}"
    number, base = 2, folder.name
    while folder.exists() and not job.exist_ok:
        folder = folder.with_name(f"{base}-{number}")
        number += 1
    return folder


def certificate_lines(certificate: dict[str, Any]) -> list[tuple[str, str]]:
    """The certificate in few words for the log, each with its level."""
    lines: list[tuple[str, str]] = []
    turn = certificate["parity"].get("turn_deg")
    shift = certificate["parity"].get("shift_px")
    count = certificate["pictures"]["count"]
    if certificate["not_run"]:
        lines.append(("warning", f"Never run here: {certificate['not_run']}"))
    if turn is not None and turn["mean"] is not None:
        text = (
            f"The artefact was run on {count} heads: they differ by "
            f"{turn['mean']:.3f}° on average and {turn['max']:.3f}° at most."
        )
        lines.append(("info", text))
    elif shift is not None and shift["mean"] is not None:
        text = (
            f"The artefact was run on {count} pictures: joints differ by "
            f"{shift['mean']:.3f} px on average and {shift['max']:.3f} px at most."
        )
        lines.append(("info", text))
    elif shift is not None:
        text = "The artefact was run; nobody was found in the test pictures."
        lines.append(("warning", text))
    if certificate["passed"] is False:
        named = "; ".join(failed(certificate))
        lines.append(("warning", f"The certificate is not passed: {named}."))
    return lines


def _of_target(steps: Iterable[NextStep]) -> list[dict[str, str]]:
    return [{"title": step.title, "command": step.command} for step in steps]


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
