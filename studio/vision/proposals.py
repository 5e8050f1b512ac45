"""Which proposed people are new on a picture, and which lie on people already accepted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from studio.core.annotation import AnnotatedImage, Instance, instances_of
from studio.core.prelabels import proposed_shapes, without_proposals
from studio.core.skeleton import Skeleton
from studio.vision.oks import oks_matrix

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Proposed:
    """A picture's annotations with proposals added; `added` of them, `left_out` for lying on
    accepted people.
    """

    image: AnnotatedImage
    added: int
    left_out: int


def propose(
    image: AnnotatedImage, people: Sequence[Instance], skeleton: Skeleton, *, overlap: float = 0.5
) -> Proposed:
    """`image` with `people` as proposals in the place of earlier proposals.

    A person whose OKS or box IoU with an accepted one is above `overlap` is left out; accepted
    shapes stay as they are.
    """
    kept = without_proposals(image)
    accepted = instances_of(kept, skeleton)
    fresh = [p for p in people if not any(alike(a, p, skeleton) > overlap for a in accepted)]
    shapes = proposed_shapes(fresh, skeleton, kept.next_group_id())
    after = replace(kept, shapes=(*kept.shapes, *shapes))
    return Proposed(after, len(fresh), len(people) - len(fresh))


def alike(first: Instance, second: Instance, skeleton: Skeleton) -> float:
    """0..1, how much two people of one picture are the same one: the larger of their box IoU and
    their OKS (over the joints labelled in both, where there are at least three).
    """
    a, b = first.tight_box(), second.tight_box()
    if a is None or b is None:
        return 0.0
    both = (first.keypoints[:, 2] > 0) & (second.keypoints[:, 2] > 0)
    oks = 0.0
    if both.sum() >= 3:
        truth = first.keypoints.copy()
        truth[~both, 2] = 0
        # Half of the box is about what COCO's outlines fill of it.
        area = np.array([max(float(a[2] * a[3]) * 0.53, 1.0)])
        sigmas = skeleton.oks_sigmas
        oks = float(oks_matrix(truth[None], area, second.keypoints[None], sigmas)[0, 0])
    return max(oks, box_iou(a, b))


def box_iou(a: FloatArray, b: FloatArray) -> float:
    """Overlap of two x, y, w, h boxes over their union, 0..1."""
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    return float(w * h / (a[2] * a[3] + b[2] * b[3] - w * h))
