"""People that a model proposed: told from accepted ones, accepted, rejected, sorted by doubt.

A proposal is a person any of whose shapes carries `source`. Correcting its joints leaves it a
proposal, so that a person half corrected is not taken for a finished one; accepting it, or marking
the picture reviewed, makes it the annotator's own. Accepting removes `source` and keeps `score`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from studio.core.annotation import (
    VISIBLE,
    AnnotatedImage,
    Instance,
    Shape,
    shapes_of,
)
from studio.core.edits import Edit, RemoveShapes, ReplaceShapes, compound
from studio.core.errors import DataError
from studio.core.options import N_
from studio.core.prediction import Prediction
from studio.core.shape_edits import set_image_flag
from studio.core.skeleton import Skeleton


@dataclass(frozen=True)
class Proposal:
    """One proposed person: its group id (None for a lone shape), the shapes' indices, the model's
    score (0 where the file gives none) and who proposed it.
    """

    group_id: int | None
    shapes: tuple[int, ...]
    score: float
    source: str


def proposals_of(image: AnnotatedImage) -> tuple[Proposal, ...]:
    """The proposals of a picture, the most doubtful first."""
    groups: dict[int | str, list[int]] = {}
    for index, shape in enumerate(image.shapes):
        key = f"alone {index}" if shape.group_id is None else shape.group_id
        groups.setdefault(key, []).append(index)
    found: list[Proposal] = []
    for indices in groups.values():
        proposed = [image.shapes[i] for i in indices if image.shapes[i].is_prelabel]
        if proposed:
            scores = [s for shape in proposed if (s := _score(shape)) is not None]
            found.append(
                Proposal(
                    image.shapes[indices[0]].group_id,
                    tuple(indices),
                    min(scores, default=0.0),
                    str(proposed[0].extra["source"]),
                )
            )
    return tuple(sorted(found, key=lambda p: p.score))


def accept(image: AnnotatedImage, proposals: Iterable[Proposal]) -> Edit:
    """The proposals become the annotator's own people."""
    items: list[tuple[int, Shape, Shape]] = []
    for index in sorted(i for p in proposals for i in p.shapes):
        shape = image.shapes[index]
        if shape.is_prelabel:
            extra = {k: v for k, v in shape.extra.items() if k != "source"}
            order = tuple(k for k in shape.key_order if k != "source")
            items.append((index, shape, replace(shape, extra=extra, key_order=order)))
    return ReplaceShapes(tuple(items), title=N_("Accept people"))


def reject(image: AnnotatedImage, proposals: Iterable[Proposal]) -> Edit:
    """The proposals go."""
    gone = sorted(i for p in proposals for i in p.shapes)
    return RemoveShapes(tuple((i, image.shapes[i]) for i in gone), title=N_("Reject people"))


def set_reviewed(image: AnnotatedImage, on: bool) -> Edit:
    """The picture marked as looked at and right, or not. Reviewed, nothing on it is only proposed
    any more.
    """
    mark = set_image_flag(image, "reviewed", on)
    proposed = proposals_of(image)
    if not on or not proposed or mark.is_empty:
        return mark
    return compound([accept(image, proposed), mark], title=N_("Mark reviewed"))


def without_proposals(image: AnnotatedImage) -> AnnotatedImage:
    """The picture with its accepted shapes alone."""
    gone = {i for p in proposals_of(image) for i in p.shapes}
    return replace(image, shapes=tuple(s for i, s in enumerate(image.shapes) if i not in gone))


def joint_order(model: Skeleton, wanted: Skeleton) -> tuple[int, ...]:
    """For each joint of `wanted` its place in `model`, -1 where the model does not know it.

    Joints go by name; a model that only numbers its joints goes by place where the counts agree.
    Raises DataError where the two have nothing in common.
    """
    order = tuple(model.index.get(name, -1) for name in wanted.keypoints)
    if any(i >= 0 for i in order):
        return order
    numbered = all(name.startswith("point_") for name in model.keypoints)
    if numbered and len(model) == len(wanted):
        return tuple(range(len(wanted)))
    raise DataError(
        f"The model's joints ({', '.join(model.keypoints[:4])}, ...) are none of the skeleton "
        f"{wanted.name!r}'s.",
        hint="Choose the skeleton that the model was trained on.",
    )


def instance_of(
    prediction: Prediction,
    order: Sequence[int],
    skeleton: Skeleton,
    source: str,
    *,
    kp_conf: float = 0.5,
) -> Instance:
    """A prediction as a proposed person: joints below `kp_conf` stay unset, the box is the
    model's. `order` from `joint_order`.
    """
    keypoints = np.zeros((len(skeleton), 3))
    for joint, place in enumerate(order):
        if 0 <= place < len(prediction.keypoints):
            x, y, score = (float(v) for v in prediction.keypoints[place])
            if score >= kp_conf and np.isfinite((x, y)).all():
                keypoints[joint] = round(x, 2), round(y, 2), VISIBLE
    x1, y1, x2, y2 = (round(float(v), 2) for v in prediction.box)
    return Instance(
        category=skeleton.category,
        keypoints=keypoints,
        box=np.array([x1, y1, x2 - x1, y2 - y1]),
        score=round(float(prediction.score), 4),
        source=source,
    )


def proposed_shapes(
    instances: Iterable[Instance], skeleton: Skeleton, first_id: int
) -> tuple[Shape, ...]:
    """The shapes of proposed people, with group ids from `first_id` on."""
    return tuple(
        shape
        for number, person in enumerate(instances)
        for shape in shapes_of(person, skeleton, first_id + number)
    )


def _score(shape: Shape) -> float | None:
    value = shape.extra.get("score")
    return float(value) if isinstance(value, int | float) else None
