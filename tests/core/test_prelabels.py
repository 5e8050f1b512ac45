"""Proposed people: found, accepted, rejected, mapped from a model's joints."""

from __future__ import annotations

import numpy as np
import pytest

from studio.core.annotation import AnnotatedImage, Shape
from studio.core.errors import DataError
from studio.core.prediction import Prediction
from studio.core.prelabels import (
    accept,
    instance_of,
    joint_order,
    proposals_of,
    proposed_shapes,
    reject,
    set_reviewed,
    without_proposals,
)
from studio.core.skeleton import Skeleton

SKELETON = Skeleton("three", ("nose", "left_hip", "right_hip"), flip_pairs=((1, 2),))


def _image() -> AnnotatedImage:
    def person(group: int, **extra: object) -> list[Shape]:
        box = Shape("person", "rectangle", ((0.0, 0.0), (9.0, 9.0)), group, extra=extra)
        return [box, Shape("nose", "point", ((1.0, 1.0),), group)]

    shapes = [
        *person(1),
        *person(2, source="m", score=0.8),
        *person(3, source="m", score=0.3),
        Shape("person", "rectangle", ((0.0, 0.0), (5.0, 5.0)), None, extra={"source": "m"}),
    ]
    return AnnotatedImage("a.png", 20, 20, tuple(shapes))


def test_the_most_doubtful_comes_first() -> None:
    found = proposals_of(_image())
    assert [(p.group_id, p.score) for p in found] == [(None, 0.0), (3, 0.3), (2, 0.8)]
    assert found[1].shapes == (4, 5)


def test_accept_takes_source_away_and_keeps_the_score() -> None:
    image = _image()
    chosen = [p for p in proposals_of(image) if p.group_id == 2]
    edit = accept(image, chosen)
    after = edit.apply(image)
    assert after.shapes[2].extra == {"score": 0.8}
    assert [p.group_id for p in proposals_of(after)] == [None, 3]
    assert edit.revert(after) == image


def test_reject_removes_all_of_a_person() -> None:
    image = _image()
    edit = reject(image, proposals_of(image))
    after = edit.apply(image)
    assert len(after.shapes) == 2
    assert edit.revert(after) == image
    assert after == without_proposals(image)


def test_joints_go_by_name_and_by_place_only_for_numbered_models() -> None:
    model = Skeleton("m", ("right_hip", "nose", "tail"))
    assert joint_order(model, SKELETON) == (1, -1, 0)
    assert joint_order(Skeleton.numbered(3), SKELETON) == (0, 1, 2)
    with pytest.raises(DataError):
        joint_order(Skeleton("m", ("paw", "tail", "ear")), SKELETON)


def test_a_prediction_becomes_shapes() -> None:
    prediction = Prediction(
        box=np.array([1, 2, 11, 22], np.float32),
        score=0.75,
        keypoints=np.array([[3, 4, 0.9], [5, 6, 0.2], [np.nan, 1, 0.9]], np.float32),
    )
    person = instance_of(prediction, (0, 1, 2), SKELETON, "m")
    shapes = proposed_shapes([person], SKELETON, 7)
    assert [(s.label, s.shape_type, s.group_id) for s in shapes] == [
        ("person", "rectangle", 7),
        ("nose", "point", 7),
    ]
    assert shapes[0].points == ((1.0, 2.0), (11.0, 22.0))
    assert shapes[0].extra == {"score": 0.75, "source": "m"}


def test_reviewing_accepts_what_is_proposed() -> None:
    image = _image()
    edit = set_reviewed(image, True)
    after = edit.apply(image)
    assert after.reviewed
    assert proposals_of(after) == ()
    assert len(after.shapes) == len(image.shapes)
    assert edit.revert(after) == image
    assert not set_reviewed(after, False).apply(after).reviewed
