"""From the weights' description to that of the artefact made of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from studio.core.artifact import InputSpec, ModelArtifact
from studio.core.job import JobContext
from studio.exporting.checks import size_of
from studio.registry import find

BESIDE = "beside"
"""Where an artefact's `extra` names files that stand in its folder and are no part of the model: what
a tool said, what only a simulator reads."""

_OF_THE_TRAINING = frozenset({"best_epoch", "epochs"})


def export_module(artifact: ModelArtifact) -> Any:
    """The family's `torch.nn.Module` on the CPU, ready to be traced. Raises ModelError."""
    return find("family", artifact.family).load().export_module(artifact)


def made_artifact(
    artifact: ModelArtifact,
    weights: Path,
    *,
    size: tuple[int, int],
    dynamic: bool = False,
    precision: str = "fp32",
    batch: int | None = None,
    output: str | None = None,
    extra: Mapping[str, Any] | None = None,
) -> ModelArtifact:
    """The description of the exported file `weights`.

    dynamic: height and width stay open. batch: how many pictures go in at once, where it is fixed.
    output: the layout, where the target changes it. extra: what its engine must know besides.
    """
    spec: InputSpec = dataclasses.replace(artifact.input, size=size, dynamic=dynamic)
    kept = {k: v for k, v in artifact.extra.items() if k not in _OF_THE_TRAINING}
    if batch is not None:
        kept["batch"] = batch
    return dataclasses.replace(
        artifact,
        weights=weights,
        input=spec,
        precision=precision,
        output=output or artifact.output,
        parent=str(artifact.weights.name),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        extra={**kept, **(extra or {})},
    )


def begin_export(
    artifact: ModelArtifact,
    weights: Path,
    context: JobContext,
    *,
    imgsz: Sequence[int] | None,
    fixed: bool,
    precision: str = "fp32",
    steps: int = 2,
) -> tuple[ModelArtifact, Any]:
    """The description of the file `weights` to be made, and the network that goes into it.

    fixed: one picture of one size goes in at a time. steps: how many the conversion has; the first
    is told. Raises ModelError, Cancelled.
    """
    made = made_artifact(
        artifact,
        weights,
        size=size_of(artifact, imgsz),
        dynamic=artifact.input.dynamic and not fixed,
        precision=precision,
        batch=1 if fixed else None,
    )
    context.progress("convert", 0, steps)
    module = export_module(artifact)
    context.check()
    return made, module
