"""Whether a model can go to a target with these options, asked of the target; no Qt.

Only an artefact with a `model.json` is asked about here: a bare weights file would have to be
opened by its family, which is a job's work, and the export job asks again anyway.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from studio.core.artifact import MODEL_JSON, ModelArtifact
from studio.core.errors import Problem
from studio.core.options import Options
from studio.registry import find


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


def fit_problems(target: str, model: Path, options: Options) -> list[Problem]:
    """Why this model cannot go there with these options."""
    artifact = described(model)
    if artifact is None:
        return []
    return list(find("target", target).load().problems(artifact, options))


def choice_problems(target: str, model: Path, options: Options) -> dict[tuple[str, Any], str]:
    """For every choice of every field: "" or why it cannot be taken beside the other values."""
    artifact = described(model)
    entry = find("target", target).load() if artifact is not None else None
    found: dict[tuple[str, Any], str] = {}
    for field in options.fields():
        for choice in field.choice_list():
            tried = replace(options, **{field.name: choice.value})
            problems = list(tried.problems())
            if not problems and entry is not None and artifact is not None:
                problems = list(entry.problems(artifact, tried))
            errors = [p for p in problems if p.severity != "warning"]
            found[field.name, choice.value] = errors[0].message if errors else ""
    return found
