"""Where the pictures stand that a model's own run was trained and judged on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.core.artifact import ModelArtifact
from studio.core.errors import UsageError
from studio.core.job import JobContext
from studio.ml.run_files import WEIGHTS, read_config

HINT = "Name them: --calibration with a dataset or a folder of pictures, or --data with a dataset."

# How families name what they are trained on, and what they are judged on if elsewhere.
_DATA, _VAL = ("data", "dataset_root"), ("val_data",)


@dataclass(frozen=True)
class DataPlace:
    """Where pictures stand. kind, listed: of a set of heads, as the training was told. apart: it
    holds nothing but pictures to judge on.
    """

    path: Path
    kind: str = ""
    listed: Path | None = None
    apart: bool = False


def training_place(artifact: ModelArtifact, context: JobContext | None) -> DataPlace:
    """What the run that made these weights was trained on. Raises UsageError where that is not
    known, or not there any more.
    """
    run, used = _config(artifact)
    given = _given(used, _DATA)
    if not given:
        raise UsageError(
            "No calibration pictures are known: these weights do not stand in the folder of the "
            "run that made them.",
            where=artifact.weights,
            hint=HINT,
        )
    path = _found(given, run, context)
    if path is None:
        raise UsageError(
            f"The pictures that this model was trained on are not there any more: {given}.",
            where=artifact.weights,
            hint=HINT,
        )
    listed = _found(_given(used, ("filename_list",)), run, context)
    return DataPlace(path, _given(used, ("dataset",)), listed)


def judging_place(artifact: ModelArtifact, context: JobContext | None) -> DataPlace | None:
    """What that run was judged on; None where it is not known or not there any more."""
    run, used = _config(artifact)
    path = _found(_given(used, _VAL), run, context)
    if path is not None:
        listed = _found(_given(used, ("val_filename_list",)), run, context)
        return DataPlace(path, _given(used, ("val_dataset",)), listed, apart=True)
    path = _found(_given(used, _DATA), run, context)
    return None if path is None else DataPlace(path, _given(used, ("dataset",)))


def _config(artifact: ModelArtifact) -> tuple[Path, Mapping[str, Any]]:
    weights = artifact.weights
    run = weights.parent.parent if weights.parent.name == WEIGHTS else weights.parent
    return run, read_config(run)


def _given(used: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next((str(used[name]) for name in names if used.get(name)), "")


def _found(given: str, run: Path, context: JobContext | None) -> Path | None:
    """A run's path, which may be relative to where it was started."""
    if not given:
        return None
    path = Path(given).expanduser()
    project = context.project if context is not None else None
    roots = [root for root in (project, Path.cwd(), run) if root is not None]
    tries = [path] if path.is_absolute() else [(root / path).absolute() for root in roots]
    return next((p for p in tries if p.exists()), None)
