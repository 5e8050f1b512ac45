"""Whether a model can go to a target with these options, asked of the target; no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from studio.core.artifact import MODEL_JSON, ModelArtifact
from studio.core.errors import MissingTool, Problem
from studio.core.options import OptionField, Options
from studio.gui import project_items
from studio.io.toolchains import find_worker, need
from studio.registry import find
from studio.registry.interfaces import WorkerByOptions


def described(model: Path) -> ModelArtifact | None:
    """The artefact in a model's folder, None for a bare weights file.

    Raises ModelError, FormatError where model.json is damaged.
    """
    from studio.io.files import read_json

    folder = model if model.is_dir() else model.parent
    for place in (folder, folder / "weights"):
        if (place / MODEL_JSON).is_file() and (model.is_dir() or model.name == MODEL_JSON):
            return ModelArtifact.from_mapping(read_json(place / MODEL_JSON), place)
    return None


def with_pictures(options: Options, data: str) -> Options:
    """The options as the job asks about them: test pictures calibrate where nothing else does."""
    if not data:
        return options
    from studio.exporting.calibration import with_data

    return with_data(options, Path(data).expanduser(), unsplit=False)


def pictures_there(options: Options) -> int | None:
    """How many pictures the named place of calibration pictures holds; None where none is named.
    A file (JSON, YAML) that lists pictures is not opened for it.
    """
    place = getattr(options, "calibration", None)
    if place is None or not Path(place).expanduser().is_dir():
        return None
    from studio.io.files import list_images

    folder = Path(place).expanduser()
    known = project_items.dataset_at(folder)
    return known.pictures if known is not None else len(list_images(folder, recursive=True))


def fit_problems(target: str, artifact: ModelArtifact | None, options: Options) -> list[Problem]:
    """Why this model cannot go there with these options, as far as it is known by now."""
    contribution = find("target", target)
    entry = contribution.load()
    found = list(entry.problems(artifact, options)) if artifact is not None else []
    # A target whose tools depend on its options says which.
    by_options = isinstance(entry, WorkerByOptions)
    name = entry.worker(options) if by_options else contribution.worker
    try:
        if name:
            need(find_worker(name))
    except MissingTool as error:
        found.append(Problem(error.message, hint=error.hint))
    return found


def choice_problems(
    target: str, artifact: ModelArtifact | None, options: Options
) -> dict[tuple[str, Any], str]:
    """For every choice of every field, and for both values of every switch: "" or why it cannot be
    taken beside the other values. What is wrong already is no choice's fault.
    """
    entry = find("target", target).load() if artifact is not None else None

    def errors(tried: Options) -> list[Problem]:
        problems = _errors(tried.problems())
        if not problems and entry is not None and artifact is not None:
            problems = _errors(entry.problems(artifact, tried))
        return problems

    def is_new(problem: Problem, field: str) -> bool:
        """A choice that only asks for another field to be filled can be taken."""
        elsewhere = problem.where not in ("", field)
        empty = elsewhere and getattr(options, problem.where, "") is None
        return problem.message not in known and not empty

    known = {p.message for p in errors(options)}
    found: dict[tuple[str, Any], str] = {}
    for field in options.fields():
        for value in _values(field):
            new: list[Problem] = []
            if getattr(options, field.name) != value:
                tried = replace(options, **{field.name: value})
                new = [p for p in errors(tried) if is_new(p, field.name)]
            found[field.name, value] = new[0].message if new else ""
    return found


def _values(field: OptionField) -> tuple[Any, ...]:
    if field.plain_type is bool:
        return (False, True)
    return tuple(choice.value for choice in field.choice_list())


def _errors(problems: Sequence[Problem]) -> list[Problem]:
    return [p for p in problems if p.severity != "warning"]
