"""Writing `model.json`, which makes a weights file a model that can be run."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

from studio.core.artifact import MODEL_JSON, ModelArtifact
from studio.core.errors import ModelError
from studio.io.files import write_json


def save_artifact(artifact: ModelArtifact, folder: Path | None = None) -> Path:
    """Write `model.json` atomically into `folder` (the weights' own by default) and return its
    path. The weights must stand in that folder or below. Raises ModelError, FileProblem.
    """
    folder = (folder or artifact.weights.parent).absolute()
    weights = artifact.weights.absolute()
    if not weights.is_relative_to(folder):
        raise ModelError("The weights stand outside the model's folder.", where=weights)
    created = artifact.created or datetime.now(UTC).isoformat(timespec="seconds")
    values = dataclasses.replace(artifact, created=created).to_mapping()
    values["weights"] = weights.relative_to(folder).as_posix()
    write_json(folder / MODEL_JSON, values)
    return folder / MODEL_JSON
