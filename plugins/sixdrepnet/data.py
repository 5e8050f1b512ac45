"""The heads to train on and those to judge on, from whatever the options name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from studio.core.dataset import TRAIN, VAL
from studio.core.errors import DataError, Problem, UsageError
from studio.io.headpose_set import HeadSample, HeadSet, load_heads

from .config import TrainOptions

_TOLD = 20

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Heads:
    """What a training sees."""

    train: tuple[HeadSample, ...]
    val: tuple[HeadSample, ...]
    content_hash: str
    problems: list[Problem] = field(default_factory=list[Problem])


def find_heads(options: TrainOptions, progress: Progress) -> Heads:
    """Read both sides. Single heads that cannot be used are left out and told as warnings.

    Raises UsageError, DataError, FileProblem where there is nothing to train or to judge on.
    """
    if options.data is None:
        raise UsageError("--data is needed: a head-pose set.", where="data")
    told: list[Problem] = []
    own = _read(options.data, options.dataset, options.filename_list, told, progress)
    if options.val_data is not None or options.val_filename_list is not None:
        place = options.val_data or options.data
        kind = options.val_dataset if options.val_data is not None else options.dataset
        train = own.samples
        val = _read(place, kind, options.val_filename_list, told, progress).samples
    elif not any(s.split for s in own.samples):
        raise DataError(
            "Nothing says which heads are to be judged on.",
            where=options.data,
            hint="Give --val-data, or convert the set so that it has a val side.",
        )
    else:
        listed = options.filename_list is not None
        whole = _read(options.data, options.dataset, None, [], progress) if listed else own
        train = own.samples if listed else own.side(TRAIN)
        val = whole.side(VAL)
    problems = _summed(told)
    same = {s.picture for s in train} & {s.picture for s in val}
    if same:
        text = f"{len(same)} heads are trained on and judged on: the result will look too good."
        problems.append(Problem(text, str(options.data), severity="warning"))
    return Heads(train, val, own.content_hash, problems)


def _read(
    place: Path, kind: str, names: Path | None, told: list[Problem], progress: Progress
) -> HeadSet:
    found = load_heads(place, kind, names, told.append, None, progress)
    if any(s.loose and s.box is None for s in found.samples):
        raise DataError(
            f"The pictures of {found.kind} show more than a head.",
            where=place,
            hint=f"Crop them first: pose-studio convert --from {found.kind} --to headpose ...",
        )
    return found


def _summed(told: list[Problem]) -> list[Problem]:
    """What was left out does not stop a training; a few are named."""
    found = [
        Problem(p.message, p.where, p.line, hint=p.hint, severity="warning") for p in told[:_TOLD]
    ]
    if len(told) > _TOLD:
        found.append(Problem(f"... and {len(told) - _TOLD} more.", severity="warning"))
    return found
