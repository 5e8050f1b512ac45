"""Head-pose models of other programs: what their files give tells what they are.

Where it does not, a `metadata.yaml` beside the file says it:

    task: head-pose
    output: angles              # rotation, rot6d, bins or angles
    angles: [yaw, pitch, roll]  # their order; -pitch where it counts the other way round
    unit: degrees               # or radians
    color: rgb                  # or bgr
    mean: [0.485, 0.456, 0.406]
    std: [0.229, 0.224, 0.225]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from studio.core.artifact import InputSpec, ModelArtifact
from studio.core.errors import ModelError
from studio.io.skeletons import load_skeleton
from studio.runtime.head_outputs import (
    ANGLES,
    BINS,
    DEGREES,
    HEAD_OUTPUTS,
    RADIANS,
    ROTATION,
    SIX,
    USUAL_ORDER,
    order_of,
)

# Published networks' ways to cut half a turn, and a whole one, into bins of three degrees.
_BINS = (66, 120)
_SIDE = 224
_COLORS = ("rgb", "bgr")
# ImageNet's: foreign files do not say how colours are scaled, and all that are known take these.
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_WRITE = (
    "Write a metadata.yaml beside it with the lines: task: head-pose; output: angles; "
    "angles: [yaw, pitch, roll] (in its order, -pitch where the sign is the other one); "
    "unit: degrees (or radians)."
)


class NetworkOutput(NamedTuple):
    """One of a file's outputs; -1 stands for an open size."""

    name: str
    shape: tuple[int, ...]


def may_be_heads(
    facts: Mapping[str, Any], entry: tuple[int, ...], outputs: Sequence[NetworkOutput]
) -> bool:
    """Whether a file is a head-pose model as far as it is seen: models of people give rows."""
    if facts.get("task") == "head-pose":
        return True
    return (
        "task" not in facts
        and len(entry) == 4
        and all(len(o.shape) <= 2 or o.shape[1:] == (3, 3) for o in outputs if o.shape)
    )


def foreign_heads(
    path: Path,
    facts: Mapping[str, Any],
    told: Mapping[str, Any],
    entry: tuple[int, ...],
    outputs: Sequence[NetworkOutput],
) -> ModelArtifact:
    """The artefact of such a file. facts: its metadata's values; told: as they stand there. Raises
    ModelError where it cannot be known what its numbers mean, saying what to write.
    """
    if len(entry) != 4 or entry[1] != 3:
        raise ModelError(
            f"This head-pose model takes {list(entry)}; heads are shown as (N, 3, height, width).",
            where=path,
            hint="Export it with colours before height and width.",
        )
    output, extra = _meaning(path, facts, outputs)
    batch = outputs[0].shape[0] if outputs[0].shape and outputs[0].shape[0] > 0 else entry[0]
    size = (entry[2] if entry[2] > 0 else _SIDE, entry[3] if entry[3] > 0 else _SIDE)
    if batch > 0:
        extra["batch"] = batch
    if told:
        extra["foreign"] = {key: str(value) for key, value in told.items()}
    return ModelArtifact(
        family="foreign",
        task="head-pose",
        weights=path.resolve(),
        input=InputSpec(
            size=size,
            color=_color(path, facts),
            mean=_three(path, facts, "mean", _MEAN),
            std=_three(path, facts, "std", _STD),
        ),
        skeleton=load_skeleton("face5"),
        categories=("head",),
        output=output,
        extra=extra,
    )


def _meaning(
    path: Path, facts: Mapping[str, Any], outputs: Sequence[NetworkOutput]
) -> tuple[str, dict[str, Any]]:
    """The layout of the answer, and what `ModelArtifact.extra` needs to say of it."""
    asked = facts.get("output")
    if asked is not None and asked not in HEAD_OUTPUTS:
        raise ModelError(
            f"metadata.yaml: output is one of {', '.join(HEAD_OUTPUTS)}, not {asked!r}.", where=path
        )
    sizes = [_numbers(o.shape) for o in outputs]
    named = _named(outputs)
    whole = [i for i, o in enumerate(outputs) if o.shape[1:] == (3, 3)]
    if asked in (None, ROTATION) and len(whole) == 1:
        return ROTATION, {"outputs": whole} if len(outputs) > 1 else {}
    if asked == ROTATION and sizes == [9]:
        return ROTATION, {}
    if asked in (None, SIX) and sizes == [6]:
        return SIX, {}
    three = named if named is not None else list(range(3)) if len(outputs) == 3 else None
    chosen = [sizes[i] for i in three] if three is not None else []
    if asked in (None, BINS) and chosen and all(size in _BINS for size in chosen):
        return BINS, _order(path, facts, {"outputs": three})
    if sizes == [3] or chosen == [1, 1, 1]:
        if asked != ANGLES:
            raise ModelError(
                "This model gives three numbers, and nothing in it says which angles they are and "
                "in what unit.",
                where=path,
                hint=_WRITE,
            )
        extra = _order(path, facts, {"outputs": three} if chosen else {})
        unit = facts.get("unit", DEGREES)
        if unit not in (DEGREES, RADIANS):
            raise ModelError(
                f"metadata.yaml: unit is {DEGREES} or {RADIANS}, not {unit!r}.", where=path
            )
        return ANGLES, {**extra, "unit": unit}
    raise _unknown(path, asked, outputs)


def _order(path: Path, facts: Mapping[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    names = facts.get("angles", USUAL_ORDER)
    try:
        order_of([str(name) for name in names])
    except (TypeError, ValueError):
        raise ModelError(
            f"metadata.yaml: angles are yaw, pitch and roll in their order, not {names!r}.",
            where=path,
            hint="Write angles: [yaw, pitch, roll].",
        ) from None
    return {**extra, "angles": [str(name) for name in names]}


def _numbers(shape: tuple[int, ...]) -> int:
    """How many numbers a head has in an output; 0 where that is open."""
    count = 1
    for side in shape[1:]:
        count *= max(side, 0)
    return count


def _named(outputs: Sequence[NetworkOutput]) -> list[int] | None:
    """The outputs that are called yaw, pitch and roll, in this order."""
    found = [[i for i, o in enumerate(outputs) if name in o.name.lower()] for name in USUAL_ORDER]
    return [places[0] for places in found] if all(len(f) == 1 for f in found) else None


def _color(path: Path, facts: Mapping[str, Any]) -> str:
    color = str(facts.get("color", _COLORS[0])).lower()
    if color not in _COLORS:
        raise ModelError(
            f"metadata.yaml: color is {_COLORS[0]} or {_COLORS[1]}, not {color!r}.", where=path
        )
    return color


def _three(
    path: Path, facts: Mapping[str, Any], name: str, usual: tuple[float, ...]
) -> tuple[float, ...]:
    values = facts.get(name, usual)
    try:
        numbers = tuple(float(v) for v in values)
    except (TypeError, ValueError):
        numbers = ()
    if len(numbers) != 3:
        raise ModelError(f"metadata.yaml: {name} is three numbers, not {values!r}.", where=path)
    return numbers


def _unknown(path: Path, asked: Any, outputs: Sequence[NetworkOutput]) -> ModelError:
    shapes = ", ".join(f"{o.name} {list(o.shape)}" for o in outputs)
    if asked:
        return ModelError(
            f"metadata.yaml: output is {asked}, but this model gives {shapes}.", where=path
        )
    return ModelError(
        f"This model gives {shapes}, which is no answer of a head-pose model: that is (N, 3, 3), "
        "(N, 6), three times (N, 66), or three angles. A pose model gives (N, numbers a person, "
        "candidates).",
        where=path,
        hint="Export it so that it gives one of them.",
    )
