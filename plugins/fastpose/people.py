"""Which people there are to learn from and to be judged on, and what is wrong with their labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from studio.core.annotation import Instance
from studio.core.dataset import TRAIN, VAL, Dataset, Sample
from studio.core.errors import DataError, Problem, StudioError
from studio.core.skeleton import Skeleton
from studio.io.datasets import load_dataset
from studio.io.images import image_size
from studio.io.skeletons import load_skeleton

from .config import TrainOptions

Floats = npt.NDArray[np.float64]
Progress = Callable[[int, int], None]

# A joint this share of the picture's side outside of it is a mistake, not a person at the border.
_FAR = 0.25
_LISTED = 20


@dataclass(frozen=True, eq=False)
class Person:
    """One labelled person. box: (4,) x1, y1, x2, y2 in pixels; keypoints: (K, 3) x, y, v."""

    image: Path
    box: Floats
    keypoints: Floats


@dataclass
class People:
    """What there is: train, one entry a person; val, one a picture."""

    skeleton: Skeleton
    train: tuple[Person, ...] = ()
    val: tuple[Sample, ...] = ()
    dataset_hash: str = ""
    problems: list[Problem] = field(default_factory=list[Problem])


def find_people(options: TrainOptions, progress: Progress = lambda *_: None) -> People:
    """Read and check the dataset. What is wrong with it stands in `problems`, files named.

    Raises DataError, FileProblem, FormatError where it cannot be read at all.
    """
    if options.data is None:
        raise DataError("No dataset was given.", where="data", hint="Give --data.")
    wanted = load_skeleton(options.skeleton) if options.skeleton else None
    problems: list[Problem] = []
    dataset = load_dataset(options.data.expanduser(), wanted, problems.append)
    judged = _validation(options, dataset, problems)
    sides = {TRAIN: _side(dataset, TRAIN), VAL: judged}
    total = sum(len(samples) for samples in sides.values())
    done = 0
    for samples in sides.values():
        for sample in samples:
            problems += _check(sample, dataset.skeleton)
            done += 1
            progress(done, total)
    people = People(
        dataset.skeleton,
        tuple(person for sample in sides[TRAIN] for person in people_of(sample)),
        tuple(s for s in judged if any(True for _ in people_of(s))),
        dataset.content_hash,
        shortened(problems),
    )
    where = str(options.data)
    if not people.train:
        people.problems.append(Problem("Nobody to train on has a labelled joint.", where=where))
    if not people.val:
        people.problems.append(Problem("Nobody to judge on has a labelled joint.", where=where))
    return people


def people_of(sample: Sample) -> Iterator[Person]:
    """Everyone with a box of some size and a labelled joint; crowds are none."""
    for instance in sample.instances:
        box = instance.tight_box()
        if box is None or instance.iscrowd or not instance.labelled:
            continue
        x, y, width, height = (float(v) for v in box)
        if min(width, height) <= 0:
            continue
        yield Person(sample.image, np.array([x, y, x + width, y + height]), instance.keypoints)


def shortened(problems: Sequence[Problem]) -> list[Problem]:
    """The first of each severity; how many more there are is said."""
    kept: list[Problem] = []
    for severity in ("error", "warning"):
        same = [p for p in problems if p.severity == severity]
        kept += same[:_LISTED]
        if len(same) > _LISTED:
            text = f"{len(same) - _LISTED} more of this kind are not listed."
            kept.append(Problem(text, severity=severity))
    return kept


def _validation(
    options: TrainOptions, dataset: Dataset, problems: list[Problem]
) -> tuple[Sample, ...]:
    if options.val_data is None:
        return _side(dataset, VAL)
    other = load_dataset(options.val_data.expanduser(), None, problems.append)
    if other.skeleton.keypoints != dataset.skeleton.keypoints:
        raise DataError(
            f'The validation dataset has the skeleton "{other.skeleton.name}" '
            f'({len(other.skeleton)} joints), the training dataset "{dataset.skeleton.name}" '
            f"({len(dataset.skeleton)} joints).",
            where=str(options.val_data),
            hint="Convert both with the same skeleton.",
        )
    return _side(other, VAL if VAL in other.splits else "all")


def _side(dataset: Dataset, name: str) -> tuple[Sample, ...]:
    """The pictures of one side; a dataset that was never divided is both to train and judge on
    only where a person gave another one to judge on.
    """
    if name == TRAIN and VAL not in dataset.splits and TRAIN not in dataset.splits:
        return dataset.split("all")
    return dataset.split(name)


def _check(sample: Sample, skeleton: Skeleton) -> Iterator[Problem]:
    """What is wrong with one picture and its labels."""
    where = str(sample.image)
    try:
        size = image_size(sample.image, whole=True)
    except StudioError as error:
        yield Problem(error.message, where=error.where or where, hint=error.hint)
        return
    if size != sample.size:
        yield Problem(
            f"The picture is {size[0]} x {size[1]}, its labels are of one of "
            f"{sample.size[0]} x {sample.size[1]}.",
            where=where,
        )
    for number, instance in enumerate(sample.instances, 1):
        message = _wrong(instance, sample.size, skeleton)
        if message:
            yield Problem(f"Person {number}: {message}", where=where, hint="Correct the label.")
        elif instance.labelled and not instance.iscrowd and not _has_size(instance):
            text = f"Person {number} has neither outline nor box, and joints that span none."
            yield Problem(f"{text} It is left out.", where=where, severity="warning")


def _wrong(instance: Instance, size: tuple[int, int], skeleton: Skeleton) -> str:
    points = instance.keypoints
    if not np.isfinite(points).all():
        return "a joint's place is no number."
    if not np.isin(points[:, 2], (0, 1, 2)).all():
        return "a joint's visibility is not 0, 1 or 2."
    share = points[:, :2] / size
    far = (points[:, 2] > 0) & ((share < -_FAR) | (share > 1 + _FAR)).any(axis=1)
    if far.any():
        joint = int(far.argmax())
        x, y = points[joint, :2]
        return f"{skeleton.keypoints[joint]} at {x:g}, {y:g} is outside the picture."
    box = instance.tight_box()
    if box is not None and not np.isfinite(box).all():
        return "its box is no four numbers."
    return ""


def _has_size(instance: Instance) -> bool:
    box = instance.tight_box()
    return box is not None and min(float(v) for v in box[2:]) > 0
