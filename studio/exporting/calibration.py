"""The pictures whose values set the ranges of a model that computes in whole numbers.

They come from the training side of the dataset that the model's own run was trained on, unless a
person names others; nothing is ever fetched.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.errors import Problem, UsageError
from studio.core.job import JobContext
from studio.exporting.calibration_pictures import Shown, pictures_of, pictures_side
from studio.exporting.options import CalibrationOptions
from studio.ml.run_files import WEIGHTS, read_config

Batch = npt.NDArray[np.uint8]

FEWEST = 10
FACTS = "calibration"
"""Where an artefact's `extra` keeps `CalibrationSet.facts`; the job takes it into the certificate."""

# How families name what they are trained on.
_DATA = ("data", "dataset_root")
_HINT = "Name them: --calibration with a dataset or a folder of pictures, or --data with a dataset."


@dataclass(frozen=True)
class CalibrationSet:
    """Pictures as the network gets them at run time.

    source: where they come from, for the certificate. names: one for each picture, in order.
    facts: what the artefact must keep in its `extra` under `FACTS`: {"source", "split", "seed",
    "count", "pictures": paths}.
    """

    source: str
    names: tuple[str, ...]
    _read: Callable[[], Iterator[Batch]] = field(repr=False, compare=False)
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any], compare=False)

    def __len__(self) -> int:
        return len(self.names)

    def batches(self) -> Iterator[Batch]:
        """(1, H, W, C) uint8 BGR (motion behind the colours where the model wants it), of the
        network's input size: what `studio.runtime.engine.Engine.infer` takes. Read as they are
        asked for, anew with each call. Raises FileProblem, FormatError, Cancelled.
        """
        return self._read()


@dataclass(frozen=True)
class _Place:
    """Where pictures stand. kind, listed: of a set of heads, as a training was told."""

    path: Path
    kind: str = ""
    listed: Path | None = None


def calibration_set(
    artifact: ModelArtifact,
    options: CalibrationOptions,
    size: tuple[int, int],
    context: JobContext,
) -> CalibrationSet:
    """The pictures that `options` ask for, laid into an input of `size` (height, width) as the
    runtime does it. The same options choose the same pictures on every machine.

    Raises UsageError where no pictures are known or there are too few, DataError, FileProblem.
    """
    place = _place(artifact, options, context)

    def told(problem: Problem) -> None:
        context.log(str(problem), "warning")

    shown = pictures_of(
        artifact, place.path, options.calibration_split, size, told, kind=place.kind,
        listed=place.listed,
    )  # fmt: skip
    shown = _chosen(shown, options)
    if len(shown) < FEWEST:
        raise UsageError(
            f"There are {len(shown)} calibration pictures; at least {FEWEST} are needed.",
            where=place.path,
            hint="Name a larger dataset or folder: --calibration.",
        )

    def read() -> Iterator[Batch]:
        for one in shown:
            context.check()
            yield one.laid()[None]

    side = pictures_side(place.path, options.calibration_split)
    source = f"{place.path} ({side})" if side else str(place.path)
    facts = {
        "source": str(place.path),
        "split": side,
        "seed": options.calibration_seed,
        "count": len(shown),
        "pictures": sorted({str(one.path) for one in shown}),
    }
    return CalibrationSet(source, tuple(one.name for one in shown), read, facts)


def calibration_problems(
    artifact: ModelArtifact, options: CalibrationOptions, context: JobContext | None = None
) -> list[Problem]:
    """Why `calibration_set` would find no pictures, as far as it can be told without reading them:
    for a target's `problems`.
    """
    try:
        _place(artifact, options, context)
    except UsageError as error:
        return [Problem(error.message, where="calibration", hint=error.hint)]
    return []


def with_data(options: Any, data: Path | None, unsplit: bool) -> Any:
    """A target's options where `--data` was given: its training side calibrates if nothing else is
    named; of a dataset without sides one half, so that the other can judge.
    """
    if data is None or not isinstance(options, CalibrationOptions) or options.calibration:
        return options
    split = "half" if unsplit and options.calibration_split == "train" else None
    changed = {"calibration_split": split} if split else {}
    return dataclasses.replace(options, calibration=data, **changed)


def _chosen(shown: list[Shown], options: CalibrationOptions) -> list[Shown]:
    """As many as are asked for, in an order that the seed gives."""

    def rank(text: str) -> bytes:
        return hashlib.sha256(f"{options.calibration_seed}\0{text}".encode()).digest()

    if options.calibration_split == "half":
        pictures = sorted({one.picture for one in shown}, key=rank)
        half = set(pictures[: (len(pictures) + 1) // 2])
        shown = [one for one in shown if one.picture in half]
    return sorted(shown, key=lambda one: rank(one.name))[: options.calibration_count]


def _place(
    artifact: ModelArtifact, options: CalibrationOptions, context: JobContext | None
) -> _Place:
    """What was named, else what the model's own run was trained on. Raises UsageError."""
    if options.calibration is not None:
        path = options.calibration.expanduser().absolute()
        if not path.exists():
            raise UsageError("These calibration pictures are not there.", where=path, hint=_HINT)
        return _Place(path)
    weights = artifact.weights
    run = weights.parent.parent if weights.parent.name == WEIGHTS else weights.parent
    used = read_config(run)
    given = next((str(used[name]) for name in _DATA if used.get(name)), "")
    if not given:
        raise UsageError(
            "No calibration pictures are known: these weights do not stand in the folder of the "
            "run that made them.",
            where=weights,
            hint=_HINT,
        )
    path = _found(given, run, context)
    if path is None:
        raise UsageError(
            f"The pictures that this model was trained on are not there any more: {given}.",
            where=weights,
            hint=_HINT,
        )
    listed = _found(str(used.get("filename_list") or ""), run, context)
    return _Place(path, str(used.get("dataset") or ""), listed)


def _found(given: str, run: Path, context: JobContext | None) -> Path | None:
    """A run's path that may be relative to where it was started."""
    if not given:
        return None
    path = Path(given).expanduser()
    project = context.project if context is not None else None
    roots = [root for root in (project, Path.cwd(), run) if root is not None]
    tries = [path] if path.is_absolute() else [(root / path).absolute() for root in roots]
    return next((p for p in tries if p.exists()), None)
