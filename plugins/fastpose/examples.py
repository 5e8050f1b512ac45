"""One person a training example: a crop by chance, its joints with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.skeleton import Skeleton
from studio.io.images import read_image
from studio.ml.augment import Chances, Colours, draw_view, half_body, jitter, upper_joints
from studio.vision.affine import box_matrix

from .config import TrainOptions
from .people import Person

Floats = npt.NDArray[np.float64]

# An edge of a jittered box moves at most so many standard deviations.
_CLIP = 2.5
# A half body is cut out only of people with more labelled joints than this (AlphaPose's 8).
_MANY_JOINTS = 8


@dataclass(frozen=True)
class PersonExamples:
    """See `studio.ml.task.ExampleSet`. An example: "picture" (H, W, 3) uint8 BGR, "points" (K, 2)
    float32 in pixels of it, "weight" (K,) float32, 1 for a labelled joint inside the crop.
    """

    options: TrainOptions
    skeleton: Skeleton
    people: Sequence[Person]
    _flip_idx: tuple[int, ...] = field(init=False)
    _upper: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_flip_idx", self.skeleton.flip_idx)
        object.__setattr__(self, "_upper", upper_joints(self.skeleton))

    def __len__(self) -> int:
        return len(self.people)

    def example(self, index: int, epoch: int, rng: np.random.Generator) -> Mapping[str, Any]:
        """Person `index` as the network sees it in `epoch`."""
        options, person = self.options, self.people[index]
        size = options.imgsz[0], options.imgsz[1]
        half, edges = rng.random(), rng.normal(0.0, 1.0, 4).clip(-_CLIP, _CLIP)
        box = person.box
        if half < options.half_body and int((person.keypoints[:, 2] > 0).sum()) > _MANY_JOINTS:
            part = half_body(rng, person.keypoints, self._upper)
            box = box if part is None else part
        if options.jitter_from and epoch > options.jitter_from:
            box = jittered(box, edges * options.jitter)
        chances = Chances(
            flip=options.flip if self.skeleton.flip_pairs or len(self.skeleton) == 1 else 0.0,
            rotation=options.rotate,
            rotated=options.rotate_share,
            scale=options.scale,
        )
        view = draw_view(rng, box_matrix(box, size, options.box_scale), size, chances)
        picture = view.picture(read_image(person.image))
        if options.color:
            share = options.color
            picture = jitter(rng, picture, Colours(share, share, share))
        joints = view.points(person.keypoints, self._flip_idx)
        labelled = (joints[:, 2] > 0) & view.inside(joints)
        points = np.where(labelled[:, None], joints[:, :2], 0.0).astype(np.float32)
        return {"picture": picture, "points": points, "weight": labelled.astype(np.float32)}


def jittered(box: Floats, edges: Floats) -> Floats:
    """`box` x1, y1, x2, y2 with each edge moved by a share of its side, as a detector errs."""
    sides = np.array([box[2] - box[0], box[3] - box[1]] * 2)
    moved = box + edges * sides
    # However the edges move, something of the person stays.
    low = np.minimum(moved[:2], moved[2:] - 1)
    return np.concatenate([low, moved[2:]])
