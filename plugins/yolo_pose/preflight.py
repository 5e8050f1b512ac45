"""Everything that can be found out before a training starts."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from studio.core.errors import Problem, StudioError
from studio.ml.devices import device_problem
from studio.runtime.weights import find_weights, weights_folder

from .config import TrainOptions
from .data import TrainingData, find_data
from .labels import Checked, check_split
from .release import known_weights

Progress = Callable[[int, int], None]

# What a run of this family writes at most: a few checkpoints of the largest model.
_NEEDED_BYTES = 500_000_000


@dataclass
class Prepared:
    """The dataset as checked: the training takes it from here and reads no label again."""

    data: TrainingData | None = None
    splits: dict[str, Checked] = field(default_factory=dict[str, Checked])
    problems: list[Problem] = field(default_factory=list[Problem])


def prepare(
    options: TrainOptions, progress: Progress = lambda *_: None, *, resumed: bool = False
) -> Prepared:
    """Read and check the data, the weights, the device and the disk; changes nothing.

    resumed: the run goes on from its own checkpoint, so what it once began from may be gone.
    """
    prepared = Prepared()
    found = [device_problem(options.device)]
    if not resumed:
        found.append(weights_problem(options))
    prepared.problems += [problem for problem in found if problem is not None]
    try:
        prepared.data = find_data(options)
    except StudioError as error:
        prepared.problems.append(_as_problem(error))
        return prepared
    for split in ("train", "val"):
        checked = check_split(prepared.data, split, progress)
        prepared.splits[split] = checked
        prepared.problems += checked.problems
    prepared.problems += _advice(prepared, options)
    if not any(p.severity == "error" for p in prepared.problems):
        from .memory import memory_warning

        scarce = memory_warning(options, prepared.data)
        prepared.problems += [scarce] if scarce is not None else []
    return prepared


def weights_problem(options: TrainOptions) -> Problem | None:
    """Why the training cannot start from `options.pretrained`, or None."""
    name = options.pretrained
    suffix = Path(name).suffix.lower()
    if suffix in (".yaml", ".yml"):
        return _yaml_problem(name)
    if suffix != ".pt":
        hint = "Give weights (.pt) or a model description such as yolo11n-pose.yaml."
        return Problem(f"{name!r} is no file to start from.", where="pretrained", hint=hint)
    path = find_weights(name)
    if path is None:
        fetched = "--download fetches it; " if known_weights(name) else ""
        return Problem(
            f"The weights file {name} is not there.",
            where="pretrained",
            hint=f"Give its path, or put it into {weights_folder()}; {fetched}nothing is downloaded "
            f"unasked. To start from nothing, give {Path(name).stem}.yaml.",
        )
    from .loading import describe

    try:
        describe(path)
    except StudioError as error:
        return _as_problem(error)
    return None


def _yaml_problem(name: str) -> Problem | None:
    from .guard import ultralytics

    ultralytics()
    from ultralytics.nn.tasks import yaml_model_load

    try:
        described = yaml_model_load(name)
    except (FileNotFoundError, OSError, ValueError, TypeError) as error:
        hint = "Known are yolo11n-pose.yaml, yolov8n-pose.yaml, yolo26n-pose.yaml and larger ones."
        text = f"The model description {name} cannot be read: {error}"
        return Problem(text.splitlines()[0], where="pretrained", hint=hint)
    last = str((described.get("head") or [[None] * 3])[-1][2])
    if not last.startswith("Pose"):
        text = f"{name} describes a model that ends in {last}, not a pose model."
        return Problem(text, where="pretrained")
    return None


def _advice(prepared: Prepared, options: TrainOptions) -> list[Problem]:
    data, found = prepared.data, []
    if data is None:
        return []
    if data.flip_idx is None and options.fliplr > 0:
        text = "Which joints mirror each other is not known: pictures will not be mirrored."
        hint = "Give --skeleton, or flip_idx in the data file."
        found.append(Problem(text, str(data.yaml or data.root), hint=hint, severity="warning"))
    pictures = {split: {i.picture for i in c.items} for split, c in prepared.splits.items()}
    both = pictures["train"] & pictures["val"]
    if both and both != pictures["train"]:
        text = f"{len(both)} pictures stand in train and in val: the result will look too good."
        found.append(Problem(text, str(data.root), severity="warning"))
    free = shutil.disk_usage(Path.cwd()).free
    if free < _NEEDED_BYTES:
        text = f"Only {free / 1e6:.0f} MB are free on the disk."
        found.append(Problem(text, hint="Make room before a long training.", severity="warning"))
    return found


def _as_problem(error: StudioError) -> Problem:
    return Problem(error.message, where=error.where or "", hint=error.hint)
