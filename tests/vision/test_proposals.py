"""Proposals beside accepted people."""

from __future__ import annotations

import numpy as np
import pytest

from studio.core.annotation import AnnotatedImage, Instance, instances_of, shapes_of
from studio.core.prelabels import proposals_of
from studio.core.skeleton import Skeleton
from studio.vision.proposals import alike, box_iou, propose

SKELETON = Skeleton("four", ("a", "b", "c", "d"), sigmas=(0.05, 0.05, 0.05, 0.05))


def _person(x: float, *, source: str | None = None, box: bool = True) -> Instance:
    points = np.array([[0, 0, 2], [40, 0, 2], [40, 80, 2], [0, 80, 2]], float)
    points[:, 0] += x
    return Instance(
        "person",
        points,
        box=np.array([x, 0, 40, 80.0]) if box else None,
        score=0.5 if source else None,
        source=source,
    )


def test_people_on_accepted_ones_are_left_out_and_old_proposals_replaced() -> None:
    image = AnnotatedImage("a.png", 400, 200)
    accepted = shapes_of(_person(0), SKELETON, 4)
    old = shapes_of(_person(200, source="old"), SKELETON, 5)
    image = AnnotatedImage("a.png", 400, 200, (*accepted, *old))
    people = [_person(3, source="m"), _person(100, source="m"), _person(300, source="m")]
    found = propose(image, people, SKELETON)
    assert (found.added, found.left_out) == (2, 1)
    assert found.image.shapes[: len(accepted)] == accepted
    assert {p.source for p in proposals_of(found.image)} == {"m"}
    assert found.image.group_ids() == (4, 5, 6)


def test_oks_finds_the_same_person_without_a_box() -> None:
    assert alike(_person(0, box=False), _person(1, source="m"), SKELETON) > 0.9
    assert alike(_person(0), _person(150), SKELETON) == pytest.approx(0, abs=1e-3)
    assert len(
        instances_of(AnnotatedImage("", shapes=shapes_of(_person(0), SKELETON, 1)), SKELETON)
    )


def test_box_iou() -> None:
    assert box_iou(np.array([0, 0, 10, 10.0]), np.array([5, 0, 10, 10.0])) == pytest.approx(1 / 3)
    assert box_iou(np.array([0, 0, 10, 10.0]), np.array([20, 0, 10, 10.0])) == 0
