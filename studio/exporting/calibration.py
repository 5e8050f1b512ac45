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
from studio.core.errors import Problem, StudioError, UsageError
from studio.core.job import JobContext
from studio.exporting.calibration_pictures import Shown, pictures_of, pictures_side
from studio.exporting.options import CalibrationOptions
from studio.exporting.run_data import HINT, DataPlace, training_place
from studio.io.datasets import bare_pictures

Batch = npt.NDArray[np.uint8]

FEWEST = 10
FACTS = "calibration"
"""Where an artefact's `extra` keeps `CalibrationSet.facts`; the job takes it into the certificate."""


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
    _check_enough(len(shown), place.path)

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
    """Why `calibration_set` would find no pictures or too few, as far as it can be told without
    reading a dataset: for a target's `problems`.
    """
    try:
        path = _place(artifact, options, context).path
        pictures = bare_pictures(path) if options.calibration is not None else ()
        if pictures:
            _check_enough(len(pictures), path)
    except StudioError as error:
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
) -> DataPlace:
    """What was named, else what the model's own run was trained on. Raises UsageError."""
    if options.calibration is None:
        return training_place(artifact, context)
    path = options.calibration.expanduser().absolute()
    if not path.exists():
        raise UsageError("These calibration pictures are not there.", where=path, hint=HINT)
    return DataPlace(path)


def _check_enough(count: int, path: Path) -> None:
    """Raises UsageError."""
    if count < FEWEST:
        raise UsageError(
            f"There are {count} calibration pictures; at least {FEWEST} are needed.",
            where=path,
            hint="Name a larger dataset or folder: --calibration.",
        )
